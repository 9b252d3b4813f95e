//! Rows of alerts, deliveries, rules and silences.

use roster_protocol::alert::AlertState;

use super::Batch;
use crate::model::{AlertingCommit, Delivery, DeliveryState};
use crate::store::error::StoreError;
use crate::store::records::{Record, delivery_key};
use crate::store::tables::Records;

impl Batch {
    pub(super) fn add_alerting(&mut self, commit: &AlertingCommit) -> Result<(), StoreError> {
        for alert in &commit.alerts {
            let number = alert.number.to_be_bytes();
            self.put(alert)?;
            self.put_at(Records::AlertIds, alert.id.0.to_vec(), &number);
            match alert.state {
                AlertState::Open | AlertState::Acknowledged => self.put_at(Records::AlertsLive, number.to_vec(), &[]),
                AlertState::Resolved => self.delete(Records::AlertsLive, number.to_vec()),
            }
        }
        commit.deliveries.iter().try_for_each(|delivery| self.put_delivery(delivery))?;
        commit.since.iter().try_for_each(|since| self.put(since))?;
        commit.rules.iter().try_for_each(|rule| self.put(rule))?;
        for name in &commit.removed_rules {
            self.delete(Records::Rules, name.clone().into_bytes());
        }
        commit.silences.iter().try_for_each(|silence| self.put(silence))?;
        commit.removed_silences.iter().for_each(|id| self.delete(Records::Silences, id.0.to_vec()));
        commit.dropped.iter().for_each(|key| self.delete(Records::DeliveriesPending, delivery_key(key)));
        if let Some((uid, number)) = commit.desktop_shown {
            self.put_at(Records::DesktopShown, uid.to_be_bytes().to_vec(), &number.to_be_bytes());
        }
        commit.read_marks.iter().try_for_each(|marks| self.put(marks))?;
        Ok(())
    }

    /// A delivery is in one of two tables, so that the pending ones are few to read.
    fn put_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        let (to, from) = match delivery.state {
            DeliveryState::Pending => (Records::DeliveriesPending, Records::Deliveries),
            DeliveryState::Delivered | DeliveryState::Dead | DeliveryState::Superseded => {
                (Records::Deliveries, Records::DeliveriesPending)
            }
        };
        self.delete(from, delivery.key());
        self.put_at(Records::DeliveryIds, [&delivery.id.0[..], &delivery.key()].concat(), &[]);
        self.put_in(to, delivery)
    }
}
