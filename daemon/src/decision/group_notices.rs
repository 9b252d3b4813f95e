//! What channels are notified of a group: one notice, which takes the place of those of its members that still wait, and an
//! update when it has grown to twice as many.

use std::collections::BTreeMap;

use roster_protocol::alert::Severity;
use roster_protocol::time::Timestamp;

use super::deliveries::{put, waits_until};
use super::{Decision, routes, silences};
use crate::model::{Alert, DESKTOP, Delivery, DeliveryKey, DeliveryKind, DeliveryState};
use crate::roster::deliveries::Noticed;

/// A group is news again when it is so many times as large as when that was last said.
const GROWN: u64 = 2;
/// How long after a notice of a group the next one is sent at the earliest.
const APART_MS: i64 = 15 * 60_000;

/// Queues the notices of a group that opens with these members. What of a member still waits is not sent where the group is.
pub fn opened(decision: &mut Decision<'_>, group: &Alert, members: &[Alert]) {
    let matched = routes::of(decision.roster, group, members);
    let (channels, escalations) = (matched.channels(decision.now), matched.escalations(decision.now));
    for (channel, held_until) in channels {
        let waiting = supersede(decision, group, members, &channel, DeliveryKind::Opened);
        let due = first_due(decision, group, &channel, &waiting);
        put(decision, DeliveryKey::of(group.number, &channel, DeliveryKind::Group), due, held_until);
    }
    for (channel, at) in escalations {
        supersede(decision, group, members, &channel, DeliveryKind::Escalated);
        put(decision, DeliveryKey::of(group.number, &channel, DeliveryKind::Escalated), at, None);
    }
}

/// Queues what follows from a member that joins a group: notices where none of the others was routed to, and updates.
pub fn joined(decision: &mut Decision<'_>, group: &Alert, member: &Alert) {
    widen(decision, group, member);
    let noticed: Vec<(String, Noticed)> = noticed(decision, group);
    for (channel, noticed) in noticed {
        update(decision, group, &channel, noticed);
    }
}

/// Queues the updates of groups that have grown while their notices were sent.
pub fn delivered(decision: &mut Decision<'_>, taken: &[Delivery]) {
    let is_notice = |it: &&Delivery| matches!(it.key.kind, DeliveryKind::Group | DeliveryKind::Grown);
    for delivery in taken.iter().filter(is_notice) {
        let group = decision.roster.alerts.get(&delivery.key.alert).cloned();
        let at = delivery.delivered_at.unwrap_or(decision.now);
        let noticed = Noticed { at, members: delivery.members, update: delivery.key.update };
        if let Some(group) = group {
            update(decision, &group, &delivery.key.channel, noticed);
        }
    }
}

/// Drops the updates of a group that is over.
pub fn over(decision: &mut Decision<'_>, group: &Alert) {
    for (channel, noticed) in noticed(decision, group) {
        let key = DeliveryKey::grown(group.number, &channel, noticed.update.saturating_add(1));
        if decision.roster.deliveries.get(&key).is_some() {
            decision.commit.alerting.dropped.push(key);
        }
    }
}

/// A desktop replaces the popup of a group by itself.
fn noticed(decision: &Decision<'_>, group: &Alert) -> Vec<(String, Noticed)> {
    let noticed = decision.roster.deliveries.noticed(group.number);
    noticed.filter(|(channel, _)| *channel != DESKTOP).map(|(channel, at)| (channel.to_owned(), at)).collect()
}

/// When a group's notice is due on a channel: when the first of those is that it takes the place of, so that nothing waits
/// longer than its channel does.
fn first_due(decision: &Decision<'_>, group: &Alert, channel: &str, waiting: &[Delivery]) -> Timestamp {
    if group.severity == Severity::Critical {
        return decision.now;
    }
    // One that failed waits for its next attempt, not for a group.
    let untried = waiting.iter().filter(|it| !it.held && it.attempts == 0).filter_map(|it| it.next_at);
    untried.chain([waits_until(decision, channel)]).min().unwrap_or(decision.now)
}

/// Settles the notices of members that are not due yet; what is due may be on its way. Returns them as they were.
fn supersede(
    decision: &mut Decision<'_>,
    group: &Alert,
    members: &[Alert],
    channel: &str,
    kind: DeliveryKind,
) -> Vec<Delivery> {
    let now = decision.now;
    let pending = |member: &Alert| decision.roster.deliveries.get(&DeliveryKey::of(member.number, channel, kind));
    let is_waiting = |it: &Delivery| it.next_at > Some(now) && it.message.is_none();
    let waiting: Vec<Delivery> = members.iter().filter_map(pending).filter(|it| is_waiting(it)).cloned().collect();
    let superseded = waiting.iter().map(|delivery| Delivery {
        state: DeliveryState::Superseded,
        next_at: None,
        last_error: Some(format!("the notice of the group {} has it", group.id)),
        ..delivery.clone()
    });
    decision.commit.alerting.deliveries.extend(superseded);
    waiting
}

/// Notifies the channels that a new member's routes lead to, and those of the others do not.
fn widen(decision: &mut Decision<'_>, group: &Alert, member: &Alert) {
    let of_group = routes::of(decision.roster, group, &decision.commit.alerting.alerts);
    let own = routes::of(decision.roster, member, &[]);
    let now = decision.now;
    let (known, escalated) = (of_group.channels(now), of_group.escalations(now));
    let new = |channel: &String| !known.contains_key(channel) && !is_announced(decision, group, channel);
    let channels: BTreeMap<String, Option<Timestamp>> =
        own.channels(now).into_iter().filter(|(it, _)| new(it)).collect();
    let escalations = own.escalations(now).into_iter().filter(|(channel, _)| !escalated.contains_key(channel));
    let escalations: Vec<(String, Timestamp)> = escalations.collect();
    for (channel, held_until) in channels {
        let due = first_due(decision, group, &channel, &[]);
        put(decision, DeliveryKey::of(group.number, &channel, DeliveryKind::Group), due, held_until);
    }
    for (channel, at) in escalations {
        put(decision, DeliveryKey::of(group.number, &channel, DeliveryKind::Escalated), at, None);
    }
}

fn is_announced(decision: &Decision<'_>, group: &Alert, channel: &str) -> bool {
    let deliveries = &decision.roster.deliveries;
    deliveries.has_opening(group.number, channel) || deliveries.noticed(group.number).any(|(on, _)| on == channel)
}

/// Queues an update on a channel when the group has grown enough since its notice there, and none waits.
fn update(decision: &mut Decision<'_>, group: &Alert, channel: &str, noticed: Noticed) {
    let Some(next) = noticed.update.checked_add(1) else { return };
    let key = DeliveryKey::grown(group.number, channel, next);
    let is_queued = decision.roster.deliveries.get(&key).is_some()
        || decision.commit.alerting.deliveries.iter().any(|it| it.key == key);
    let has_grown = noticed.members > 0 && group.members >= noticed.members.saturating_mul(GROWN);
    if !has_grown || is_queued || silences::cover(decision, group) {
        return;
    }
    let at = Timestamp(noticed.at.0.saturating_add(APART_MS)).max(decision.now);
    let matched = routes::of(decision.roster, group, &decision.commit.alerting.alerts);
    if let Some(held_until) = matched.channels(at).get(channel).copied() {
        put(decision, key, at, held_until);
    }
}
