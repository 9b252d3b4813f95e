//! An alert and a message, for tests.

use roster_protocol::alert::{About, Alert, AlertState, Severity};
use roster_protocol::ids::AlertId;
use roster_protocol::metric::Metric;
use roster_protocol::time::Timestamp;

use super::channels::{Message, MessageKind};
use crate::roster::samples::{MARA, NOON, SKY};

/// A fall of Mara's followers.
pub fn alert(number: u8, severity: Severity) -> Alert {
    Alert {
        id: AlertId::from_bytes([number; 5]),
        state: AlertState::Open,
        rule: "big-drop".to_owned(),
        severity,
        about: About::Connection { connection: SKY, influencer: MARA, platform: "youtube".to_owned() },
        influencer_name: Some("Mara <b>&Co".to_owned()),
        metric: Some(Metric::Followers),
        from: Some(12_345.0),
        to: Some(10_400.0),
        change: Some(-0.1576),
        opened_at: NOON,
        ended_at: None,
        acknowledged_by: None,
        acknowledged_at: None,
        note: None,
        assigned_to: None,
        assigned_at: None,
        group: None,
        members: 0,
        silenced: Default::default(),
        yours: None,
        explained: Default::default(),
        why: format!("followers fell 15.8 % <!channel> @everyone {number}"),
    }
}

/// A message about these alerts.
pub fn message(kind: MessageKind, alerts: Vec<Alert>) -> Message {
    Message { id: "msg_aeaqcaib".to_owned(), kind, at: Timestamp(1_649_367_553_000), alerts, points: Vec::new() }
}
