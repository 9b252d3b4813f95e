//! Deliveries of alerts.

use postcard::{from_bytes, take_from_bytes, to_extend};
use roster_protocol::ids::DeliveryId;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::codes::{DELIVERY_KINDS, DELIVERY_STATES, code, variant};
use super::{Payload, Record};
use crate::model::{Delivery, DeliveryKey, DeliveryKind};
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct DeliveryRecord<'a> {
    id: [u8; 5],
    state: u8,
    attempts: u32,
    next_at: Option<i64>,
    #[serde(borrow)]
    last_error: Option<&'a str>,
    delivered_at: Option<i64>,
}

/// What version 2 has behind a [`DeliveryRecord`].
#[derive(Default, Serialize, Deserialize)]
struct DeliveryRest<'a> {
    queued_at: i64,
    tried_at: Option<i64>,
    held: bool,
    message: Option<[u8; 5]>,
    #[serde(borrow)]
    receipt: Option<&'a str>,
}

/// What version 3 has behind those.
#[derive(Default, Serialize, Deserialize)]
struct DeliveryGroup {
    members: u64,
}

/// Separates a channel's name, which has no control characters, from the code of a kind.
const SEPARATOR: u8 = 0;

/// The key of a delivery. One that says that an alert opened has none of its kind, as all had once.
pub(in crate::store) fn delivery_key(key: &DeliveryKey) -> Vec<u8> {
    let mut encoded = [&key.alert.to_be_bytes()[..], key.channel.as_bytes()].concat();
    if key.kind != DeliveryKind::Opened {
        encoded.extend([SEPARATOR, code(DELIVERY_KINDS, key.kind)]);
    }
    if key.update > 0 {
        encoded.push(key.update);
    }
    encoded
}

fn read_key(encoded: &[u8]) -> Option<DeliveryKey> {
    let (alert, rest) = encoded.split_first_chunk::<8>()?;
    let end = rest.iter().position(|byte| *byte == SEPARATOR).unwrap_or(rest.len());
    let (channel, kind) = rest.split_at(end);
    let (kind, update) = match kind {
        [] => (DeliveryKind::Opened, 0),
        [_, kind] => (variant(DELIVERY_KINDS, *kind)?, 0),
        [_, kind, update] => (variant(DELIVERY_KINDS, *kind)?, *update),
        _ => return None,
    };
    let key = DeliveryKey::of(u64::from_be_bytes(*alert), std::str::from_utf8(channel).ok()?, kind);
    Some(DeliveryKey { update, ..key })
}

impl Record for Delivery {
    const TABLE: Records = Records::Deliveries;
    /// Version 1 had no kinds and no receipts, version 2 no groups that grow.
    const VERSION: u8 = 3;

    fn key(&self) -> Vec<u8> {
        delivery_key(&self.key)
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let record = DeliveryRecord {
            id: self.id.0,
            state: code(DELIVERY_STATES, self.state),
            attempts: self.attempts,
            next_at: self.next_at.map(|at| at.0),
            last_error: self.last_error.as_deref(),
            delivered_at: self.delivered_at.map(|at| at.0),
        };
        let rest = DeliveryRest {
            queued_at: self.queued_at.0,
            tried_at: self.tried_at.map(|at| at.0),
            held: self.held,
            message: self.message.map(|id| id.0),
            receipt: self.receipt.as_deref(),
        };
        let group = DeliveryGroup { members: self.members };
        to_extend(&group, to_extend(&rest, to_extend(&record, out)?)?)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        Self::decode_version(Self::VERSION, key, payload)
    }

    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        let (record, rest): (DeliveryRecord<'_>, _) = take_from_bytes(payload).ok()?;
        let (rest, more): (DeliveryRest<'_>, _) = match version {
            // One that is pending was due when it was queued.
            1 => {
                let queued_at = record.next_at.or(record.delivered_at).unwrap_or(0);
                (DeliveryRest { queued_at, ..Default::default() }, rest)
            }
            _ => take_from_bytes(rest).ok()?,
        };
        let group: DeliveryGroup = match version {
            1 | 2 => DeliveryGroup::default(),
            _ => from_bytes(more).ok()?,
        };
        Some(Delivery {
            id: DeliveryId::from_bytes(record.id),
            key: read_key(key)?,
            state: variant(DELIVERY_STATES, record.state)?,
            attempts: record.attempts,
            next_at: record.next_at.map(Timestamp),
            last_error: record.last_error.map(str::to_owned),
            delivered_at: record.delivered_at.map(Timestamp),
            queued_at: Timestamp(rest.queued_at),
            tried_at: rest.tried_at.map(Timestamp),
            held: rest.held,
            message: rest.message.map(DeliveryId::from_bytes),
            receipt: rest.receipt.map(str::to_owned),
            members: group.members,
        })
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::delivery::DeliveryState;

    use super::*;
    use crate::roster::samples;

    #[test]
    fn a_delivery_of_earlier_versions_is_no_groups_and_says_that_an_alert_opened() {
        let before = samples::delivery(7, "desktop", DeliveryState::Pending);
        let payload = before.encode(Vec::new()).expect("encoded");
        let length = |of: &dyn Fn(Vec<u8>) -> Payload| of(Vec::new()).expect("encoded").len();
        let group = length(&|out| to_extend(&DeliveryGroup::default(), out));
        let queued_at = before.queued_at.0;
        let rest = length(&|out| to_extend(&DeliveryRest { queued_at, ..DeliveryRest::default() }, out));
        let key = [&7u64.to_be_bytes()[..], b"desktop"].concat();
        for (version, missing) in [(1, group + rest), (2, group), (3, 0)] {
            let decoded = Delivery::decode_version(version, &key, &payload[..payload.len() - missing]);
            assert_eq!(decoded.as_ref(), Some(&before), "{version}");
        }
    }

    #[test]
    fn keys_are_unique_by_alert_channel_and_kind() {
        let mut keys = std::collections::BTreeSet::new();
        for alert in [0, 1, 256] {
            for channel in ["team", "team-2", "desktop"] {
                let grown = [1, 2, 255].map(|update| DeliveryKey::grown(alert, channel, update));
                for key in DeliveryKind::ALL.map(|kind| DeliveryKey::of(alert, channel, kind)).into_iter().chain(grown)
                {
                    assert_eq!(read_key(&delivery_key(&key)), Some(key.clone()));
                    assert!(keys.insert(delivery_key(&key)));
                }
            }
        }
    }
}
