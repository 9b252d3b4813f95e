//! An alert and a message, for tests.

use roster_protocol::alert::{About, Alert, Severity};
use roster_protocol::ids::AlertId;
use roster_protocol::samples;
use roster_protocol::time::Timestamp;

use super::channels::{Message, MessageKind};
use crate::roster::samples::{MARA, NOON, SKY};

/// A fall of Mara's followers.
pub fn alert(number: u8, severity: Severity) -> Alert {
    Alert {
        id: AlertId::from_bytes([number; 5]),
        rule: "big-drop".to_owned(),
        severity,
        about: About::Connection { connection: SKY, influencer: MARA, platform: "youtube".to_owned() },
        influencer_name: Some("Mara <b>&Co".to_owned()),
        change: Some(-0.1576),
        opened_at: NOON,
        why: format!("followers fell 15.8 % <!channel> @everyone {number}"),
        ..samples::alert()
    }
}

/// A message about these alerts.
pub fn message(kind: MessageKind, alerts: Vec<Alert>) -> Message {
    Message { id: "msg_aeaqcaib".to_owned(), kind, at: Timestamp(1_649_367_553_000), alerts, points: Vec::new() }
}
