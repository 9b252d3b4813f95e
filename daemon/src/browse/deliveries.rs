//! Deliveries for clients, with the ids of their alerts.

use roster_protocol::delivery::Delivery;
use roster_protocol::error::RosterError;
use roster_protocol::ids::AlertId;
use roster_protocol::service::{DeliveriesQuery, PAGE_ROWS, Page, PageMark};

use super::lists;
use crate::app::{App, read_error};
use crate::model;
use crate::roster::Roster;
use crate::store::{self, AlertNumbered, Mark};

/// Deliveries, those of the newest alerts first.
///
/// # Errors
/// No alert of that name, or the store cannot be read.
pub async fn deliveries(app: &App, query: DeliveriesQuery) -> Result<Page<Delivery>, RosterError> {
    let of = match &query.alert {
        None => None,
        Some(named) => Some(lists::alert(app, named).await?.id),
    };
    let read = app.store.read(store::DeliveriesQuery {
        alert: of,
        state: query.state,
        before: query.mark.map(|mark| Mark(mark.0)),
        limit: query.limit.clamp(1, PAGE_ROWS) as usize,
    });
    let read = read.await.map_err(|error| read_error(&error))?;
    let rows = app.look(|roster| {
        let known = read.rows.iter().filter_map(|(delivery, alert)| Some((delivery, (*alert)?)));
        known.map(|(delivery, alert)| row(roster, delivery, alert)).collect()
    });
    Ok(Page { rows, next: read.next.map(|mark| PageMark(mark.0)) })
}

/// All deliveries of an alert.
///
/// # Errors
/// When the store cannot be read.
pub async fn all_of(app: &App, alert: AlertId) -> Result<Vec<Delivery>, RosterError> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let query = store::DeliveriesQuery { alert: Some(alert), state: None, before, limit: PAGE_ROWS as usize };
        let read = app.store.read(query).await.map_err(|error| read_error(&error))?;
        app.look(|roster| all.extend(read.rows.iter().map(|(delivery, _)| row(roster, delivery, alert))));
        before = read.next;
        if before.is_none() {
            return Ok(all);
        }
    }
}

/// One delivery for clients.
///
/// # Errors
/// Its alert is gone, or the store cannot be read.
pub async fn shown(app: &App, delivery: &model::Delivery) -> Result<Delivery, RosterError> {
    let alert = app.store.read(AlertNumbered(delivery.key.alert)).await.map_err(|error| read_error(&error))?;
    let alert = alert.ok_or_else(|| RosterError::not_found("its alert is gone"))?;
    Ok(app.look(|roster| row(roster, delivery, alert.id)))
}

fn row(roster: &Roster, delivery: &model::Delivery, alert: AlertId) -> Delivery {
    let key = &delivery.key;
    Delivery {
        id: delivery.id,
        alert,
        channel: roster.routing.name_of(&key.channel).to_owned(),
        receiver: key.channel.split_once('/').map(|(_, receiver)| receiver.to_owned()),
        kind: key.kind,
        state: delivery.state,
        attempts: delivery.attempts,
        next_at: delivery.next_at,
        last_error: delivery.last_error.clone(),
        delivered_at: delivery.delivered_at,
        receipt: delivery.receipt.clone(),
    }
}
