//! Ending connections, and removing influencers with all they have.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;

use super::audit::{audit, connection_named, influencer_named};
use super::slots::{self, PAUSED, Why};
use super::{Decision, grants, silences, undo};
use crate::alerts::evaluate;
use crate::model::Connection;
use crate::roster::resolve;
use crate::roster::rows::{self, Seen};

/// Ends a connection, and returns it as it is then. Its history stays unless it is to be deleted.
///
/// # Errors
/// No such connection.
pub fn disconnect(
    decision: &mut Decision<'_>,
    who: &Who,
    named: &str,
    delete_history: bool,
    seen: Seen,
) -> Result<roster_protocol::Connection, RosterError> {
    let connection = resolve::connection(decision.roster, named)?;
    if connection.disconnected_at.is_some() && !delete_history {
        return Ok(rows::connection(decision.roster, connection, seen));
    }
    let action = if delete_history { "connection.delete" } else { "connection.disconnect" };
    decision.log(audit(decision, who, action, connection_named(connection)));
    if connection.disconnected_at.is_none() && !delete_history {
        let why = if decision.roster.is_paused(connection) { PAUSED } else { Why::Found };
        slots::given_up(decision, connection, why);
    }
    let ended = Connection { disconnected_at: Some(decision.now), trouble: None, ..connection.clone() };
    let shown = rows::connection(decision.roster, &ended, seen);
    match delete_history {
        true => decision.commit.roster.removed_connections.push(ended),
        false => decision.commit.roster.connections.push(ended),
    }
    let standing = decision.roster.alerts_of(connection.id).into_iter();
    let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
    decision.commit.alerting.alerts.extend(resolved);
    grants::let_go(decision, &[connection.id]);
    Ok(shown)
}

/// Removes an influencer with all connections and their history, and returns what was removed.
///
/// # Errors
/// No influencer of that name.
pub fn remove(
    decision: &mut Decision<'_>,
    who: &Who,
    named: &str,
    seen: Seen,
) -> Result<roster_protocol::Influencer, RosterError> {
    let influencer = resolve::influencer(decision.roster, named)?;
    let removed = rows::influencer(decision.roster, influencer, seen);
    decision.log(audit(decision, who, "influencer.remove", influencer_named(influencer)));
    let all = decision.roster.all_connections_of(influencer.id);
    decision.commit.roster.removed_connections.extend(all.cloned());
    let ended: Vec<ConnectionId> =
        decision.commit.roster.removed_connections.iter().map(|connection| connection.id).collect();
    grants::let_go(decision, &ended);
    decision.commit.roster.removed_influencers.push(influencer.id);
    silences::moved(decision, influencer.id, None);
    undo::forget(decision, influencer.id);
    let standing = decision.roster.alerts.values().filter(|alert| alert.about.influencer() == Some(influencer.id));
    let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
    decision.commit.alerting.alerts.extend(resolved);
    Ok(removed)
}
