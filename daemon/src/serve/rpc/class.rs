//! The class of every call: which role it needs, and how long its response can be. A new verb does not compile until it has
//! one.

use roster_protocol::{Role, RosterRequest};

/// How long the response can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Short,
    /// A page, or a list as long as the roster.
    Long,
}

/// The class of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The least that the caller needs.
    pub role: Role,
    pub length: Length,
}

/// The class of a call.
pub fn of(request: &RosterRequest) -> Class {
    use RosterRequest as R;
    let (role, length) = match request {
        R::Ping {}
        | R::Status {}
        | R::LogLevel { level: None }
        | R::Platforms {}
        | R::Influencer { .. }
        | R::Connection { .. }
        | R::ConsentState { .. }
        | R::ConsentOpen { .. }
        | R::SyncProgress { .. }
        | R::Alert { .. }
        | R::EventsSince { .. }
        | R::Channels {}
        | R::Notices {}
        | R::NoticesShown { .. }
        | R::ReadAlerts { .. } => (Role::Viewer, Length::Short),

        R::Figures { .. }
        | R::Influencers { .. }
        | R::Namesakes { .. }
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
        | R::VerifyAudit {} => (Role::Viewer, Length::Long),

        R::TestPlatform { .. }
        | R::Examine {}
        | R::LookUp { .. }
        | R::Sync { .. }
        | R::Acknowledge { .. }
        | R::AssignAlert { .. }
        | R::AddSilence { .. }
        | R::EndSilence { .. }
        | R::RetryDelivery { .. } => (Role::Analyst, Length::Short),
        R::Pause { .. } => (Role::Analyst, Length::Long),

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
        | R::Record { .. } => (Role::Analyst, Length::Short),

        // A rule concerns all users, and so does a message on a channel.
        R::AddRule { .. } | R::EditRule { .. } | R::RemoveRule { .. } | R::TestChannel { .. } => {
            (Role::Admin, Length::Short)
        }

        R::LogLevel { level: Some(_) }
        | R::Remove { .. }
        | R::Disconnect { .. }
        | R::ChooseRetention {}
        | R::Backup { .. }
        | R::BackupKept {}
        | R::RevokeAll {}
        | R::RotateKey {}
        | R::RetireKey { .. } => (Role::Admin, Length::Short),
        // All that is stored is in it.
        R::BackupPiece {} | R::CheckStore {} => (Role::Admin, Length::Long),
    };
    Class { role, length }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: RosterRequest, role: Role, length: Length) {
        assert_eq!(of(&request), Class { role, length });
    }

    #[test]
    fn a_call_is_classed_by_what_it_does() {
        check(RosterRequest::LogLevel { level: None }, Role::Viewer, Length::Short);
        check(RosterRequest::LogLevel { level: Some("debug".to_owned()) }, Role::Admin, Length::Short);
        check(RosterRequest::Influencer { influencer: "mara".to_owned() }, Role::Viewer, Length::Short);
        check(RosterRequest::Influencers { query: Default::default() }, Role::Viewer, Length::Long);
        check(RosterRequest::Acknowledge { alerts: Vec::new(), note: None }, Role::Analyst, Length::Short);
        let assign = RosterRequest::AssignAlert { alert: "abc".to_owned(), user: None };
        check(assign, Role::Analyst, Length::Short);
        check(RosterRequest::ReadAlerts { alerts: None }, Role::Viewer, Length::Short);
        check(RosterRequest::Channels {}, Role::Viewer, Length::Short);
        check(RosterRequest::TestChannel { channel: "team".to_owned() }, Role::Admin, Length::Short);
        check(RosterRequest::RetryDelivery { delivery: "abc".to_owned() }, Role::Analyst, Length::Short);
        check(RosterRequest::Keys {}, Role::Viewer, Length::Long);
        check(RosterRequest::RevokeAll {}, Role::Admin, Length::Short);
        check(RosterRequest::RotateKey {}, Role::Admin, Length::Short);
        check(RosterRequest::Remove { influencer: "mara".to_owned() }, Role::Admin, Length::Short);
        let backup = RosterRequest::Backup { seal: roster_protocol::BackupSeal::AsConfigured, with_keys: false };
        check(backup, Role::Admin, Length::Short);
        check(RosterRequest::BackupPiece {}, Role::Admin, Length::Long);
        assert!(Role::Viewer < Role::Analyst && Role::Analyst < Role::Admin);
    }
}
