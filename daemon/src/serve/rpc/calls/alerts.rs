//! Calls about changes and alerts.

use roster_protocol::alert::{Alert, Change};
use roster_protocol::error::RosterError;
use roster_protocol::ids::AlertId;
use roster_protocol::service::{AlertsQuery, ChangesQuery, PAGE_ROWS, Page};

use super::Caller;
use crate::browse::lists;
use crate::edits;
use crate::roster::rows;

pub async fn changes(caller: &Caller, query: ChangesQuery) -> Result<Page<Change>, RosterError> {
    lists::changes(&caller.app, query).await
}

pub async fn alerts(caller: &Caller, query: AlertsQuery) -> Result<Page<Alert>, RosterError> {
    lists::alerts(&caller.app, &caller.who, query).await
}

pub async fn acknowledge(
    caller: &Caller,
    alerts: Vec<AlertId>,
    note: Option<String>,
) -> Result<Vec<Alert>, RosterError> {
    if alerts.len() as u64 > PAGE_ROWS {
        return Err(RosterError::usage(format!("more than {PAGE_ROWS} alerts at once")));
    }
    let these = alerts.clone();
    caller.own(|app, who| async move { edits::acknowledging::acknowledge(&app, who, these, note).await }).await?;
    let mut acknowledged = Vec::new();
    for alert in alerts {
        acknowledged.push(self::alert(caller, alert.to_string()).await?);
    }
    Ok(acknowledged)
}

pub async fn assign(caller: &Caller, alert: String, user: Option<String>) -> Result<Alert, RosterError> {
    let alert = lists::alert(&caller.app, &alert).await?.id;
    caller.own(move |app, who| async move { edits::acknowledging::assign(&app, who, alert, user).await }).await?;
    self::alert(caller, alert.to_string()).await
}

pub async fn read(caller: &Caller, alerts: Option<Vec<AlertId>>) -> Result<(), RosterError> {
    if alerts.as_ref().is_some_and(|alerts| alerts.len() as u64 > PAGE_ROWS) {
        return Err(RosterError::usage(format!("more than {PAGE_ROWS} alerts at once")));
    }
    caller.own(move |app, who| async move { edits::acknowledging::read(&app, who, alerts).await }).await
}

pub async fn alert(caller: &Caller, alert: String) -> Result<Alert, RosterError> {
    let alert = lists::alert(&caller.app, &alert).await?;
    let now = caller.app.clock.now();
    Ok(caller.app.look(|roster| rows::alert_of(roster, &caller.who, alert, now)))
}
