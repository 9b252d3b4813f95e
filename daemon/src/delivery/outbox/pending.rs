//! What is sent next on a channel. Pure.

use roster_protocol::alert::AlertState;
use roster_protocol::ids::DeliveryId;
use roster_protocol::time::Timestamp;

use crate::model::{Delivery, DeliveryKey, DeliveryKind};
use crate::roster::Roster;

/// The most deliveries in one message.
const MOST_GATHERED: usize = 500;

/// What is to be done next on a channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// One message of these deliveries, which keep its id.
    Send(Vec<Delivery>),
    /// Several that were held back become one message.
    Gather(Vec<DeliveryKey>),
    /// These escalate no more: their alerts were seen.
    Drop(Vec<DeliveryKey>),
    /// Nothing before then.
    Wait(Timestamp),
}

/// What is to be done next on a channel; `gathers`: whether several deliveries can be one message there.
pub fn next(roster: &Roster, channel: &str, gathers: bool, now: Timestamp) -> Next {
    let mut seen = Vec::new();
    let mut wait = Timestamp(i64::MAX);
    let mut found = None;
    for delivery in roster.deliveries.due_on(channel) {
        let due = delivery.next_at.unwrap_or(Timestamp(0));
        if due > now {
            wait = due;
            break;
        }
        match delivery.key.kind {
            DeliveryKind::Escalated if !is_open(roster, delivery) => seen.push(delivery.key.clone()),
            // Its opening comes first; when that is settled, this is looked at again.
            DeliveryKind::Resolved if waits_for_opening(roster, delivery) => {}
            _ => {
                found = Some(delivery);
                break;
            }
        }
    }
    match found {
        _ if !seen.is_empty() => Next::Drop(seen),
        None => Next::Wait(wait),
        Some(delivery) => message_of(roster, delivery, gathers, now),
    }
}

fn is_open(roster: &Roster, delivery: &Delivery) -> bool {
    roster.alerts.get(&delivery.key.alert).is_some_and(|alert| alert.state == AlertState::Open)
}

/// Of one message they are sent together.
fn waits_for_opening(roster: &Roster, delivery: &Delivery) -> bool {
    delivery.message.is_none() && roster.deliveries.has_opening(delivery.key.alert, &delivery.key.channel)
}

fn message_of(roster: &Roster, first: &Delivery, gathers: bool, now: Timestamp) -> Next {
    let on = roster.deliveries.on(&first.key.channel);
    if let Some(message) = first.message {
        return Next::Send(on.filter(|delivery| delivery.message == Some(message)).cloned().collect());
    }
    let is_held = |delivery: &&Delivery| delivery.held && delivery.message.is_none() && delivery.next_at <= Some(now);
    if gathers && first.held {
        let held: Vec<DeliveryKey> = on.filter(is_held).map(|it| it.key.clone()).take(MOST_GATHERED).collect();
        if held.len() > 1 {
            return Next::Gather(held);
        }
    }
    Next::Send(vec![first.clone()])
}

/// The id of the message of these deliveries: the same on every attempt. The alert's number makes it unique for good, since
/// ids of deliveries are short.
pub fn message_id(deliveries: &[Delivery]) -> String {
    let number = deliveries.iter().map(|delivery| delivery.key.alert).min().unwrap_or(0);
    let of = |delivery: &Delivery| delivery.message.unwrap_or(delivery.id);
    let id = deliveries.first().map_or(DeliveryId::from_bytes([0; 5]), of);
    format!("msg_{number}_{id}")
}

#[cfg(test)]
mod tests {
    use roster_protocol::alert::About;
    use roster_protocol::delivery::DeliveryState;

    use super::*;
    use crate::model::{AlertingCommit, Commit};
    use crate::roster::samples::{self, NOON};

    const LATER: Timestamp = Timestamp(NOON.0 + 60_000);

