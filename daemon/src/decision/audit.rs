//! Lines of the audit log about what a person did, and how they name what it was done to.

use roster_protocol::audit::Who;

use super::Decision;
use crate::model::{AuditLine, Connection, Influencer};

/// A line of the audit log about something a person did.
pub fn audit(decision: &Decision<'_>, who: &Who, action: &str, on: String) -> AuditLine {
    AuditLine {
        at: decision.now,
        who: Some(who.clone()),
        action: action.to_owned(),
        on,
        old: None,
        new: None,
        cause: "person".to_owned(),
    }
}

/// The same with what it was and what it is.
pub fn audit_change(
    decision: &Decision<'_>,
    who: &Who,
    action: &str,
    on: String,
    old: String,
    new: String,
) -> AuditLine {
    AuditLine { old: Some(old), new: Some(new), ..audit(decision, who, action, on) }
}

pub fn influencer_named(influencer: &Influencer) -> String {
    format!("{} {}", influencer.id, influencer.name)
}

pub fn connection_named(connection: &Connection) -> String {
    format!("{} {}:{}", connection.id, connection.platform, connection.handle)
}
