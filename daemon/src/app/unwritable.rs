//! The alert that the store cannot be written, while it cannot: in memory only, and published at once.
//!
//! It is the one thing that is published before it is durable, because it says that nothing becomes durable. Once the store
//! can be written again it is recorded under the same id, and delivered, as an alert that has ended. What is lost when the
//! daemon ends before is this alert, and nothing else.

use std::collections::BTreeMap;

use roster_protocol::alert::AlertState;
use roster_protocol::error::RosterError;
use roster_protocol::event::Event;
use roster_protocol::rule::Happening;

use super::App;
use crate::decision::{Decision, troubles};
use crate::model::{Alert, AlertingCommit, Commit, DESKTOP, Delivery};
use crate::roster::{Roster, rows};

/// The alert, and whose desktops have shown it.
#[derive(Clone, Debug)]
pub struct Unwritable {
    alert: Alert,
    /// Why, as an outage that is over will be explained.
    reason: String,
    /// That of the desktop, where one is to show it.
    delivery: Option<Delivery>,
    /// Up to which number, by user.
    shown: BTreeMap<u32, u64>,
}

impl Unwritable {
    /// Adds it to a roster that was loaded from the store: as the newest alert, whatever was stored meanwhile.
    pub(super) fn put_into(&mut self, roster: &mut Roster) {
        let number = roster.last_alert + 1;
        self.alert.number = number;
        self.delivery.iter_mut().for_each(|delivery| delivery.key.alert = number);
        self.shown.values_mut().for_each(|shown| *shown = number);
        let alerting = AlertingCommit {
            alerts: vec![self.alert.clone()],
            deliveries: self.delivery.iter().cloned().collect(),
            ..AlertingCommit::default()
        };
        roster.apply(&Commit { alerting, ..Commit::default() });
        roster.desktop_shown.extend(&self.shown);
    }
}

impl App {
    /// Publishes that the store cannot be written, unless that is published, or no rule is about it.
    pub fn publish_unwritable(&self, reason: &str, why: String) {
        let setup = self.setup();
        let mut held = self.held();
        if self.unwritable.lock().is_some() {
            return;
        }
        let config = &setup.config;
        let mut dice = self.dice.lock();
        let mut decision =
            Decision::new(&held.roster, &config.sync.grid, config.change.significant, self.clock.now(), &mut dice);
        troubles::follow(&mut decision, Happening::Store, Some(why));
        let AlertingCommit { mut alerts, mut deliveries, .. } = decision.commit.alerting;
        drop(dice);
        let Some(alert) = alerts.pop() else { return };
        // Other channels get it when it can be stored what became of that.
        deliveries.retain(|delivery| delivery.key.channel == DESKTOP);
        let mut unwritable =
            Unwritable { alert, reason: reason.to_owned(), delivery: deliveries.pop(), shown: BTreeMap::new() };
        unwritable.put_into(&mut held.roster);
        let alert = rows::alert(&held.roster, &unwritable.alert, self.clock.now());
        *self.unwritable.lock() = Some(unwritable);
        drop(held);
        self.feed.publish(vec![Event::AlertChanged(Box::new(alert)), Event::ScheduleChanged]);
    }

    /// The alert that the store cannot be written, while it is in memory only.
    pub fn unwritable(&self) -> Option<Alert> {
        self.unwritable.lock().as_ref().map(|unwritable| unwritable.alert.clone())
    }

    /// Notes that a user's desktop has shown all alerts up to `number`, while that cannot be stored. Those that are in the
    /// store are shown once more after that.
    pub fn shown_unwritable(&self, uid: u32, number: u64) {
        let mut held = self.held();
        let number = number.min(held.roster.last_alert);
        let before = held.roster.desktop_shown.get(&uid).copied().unwrap_or_default();
        held.roster.desktop_shown.insert(uid, before.max(number));
        if let Some(unwritable) = self.unwritable.lock().as_mut().filter(|it| it.alert.number <= number) {
            unwritable.shown.insert(uid, number);
        }
    }

    /// Records that the store could not be written, now that it can, and publishes that it is over.
    ///
    /// # Errors
    /// When that cannot be stored either; then the alert stays as it is.
    pub async fn record_unwritable(&self) -> Result<(), RosterError> {
        // What loads the roster again from now on must not put it there.
        let Some(unwritable) = self.unwritable.lock().take() else { return Ok(()) };
        let Unwritable { alert, reason, delivery, shown } = &unwritable;
        let shown = delivery.as_ref().filter(|_| !shown.is_empty());
        let recorded = self.decide(|decision| {
            troubles::was_unwritable(decision, alert, reason, shown);
            Ok(())
        });
        let recorded = recorded.await;
        if recorded.is_err() {
            let (mut held, mut unwritable) = (self.held(), unwritable);
            if !held.roster.alerts.values().any(|it| it.id == unwritable.alert.id && it.state == AlertState::Open) {
                unwritable.put_into(&mut held.roster);
            }
            *self.unwritable.lock() = Some(unwritable);
        }
        recorded
    }
}
