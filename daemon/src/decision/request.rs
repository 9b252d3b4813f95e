//! Requests for fresh numbers mark connections due, and the scheduler does the rest.

use jiff::tz::TimeZone;
use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::SyncTarget;
use roster_protocol::time::Timestamp;

use super::audit::{audit, connection_named, influencer_named};
use super::{Decision, run};
use crate::model::{AuditLine, Connection, On, Run};
use crate::roster::Roster;
use crate::roster::resolve::{self, Named};
use crate::schedule::gate::Priority;

/// What a request to sync becomes.
#[derive(Debug, Default)]
pub struct Requested {
    /// Those that will be run.
    pub queued: Vec<ConnectionId>,
    /// Those that are not run: their platform said when to come back, or they are paused. They are listed in the answer,
    /// and neither stored nor counted.
    pub skipped: Vec<Run>,
    /// Those that ran so short a time ago that the run before counts.
    pub earlier: Vec<ConnectionId>,
    /// What the audit log has to call it, where it changes nothing but who waits: all of it is due or running already.
    pub unlogged: Option<On>,
}

/// Marks connections due. `is_recent` is whether the last run of a connection counts instead of another one.
///
/// # Errors
/// Nothing of that name.
pub fn sync(
    decision: &mut Decision<'_>,
    who: &Who,
    target: &SyncTarget,
    is_recent: impl Fn(ConnectionId) -> bool,
) -> Result<Requested, RosterError> {
    let mut requested = Requested::default();
    let mut later = Vec::new();
    let on = named(decision.roster, target)?;
    for connection in targets(decision, target)? {
        let id = connection.id;
        let is_due = connection.next_due_at <= decision.now || decision.roster.running.contains(&id);
        match kept_from(decision.roster, &decision.grid.zone, connection, decision.now) {
            Some(why) => {
                let skipped = run::skipped(decision.fresh_id(), connection, why, decision.now);
                requested.skipped.push(skipped);
            }
            None if !is_due && is_recent(id) => requested.earlier.push(id),
            None => {
                requested.queued.push(id);
                later.extend((!is_due).then_some(connection));
            }
        }
    }
    match later.is_empty() {
        true => requested.unlogged = Some(on).filter(|_| !requested.queued.is_empty()),
        false => {
            let counts = (requested.queued.len(), requested.skipped.len(), requested.earlier.len());
            let new = format!("{} requested, {} kept back, {} recent", counts.0, counts.1, counts.2);
            decision.log(AuditLine { new: Some(new), ..audit(decision, who, "sync", on) });
        }
    }
    let now = decision.now;
    let due = later.into_iter().map(|connection| Connection { next_due_at: now, ..connection.clone() });
    decision.commit.roster.connections.extend(due);
    Ok(requested)
}

/// What the audit log calls a target.
fn named(roster: &Roster, target: &SyncTarget) -> Result<On, RosterError> {
    Ok(match target {
        SyncTarget::Due => "all that is due".into(),
        SyncTarget::All => "everything".into(),
        SyncTarget::One(named) => match resolve::either(roster, named)? {
            Named::Connection(connection) => connection_named(connection),
            Named::Influencer(influencer) => influencer_named(influencer),
        },
    })
}

fn targets<'a>(decision: &Decision<'a>, target: &SyncTarget) -> Result<Vec<&'a Connection>, RosterError> {
    let roster = decision.roster;
    Ok(match target {
        SyncTarget::Due => {
            let due = roster.queue.all_due(decision.now);
            due.iter().filter_map(|id| roster.connections.get(id)).collect()
        }
        SyncTarget::All => roster.connected().filter(|connection| roster.is_scheduled(connection)).collect(),
        SyncTarget::One(named) => match resolve::either(roster, named)? {
            Named::Connection(connection) => vec![connection],
            Named::Influencer(influencer) => roster.connections_of(influencer.id).collect(),
        },
    })
}

/// What is paused, from the whole to the connection, with what resumes it.
fn paused_with(roster: &Roster, connection: &Connection) -> String {
    let platform = &connection.platform;
    match &roster.settings {
        settings if settings.paused => "everything is paused; resume all first".to_owned(),
        settings if settings.paused_platforms.contains(platform) => {
            format!("{platform} is paused; resume platform:{platform} first")
        }
        _ if connection.paused => "it is paused; resume it first".to_owned(),
        _ => "its influencer is paused; resume them first".to_owned(),
    }
}

/// Why a connection is not synced now, and when it may be.
pub fn kept_from(
    roster: &Roster,
    zone: &TimeZone,
    connection: &Connection,
    now: Timestamp,
) -> Option<(String, Option<Timestamp>)> {
    if connection.disconnected_at.is_some() {
        return Some(("it is disconnected".to_owned(), None));
    }
    if roster.is_paused(connection) {
        return Some((paused_with(roster, connection), None));
    }
    if !roster.is_scheduled(connection) {
        return Some((format!("{} is switched off in the config", connection.platform), None));
    }
    let lane = roster.lane_of(connection);
    if let Some(outage) = roster.breaker.outage(&lane) {
        return Some((roster.outage_in_words(&lane, outage, zone, now), Some(outage.probe_at)));
    }
    if let Some(hold) = roster.hold_on(&lane, now) {
        return Some((hold.reason.clone(), Some(hold.until)));
    }
    let spent = roster.gate.with(|gate| gate.room(&lane, Priority::Person, now)).err()?;
    Some((spent.to_string(), Some(spent.until)))
}
