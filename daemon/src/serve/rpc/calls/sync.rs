//! Calls about syncs and their runs.

use roster_protocol::error::RosterError;
use roster_protocol::request::ProviderRequest;
use roster_protocol::service::{DueQuery, Page, RequestsQuery, RunsQuery};
use roster_protocol::sync::{DuePage, Run, SyncProgress, SyncTarget, SyncTicket};

use super::Caller;
use crate::app::WAIT;
use crate::browse::{due, lists};
use crate::edits;

pub async fn sync(caller: &Caller, target: SyncTarget) -> Result<SyncTicket, RosterError> {
    caller.own(|app, who| async move { edits::syncing::sync(&app, who, target).await }).await
}

pub async fn progress(caller: &Caller, ticket: SyncTicket, seen: u64) -> Result<SyncProgress, RosterError> {
    caller.app.give_up_unreachable();
    let now = || caller.app.clock.now();
    let progress = caller.app.tickets.progress(ticket, seen, WAIT, now).await;
    progress.ok_or_else(|| RosterError::not_found("that request is over").hint("`roster runs` shows how runs ended"))
}

pub async fn runs(caller: &Caller, query: RunsQuery) -> Result<Page<Run>, RosterError> {
    lists::runs(&caller.app, query).await
}

pub async fn requests(caller: &Caller, query: RequestsQuery) -> Result<Page<ProviderRequest>, RosterError> {
    lists::requests(&caller.app, query).await
}

pub async fn due(caller: &Caller, query: DueQuery) -> Result<DuePage, RosterError> {
    let seen = caller.app.seen();
    Ok(caller.app.look(|roster| due::page(roster, query, seen)))
}
