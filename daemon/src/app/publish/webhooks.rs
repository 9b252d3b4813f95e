//! Subscriptions: when hubs are to be asked.

use crate::model::Commit;
use crate::roster::Roster;

/// Whether an account has no subscription and wants one, or has one and wants none.
pub fn wakes(commit: &Commit, roster: &Roster) -> bool {
    let has = |id| roster.webhooks.lease(id).is_some();
    let mut changed = commit.roster.connections.iter();
    !commit.webhooks.leases.is_empty()
        || changed.any(|connection| roster.wants_lease(connection) != has(connection.id))
        || commit.roster.removed_connections.iter().any(|connection| has(connection.id))
}
