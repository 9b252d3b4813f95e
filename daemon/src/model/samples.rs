//! Values for the tests of all modules, which change in them what they are about.

use roster_protocol::alert::{About, AlertState, Explained, Severity};
use roster_protocol::ids::AlertId;
use roster_protocol::metric::Metric;
use roster_protocol::time::Timestamp;

use super::Alert;

/// An open alert about a fall of followers.
pub fn alert(number: u64, about: About) -> Alert {
    Alert {
        number,
        id: AlertId::from_bytes([number as u8; 5]),
        state: AlertState::Open,
        rule: "significant_change".into(),
        severity: Severity::Warning,
        about,
        metric: Some(Metric::Followers),
        from: Some(10.0),
        to: Some(5.0),
        opened_at: Timestamp(0),
        ended_at: None,
        acknowledged_by: None,
        acknowledged_at: None,
        note: None,
        assigned_to: None,
        assigned_at: None,
        group: None,
        members: 0,
        silenced: false,
        explained: Explained::default(),
        why: "followers fell".into(),
    }
}
