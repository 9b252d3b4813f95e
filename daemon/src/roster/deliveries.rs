//! Deliveries that are pending, by alert and by when they are due; and where alerts that are not resolved were delivered.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use roster_protocol::delivery::{DeliveryKind, DeliveryState};
use roster_protocol::ids::DeliveryId;
use roster_protocol::time::Timestamp;

use crate::model::{Delivery, DeliveryKey};

/// What is still to be delivered, and what was.
#[derive(Debug, Default)]
pub struct Deliveries {
    pending: BTreeMap<DeliveryKey, Delivery>,
    /// Channel, when it is due, alert, kind and update.
    due: BTreeSet<(String, Timestamp, u64, DeliveryKind, u8)>,
    ids: HashSet<DeliveryId>,
    /// The channels on which it was delivered that an alert opened, by its number.
    delivered: HashMap<u64, BTreeMap<String, Noticed>>,
}

/// What a channel was last notified of an alert that is not resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    pub at: Timestamp,
    /// How many accounts the notice spoke of; 0 unless it was a group's.
    pub members: u64,
    /// Which update it was; 0 that it opened.
    pub update: u8,
}

impl Noticed {
    fn of(delivery: &Delivery) -> Self {
        let at = delivery.delivered_at.or(delivery.tried_at).unwrap_or(delivery.queued_at);
        Self { at, members: delivery.members, update: delivery.key.update }
    }
}

impl Deliveries {
    /// These pending ones, and those that were delivered.
    pub fn of(pending: Vec<Delivery>, delivered: Vec<Delivery>) -> Self {
        let mut deliveries = Self::default();
        pending.iter().chain(&delivered).for_each(|delivery| deliveries.put(delivery));
        deliveries
    }

    /// Takes over a delivery as it is now.
    pub fn put(&mut self, delivery: &Delivery) {
        self.remove(&delivery.key);
        match delivery.state {
            DeliveryState::Pending => {
                self.due.insert(due(delivery));
                self.ids.insert(delivery.id);
                self.pending.insert(delivery.key.clone(), delivery.clone());
            }
            DeliveryState::Delivered if delivery.key.kind.is_opening() => self.note(delivery),
            // One that is given up is not followed by another before the group has grown again.
            DeliveryState::Delivered | DeliveryState::Dead if delivery.key.kind == DeliveryKind::Grown => {
                self.note(delivery);
            }
            DeliveryState::Delivered | DeliveryState::Dead | DeliveryState::Superseded => {}
        }
    }

    fn note(&mut self, delivery: &Delivery) {
        let on = self.delivered.entry(delivery.key.alert).or_default();
        let noticed = on.entry(delivery.key.channel.clone()).or_default();
        // One that a user has sent again is not the newest.
        if delivery.key.update >= noticed.update {
            *noticed = Noticed::of(delivery);
        }
    }

    /// What channels were last notified of an alert, by their keys.
    pub fn noticed(&self, alert: u64) -> impl Iterator<Item = (&str, Noticed)> {
        self.delivered.get(&alert).into_iter().flatten().map(|(channel, noticed)| (channel.as_str(), *noticed))
    }

    /// Forgets a pending one.
    pub fn remove(&mut self, key: &DeliveryKey) {
        if let Some(delivery) = self.pending.remove(key) {
            self.due.remove(&due(&delivery));
            self.ids.remove(&delivery.id);
        }
    }

    /// Forgets where an alert was delivered that is resolved.
    pub fn forget(&mut self, alert: u64) {
        self.delivered.remove(&alert);
    }

