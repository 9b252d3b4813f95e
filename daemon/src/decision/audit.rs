//! Lines of the audit log about what a person did, and how they name what it was done to.

use roster_protocol::audit::Who;

use super::Decision;
use crate::model::{AuditLine, Connection, Influencer, On};

/// A line of the audit log about something a person did.
pub fn audit(decision: &Decision<'_>, who: &Who, action: &str, on: impl Into<On>) -> AuditLine {
    AuditLine {
        at: decision.now,
        who: Some(who.clone()),
        action: action.to_owned(),
        on: on.into(),
        old: None,
        new: None,
        cause: "person".to_owned(),
        sealed: None,
    }
}

/// The same with what it was and what it is.
pub fn audit_change(
    decision: &Decision<'_>,
    who: &Who,
    action: &str,
    on: impl Into<On>,
    old: String,
    new: String,
) -> AuditLine {
    AuditLine { old: Some(old), new: Some(new), ..audit(decision, who, action, on) }
}

/// A line of the audit log about something the daemon did.
pub fn own(decision: &Decision<'_>, action: &str, on: impl Into<On>, cause: &str) -> AuditLine {
    AuditLine {
        at: decision.now,
        who: None,
        action: action.to_owned(),
        on: on.into(),
        old: None,
        new: None,
        cause: cause.to_owned(),
        sealed: None,
    }
}

pub fn influencer_named(influencer: &Influencer) -> On {
    On::of(influencer.id, influencer.id, influencer.name.clone())
}

pub fn connection_named(connection: &Connection) -> On {
    On::of(connection.influencer, connection.id, format!("{}:{}", connection.platform, connection.handle))
}
