//! Rows of influencers, connections and settings.

use super::Batch;
use crate::model::RosterCommit;
use crate::store::error::StoreError;
use crate::store::records::{Record, Sweep};
use crate::store::tables::Records;

impl Batch {
    pub(super) fn add_roster(&mut self, commit: &RosterCommit) -> Result<(), StoreError> {
        commit.influencers.iter().try_for_each(|influencer| self.put(influencer))?;
        for id in &commit.removed_influencers {
            self.delete(Records::Influencers, id.0.to_vec());
        }
        commit.data_keys.iter().try_for_each(|key| self.put(key))?;
        for id in &commit.removed_data_keys {
            self.delete(Records::DataKeys, id.0.to_vec());
        }
        commit.tombstones.iter().try_for_each(|tombstone| self.put(tombstone))?;
        commit.connections.iter().try_for_each(|connection| self.put(connection))?;
        for connection in &commit.removed_connections {
            self.delete(Records::Connections, connection.key());
            self.put(&Sweep { connection: connection.id })?;
            self.forget(connection);
        }
        for removal in &commit.removals {
            self.put(removal)?;
            removal.connections.iter().for_each(|it| self.delete(Records::Connections, it.key()));
        }
        commit.ended_removals.iter().for_each(|of| self.delete(Records::Removals, of.key()));
        for connection in &commit.forgotten_connections {
            self.put(&Sweep { connection: connection.id })?;
            self.forget(connection);
        }
        commit.settings.iter().try_for_each(|settings| self.put(settings))?;
        for log in &commit.undo {
            match log.changes.is_empty() {
                true => self.delete(Records::Undo, log.key()),
                false => self.put(log)?,
            }
        }
        commit.retention.iter().try_for_each(|choice| self.put(choice))?;
        commit.backup.iter().try_for_each(|backup| self.put(backup))
    }
}
