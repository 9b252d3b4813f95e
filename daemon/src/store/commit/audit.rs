//! Lines of the audit log.

use super::{Batch, limited};
use crate::model::{AuditCommit, AuditLine};
use crate::store::error::StoreError;
use crate::store::records;

/// A line that gets its number when it is written.
pub(in crate::store) struct AuditPut {
    pub(in crate::store) payload: Vec<u8>,
    pub(in crate::store) action: String,
    /// What it is about, as it is in the clear.
    pub(in crate::store) what: String,
    pub(in crate::store) influencer: Option<String>,
}

impl AuditPut {
    pub(in crate::store) fn of(line: &AuditLine) -> Result<Self, StoreError> {
        Ok(Self {
            payload: limited(records::audit::encode(line)?)?,
            action: line.action.clone(),
            what: line.on.what.clone(),
            influencer: line.on.influencer.map(|influencer| influencer.to_string()),
        })
    }
}

impl Batch {
    pub(super) fn add_audit(&mut self, commit: &AuditCommit) -> Result<(), StoreError> {
        for line in &commit.lines {
            self.audit.push(AuditPut::of(line)?);
        }
        Ok(())
    }
}
