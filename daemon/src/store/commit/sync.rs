//! Rows of snapshots, runs, changes, figures, holds and budgets.

use super::{Batch, Put};
use crate::model::SyncCommit;
use crate::store::error::StoreError;
use crate::store::log::LogRow;
use crate::store::records::budget_key;
use crate::store::tables::Records;

impl Batch {
    pub(super) fn add_sync(&mut self, commit: &SyncCommit) -> Result<(), StoreError> {
        self.has_runs = !commit.runs.is_empty() || !commit.requests.is_empty();
        commit.forgotten_histories.iter().for_each(|connection| self.forget(connection));
        for (connection, snapshot) in &commit.snapshots {
            self.rows.push(LogRow::of(*connection, snapshot)?);
        }
        self.reported.days.extend(commit.reported.iter().cloned());
        for audience in &commit.audiences {
            self.reported.audiences.push(Put::of(Records::Audiences, audience)?);
        }
        commit.runs.iter().try_for_each(|run| self.put(run))?;
        commit.changes.iter().try_for_each(|change| self.put_change(change))?;
        commit.figures.iter().try_for_each(|figures| self.put(figures))?;
        commit.requests.iter().try_for_each(|block| self.put(block))?;
        commit.holds.iter().try_for_each(|hold| self.put(hold))?;
        for lane in &commit.released_holds {
            self.delete(Records::Holds, lane.as_bytes().to_vec());
        }
        commit.budgets.iter().try_for_each(|budget| self.put(budget))?;
        for key in &commit.removed_budgets {
            self.delete(Records::Budgets, budget_key(key));
        }
        Ok(())
    }
}
