//! Calls that wait for something new: the events of all clients, and the notices of one user's desktop.

use roster_protocol::error::RosterError;
use roster_protocol::event::{Cursor, Event, EventBatch};
use roster_protocol::service::Notice;

use super::Caller;
use crate::app::WAIT;
use crate::delivery::desktop;
use crate::roster::rows;

pub async fn events_since(caller: &Caller, after: Cursor) -> Result<EventBatch, RosterError> {
    let batch = caller.app.feed.since(after, WAIT).await;
    let now = caller.app.clock.now();
    // What an alert is to the caller is not published to all.
    let of_caller = |event: Event| match event {
        Event::AlertChanged(alert) => {
            let alert = caller.app.look(|roster| rows::alert_of(roster, &caller.who, *alert, now));
            Event::AlertChanged(Box::new(alert))
        }
        event => event,
    };
    Ok(EventBatch { events: batch.events.into_iter().map(of_caller).collect(), ..batch })
}

pub async fn notices(caller: &Caller) -> Result<Vec<Notice>, RosterError> {
    Ok(desktop::notices(&caller.app, caller.who.uid, WAIT).await)
}

pub async fn notices_shown(caller: &Caller, number: u64) -> Result<(), RosterError> {
    caller.own(|app, who| async move { desktop::shown(&app, who.uid, number).await }).await
}
