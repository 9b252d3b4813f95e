//! A user requests fresh numbers.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{SyncTarget, SyncTicket};

use crate::app::App;
use crate::app::lookups::WINDOW_MINUTES;
use crate::app::tickets::Opening;
use crate::decision::request;
use crate::model::On;
use crate::roster::rows;

/// Marks connections due, and opens the ticket that waits for their runs.
///
/// # Errors
/// Nothing of that name.
pub async fn sync(app: &Arc<App>, who: Who, target: SyncTarget) -> Result<SyncTicket, RosterError> {
    let distance = app.setup().config.sync.min_distance;
    let (mut urgent, mut unlogged) = (Vec::new(), None);
    let ticket = app
        .decide(|decision| {
            let now = decision.now;
            let recent = |id: ConnectionId| app.tickets.recent(id, now, distance);
            let requested = request::sync(decision, &who, &target, |id| recent(id).is_some())?;
            urgent.clone_from(&requested.queued);
            unlogged = requested.unlogged;
            let opening = Opening {
                uid: who.uid,
                queued: requested.queued,
                skipped: requested.skipped.iter().map(|run| rows::run(decision.roster, run)).collect(),
                earlier: requested.earlier.into_iter().filter_map(recent).collect(),
            };
            // Opened while the roster does not change: no run can end between its request and the wait for it.
            Ok(app.tickets.open(opening, now))
        })
        .await?;
    app.with_roster(|roster| urgent.iter().for_each(|id| roster.queue.urge(*id)));
    app.wake.notify_one();
    if let Some(on) = unlogged {
        note(app, &who, on, urgent.len()).await;
    }
    Ok(ticket)
}

/// Notes a request for what is due or running already: each of the first, and of a loop only how many there are.
async fn note(app: &Arc<App>, who: &Who, on: On, queued: usize) {
    let now = app.clock.now();
    match app.syncs.count(who.uid, now) {
        Some(count) => {
            app.note(who, "sync", format!("{count} times within {WINDOW_MINUTES} minutes"), "due or running already")
                .await;
        }
        None if app.syncs.are_many(who.uid, now) => {}
        None => app.note(who, "sync", on, format!("{queued} requested, due or running already")).await,
    }
}
