//! Connecting an account that was looked up.

use roster_protocol::audit::Who;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::folding::folded_handle;
use roster_protocol::ids::ConnectionId;

use super::Decision;
use super::audit::{audit, audit_change, connection_named};
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
        let same_handle = folded_handle(&self.handle) == folded_handle(&other.handle);
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
        by_hand: before.and_then(|before| before.by_hand.clone()),
        absent: Vec::new(),
        read_until: None,
    };
    let id = connection.id;
    decision.log(audit(decision, who, "connection.connect", connection_named(&connection)));
    decision.commit.roster.connections.push(connection);
    Ok(id)
}

/// Gives a connection another handle; its history stays, and the next sync is due at once.
///
/// # Errors
/// It was disconnected or removed; the account is another one and `another` is not set, is not known to the platform now,
/// or belongs to another connection.
pub fn set_handle(
    decision: &mut Decision<'_>,
    who: &Who,
    connection: ConnectionId,
    found: Found,
    another: bool,
) -> Result<ConnectionId, RosterError> {
    let before = decision.roster.connections.get(&connection).filter(|before| before.disconnected_at.is_none());
    let before = before.ok_or_else(|| {
        RosterError::not_found("the connection is disconnected")
            .hint("`roster connect INFLUENCER PLATFORM --handle HANDLE` connects an account")
    })?;
    let handle = &found.handle;
    let user_id = found.observation.map(|observation| observation.platform_user_id);
    let other = decision.roster.account(&found.platform, handle, user_id.as_deref());
    if let Some(other) = other.filter(|other| other.id != before.id) {
        return Err(held_error(decision, other, before));
    }
    let is_another = match (&before.platform_user_id, &user_id) {
        (Some(known), Some(now)) => known != now,
        (Some(_), None) => return Err(unknown_error(before, handle)),
        (None, _) => false,
    };
    if is_another && decision.roster.consents.grant_of(before.id).is_some() {
        return Err(RosterError::conflict(format!(
            "{handle} is another account, and this connection is read with the consent of its owner"
        ))
        .hint(format!(
            "`roster connect {} {}` asks the owner of {handle}; `roster disconnect {}` ends this one",
            before.influencer, before.platform, before.id
        )));
    }
    if is_another && !another {
        let of_known = before.latest.as_ref().and_then(|latest| latest.numbers.followers);
        let so_far = of_known.map_or(String::new(), |followers| format!(", which had {followers} followers"));
        return Err(RosterError::usage(format!("{handle} is another account than {}{so_far}", before.handle))
            .hint(format!("`roster set {} handle {handle} --yes` goes on with it in the same history", before.id)));
    }
    if *handle == before.handle && !is_another {
        return Ok(before.id);
    }
    let after = Connection {
        handle: handle.clone(),
        platform_user_id: user_id.or_else(|| before.platform_user_id.clone()),
        next_due_at: decision.now,
        slot_at: decision.now,
        failures: 0,
        trouble: None,
        ..before.clone()
    };
    let line = audit_change(
        decision,
        who,
        "connection.handle",
        connection_named(before),
        account_of(before),
        account_of(&after),
    );
    decision.log(line);
    decision.commit.roster.connections.push(after);
    Ok(connection)
}

/// `@x (UC1)`: a handle, with the platform's own id when it is known.
fn account_of(connection: &Connection) -> String {
    match &connection.platform_user_id {
        Some(id) => format!("{} ({id})", connection.handle),
        None => connection.handle.clone(),
    }
}

fn unknown_error(before: &Connection, handle: &str) -> RosterError {
    let (platform, influencer) = (&before.platform, before.influencer);
    RosterError::new(ErrorKind::Unavailable, format!("{platform} does not report now which account {handle} is")).hint(
        format!("try again later; where the owner must consent, `roster connect {influencer} {platform}` does it"),
    )
}

/// The account belongs to another connection, which may be disconnected.
fn held_error(decision: &Decision<'_>, other: &Connection, wanted: &Connection) -> RosterError {
    let influencer = decision.roster.influencers.get(&wanted.influencer);
    match (other.disconnected_at, influencer) {
        (None, Some(influencer)) => taken_error(decision, other, influencer),
        _ => RosterError::conflict(format!("{}:{} has a history of its own here", other.platform, other.handle)).hint(
            format!(
                "`roster connect {} {} --handle {}` goes on with that one; `roster disconnect {} --delete-history --yes` \
                 deletes it",
                wanted.influencer, other.platform, other.handle, other.id
            ),
        ),
    }
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
        Some(_) => error.hint(format!("`roster show {}` shows it as connection {}", wanted.id, taken.id)),
        None => error,
    }
}
