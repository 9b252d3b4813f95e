//! Alerts that are not resolved, and deliveries that are pending.

use roster_protocol::alert::AlertState;

use crate::model::{Alert, AlertingCommit};
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
            match alert.state {
                AlertState::Resolved => self.deliveries.forget(alert.number),
                AlertState::Open | AlertState::Acknowledged => self.put_alert(alert.clone()),
            }
        }
        for delivery in &commit.deliveries {
            self.deliveries.put(delivery);
            if !self.alerts.contains_key(&delivery.key.alert) {
                self.deliveries.forget(delivery.key.alert);
            }
        }
        commit.dropped.iter().for_each(|key| self.deliveries.remove(key));
        if let Some((uid, number)) = commit.desktop_shown {
            self.desktop_shown.insert(uid, number);
        }
        if let Some(marks) = &commit.read_marks {
            self.read_marks.insert(marks.uid, marks.clone());
        }
        self.alerts_since = commit.since.or(self.alerts_since);
        for rule in &commit.rules {
            self.stored_rules.insert(rule.name.clone(), rule.clone());
        }
        for name in &commit.removed_rules {
            self.stored_rules.remove(name);
        }
        self.silences.extend(commit.silences.iter().map(|silence| (silence.id, silence.clone())));
        self.silences.retain(|id, _| !commit.removed_silences.contains(id));
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
