//! Format 3: an alert is about a connection, an influencer, a platform or the daemon. In format 2 it was about a
//! connection.

use postcard::{from_bytes, to_allocvec};
use redb::WriteTransaction;
use serde::{Deserialize, Serialize};

use super::Rewrite;
use crate::store::damage::DamageLog;
use crate::store::error::StoreError;

pub(super) const ALERTS: Rewrite = Rewrite { table: "alerts", tag: 6, from: 1, to: 2 };

/// An alert of format 2.
#[derive(Serialize, Deserialize)]
pub(super) struct Before<'a> {
    pub(super) id: [u8; 5],
    pub(super) state: u8,
    pub(super) rule: &'a str,
    pub(super) severity: u8,
    pub(super) influencer: [u8; 5],
    pub(super) connection: [u8; 5],
    pub(super) platform: &'a str,
    pub(super) metric: Option<u8>,
    pub(super) from: Option<f64>,
    pub(super) to: Option<f64>,
    pub(super) opened_at: i64,
    pub(super) ended_at: Option<i64>,
    #[serde(borrow)]
    pub(super) acknowledged_by: Option<&'a str>,
    pub(super) why: &'a str,
}

/// An alert of format 3.
#[derive(Serialize)]
struct After<'a> {
    id: [u8; 5],
    state: u8,
    rule: &'a str,
    severity: u8,
    about: About<'a>,
    metric: Option<u8>,
    from: Option<f64>,
    to: Option<f64>,
    opened_at: i64,
    ended_at: Option<i64>,
    acknowledged_by: Option<&'a str>,
    why: &'a str,
}

/// The first variant of what alerts of format 3 are about: connection, influencer, platform.
#[derive(Serialize)]
enum About<'a> {
    Connection([u8; 5], [u8; 5], &'a str),
}

/// Turns format 2 into format 3.
pub(super) fn change(txn: &WriteTransaction, damage: &DamageLog) -> Result<(), StoreError> {
    ALERTS.each(txn, damage, |payload| to_allocvec(&After::from(from_bytes::<Before<'_>>(payload).ok()?)).ok())
}

impl<'a> From<Before<'a>> for After<'a> {
    fn from(before: Before<'a>) -> Self {
        After {
            id: before.id,
            state: before.state,
            rule: before.rule,
            severity: before.severity,
            about: About::Connection(before.connection, before.influencer, before.platform),
            metric: before.metric,
            from: before.from,
            to: before.to,
            opened_at: before.opened_at,
            ended_at: before.ended_at,
            acknowledged_by: before.acknowledged_by,
            why: before.why,
        }
    }
}
