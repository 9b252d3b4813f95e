//! Everything one decision writes, by subject: each part has its own rows in the store, its own effect on the roster in
//! memory, and its own events and wakes.

mod alerting;
mod audit;
mod consents;
mod roster;
mod sync;
mod webhooks;

pub use alerting::AlertingCommit;
pub use audit::AuditCommit;
pub use consents::ConsentsCommit;
pub use roster::RosterCommit;
pub use sync::SyncCommit;
pub use webhooks::WebhooksCommit;

/// Everything one decision writes: stored whole, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    pub roster: RosterCommit,
    pub sync: SyncCommit,
    pub alerting: AlertingCommit,
    pub consents: ConsentsCommit,
    pub webhooks: WebhooksCommit,
    pub audit: AuditCommit,
}

impl From<RosterCommit> for Commit {
    fn from(roster: RosterCommit) -> Self {
        Self { roster, ..Self::default() }
    }
}

impl From<SyncCommit> for Commit {
    fn from(sync: SyncCommit) -> Self {
        Self { sync, ..Self::default() }
    }
}

impl From<ConsentsCommit> for Commit {
    fn from(consents: ConsentsCommit) -> Self {
        Self { consents, ..Self::default() }
    }
}
