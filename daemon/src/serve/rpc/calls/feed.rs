//! Calls that wait for something new: the events of all clients, and the notices of one user's desktop.

use roster_protocol::error::RosterError;
use roster_protocol::event::{Cursor, EventBatch};
use roster_protocol::service::Notice;

use super::Caller;
use crate::app::WAIT;
use crate::delivery::desktop;

pub async fn events_since(caller: &Caller, after: Cursor) -> Result<EventBatch, RosterError> {
    Ok(caller.app.feed.since(after, WAIT).await)
}

pub async fn notices(caller: &Caller) -> Result<Vec<Notice>, RosterError> {
    Ok(desktop::notices(&caller.app, caller.who.uid, WAIT).await)
}

pub async fn notices_shown(caller: &Caller, number: u64) -> Result<(), RosterError> {
    caller.own(|app, who| async move { desktop::shown(&app, who.uid, number).await }).await
}
