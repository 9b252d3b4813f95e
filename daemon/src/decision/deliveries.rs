//! What is delivered of alerts: what is queued when they open and end, and what becomes of an attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roster_protocol::alert::{AlertState, Severity};
use roster_protocol::audit::Who;
use roster_protocol::time::Timestamp;

use super::audit::audit;
use super::{Decision, group_notices, grouping, routes};
use crate::model::{Alert, DESKTOP, Delivery, DeliveryKey, DeliveryKind, DeliveryState};

/// Queues the deliveries of an alert that opens, in the commit that opens it. One of a single move waits a moment: its group
/// may take its place.
pub fn queue(decision: &mut Decision<'_>, alert: &Alert) {
    let matched = routes::of(decision.roster, alert, &decision.commit.alerting.alerts);
    let (channels, escalations) = (matched.channels(decision.now), matched.escalations(decision.now));
    let may_wait = grouping::is_move(alert) && alert.severity != Severity::Critical;
    for (channel, held_until) in channels {
        let due = if may_wait { waits_until(decision, &channel) } else { decision.now };
        put(decision, DeliveryKey::of(alert.number, &channel, DeliveryKind::Opened), due, held_until);
    }
    for (channel, at) in escalations {
        put(decision, DeliveryKey::of(alert.number, &channel, DeliveryKind::Escalated), at, None);
    }
}

/// Queues again what escalates an alert that is open again; its time counts from now.
pub fn escalate(decision: &mut Decision<'_>, alert: &Alert) {
    let matched = routes::of(decision.roster, alert, &decision.commit.alerting.alerts);
    for (channel, at) in matched.escalations(decision.now) {
        put(decision, DeliveryKey::of(alert.number, &channel, DeliveryKind::Escalated), at, None);
    }
}

/// Queues the deliveries of an alert that opened and ended while nothing could be stored: each receiver gets both. `shown` is
/// the delivery on a desktop that has shown it; what is over is not shown any more.
pub fn queue_past(decision: &mut Decision<'_>, alert: &Alert, shown: Option<&Delivery>) {
    let roster = decision.roster;
    let channels = routes::of(roster, alert, &[]).channels(decision.now);
    for (channel, held_until) in channels.into_iter().filter(|(channel, _)| channel != DESKTOP) {
        for kind in [DeliveryKind::Opened, DeliveryKind::Resolved] {
            put(decision, DeliveryKey::of(alert.number, &channel, kind), decision.now, held_until);
        }
    }
    let key = DeliveryKey::of(alert.number, DESKTOP, DeliveryKind::Opened);
    match shown {
        Some(shown) => decision.commit.alerting.deliveries.push(Delivery {
            key,
            state: DeliveryState::Delivered,
            attempts: 1,
            next_at: None,
            delivered_at: Some(decision.now),
            ..shown.clone()
        }),
        None if roster.deliveries.get(&key).is_some() => decision.commit.alerting.dropped.push(key),
        None => {}
    }
}

/// Until when a channel waits with a single move of now.
pub(super) fn waits_until(decision: &Decision<'_>, channel: &str) -> Timestamp {
    let wait = decision.roster.routing.channel(channel).map_or(0, |channel| channel.wait.millis());
    Timestamp(decision.now.0.saturating_add(wait))
}

/// Puts a delivery into the commit that is due then, or when what holds it back is over.
pub(super) fn put(decision: &mut Decision<'_>, key: DeliveryKey, due: Timestamp, held_until: Option<Timestamp>) {
    let delivery = Delivery {
        id: decision.fresh_id(),
        key,
        state: DeliveryState::Pending,
        attempts: 0,
        next_at: Some(held_until.unwrap_or(due)),
        last_error: None,
        delivered_at: None,
        queued_at: decision.now,
        tried_at: None,
        held: held_until.is_some(),
        message: None,
        receipt: None,
        members: 0,
    };
    decision.commit.alerting.deliveries.push(delivery);
}

/// Queues what follows from the alerts that a decision ends: who was notified that one opened is notified that it is
/// over, and what has been seen escalates no more.
pub fn follow(decision: &mut Decision<'_>) {
    let roster = decision.roster;
    let is_live = |alert: &&Alert| alert.state != AlertState::Open && roster.alerts.contains_key(&alert.number);
    let ended: Vec<Alert> = decision.commit.alerting.alerts.iter().filter(is_live).cloned().collect();
    for alert in ended {
        for channel in roster.deliveries.channels() {
            let key = DeliveryKey::of(alert.number, &channel, DeliveryKind::Escalated);
            if roster.deliveries.get(&key).is_some() {
                decision.commit.alerting.dropped.push(key);
            }
        }
        // Of whom nothing is to be left, nothing more is said.
        let erased = alert.about.influencer().filter(|id| decision.commit.roster.removed_influencers.contains(id));
        if alert.state == AlertState::Resolved {
            group_notices::over(decision, &alert);
        }
        if alert.state == AlertState::Resolved && erased.is_none() {
            resolved(decision, &alert);
        }
    }
}