    pub fn len(&self) -> usize {
        self.pending.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// The pending one of this key.
    pub fn get(&self, key: &DeliveryKey) -> Option<&Delivery> {
        self.pending.get(key)
    }

    /// Whether a pending one has this id.
    pub fn has_id(&self, id: DeliveryId) -> bool {
        self.ids.contains(&id)
    }

    /// All that are pending, by channel, then alert.
    pub fn pending(&self) -> impl Iterator<Item = &Delivery> {
        self.pending.values()
    }

    /// Those that are pending on a channel, by alert.
    pub fn on(&self, channel: &str) -> impl Iterator<Item = &Delivery> {
        let first = DeliveryKey::of(0, channel, DeliveryKind::Opened);
        self.pending.range(first..).map(|(_, delivery)| delivery).take_while(move |it| it.key.channel == channel)
    }

    /// Those that are pending on a channel, by when they are due.
    pub fn due_on(&self, channel: &str) -> impl Iterator<Item = &Delivery> {
        let first = (channel.to_owned(), Timestamp(i64::MIN), 0, DeliveryKind::Opened, 0);
        let due = self.due.range(first..).take_while(move |(on, ..)| on == channel);
        due.filter_map(|(channel, _, alert, kind, update)| {
            self.pending.get(&DeliveryKey { update: *update, ..DeliveryKey::of(*alert, channel, *kind) })
        })
    }

    /// The channels on which it was delivered that the alert opened, or is still to be.
    pub fn announced(&self, alert: u64) -> BTreeSet<String> {
        let delivered = self.noticed(alert).map(|(channel, _)| channel.to_owned());
        let pending = self.channels().into_iter().filter(|channel| self.has_opening(alert, channel));
        delivered.chain(pending).collect()
    }

    /// Whether it is still to be delivered on a channel that the alert opened.
    pub fn has_opening(&self, alert: u64, channel: &str) -> bool {
        let kinds = DeliveryKind::ALL.into_iter().filter(|kind| kind.is_opening());
        kinds.into_iter().any(|kind| self.pending.contains_key(&DeliveryKey::of(alert, channel, kind)))
    }

    /// The channels on which something is pending.
    pub fn channels(&self) -> Vec<String> {
        let mut channels = Vec::new();
        let mut next = self.pending.keys().next();
        while let Some(DeliveryKey { channel, .. }) = next {
            channels.push(channel.clone());
            // Names have no control characters: this is after all of the channel's, and before any other's.
            let after = DeliveryKey::of(0, &format!("{channel}\0"), DeliveryKind::Opened);
            next = self.pending.range(after..).next().map(|(key, _)| key);
        }
        channels
    }
}

fn due(delivery: &Delivery) -> (String, Timestamp, u64, DeliveryKind, u8) {
    let DeliveryKey { channel, alert, kind, update } = delivery.key.clone();
    (channel, delivery.next_at.unwrap_or(Timestamp(0)), alert, kind, update)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::samples::delivery;

    fn at(mut delivery: Delivery, next_at: i64) -> Delivery {
        delivery.next_at = Some(Timestamp(next_at));
        delivery
    }

    #[test]
    fn what_is_pending_is_found_by_channel_and_by_when_it_is_due() {
        let mut deliveries = Deliveries::default();
        deliveries.put(&at(delivery(1, "mail", DeliveryState::Pending), 30));
        deliveries.put(&at(delivery(2, "mail", DeliveryState::Pending), 10));
        deliveries.put(&at(delivery(3, "team", DeliveryState::Pending), 20));
        let on = |channel: &str| deliveries.on(channel).map(|it| it.key.alert).collect::<Vec<_>>();
        let due = |channel: &str| deliveries.due_on(channel).map(|it| it.key.alert).collect::<Vec<_>>();
        assert_eq!((on("mail"), on("team"), on("ma")), (vec![1, 2], vec![3], vec![]));
        assert_eq!((due("mail"), due("team"), due("other")), (vec![2, 1], vec![3], vec![]));
        assert_eq!((deliveries.channels(), deliveries.len()), (vec!["mail".to_owned(), "team".to_owned()], 3));
    }

    #[test]
    fn a_later_attempt_replaces_the_one_before() {
        let mut deliveries = Deliveries::default();
        let pending = delivery(1, "mail", DeliveryState::Pending);
        [5, 50, 20].into_iter().for_each(|due| deliveries.put(&at(pending.clone(), due)));
        assert_eq!(deliveries.due_on("mail").map(|it| it.next_at).collect::<Vec<_>>(), [Some(Timestamp(20))]);
        assert!(!deliveries.is_empty());
        deliveries.put(&delivery(1, "mail", DeliveryState::Dead));
        assert!(deliveries.is_empty() && !deliveries.has_id(pending.id) && deliveries.announced(1).is_empty());
    }

    #[test]
    fn the_newest_notice_of_a_group_is_known() {
        let mut deliveries = Deliveries::default();
        let mut put = |update: u8, members, state| {
            let key = DeliveryKey {
                update,
                ..DeliveryKey::of(1, "mail", [DeliveryKind::Group, DeliveryKind::Grown][usize::from(update > 0)])
            };
            let at = Timestamp(i64::from(update));
            deliveries.put(&Delivery { key, members, delivered_at: Some(at), ..delivery(1, "mail", state) });
            deliveries.noticed(1).map(|(_, noticed)| (noticed.update, noticed.members)).collect::<Vec<_>>()
        };
        assert_eq!(put(0, 6, DeliveryState::Delivered), [(0, 6)]);
        assert_eq!(put(1, 40, DeliveryState::Pending), [(0, 6)]);
        assert_eq!(put(1, 40, DeliveryState::Delivered), [(1, 40)]);
        assert_eq!(put(2, 90, DeliveryState::Dead), [(2, 90)]);
        assert_eq!(put(1, 99, DeliveryState::Delivered), [(2, 90)], "one that is sent again");
    }

    #[test]
    fn an_alert_is_announced_where_its_opening_was_delivered_or_waits() {
        let mut deliveries = Deliveries::default();
        deliveries.put(&delivery(1, "mail", DeliveryState::Pending));
        deliveries.put(&delivery(1, "team", DeliveryState::Delivered));
        let mut escalated = delivery(1, "phone", DeliveryState::Delivered);
        escalated.key.kind = DeliveryKind::Escalated;
        deliveries.put(&escalated);
        assert_eq!(deliveries.announced(1).into_iter().collect::<Vec<_>>(), ["mail", "team"]);
        deliveries.forget(1);
        assert_eq!(deliveries.announced(1).into_iter().collect::<Vec<_>>(), ["mail"]);
    }
}
