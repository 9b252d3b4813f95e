//! Lists, page by page.

use std::collections::{HashMap, HashSet};
use std::ops::{Bound, RangeInclusive};

use redb::ReadableTable;
use roster_protocol::ids::{AlertId, ConnectionId, DeliveryId};
use roster_protocol::time::Timestamp;

use super::envelope::Unreadable;
use super::error::StoreError;
use super::reader::Reader;
use super::records::{self, Record};
use super::tables::{Records, split_timed_key, time_key};
use crate::model::{Alert, AuditLine, Delivery, DeliveryKind, DeliveryState};

/// How many rows a page examines before it ends with a mark instead of searching on.
const EXAMINED: usize = 50_000;

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// In the query's order. May have fewer than the query's limit, even none, while there are more.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Mark>,
}

/// A position in a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub Vec<u8>);

impl Reader<'_> {
    /// The ids of all alerts. A damaged row counts too: its key is the id.
    pub(super) fn alert_ids(&self) -> Result<HashSet<AlertId>, StoreError> {
        let mut ids = HashSet::new();
        for row in self.txn.open_table(Records::AlertIds.definition())?.iter()? {
            ids.extend(row?.0.value().try_into().ok().map(AlertId::from_bytes));
        }
        Ok(ids)
    }

    /// How many alerts of each rule opened since then. They are numbered in the order of opening.
    pub(super) fn alert_counts(&self, since: Timestamp) -> Result<HashMap<String, u64>, StoreError> {
        let mut counts = HashMap::new();
        for row in self.txn.open_table(Records::Alerts.definition())?.iter()?.rev() {
            let (key, value) = row?;
            let alert: Option<Alert> = self.damage.leave_out(
                Records::Alerts.name(),
                key.value(),
                records::read(Records::Alerts, key.value(), value.value()),
            )?;
            let Some(alert) = alert else { continue };
            if alert.opened_at < since {
                break;
            }
            *counts.entry(alert.rule).or_default() += 1;
        }
        Ok(counts)
    }

    /// All deliveries of an alert, pending ones first.
    pub(super) fn deliveries(&self, alert: u64) -> Result<Vec<Delivery>, StoreError> {
        let mut found = self.deliveries_in(Records::DeliveriesPending, alert)?;
        found.extend(self.deliveries_in(Records::Deliveries, alert)?);
        Ok(found)
    }

    fn deliveries_in(&self, table: Records, alert: u64) -> Result<Vec<Delivery>, StoreError> {
        let mut found = Vec::new();
        let (from, to) = (alert.to_be_bytes(), alert.checked_add(1).map(u64::to_be_bytes));
        for row in self.txn.open_table(table.definition())?.range(&from[..]..)? {
            let (key, value) = row?;
            if to.is_some_and(|to| key.value() >= &to[..]) {
                break;
            }
            let delivery = records::read(table, key.value(), value.value());
            found.extend(self.damage.leave_out(table.name(), key.value(), delivery)?);
        }
        Ok(found)
    }

    /// The deliveries whose ids are within these.
    pub(super) fn deliveries_named(&self, ids: &RangeInclusive<DeliveryId>) -> Result<Vec<Delivery>, StoreError> {
        let mut found = Vec::new();
        for row in self.txn.open_table(Records::DeliveryIds.definition())?.range(&ids.start().0[..]..)? {
            let key = row?.0;
            let Some((id, key)) = key.value().split_first_chunk() else { continue };
            let id = DeliveryId::from_bytes(*id);
            if id > *ids.end() {
                break;
            }
            let pending = self.get_as(Records::DeliveriesPending, key, records::read)?;
            let delivery =
                if pending.is_some() { pending } else { self.get_as(Records::Deliveries, key, records::read)? };
            // One that was dropped may have given its key to another.
            found.extend(delivery.filter(|delivery: &Delivery| delivery.id == id));
        }
        Ok(found)
    }

    /// Deliveries in a state, of one alert or of all, those of the newest alerts first.
    pub(super) fn newest_deliveries(
        &self,
        alert: Option<u64>,
        state: Option<DeliveryState>,
        before: Option<&Mark>,
        limit: usize,
    ) -> Result<Page<Delivery>, StoreError> {
        let floor = alert.map(|number| number.to_be_bytes().to_vec()).unwrap_or_default();
        let after = alert.and_then(|number| number.checked_add(1)).map(|next| Mark(next.to_be_bytes().to_vec()));
        let before = before.or(after.as_ref());
        let is_wanted = |delivery: &Delivery| state.is_none_or(|state| delivery.state == state);
        let page = |table| {
            self.newest_first(table, &floor, before, limit, |row| {
                row.read().map(|delivery: Delivery| Some(delivery).filter(is_wanted))
            })
        };
        Ok(merged(page(Records::DeliveriesPending)?, page(Records::Deliveries)?, limit))
    }

    /// The deliveries that say of these alerts that they opened or grew, as far as they were delivered.
    pub(super) fn delivered_openings(&self, alerts: &[Alert]) -> Result<Vec<Delivery>, StoreError> {
        let mut openings = Vec::new();
        for alert in alerts {
            let settled = self.deliveries_in(Records::Deliveries, alert.number)?;
            let delivered = settled.into_iter().filter(|it| it.state == DeliveryState::Delivered);
            openings.extend(delivered.filter(|it| it.key.kind.is_opening() || it.key.kind == DeliveryKind::Grown));
        }
        Ok(openings)
    }

    /// Records of a table from one key on, oldest first.
    pub(super) fn oldest_first<R: Record>(&self, from: Bound<&[u8]>, limit: usize) -> Result<Page<R>, StoreError> {
        let mut page = Page { rows: Vec::new(), next: None };
        let rows = self.txn.open_table(R::TABLE.definition())?;
        let mut last = None;
        for row in rows.range::<&[u8]>((from, Bound::Unbounded))? {
            if page.rows.len() >= limit {
                page.next = last.map(Mark);
                break;
            }
            let (key, value) = row?;
            let record = records::read(R::TABLE, key.value(), value.value());
            page.rows.extend(self.damage.leave_out(R::TABLE.name(), key.value(), record)?);
            last = Some(key.value().to_vec());
        }
        Ok(page)
    }

    /// Records whose keys begin with time and connection, newest first, as far as `is_wanted`. Those that `of` refuses are
    /// not even decoded.
    pub(super) fn timed<R: Record>(
        &self,
        since: Timestamp,
        before: Option<&Mark>,
        limit: usize,
        of: impl Fn(ConnectionId) -> bool,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<Page<R>, StoreError> {
        self.newest_first(R::TABLE, &time_key(since), before, limit, |row| {
            let (_, connection) = split_timed_key(row.key).ok_or(Unreadable::Damaged)?;
            if of(connection) { row.read().map(|record| Some(record).filter(&is_wanted)) } else { Ok(None) }
        })
    }

    /// Rows of a table from the last to `floor`, without those for which `pick` returns `None`.
    pub(super) fn newest_first<T>(
        &self,
        table: Records,
        floor: &[u8],
        before: Option<&Mark>,
        limit: usize,
        pick: impl Fn(&Row<'_>) -> Result<Option<T>, Unreadable>,
    ) -> Result<Page<T>, StoreError> {
        let end = before.map_or(Bound::Unbounded, |mark| Bound::Excluded(mark.0.as_slice()));
        let mut page = Page { rows: Vec::new(), next: None };
        if before.is_some_and(|mark| mark.0.as_slice() <= floor) {
            return Ok(page);
        }
        let rows = self.txn.open_table(table.definition())?;
        let mut last = None;
        for (examined, row) in rows.range::<&[u8]>((Bound::Included(floor), end))?.rev().enumerate() {
            if examined >= EXAMINED || page.rows.len() >= limit {
                page.next = last.map(Mark);
                break;
            }
            let (key, value) = row?;
            let picked = pick(&Row { table, key: key.value(), encoded: value.value() });
            page.rows.extend(self.damage.leave_out(table.name(), key.value(), picked)?.flatten());
            last = Some(key.value().to_vec());
        }
        Ok(page)
    }
}

/// Two pages of one list, whose rows are in two tables, as one page.
fn merged(one: Page<Delivery>, other: Page<Delivery>, limit: usize) -> Page<Delivery> {
    // What is below where a page ended may have more in the other table.
    let end = one.next.max(other.next);
    let mut rows = [one.rows, other.rows].concat();
    rows.sort_by_cached_key(|delivery| std::cmp::Reverse(delivery.key()));
    rows.retain(|delivery| end.as_ref().is_none_or(|end| delivery.key() >= end.0));
    let next = match rows.len() > limit {
        true => rows.get(limit - 1).map(|last| Mark(last.key())),
        false => end,
    };
    rows.truncate(limit);
    Page { rows, next }
}

/// A row that a list examines.
pub(super) struct Row<'a> {
    table: Records,
    key: &'a [u8],
    encoded: &'a [u8],
}

impl Row<'_> {
    pub(super) fn read<R: Record>(&self) -> Result<R, Unreadable> {
        records::read(self.table, self.key, self.encoded)
    }

    pub(super) fn read_audit(&self) -> Result<(u64, AuditLine), Unreadable> {
        records::audit::read(self.key, self.encoded).map(|stored| (stored.number, stored.line))
    }
}
