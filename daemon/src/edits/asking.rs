//! A person asks for numbers now: connections are marked due, and the scheduler does the rest.

use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{SyncTarget, SyncTicket};

use crate::app::App;
use crate::decision::{Decision, run};
use crate::model::Connection;
use crate::roster::resolve::{self, Named};
use crate::roster::rows;

/// Marks connections due. Those whose platform said when to come back, and paused ones that were named, end at
/// once as skipped.
///
/// # Errors
/// Nothing of that name.
pub async fn sync(app: &App, target: SyncTarget) -> Result<SyncTicket, RosterError> {
    app.decide(move |decision| {
        let mut asked: Vec<ConnectionId> = Vec::new();
        for connection in targets(decision, &target)? {
            match kept_from(decision, connection) {
                Some((why, until)) => {
                    let run = run::skipped(decision, connection, &why, until);
                    decision.commit.sync.runs.push(run);
                }
                None => asked.push(connection.id),
            }
        }
        let connections = asked.iter().filter_map(|id| decision.roster.connections.get(id));
        let later = connections.filter(|c| c.next_due_at > decision.now && !decision.roster.running.contains(&c.id));
        decision.commit.roster.connections.extend(later.map(|c| Connection { next_due_at: decision.now, ..c.clone() }));
        let runs = decision.commit.sync.runs.iter().map(|run| rows::run(decision.roster, run)).collect();
        // Opened while the roster stands still: no run can end between being asked for and being waited for.
        Ok(app.tickets.open(&asked, runs, decision.now))
    })
    .await
}

/// Gives up requests for connections that will not be asked: paused, disconnected or removed meanwhile.
pub fn give_up_unreachable(app: &App) {
    let asked_for = app.tickets.asked_for();
    let gone: Vec<_> = app.look(|roster| {
        let is_scheduled =
            |id: &ConnectionId| roster.connections.get(id).is_some_and(|connection| roster.is_scheduled(connection));
        asked_for.into_iter().filter(|id| !roster.running.contains(id) && !is_scheduled(id)).collect()
    });
    if !gone.is_empty() {
        app.tickets.ended(gone.into_iter().map(|id| (id, None)));
    }
}

fn targets<'a>(decision: &Decision<'a>, target: &SyncTarget) -> Result<Vec<&'a Connection>, RosterError> {
    let roster = decision.roster;
    Ok(match target {
        SyncTarget::Due => {
            let due = roster.queue.all_due(decision.now);
            due.iter().filter_map(|id| roster.connections.get(id)).collect()
        }
        SyncTarget::All => roster.connections.values().filter(|connection| roster.is_scheduled(connection)).collect(),
        SyncTarget::One(named) => match resolve::either(roster, named)? {
            Named::Connection(connection) => vec![connection],
            Named::Influencer(influencer) => roster.connections_of(influencer.id).collect(),
        },
    })
}

/// Why a connection is not asked now, and when it may be.
fn kept_from(decision: &Decision<'_>, connection: &Connection) -> Option<(String, Option<roster_protocol::Timestamp>)> {
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
    let hold = roster.hold_on(&roster.scope_of(connection), decision.now)?;
    Some((hold.reason.clone(), Some(hold.until)))
}
