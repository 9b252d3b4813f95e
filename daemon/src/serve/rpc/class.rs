//! The class of every call: what access it needs, and how long its response can be. A new verb does not compile until it
//! has one.

use roster_protocol::RosterRequest;

/// What a caller may do. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Sees everything but secrets, and keeps its own desktop and what it has read up to date.
    Read,
    /// Runs the roster as it is: syncs, acknowledges, assigns, pauses.
    Operate,
    /// Changes what the roster holds.
    Edit,
    /// Deletes for good, and changes how the daemon runs.
    Administer,
}

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
    /// The least a caller needs.
    pub access: Access,
    pub length: Length,
}

/// The class of a call.
pub fn of(request: &RosterRequest) -> Class {
    use RosterRequest as R;
    let (access, length) = match request {
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
        | R::ReadAlerts { .. } => (Access::Read, Length::Short),

        R::Figures { .. }
        | R::Influencers { .. }
        | R::Namesakes { .. }
        | R::Connections { .. }
        | R::Grants {}
        | R::Budgets {}
        | R::Runs { .. }
        | R::Due { .. }
        | R::History { .. }
        | R::Changes { .. }
        | R::Alerts { .. }
        | R::Rules {}
        | R::TestRule { .. }
        | R::Silences {}
        | R::Deliveries { .. }
        | R::Retention { .. }
        | R::Audit { .. } => (Access::Read, Length::Long),

        R::TestPlatform { .. }
        | R::LookUp { .. }
        | R::Sync { .. }
        | R::Acknowledge { .. }
        | R::AssignAlert { .. }
        | R::AddSilence { .. }
        | R::EndSilence { .. }
        | R::TestChannel { .. }
        | R::RetryDelivery { .. } => (Access::Operate, Length::Short),
        R::Pause { .. } => (Access::Operate, Length::Long),

        R::Add { .. }
        | R::Edit { .. }
        | R::Merge { .. }
        | R::Connect { .. }
        | R::ConsentBegin { .. }
        | R::ConsentPaste { .. }
        | R::ConsentChoose { .. }
        | R::ConsentCancel { .. }
        | R::SetInterval { .. }
        | R::SetHandle { .. }
        | R::Record { .. } => (Access::Edit, Length::Short),

        // A rule concerns all users.
        R::AddRule { .. } | R::EditRule { .. } | R::RemoveRule { .. } => (Access::Administer, Length::Short),

        R::LogLevel { level: Some(_) }
        | R::Remove { .. }
        | R::Disconnect { .. }
        | R::ChooseRetention {}
        | R::Backup { .. }
        | R::BackupKept {} => (Access::Administer, Length::Short),
        // All that is stored is in it.
        R::BackupPiece {} => (Access::Administer, Length::Long),
    };
    Class { access, length }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: RosterRequest, access: Access, length: Length) {
        assert_eq!(of(&request), Class { access, length });
    }

    #[test]
    fn a_call_is_classed_by_what_it_does() {
        check(RosterRequest::LogLevel { level: None }, Access::Read, Length::Short);
        check(RosterRequest::LogLevel { level: Some("debug".to_owned()) }, Access::Administer, Length::Short);
        check(RosterRequest::Influencer { influencer: "mara".to_owned() }, Access::Read, Length::Short);
        check(RosterRequest::Influencers { query: Default::default() }, Access::Read, Length::Long);
        check(RosterRequest::Acknowledge { alerts: Vec::new(), note: None }, Access::Operate, Length::Short);
        let assign = RosterRequest::AssignAlert { alert: "abc".to_owned(), user: None };
        check(assign, Access::Operate, Length::Short);
        check(RosterRequest::ReadAlerts { alerts: None }, Access::Read, Length::Short);
        check(RosterRequest::Channels {}, Access::Read, Length::Short);
        check(RosterRequest::TestChannel { channel: "team".to_owned() }, Access::Operate, Length::Short);
        check(RosterRequest::RetryDelivery { delivery: "abc".to_owned() }, Access::Operate, Length::Short);
        check(RosterRequest::Remove { influencer: "mara".to_owned() }, Access::Administer, Length::Short);
        let backup = RosterRequest::Backup { seal: roster_protocol::BackupSeal::AsConfigured };
        check(backup, Access::Administer, Length::Short);
        check(RosterRequest::BackupPiece {}, Access::Administer, Length::Long);
        assert!(Access::Edit > Access::Operate && Access::Edit < Access::Administer);
    }
}
