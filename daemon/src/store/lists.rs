//! Lists, newest first, page by page.

use std::ops::Bound;

use roster_protocol::ids::{AlertId, ConnectionId};
use roster_protocol::time::Timestamp;

use super::envelope::Unreadable;
use super::error::StoreError;
use super::reader::Reader;
use super::records::{self, Record};
use super::tables::{Records, split_timed_key, time_key};
use crate::model::{Alert, AuditLine, Change, Delivery, Run};

/// How many rows a page looks at before it gives a mark instead of searching on.
const EXAMINED: usize = 50_000;

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Newest first. May be shorter than asked, even empty, while there is more.
    pub rows: Vec<T>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Mark>,
}

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(pub Vec<u8>);

impl Reader<'_> {
    /// Runs that started at `since` or later, newest first, of connections that `of` accepts.
    pub fn runs(
        &self,
        since: Timestamp,
        before: Option<&Mark>,
        limit: usize,
        of: impl Fn(ConnectionId) -> bool,
    ) -> Result<Page<Run>, StoreError> {
        self.timed(since, before, limit, of)
    }

    /// Changes at `since` or later, newest first, of connections that `of` accepts.
    pub fn changes(
        &self,
        since: Timestamp,
        before: Option<&Mark>,
        limit: usize,
        of: impl Fn(ConnectionId) -> bool,
    ) -> Result<Page<Change>, StoreError> {
        self.timed(since, before, limit, of)
    }

    /// Alerts that `keep` accepts, newest first.
    pub fn alerts(
        &self,
        before: Option<&Mark>,
        limit: usize,
        keep: impl Fn(&Alert) -> bool,
    ) -> Result<Page<Alert>, StoreError> {
        self.newest_first(Records::Alerts, &[], before, limit, |row| row.read().map(|alert| Some(alert).filter(&keep)))
    }

    /// The alert of an id; `None` when there is none.
    pub fn alert_by_id(&self, id: AlertId) -> Result<Option<Alert>, StoreError> {
        let number = self.get_as(Records::AlertIds, &id.0, records::read_number)?;
        number.map_or(Ok(None), |number| self.get(&number.to_be_bytes()))
    }

    /// All deliveries of an alert, pending ones first.
    pub fn deliveries(&self, alert: u64) -> Result<Vec<Delivery>, StoreError> {
        let mut told = Vec::new();
        let (from, to) = (alert.to_be_bytes(), alert.checked_add(1).map(u64::to_be_bytes));
        for table in [Records::DeliveriesPending, Records::Deliveries] {
            for row in self.txn.open_table(table.definition())?.range(&from[..]..)? {
                let (key, value) = row?;
                if to.is_some_and(|to| key.value() >= &to[..]) {
                    break;
                }
                let delivery = records::read(table, key.value(), value.value());
                told.extend(self.damage.leave_out(table.name(), key.value(), delivery)?);
            }
        }
        Ok(told)
    }

    /// The audit log, newest first: lines with their numbers.
    pub fn audit(
        &self,
        before: Option<&Mark>,
        limit: usize,
        keep: impl Fn(&AuditLine) -> bool,
    ) -> Result<Page<(u64, AuditLine)>, StoreError> {
        self.newest_first(Records::Audit, &[], before, limit, |row| {
            records::read_audit(row.key, row.encoded).map(|(number, line)| keep(&line).then_some((number, line)))
        })
    }

    /// Gives `each` all runs that started at `since` or later, oldest first.
    pub fn runs_since(&self, since: Timestamp, mut each: impl FnMut(Run)) -> Result<(), StoreError> {
        let table = Records::Runs;
        for row in self.txn.open_table(table.definition())?.range(&time_key(since)[..]..)? {
            let (key, value) = row?;
            let run = records::read(table, key.value(), value.value());
            self.damage.leave_out(table.name(), key.value(), run)?.into_iter().for_each(&mut each);
        }
        Ok(())
    }

    /// Records whose keys begin with time and connection: what `of` refuses is not even decoded.
    fn timed<R: Record>(
        &self,
        since: Timestamp,
        before: Option<&Mark>,
        limit: usize,
        of: impl Fn(ConnectionId) -> bool,
    ) -> Result<Page<R>, StoreError> {
        self.newest_first(R::TABLE, &time_key(since), before, limit, |row| {
            let (_, connection) = split_timed_key(row.key).ok_or(Unreadable::Damaged)?;
            if of(connection) { row.read().map(Some) } else { Ok(None) }
        })
    }

    /// Rows of a table from the last to `floor`, without those of which `pick` makes `None`.
    fn newest_first<T>(
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

/// A row on the way through a list.
struct Row<'a> {
    table: Records,
    key: &'a [u8],
    encoded: &'a [u8],
}

impl Row<'_> {
    fn read<R: Record>(&self) -> Result<R, Unreadable> {
        records::read(self.table, self.key, self.encoded)
    }
}
