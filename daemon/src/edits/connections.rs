//! Connecting accounts whose numbers are public, and disconnecting them.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::connection::Account;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Seconds;

use crate::app::App;
use crate::decision::{connect, edit, erase};
use crate::roster::resolve;
use crate::sync::lookup;

/// Connects an account to an influencer; the first sync is due at once.
///
/// # Errors
/// No influencer of that name, no such account, or one that is connected already.
pub async fn connect(app: &Arc<App>, who: Who, named: String, account: Account) -> Result<ConnectionId, RosterError> {
    app.look(|roster| resolve::influencer(roster, &named).map(|_| ()))?;
    let found = lookup::find(app, &who, &account).await?;
    app.decide(move |decision| {
        let influencer = resolve::influencer(decision.roster, &named)?;
        connect::put(decision, &who, influencer, found)
    })
    .await
}

/// Ends a connection. Its history stays unless it is to be deleted; connecting the account again brings it back.
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
    let ended = app.decide(move |decision| erase::disconnect(decision, &who, &named, delete_history, seen)).await?;
    app.consents.wake.notify_one();
    // The terms may say that what its consent gave goes at once.
    app.upkeep.notify_one();
    Ok(ended)
}

/// Gives a connection another handle, with its history.
///
/// # Errors
/// No such connection or account; the errors of [`connect::set_handle`].
pub async fn set_handle(
    app: &Arc<App>,
    who: Who,
    named: String,
    handle: String,
    another: bool,
) -> Result<ConnectionId, RosterError> {
    let (connection, platform) =
        app.look(|roster| resolve::connection(roster, &named).map(|found| (found.id, found.platform.clone())))?;
    // `platform:handle`, as it is written elsewhere, names the same.
    let handle = handle.strip_prefix(&format!("{platform}:")).map(str::to_owned).unwrap_or(handle);
    let found = lookup::find(app, &who, &Account { platform, handle }).await?;
    app.decide(move |decision| connect::set_handle(decision, &who, connection, found, another)).await
}

/// Gives a connection an interval of its own, or none; its next slot moves accordingly.
///
/// # Errors
/// No such connection, an interval out of range, or one that was changed meanwhile.
pub async fn set_interval(
    app: &App,
    who: Who,
    named: String,
    interval: Option<Seconds>,
    based_on: Option<Option<Seconds>>,
) -> Result<ConnectionId, RosterError> {
    app.decide(move |decision| edit::set_interval(decision, &who, &named, interval, based_on)).await
}