fn resolved(decision: &mut Decision<'_>, alert: &Alert) {
    let roster = decision.roster;
    let times = routes::of(roster, alert, &[]).channels(decision.now);
    let announced = roster.deliveries.announced(alert.number);
    for channel in announced.iter().filter(|channel| *channel != DESKTOP && roster.routing.channel(channel).is_some()) {
        let held_until = times.get(channel).copied().flatten();
        put(decision, DeliveryKey::of(alert.number, channel, DeliveryKind::Resolved), decision.now, held_until);
    }
}

/// Makes several deliveries one message, which keeps its id from now on.
pub fn gather(decision: &mut Decision<'_>, keys: &[DeliveryKey]) {
    let pending = pending(decision, keys);
    let Some(message) = pending.first().map(|delivery| delivery.id) else { return };
    let gathered = pending.into_iter().map(|delivery| Delivery { message: Some(message), ..delivery });
    decision.commit.alerting.deliveries.extend(gathered);
}

/// The pending deliveries among these; what was dropped meanwhile is not.
fn pending(decision: &Decision<'_>, keys: &[DeliveryKey]) -> Vec<Delivery> {
    keys.iter().filter_map(|key| decision.roster.deliveries.get(key)).cloned().collect()
}

/// How long after an attempt another delivery that failed before is tried again because the channel works.
const TRIED_AGAIN_AFTER_MS: i64 = 5 * 60_000;

/// What a receiver took.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// What it said.
    pub receipt: String,
    /// How many accounts the message spoke of, by the numbers of the groups in it.
    pub members: BTreeMap<u64, u64>,
}

/// Records that a message was taken. What failed on the channel before need not wait any longer.
pub fn delivered(decision: &mut Decision<'_>, keys: &[DeliveryKey], taken: &Taken) {
    let now = decision.now;
    let delivered = pending(decision, keys).into_iter().map(|delivery| Delivery {
        members: taken.members.get(&delivery.key.alert).copied().unwrap_or(0),
        state: DeliveryState::Delivered,
        attempts: delivery.attempts + 1,
        next_at: None,
        last_error: None,
        delivered_at: Some(now),
        tried_at: Some(now),
        receipt: Some(taken.receipt.clone()),
        ..delivery
    });
    let deliveries: Vec<Delivery> = delivered.collect();
    let Some(channel) = keys.first().map(|key| key.channel.as_str()) else { return };
    let has_failed = |it: &&Delivery| it.tried_at.is_some_and(|at| now.since(at) >= TRIED_AGAIN_AFTER_MS);
    let waiting = decision.roster.deliveries.on(channel).filter(|it| it.attempts > 0 && it.next_at > Some(now));
    let waiting = waiting.filter(has_failed).filter(|it| !keys.contains(&it.key));
    let again: Vec<Delivery> = waiting.map(|it| Delivery { next_at: Some(now), ..it.clone() }).collect();
    decision.commit.alerting.deliveries.extend(deliveries.iter().cloned().chain(again));
    group_notices::delivered(decision, &deliveries);
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Shown to users; clean.
    pub why: String,
    /// How long the receiver requested to wait.
    pub after: Option<Duration>,
    /// Whether it will never be taken.
    pub is_final: bool,
}

