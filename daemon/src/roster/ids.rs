//! Which ids are in use. Pure.

use roster_protocol::ids::{AlertId, ConnectionId, ConsentId, DeliveryId, GrantId, Id, InfluencerId, RunId, SilenceId};

use super::Roster;
use crate::model::{Commit, RosterCommit};

/// Ids that must not be given twice.
pub trait InUse: Copy {
    /// Whether something on the roster has it.
    fn is_in(self, roster: &Roster) -> bool;

    /// Whether something in a commit that is not applied yet has it.
    fn is_in_commit(self, commit: &Commit) -> bool;
}

/// What was removed lately may be brought back.
fn is_removed(roster: &Roster, id: [u8; 5]) -> bool {
    roster.removals.values().any(|removal| removal.has(id))
}

/// Influencers and connections share their ids, so that a text names one of them.
impl InUse for InfluencerId {
    fn is_in(self, roster: &Roster) -> bool {
        roster.influencers.contains_key(&self)
            || roster.connections.contains_key(&Id::from_bytes(self.0))
            || is_removed(roster, self.0)
            || was_erased(roster, self.0)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        is_member(commit, self.0)
    }
}

impl InUse for ConnectionId {
    fn is_in(self, roster: &Roster) -> bool {
        roster.connections.contains_key(&self)
            || roster.influencers.contains_key(&Id::from_bytes(self.0))
            || is_removed(roster, self.0)
            || was_erased(roster, self.0)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        is_member(commit, self.0)
    }
}

impl InUse for AlertId {
    /// Resolved alerts count as well: they keep their row.
    fn is_in(self, roster: &Roster) -> bool {
        roster.alert_ids.contains(&self)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        commit.alerting.alerts.iter().any(|alert| alert.id == self)
    }
}

/// Runs are stored by start and connection first: no id of a run is a row's whole key.
impl InUse for RunId {
    fn is_in(self, _: &Roster) -> bool {
        false
    }

    fn is_in_commit(self, _: &Commit) -> bool {
        false
    }
}

/// Deliveries are stored by alert and channel; their id names them to users while they are pending.
impl InUse for DeliveryId {
    fn is_in(self, roster: &Roster) -> bool {
        roster.deliveries.has_id(self)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        commit.alerting.deliveries.iter().any(|delivery| delivery.id == self)
    }
}

impl InUse for ConsentId {
    fn is_in(self, roster: &Roster) -> bool {
        roster.consents.pending.contains_key(&self)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        commit.consents.consents.iter().any(|consent| consent.id == self)
    }
}

impl InUse for GrantId {
    fn is_in(self, roster: &Roster) -> bool {
        roster.consents.grants.contains_key(&self) || roster.consents.revoked.contains_key(&self)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        commit.consents.grants.iter().any(|grant| grant.id == self)
    }
}

impl InUse for SilenceId {
    fn is_in(self, roster: &Roster) -> bool {
        roster.silences.contains_key(&self)
    }

    fn is_in_commit(self, commit: &Commit) -> bool {
        commit.alerting.silences.iter().any(|silence| silence.id == self)
    }
}

/// Whether an influencer or a connection had an id of these bytes before they were erased: a tombstone would take another one
/// with it.
fn was_erased(roster: &Roster, id: [u8; 5]) -> bool {
    let mut tombstones = roster.tombstones.values();
    tombstones.any(|it| it.influencers.iter().any(|it| it.0 == id) || it.connections.iter().any(|it| it.0 == id))
}

/// Whether an influencer or a connection of the commit has an id of these bytes.
fn is_member(commit: &Commit, id: [u8; 5]) -> bool {
    let RosterCommit { influencers, connections, .. } = &commit.roster;
    influencers.iter().any(|it| it.id.0 == id) || connections.iter().any(|it| it.id.0 == id)
}
