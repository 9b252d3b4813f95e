//! The class of every call: which role it needs, how long its response can be, and whether the audit log has it. A new verb
//! does not compile until it has one.

use roster_protocol::{Role, RosterRequest};

/// How long the response can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Short,
    /// A page, or a list as long as the roster.
    Long,
    /// Short, and sent only when there is something new or a wait is over.
    Awaited,
}

/// The class of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The least that the caller needs.
    pub role: Role,
    pub length: Length,
    /// Whether it is an action, which leaves a line in the audit log: it changes what all users see, or spends what all
    /// may request, or returns all that is stored.
    pub acts: bool,
}

/// The class of a call.
pub fn of(request: &RosterRequest) -> Class {
    use RosterRequest as R;
    let (role, length, acts) = match request {
        R::Ping {}
        | R::Status {}
        | R::LogLevel { level: None }
        | R::Platforms {}
        | R::Influencer { .. }
        | R::Connection { .. }
        | R::ConsentOpen { .. }
        | R::Alert { .. }
        | R::Channels {}
        // What a user has seen is theirs alone.
        | R::NoticesShown { .. }
        | R::ReadAlerts { .. } => (Role::Viewer, Length::Short, false),
        R::ConsentState { .. } | R::SyncProgress { .. } | R::EventsSince { .. } | R::Notices {} => {
            (Role::Viewer, Length::Awaited, false)
        }

        R::Figures { .. }
        | R::Influencers { .. }
        | R::Namesakes { .. }
        | R::Movers { .. }
        | R::Connections { .. }
        | R::Grants {}
        | R::Budgets {}
        | R::Runs { .. }
        | R::Requests { .. }
        | R::Due { .. }
        | R::History { .. }
        | R::Changes { .. }
        | R::Alerts { .. }
        | R::Rules {}
        | R::TestRule { .. }
        | R::Silences {}
        | R::Deliveries { .. }
        | R::Retention { .. }
        | R::Keys {}
        | R::Access {}
        | R::Audit { .. }
        | R::VerifyAudit {} => (Role::Viewer, Length::Long, false),

        // The first page begins an export; those after it continue it.
        R::Held { mark, .. } => (Role::Viewer, Length::Long, mark.is_none()),

        R::TestPlatform { .. }
        | R::Examine {}
        | R::LookUp { .. }
        | R::Sync { .. }
        | R::Acknowledge { .. }
        | R::AssignAlert { .. }
        | R::AddSilence { .. }
        | R::EndSilence { .. }
        | R::RetryDelivery { .. } => (Role::Analyst, Length::Short, true),
        R::Pause { .. } => (Role::Analyst, Length::Long, true),

        R::Add { .. }
        | R::Edit { .. }
        | R::Undo {}
        | R::Merge { .. }
        | R::Connect { .. }
        | R::ConsentBegin { .. }
        | R::ConsentPaste { .. }
        | R::ConsentChoose { .. }
        | R::ConsentCancel { .. }
        | R::SetInterval { .. }
        | R::SetHandle { .. }
        | R::Record { .. } => (Role::Analyst, Length::Short, true),

        // A rule concerns all users, and so does a message on a channel.
        R::AddRule { .. } | R::EditRule { .. } | R::RemoveRule { .. } | R::TestChannel { .. } => {
            (Role::Admin, Length::Short, true)
        }

        R::LogLevel { level: Some(_) }
        | R::Remove { .. }
        | R::Erase { .. }
        | R::Disconnect { .. }
        | R::ChooseRetention {}
        | R::Backup { .. }
        | R::BackupKept {}
        | R::RevokeAll {}
        | R::RotateKey {}
        | R::RetireKey { .. } => (Role::Admin, Length::Short, true),
        R::CheckStore {} => (Role::Admin, Length::Long, true),
        // All that is stored is in it; the call that began it is in the audit log.
        R::BackupPiece {} => (Role::Admin, Length::Long, false),
        // They change nothing.
        R::ErasePreview { .. } => (Role::Admin, Length::Short, false),
        R::Erased { .. } => (Role::Admin, Length::Long, false),
    };
    Class { role, length, acts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: RosterRequest, role: Role, length: Length, acts: bool) {
        assert_eq!(of(&request), Class { role, length, acts });
    }

    #[test]
    fn a_call_is_classed_by_what_it_does() {
        check(RosterRequest::LogLevel { level: None }, Role::Viewer, Length::Short, false);
        check(RosterRequest::LogLevel { level: Some("debug".to_owned()) }, Role::Admin, Length::Short, true);
        check(RosterRequest::Influencer { influencer: "mara".to_owned() }, Role::Viewer, Length::Short, false);
        check(RosterRequest::Influencers { query: Default::default() }, Role::Viewer, Length::Long, false);
        check(RosterRequest::Acknowledge { alerts: Vec::new(), note: None }, Role::Analyst, Length::Short, true);
        let assign = RosterRequest::AssignAlert { alert: "abc".to_owned(), user: None };
        check(assign, Role::Analyst, Length::Short, true);
        check(RosterRequest::ReadAlerts { alerts: None }, Role::Viewer, Length::Short, false);
        check(RosterRequest::Notices {}, Role::Viewer, Length::Awaited, false);
        check(RosterRequest::Channels {}, Role::Viewer, Length::Short, false);
        check(RosterRequest::TestChannel { channel: "team".to_owned() }, Role::Admin, Length::Short, true);
        check(RosterRequest::RetryDelivery { delivery: "abc".to_owned() }, Role::Analyst, Length::Short, true);
        check(RosterRequest::Keys {}, Role::Viewer, Length::Long, false);
        check(RosterRequest::RevokeAll {}, Role::Admin, Length::Short, true);
        check(RosterRequest::RotateKey {}, Role::Admin, Length::Short, true);
        check(RosterRequest::Remove { influencer: "mara".to_owned() }, Role::Admin, Length::Short, true);
        let backup = RosterRequest::Backup { seal: roster_protocol::BackupSeal::AsConfigured, with_keys: false };
        check(backup, Role::Admin, Length::Short, true);
        check(RosterRequest::BackupPiece {}, Role::Admin, Length::Long, false);
        assert!(Role::Viewer < Role::Analyst && Role::Analyst < Role::Admin);
    }
}