/// How long after each failure the next attempt is made, in seconds: three days in all.
const DELAYS_S: [i64; 10] = [5, 30, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// A delivery that fails so long after it was queued is given up.
const GIVEN_UP_AFTER_MS: i64 = 3 * 24 * 3_600_000;
/// Unless it was tried less often than this: the daemon may not have run.
const LEAST_ATTEMPTS: u32 = 4;
/// The longest wait beyond what a receiver requested.
const BEYOND_REQUESTED_S: i64 = 300;

/// Records that a message was not taken, and when it is sent again, or that it is given up.
pub fn failed(decision: &mut Decision<'_>, keys: &[DeliveryKey], failure: &Failure) {
    let now = decision.now;
    // One message has one next attempt.
    let jitter = 1.0 + 0.2 * decision.dice.share();
    for delivery in pending(decision, keys) {
        let attempts = delivery.attempts.saturating_add(1);
        let is_old = now.since(delivery.queued_at) >= GIVEN_UP_AFTER_MS && attempts >= LEAST_ATTEMPTS;
        let tried = Delivery { attempts, tried_at: Some(now), ..delivery };
        if failure.is_final || is_old {
            give_up(decision, tried, &failure.why);
            continue;
        }
        let wait = wait_after(attempts, failure.after, jitter);
        let at = Timestamp(now.0.saturating_add(wait));
        let quiet = decision.roster.alerts.get(&tried.key.alert);
        let quiet = quiet.and_then(|alert| routes::of(decision.roster, alert, &[]).quiet_on(&tried.key.channel, at));
        let next_at = Some(quiet.unwrap_or(at));
        let again = Delivery { next_at, last_error: Some(failure.why.clone()), ..tried };
        decision.commit.alerting.deliveries.push(again);
    }
}

/// How many milliseconds after so many failures the next attempt is made.
fn wait_after(attempts: u32, requested: Option<Duration>, jitter: f64) -> i64 {
    let failures = usize::try_from(attempts.max(1) - 1).unwrap_or(usize::MAX);
    let own = DELAYS_S.get(failures).copied().unwrap_or(DELAYS_S[DELAYS_S.len() - 1]);
    let ms = |seconds: i64| (seconds as f64 * 1000.0 * jitter) as i64;
    match requested {
        None => ms(own),
        Some(requested) => {
            let requested = i64::try_from(requested.as_millis()).unwrap_or(i64::MAX);
            requested.max(ms(own.min(BEYOND_REQUESTED_S)))
        }
    }
}

/// Gives up a delivery. Where it was to notify that an alert opened, there is no notice that it is over.
fn give_up(decision: &mut Decision<'_>, delivery: Delivery, why: &str) {
    let DeliveryKey { alert, channel, kind, .. } = &delivery.key;
    let over = kind.is_opening().then(|| DeliveryKey::of(*alert, channel, DeliveryKind::Resolved));
    let over = over.and_then(|key| decision.roster.deliveries.get(&key)).cloned();
    let dead = |delivery: Delivery, why: &str| Delivery {
        state: DeliveryState::Dead,
        next_at: None,
        last_error: Some(why.to_owned()),
        ..delivery
    };
    decision.commit.alerting.deliveries.extend(over.map(|over| dead(over, "that it opened was not delivered")));
    decision.commit.alerting.deliveries.push(dead(delivery, why));
}

/// Gives up everything on a channel, and everything on channels that are gone.
pub fn abandon(decision: &mut Decision<'_>, channels: &BTreeSet<String>, why: &str) {
    let on = channels.iter().flat_map(|channel| decision.roster.deliveries.on(channel));
    let dead = on.map(|delivery| Delivery {
        state: DeliveryState::Dead,
        next_at: None,
        last_error: Some(why.to_owned()),
        ..delivery.clone()
    });
    let dead: Vec<Delivery> = dead.collect();
    decision.commit.alerting.deliveries.extend(dead);
}

/// Forgets escalations of alerts that were seen meanwhile.
pub fn drop_seen(decision: &mut Decision<'_>, keys: Vec<DeliveryKey>) {
    decision.commit.alerting.dropped.extend(keys);
}

/// Has a delivery sent again now, whatever became of it, under its own id.
pub fn retry(decision: &mut Decision<'_>, who: &Who, delivery: Delivery) -> Delivery {
    let now = decision.now;
    // It may have moved on since it was read.
    let again = match decision.roster.deliveries.get(&delivery.key).cloned() {
        Some(pending) => Delivery { next_at: Some(now), ..pending },
        None => Delivery {
            state: DeliveryState::Pending,
            // Its schedule begins anew.
            attempts: 0,
            next_at: Some(now),
            delivered_at: None,
            queued_at: now,
            tried_at: None,
            held: false,
            message: None,
            receipt: None,
            last_error: delivery.last_error.filter(|_| delivery.state != DeliveryState::Superseded),
            ..delivery
        },
    };
    decision.log(audit(decision, who, "delivery.retry", format!("{} {}", again.id, again.key.channel)));
    decision.commit.alerting.deliveries.push(again.clone());
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_waits_longer_up_to_a_day_with_a_fifth_for_the_spread() {
        let check = |attempts: u32, least_s: i64| {
            assert_eq!(wait_after(attempts, None, 1.0), least_s * 1000, "{attempts}");
            assert_eq!(wait_after(attempts, None, 1.2), least_s * 1200, "{attempts}");
        };
        // The schedule that Standard Webhooks recommend, with half a minute in between; at the end a day.
        let hours = [2, 5, 10, 14, 20, 24].map(|hours| hours * 3600);
        for (attempts, least_s) in (1..).zip([5, 30, 5 * 60, 30 * 60].into_iter().chain(hours)) {
            check(attempts, least_s);
        }
        check(0, 5);
        check(11, 24 * 3600);
        check(u32::MAX, 24 * 3600);
    }

    #[test]
    fn a_receivers_own_wait_is_kept_and_no_longer_one_added_to_it() {
        let check = |attempts: u32, requested_s: u64, expected_s: i64| {
            let wait = wait_after(attempts, Some(Duration::from_secs(requested_s)), 1.0);
            assert_eq!(wait, expected_s * 1000, "{attempts} {requested_s}");
        };
        check(1, 7200, 7200);
        check(1, 0, 5);
        check(3, 60, 300);
        check(9, 60, 300);
        assert_eq!(wait_after(1, Some(Duration::MAX), 1.2), i64::MAX);
    }
}
