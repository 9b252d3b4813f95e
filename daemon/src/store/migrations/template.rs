//! Format N: what is new in it, in one sentence; what it was before.
//!
//! Every step begins as a copy of this one, which tests run as the step to format 2 of a small store.

use postcard::{from_bytes, to_allocvec};
use redb::WriteTransaction;
use serde::{Deserialize, Serialize};

use super::Rewrite;
use crate::store::damage::DamageLog;
use crate::store::error::StoreError;

/// The rows that change. Their table, tag and versions are fixed here, whatever `tables.rs` says later.
pub(super) const HOLDS: Rewrite = Rewrite { table: "holds", tag: 12, from: 1, to: 2 };

/// A hold as it was.
#[derive(Serialize, Deserialize)]
pub(super) struct Before<'a> {
    pub(super) until: i64,
    pub(super) reason: &'a str,
}

/// A hold as it is in format N.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct After<'a> {
    pub(super) since: Option<i64>,
    pub(super) until: i64,
    pub(super) reason: &'a str,
}

/// Turns the format before into format N.
pub(super) fn change(txn: &WriteTransaction, damage: &DamageLog) -> Result<(), StoreError> {
    HOLDS.each(txn, damage, |payload| {
        let Before { until, reason } = from_bytes(payload).ok()?;
        to_allocvec(&After { since: None, until, reason }).ok()
    })
}
