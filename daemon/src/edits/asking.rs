//! A person asks for numbers now: connections are marked due, and the scheduler does the rest.

use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{SyncTarget, SyncTicket};

use crate::app::App;
use crate::decision::{Facts, run};
use crate::model::Connection;
use crate::roster::resolve::{self, Named};
use crate::roster::rows;

/// Marks connections due. Those whose platform said when to come back, and paused ones that were named, end at
/// once as skipped.
///
/// # Errors
/// Nothing of that name.
pub async fn sync(app: &App, target: SyncTarget) -> Result<SyncTicket, RosterError> {
    app.decide(move |facts, commit, dice| {
        let mut asked: Vec<ConnectionId> = Vec::new();
        for connection in targets(facts, &target)? {
            match kept_from(facts, connection) {
                Some((why, until)) => commit.runs.push(run::skipped(connection, &why, until, facts.now, dice)),
                None => asked.push(connection.id),
            }
        }
        let connections = asked.iter().filter_map(|id| facts.roster.connections.get(id));
        let later = connections.filter(|c| c.next_due_at > facts.now && !facts.roster.running.contains(&c.id));
        commit.connections.extend(later.map(|c| Connection { next_due_at: facts.now, ..c.clone() }));
        let runs = commit.runs.iter().map(|run| rows::run(facts.roster, run)).collect();
        // Opened while the roster stands still: no run can end between being asked for and being waited for.
        Ok(app.tickets.open(&asked, runs, facts.now))
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

fn targets<'a>(facts: &Facts<'a>, target: &SyncTarget) -> Result<Vec<&'a Connection>, RosterError> {
    let roster = facts.roster;
    Ok(match target {
        SyncTarget::Due => {
            let due = roster.queue.all_due(facts.now);
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
fn kept_from(facts: &Facts<'_>, connection: &Connection) -> Option<(String, Option<roster_protocol::Timestamp>)> {
    let roster = facts.roster;
    if connection.disconnected_at.is_some() {
        return Some(("it is disconnected".to_owned(), None));
    }
    if roster.is_paused(connection) {
        return Some(("it is paused; resume it first".to_owned(), None));
    }
    if !roster.is_scheduled(connection) {
        return Some((format!("{} is switched off in the config", connection.platform), None));
    }
    let hold = roster.hold_on(&roster.scope_of(connection), facts.now)?;
    Some((hold.reason.clone(), Some(hold.until)))
}
