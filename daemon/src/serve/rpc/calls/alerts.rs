//! Calls about changes and alerts.

use roster_protocol::alert::{Alert, Change};
use roster_protocol::error::RosterError;
use roster_protocol::ids::AlertId;
use roster_protocol::service::{AlertsQuery, ChangesQuery, Page};

use super::Caller;
use crate::browse::lists;
use crate::edits;

/// The most alerts one call acknowledges.
const MOST_AT_ONCE: usize = 1000;

pub async fn changes(caller: &Caller, query: ChangesQuery) -> Result<Page<Change>, RosterError> {
    lists::changes(&caller.app, query).await
}

pub async fn alerts(caller: &Caller, query: AlertsQuery) -> Result<Page<Alert>, RosterError> {
    lists::alerts(&caller.app, query).await
}

pub async fn acknowledge(caller: &Caller, alerts: Vec<AlertId>) -> Result<Vec<Alert>, RosterError> {
    if alerts.len() > MOST_AT_ONCE {
        return Err(RosterError::usage(format!("more than {MOST_AT_ONCE} alerts at once")));
    }
    let these = alerts.clone();
    caller.own(|app, who| async move { edits::acknowledging::acknowledge(&app, who, these).await }).await?;
    let mut acknowledged = Vec::new();
    for alert in alerts {
        acknowledged.push(lists::alert(&caller.app, &alert.to_string()).await?);
    }
    Ok(acknowledged)
}

pub async fn alert(caller: &Caller, alert: String) -> Result<Alert, RosterError> {
    lists::alert(&caller.app, &alert).await
}
