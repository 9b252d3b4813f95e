//! Lines of the audit log.

use super::{Batch, limited};
use crate::model::AuditCommit;
use crate::store::error::StoreError;
use crate::store::records;

impl Batch {
    pub(super) fn add_audit(&mut self, commit: &AuditCommit) -> Result<(), StoreError> {
        for line in &commit.lines {
            self.audit.push(limited(records::encode_audit(line)?)?);
        }
        Ok(())
    }
}
