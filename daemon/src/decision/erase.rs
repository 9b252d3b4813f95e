//! Ending connections, and removing influencers with all they have.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;

use super::audit::{audit, connection_named, influencer_named};
use super::slots::{self, PAUSED, Why};
use super::{Decision, grants, removal};
use crate::alerts::evaluate;
use crate::model::Connection;
use crate::roster::resolve;
use crate::roster::rows::{self, Seen};

/// Ends a connection, and returns it as it is then. Its history stays, and its consent is revoked at once; with its history it
/// is removed, which can be taken back for a day.
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
    if delete_history {
        removal::connection(decision, who, connection);
        return Ok(shown);
    }
    decision.commit.roster.connections.push(ended);
    let standing = decision.roster.alerts_of(connection.id).into_iter();
    let resolved = standing.map(|alert| evaluate::resolved(alert, decision.now));
    decision.commit.alerting.alerts.extend(resolved);
    grants::let_go(decision, &[connection.id]);
    Ok(shown)
}

/// Removes an influencer with all connections and their history, and returns what was removed. For a day it can be taken back.
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
    removal::influencer(decision, who, influencer);
    Ok(removed)
}
