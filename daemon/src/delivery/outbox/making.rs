//! Makes messages of deliveries.

use std::collections::{BTreeMap, BTreeSet};

use roster_protocol::alert::Alert;
use roster_protocol::time::Timestamp;

use super::pending::message_id;
use crate::app::App;
use crate::delivery::channels::{Message, MessageKind};
use crate::model::{self, Delivery, DeliveryKind};
use crate::roster::rows;
use crate::store::{AlertNumbered, StoreError};

/// A message, and how many accounts it speaks of, by the numbers of the groups in it.
pub struct Written {
    pub message: Message,
    pub members: BTreeMap<u64, u64>,
}

/// The message of these deliveries; `None` when their alerts are gone.
///
/// # Errors
/// When the store cannot be read, which has the alerts that are resolved.
pub async fn message(app: &App, deliveries: &[Delivery], at: Timestamp) -> Result<Option<Written>, StoreError> {
    let numbers: BTreeSet<u64> = deliveries.iter().map(|delivery| delivery.key.alert).collect();
    let mut found = Vec::new();
    for number in numbers {
        let live = app.look(|roster| roster.alerts.get(&number).cloned());
        found.extend(match live {
            Some(alert) => Some(alert),
            None => app.store.read(AlertNumbered(number)).await?,
        });
    }
    let Some(first) = found.first() else { return Ok(None) };
    let kind = kind_of(deliveries, first, found.len());
    let points = if found.len() == 1 { points(app, first) } else { Vec::new() };
    let alerts: Vec<Alert> = app.look(|roster| found.iter().map(|alert| rows::alert(roster, alert, at)).collect());
    let message = Message { id: message_id(deliveries), kind, at, alerts, points };
    Ok(Some(Written { message, members: found.iter().map(|alert| (alert.number, alert.members)).collect() }))
}

fn kind_of(deliveries: &[Delivery], alert: &model::Alert, alerts: usize) -> MessageKind {
    match deliveries.first().map(|delivery| delivery.key.kind) {
        _ if alerts > 1 => MessageKind::Digest,
        Some(DeliveryKind::Resolved) if deliveries.len() == 1 => MessageKind::Resolved,
        Some(DeliveryKind::Grown) => MessageKind::Grown,
        _ if alert.members > 0 => MessageKind::Group,
        _ => MessageKind::Opened,
    }
}

/// The followers that the alert's account had lately.
fn points(app: &App, alert: &model::Alert) -> Vec<(Timestamp, u64)> {
    let Some(connection) = alert.about.connection() else { return Vec::new() };
    let zone = app.setup().config.sync.grid.zone.clone();
    app.look(|roster| {
        let days = roster.recent.get(&connection).map(|recent| recent.days()).unwrap_or_default();
        let at = |date: roster_protocol::time::Date| date.to_jiff().to_zoned(zone.clone()).ok();
        days.into_iter().filter_map(|(date, followers)| Some((at(date)?.timestamp().into(), followers))).collect()
    })
}
