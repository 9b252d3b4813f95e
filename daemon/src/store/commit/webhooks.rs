//! Rows of what platforms sent to us.

use super::Batch;
use crate::model::WebhooksCommit;
use crate::store::error::StoreError;
use crate::store::tables::{Records, timed_key};

impl Batch {
    pub(super) fn add_webhooks(&mut self, commit: &WebhooksCommit) -> Result<(), StoreError> {
        commit.receipts.iter().try_for_each(|receipt| self.put(receipt))?;
        for (at, key) in &commit.forgotten_receipts {
            self.delete(Records::Receipts, timed_key(*at, &[key]));
        }
        commit.deletions.iter().try_for_each(|deletion| self.put(deletion))?;
        for code in &commit.forgotten_deletions {
            self.delete(Records::Deletions, code.as_bytes().to_vec());
        }
        commit.leases.iter().try_for_each(|lease| self.put(lease))?;
        for connection in &commit.ended_leases {
            self.delete(Records::Leases, connection.0.to_vec());
        }
        Ok(())
    }
}
