//! Values for the tests of all crates, which change in them what they are about.

use crate::alert::{About, Alert, AlertState, Explained, Severity};
use crate::ids::{AlertId, ConnectionId, InfluencerId};
use crate::metric::Metric;
use crate::time::Timestamp;

/// An open alert about a fall of the followers of one account, at 2026-11-21T14:18:00Z.
pub fn alert() -> Alert {
    Alert {
        id: AlertId::from_bytes([1; 5]),
        state: AlertState::Open,
        rule: "significant-change".into(),
        severity: Severity::Warning,
        about: About::Connection {
            connection: ConnectionId::from_bytes([3; 5]),
            influencer: InfluencerId::from_bytes([2; 5]),
            platform: "youtube".into(),
        },
        influencer_name: Some("Mara Lindqvist".into()),
        metric: Some(Metric::Followers),
        from: Some(12_345.0),
        to: Some(10_400.0),
        change: Some(10_400.0 / 12_345.0 - 1.0),
        opened_at: Timestamp(1_795_270_680_000),
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
        explained: Explained::default(),
        why: "followers fell by 15.8 % since yesterday".into(),
    }
}
