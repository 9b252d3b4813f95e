//! Requests for fresh numbers mark connections due, and the scheduler does the rest.

use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::SyncTarget;
use roster_protocol::time::Timestamp;

use super::{Decision, run};
use crate::model::Connection;
use crate::roster::resolve::{self, Named};

/// Marks connections due, and returns those that will be synced. Those whose platform said when to come back, and paused
/// ones that were named, end at once as skipped.
///
/// # Errors
/// Nothing of that name.
pub fn sync(decision: &mut Decision<'_>, target: &SyncTarget) -> Result<Vec<ConnectionId>, RosterError> {
    let mut requested: Vec<ConnectionId> = Vec::new();
    for connection in targets(decision, target)? {
        match kept_from(decision, connection) {
            Some((why, until)) => {
                let run = run::skipped(decision, connection, &why, until);
                decision.commit.sync.runs.push(run);
            }
            None => requested.push(connection.id),
        }
    }
    let connections = requested.iter().filter_map(|id| decision.roster.connections.get(id));
    let later = connections.filter(|c| c.next_due_at > decision.now && !decision.roster.running.contains(&c.id));
    decision.commit.roster.connections.extend(later.map(|c| Connection { next_due_at: decision.now, ..c.clone() }));
    Ok(requested)
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

/// Why a connection is not synced now, and when it may be.
fn kept_from(decision: &Decision<'_>, connection: &Connection) -> Option<(String, Option<Timestamp>)> {
    let roster = decision.roster;
    if connection.disconnected_at.is_some() {
        return Some(("it is disconnected".to_owned(), None));
    }
    if roster.is_paused(connection) {
        return Some(("it is paused; resume it first".to_owned(), None));
    }
    if !roster.is_scheduled(connection) {
        return Some((format!("{} is switched off in the config", connection.platform), None));
    }
    let hold = roster.hold_on(&roster.lane_of(connection), decision.now)?;
    Some((hold.reason.clone(), Some(hold.until)))
}
