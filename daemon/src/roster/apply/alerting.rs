//! Alerts that are not resolved, and deliveries that are pending.

use roster_protocol::alert::AlertState;

use crate::model::{Alert, AlertingCommit, DeliveryState};
use crate::roster::Roster;
use crate::roster::baseline::mark_of;

impl Roster {
    pub(super) fn apply_alerting(&mut self, commit: &AlertingCommit) {
        for alert in &commit.alerts {
            if let Some((connection, mark)) = mark_of(alert) {
                self.baselines.entry(connection).or_default().mark(mark);
            }
            self.remove_alert(alert.number);
            self.last_alert = self.last_alert.max(alert.number);
            self.alert_ids.insert(alert.id);
            if alert.state != AlertState::Resolved {
                self.put_alert(alert.clone());
            }
        }
        for delivery in &commit.deliveries {
            match delivery.state {
                DeliveryState::Pending => self.deliveries.insert(delivery.alert_and_channel(), delivery.clone()),
                _ => self.deliveries.remove(&delivery.alert_and_channel()),
            };
        }
        if let Some((uid, number)) = commit.desktop_shown {
            self.desktop_shown.insert(uid, number);
        }
        for rule in &commit.rules {
            self.stored_rules.insert(rule.name.clone(), rule.clone());
        }
        for name in &commit.removed_rules {
            self.stored_rules.remove(name);
        }
        if !commit.rules.is_empty() || !commit.removed_rules.is_empty() {
            self.use_rules();
        }
    }

    /// Stores an alert that is open or acknowledged in all indexes.
    pub(in crate::roster) fn put_alert(&mut self, alert: Alert) {
        self.index.alerts.insert((alert.id, alert.number));
        if let Some(connection) = alert.about.connection() {
            self.index.alerts_of.put(connection, alert.number);
        }
        if let (AlertState::Open, Some(influencer)) = (alert.state, alert.about.influencer()) {
            *self.open_alerts.entry(influencer).or_default() += 1;
        }
        self.alert_ids.insert(alert.id);
        self.alerts.insert(alert.number, alert);
    }

    fn remove_alert(&mut self, number: u64) {
        let Some(alert) = self.alerts.remove(&number) else { return };
        self.index.alerts.remove(&(alert.id, number));
        if let Some(connection) = alert.about.connection() {
            self.index.alerts_of.remove(&connection, number);
        }
        if let (AlertState::Open, Some(influencer)) = (alert.state, alert.about.influencer())
            && let Some(open) = self.open_alerts.get_mut(&influencer)
        {
            *open -= 1;
            if *open == 0 {
                self.open_alerts.remove(&influencer);
            }
        }
    }
}
