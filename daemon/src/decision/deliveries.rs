//! What is delivered of an alert, and on which channels.

use super::Decision;
use crate::model::{Alert, DESKTOP, Delivery, DeliveryState};

/// Queues the deliveries of an alert that opens, in the commit that opens it.
pub fn queue(decision: &mut Decision<'_>, alert: &Alert) {
    let delivery = Delivery {
        id: decision.fresh_id(),
        alert: alert.number,
        channel: DESKTOP.to_owned(),
        state: DeliveryState::Pending,
        attempts: 0,
        next_at: Some(decision.now),
        last_error: None,
        delivered_at: None,
    };
    decision.commit.alerting.deliveries.push(delivery);
}
