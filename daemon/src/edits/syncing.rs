//! A user requests fresh numbers.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{SyncTarget, SyncTicket};

use crate::app::App;
use crate::app::tickets::Opening;
use crate::decision::request;
use crate::roster::rows;

/// Marks connections due, and opens the ticket that waits for their runs.
///
/// # Errors
/// Nothing of that name.
pub async fn sync(app: &App, who: Who, target: SyncTarget) -> Result<SyncTicket, RosterError> {
    let distance = app.setup().config.sync.min_distance;
    let mut urgent = Vec::new();
    let ticket = app
        .decide(|decision| {
            let now = decision.now;
            let recent = |id: ConnectionId| app.tickets.recent(id, now, distance);
            let requested = request::sync(decision, &who, &target, |id| recent(id).is_some())?;
            urgent.clone_from(&requested.queued);
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
    Ok(ticket)
}
