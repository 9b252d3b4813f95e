//! Connecting accounts whose numbers are public, and disconnecting them.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::connection::Account;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Seconds;

use crate::app::App;
use crate::decision::audit::{audit, audit_change, connection_named};
use crate::decision::{connect, grants};
use crate::model::Connection;
use crate::roster::resolve;
use crate::sync::lookup;

/// Connects an account to an influencer; the first sync is due at once.
///
/// # Errors
/// Nobody of that name, no such account, or one that somebody has.
pub async fn connect(app: &Arc<App>, who: Who, named: String, account: Account) -> Result<ConnectionId, RosterError> {
    app.look(|roster| resolve::influencer(roster, &named).map(|_| ()))?;
    let found = lookup::find(app, &account).await?;
    app.decide(move |decision| {
        let influencer = resolve::influencer(decision.roster, &named)?;
        connect::put(decision, &who, influencer, found)
    })
    .await
}

/// Ends a connection. Its history stays unless told otherwise; connecting the account again brings it back.
///
/// # Errors
/// No such connection.
pub async fn disconnect(
    app: &App,
    who: Who,
    named: String,
    delete_history: bool,
) -> Result<roster_protocol::Connection, RosterError> {
    let seen = app.seen();
    app.decide(move |decision| {
        let connection = resolve::connection(decision.roster, &named)?;
        if connection.disconnected_at.is_some() && !delete_history {
            return Ok(crate::roster::rows::connection(decision.roster, connection, seen));
        }
        let action = if delete_history { "connection.delete" } else { "connection.disconnect" };
        decision.log(audit(decision, &who, action, connection_named(connection)));
        let ended = Connection { disconnected_at: Some(decision.now), trouble: None, ..connection.clone() };
        let shown = crate::roster::rows::connection(decision.roster, &ended, seen);
        match delete_history {
            true => decision.commit.roster.removed_connections.push(ended),
            false => decision.commit.roster.connections.push(ended),
        }
        let standing = decision.roster.alerts_of(connection.id).into_iter();
        let resolved = standing.map(|alert| crate::alerts::evaluate::resolved(alert, decision.now));
        decision.commit.alerting.alerts.extend(resolved);
        grants::let_go(decision, &[connection.id]);
        Ok(shown)
    })
    .await
}

/// Gives a connection an interval of its own, or none; its next slot moves accordingly.
///
/// # Errors
/// No such connection.
pub async fn set_interval(
    app: &App,
    who: Who,
    named: String,
    interval: Option<Seconds>,
) -> Result<ConnectionId, RosterError> {
    if interval.is_some_and(|interval| !(10..=366 * 24 * 3600).contains(&interval.0)) {
        return Err(RosterError::usage("an interval is between 10s and 366d"));
    }
    app.decide(move |decision| {
        let before = resolve::connection(decision.roster, &named)?;
        let next = decision.grid.next(before.id, interval, decision.now);
        // A retry or a request that is due sooner stays.
        let due = before.next_due_at.min(next);
        let after = Connection { interval, next_due_at: due, slot_at: before.slot_at.min(next), ..before.clone() };
        let shown = |interval: Option<Seconds>| interval.map_or("default".to_owned(), |own| format!("{} s", own.0));
        let line = audit_change(
            decision,
            &who,
            "connection.interval",
            connection_named(before),
            shown(before.interval),
            shown(interval),
        );
        decision.log(line);
        decision.commit.roster.connections.push(after);
        Ok(before.id)
    })
    .await
}