    fn pending(alert: u64, kind: DeliveryKind) -> Delivery {
        let mut delivery = samples::delivery(alert, "team", DeliveryState::Pending);
        delivery.key.kind = kind;
        delivery.id = DeliveryId::from_bytes([alert as u8, kind as u8, 0, 0, 0]);
        delivery
    }

    fn roster(alerts: &[AlertState], deliveries: Vec<Delivery>) -> Roster {
        let mut roster = samples::roster();
        let alert = |(number, state): (u64, &AlertState)| samples::alert(number, *state, About::Daemon);
        let alerts = (1..).zip(alerts).map(alert).collect();
        let alerting = AlertingCommit { alerts, deliveries, ..AlertingCommit::default() };
        roster.apply(&Commit { alerting, ..Commit::default() });
        roster
    }

    fn sent(next: Next) -> Vec<(u64, DeliveryKind)> {
        match next {
            Next::Send(deliveries) => deliveries.iter().map(|it| (it.key.alert, it.key.kind)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_due_first_is_sent_first_and_alone() {
        let early = Delivery { next_at: Some(Timestamp(NOON.0 - 1)), ..pending(2, DeliveryKind::Opened) };
        let late = Delivery { next_at: Some(LATER), ..pending(3, DeliveryKind::Opened) };
        let roster = roster(&[AlertState::Open; 3], vec![pending(1, DeliveryKind::Opened), early, late.clone()]);
        assert_eq!(sent(next(&roster, "team", true, NOON)), [(2, DeliveryKind::Opened)]);
        assert_eq!(next(&roster, "other", true, NOON), Next::Wait(Timestamp(i64::MAX)));
        let waiting = self::roster(&[AlertState::Open; 3], vec![late]);
        assert_eq!(next(&waiting, "team", true, NOON), Next::Wait(LATER));
    }

    #[test]
    fn that_it_is_over_is_not_said_before_that_it_opened() {
        let opening = Delivery { next_at: Some(LATER), ..pending(1, DeliveryKind::Opened) };
        let over = pending(1, DeliveryKind::Resolved);
        let waiting = roster(&[AlertState::Resolved], vec![opening, over.clone()]);
        assert_eq!(next(&waiting, "team", true, NOON), Next::Wait(LATER));
        let roster = roster(&[AlertState::Resolved], vec![over]);
        assert_eq!(sent(next(&roster, "team", true, NOON)), [(1, DeliveryKind::Resolved)]);
    }

    #[test]
    fn what_was_seen_does_not_escalate() {
        let escalations = || vec![pending(1, DeliveryKind::Escalated), pending(2, DeliveryKind::Escalated)];
        let roster = roster(&[AlertState::Acknowledged, AlertState::Open], escalations());
        let dropped = DeliveryKey::of(1, "team", DeliveryKind::Escalated);
        assert_eq!(next(&roster, "team", true, NOON), Next::Drop(vec![dropped]));
    }

    #[test]
    fn what_was_held_back_becomes_one_message_with_one_id() {
        let held = |alert| Delivery { held: true, ..pending(alert, DeliveryKind::Opened) };
        let more = vec![held(1), held(2), pending(3, DeliveryKind::Opened)];
        let held_back = roster(&[AlertState::Open; 3], more.clone());
        let keys = vec![held(1).key, held(2).key];
        assert_eq!(next(&held_back, "team", true, NOON), Next::Gather(keys));
        assert_eq!(sent(next(&held_back, "team", false, NOON)), [(1, DeliveryKind::Opened)]);
        let message = Some(held(1).id);
        let gathered = more.into_iter().map(|it| if it.held { Delivery { message, ..it } } else { it });
        let roster = roster(&[AlertState::Open; 3], gathered.collect());
        let Next::Send(deliveries) = next(&roster, "team", true, NOON) else { panic!("one message") };
        assert_eq!(deliveries.len(), 2);
        assert_eq!(message_id(&deliveries), format!("msg_1_{}", held(1).id));
    }
}
