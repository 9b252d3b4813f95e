//! Connecting an account that was looked up.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;

use super::Decision;
use super::audit::{audit, connection_named};
use crate::model::{Connection, Influencer};
use crate::platforms::Observation;

/// An account that was looked up; `observation` is missing when the platform was unavailable.
#[derive(Clone, Debug)]
pub struct Found {
    pub platform: String,
    /// Canonical, as the platform reports it.
    pub handle: String,
    pub observation: Option<Observation>,
}

impl Found {
    /// Whether both are one account.
    pub fn is_same(&self, other: &Found) -> bool {
        let id = |found: &Found| found.observation.as_ref().map(|seen| seen.platform_user_id.clone());
        let same_handle = self.handle.eq_ignore_ascii_case(&other.handle);
        self.platform == other.platform && (same_handle || (id(self).is_some() && id(self) == id(other)))
    }
}

/// Puts an account into a commit: a new connection, or one that was disconnected, in its place with its history.
pub fn put(
    decision: &mut Decision<'_>,
    who: &Who,
    influencer: &Influencer,
    found: Found,
) -> Result<ConnectionId, RosterError> {
    let user_id = found.observation.map(|observation| observation.platform_user_id);
    let before = decision.roster.account(&found.platform, &found.handle, user_id.as_deref());
    if let Some(taken) = before.filter(|connection| connection.disconnected_at.is_none()) {
        return Err(taken_error(decision, taken, influencer));
    }
    let connection = Connection {
        id: before.map_or_else(|| decision.fresh_id(), |before| before.id),
        influencer: influencer.id,
        platform: found.platform,
        handle: found.handle,
        platform_user_id: user_id,
        connected_at: decision.now,
        disconnected_at: None,
        paused: false,
        interval: before.and_then(|before| before.interval),
        next_due_at: decision.now,
        slot_at: decision.now,
        last_synced_at: before.and_then(|before| before.last_synced_at),
        failures: 0,
        trouble: None,
        profile: before.and_then(|before| before.profile.clone()),
        latest: before.and_then(|before| before.latest.clone()),
        first_day: before.and_then(|before| before.first_day),
    };
    let id = connection.id;
    decision.log(audit(decision, who, "connection.connect", connection_named(&connection)));
    decision.commit.roster.connections.push(connection);
    Ok(id)
}

fn taken_error(decision: &Decision<'_>, taken: &Connection, wanted: &Influencer) -> RosterError {
    let owner = decision.roster.influencers.get(&taken.influencer);
    let name = owner.map_or("another influencer", |owner| owner.name.as_str());
    let error = RosterError::conflict(format!("{}:{} is connected to {name} already", taken.platform, taken.handle));
    let is_new = !decision.roster.influencers.contains_key(&wanted.id);
    match owner {
        Some(owner) if is_new => error.hint(format!("`roster show {}` shows that entry", owner.id)),
        Some(owner) if owner.id != wanted.id => error.hint(format!(
            "are they one? `roster merge {} {}`; or `roster disconnect {}` first",
            wanted.id, owner.id, taken.id
        )),
        _ => error,
    }
}
