//! Calls about connections, their history included.

use roster_protocol::audit::PauseTarget;
use roster_protocol::connection::{Account, AccountPreview, Connection, Record, Recorded};
use roster_protocol::consent::ConnectionPage;
use roster_protocol::error::RosterError;
use roster_protocol::service::{ConnectionsQuery, History, PAGE_ROWS};
use roster_protocol::time::{Day, Seconds};

use super::Caller;
use crate::browse::{self, lists};
use crate::edits;
use crate::roster::resolve;
use crate::sync::lookup;

pub async fn look_up(caller: &Caller, account: Account) -> Result<AccountPreview, RosterError> {
    lookup::look_up(&caller.app, &caller.who, &account).await
}

pub async fn connect(caller: &Caller, influencer: String, account: Account) -> Result<Connection, RosterError> {
    let work = caller.own(|app, who| async move { edits::connections::connect(&app, who, influencer, account).await });
    caller.connection(work.await?)
}

pub async fn disconnect(caller: &Caller, named: String, delete_history: bool) -> Result<Connection, RosterError> {
    let work =
        caller.own(|app, who| async move { edits::connections::disconnect(&app, who, named, delete_history).await });
    work.await
}

pub async fn pause(caller: &Caller, target: PauseTarget, paused: bool) -> Result<Vec<Connection>, RosterError> {
    let touched = caller.own(|app, who| async move { edits::pausing::pause(&app, who, target, paused).await }).await?;
    let touched = touched.into_iter().take(PAGE_ROWS as usize);
    Ok(touched.filter_map(|id| caller.connection(id).ok()).collect())
}

pub async fn set_interval(
    caller: &Caller,
    named: String,
    interval: Option<Seconds>,
    based_on: Option<Option<Seconds>>,
) -> Result<Connection, RosterError> {
    let work = caller
        .own(|app, who| async move { edits::connections::set_interval(&app, who, named, interval, based_on).await });
    caller.connection(work.await?)
}

pub async fn set_handle(
    caller: &Caller,
    named: String,
    handle: String,
    another: bool,
) -> Result<Connection, RosterError> {
    let work =
        caller.own(|app, who| async move { edits::connections::set_handle(&app, who, named, handle, another).await });
    caller.connection(work.await?)
}

pub async fn connection(caller: &Caller, named: String) -> Result<Connection, RosterError> {
    let id = caller.app.look(|roster| resolve::connection(roster, &named).map(|found| found.id))?;
    caller.connection(id)
}

pub async fn connections(caller: &Caller, query: ConnectionsQuery) -> Result<ConnectionPage, RosterError> {
    let seen = caller.app.seen();
    Ok(caller.app.look(|roster| browse::connections::page(roster, &query, seen)))
}

pub async fn history(
    caller: &Caller,
    named: String,
    since: Option<Day>,
    until: Option<Day>,
) -> Result<History, RosterError> {
    let (grid, now) = (caller.app.setup().config.sync.grid.clone(), caller.app.clock.now());
    let date = |day: Option<Day>| day.map(|day| grid.day(day, now));
    lists::history(&caller.app, &named, date(since), date(until)).await
}

pub async fn record(caller: &Caller, named: String, record: Record) -> Result<Recorded, RosterError> {
    caller.own(|app, who| async move { edits::record::record(&app, who, named, record).await }).await
}
