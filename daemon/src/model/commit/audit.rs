//! What a commit writes to the audit log.

use crate::model::AuditLine;

/// Who did what, for the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditCommit {
    pub lines: Vec<AuditLine>,
}
