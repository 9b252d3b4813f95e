//! Deletes rows that are old or whose connection was removed, a bounded number at a time.

use std::collections::{HashMap, HashSet};
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::alert::ChangeCause;
use roster_protocol::ids::ConnectionId;
use roster_protocol::status::Coverage;
use roster_protocol::time::{Date, Timestamp};

use super::Store;
use super::damage::DamageLog;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::reader::Reader;
use super::records::{self, Record};
use super::tables::{Records, platform_day_key, split_timed_key, time_key};
use crate::history::run_sums::{DayOf, Sums};
use crate::model::{Change, Run, RunsOfDay};

/// How many rows one transaction deletes.
const ROWS: usize = 5_000;

impl Store {
    /// Deletes changes before `changes`, and runs that started before `runs`; of these the sums of each day and platform
    /// stay. `day_of` says which day a run was on. Returns how many rows were deleted.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn prune(&self, runs: Timestamp, changes: Timestamp, day_of: DayOf) -> Result<u64, StoreError> {
        let mut deleted = 0;
        let mut sums = Sums::new(day_of);
        loop {
            let (rows, after) = self.alone(move |txn, damage| prune_runs(txn, runs, sums, damage)).await?;
            sums = after;
            deleted += rows as u64;
            if rows < ROWS {
                break;
            }
        }
        loop {
            let rows = self.alone(move |txn, _| oldest(txn, Records::Changes, changes, |_, _| {})).await?;
            deleted += rows as u64;
            if rows < ROWS {
                return Ok(deleted);
            }
        }
    }

    /// Deletes the changes that syncs measured of these connections before a time, and the numbers of their runs before
    /// it, which stay otherwise. Returns how many rows that concerned.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn forget_measured(&self, before: HashMap<ConnectionId, Timestamp>) -> Result<u64, StoreError> {
        let mut rows = 0;
        if before.is_empty() {
            return Ok(rows);
        }
        let before = Arc::new(before);
        for table in [Records::Changes, Records::Runs] {
            let mut from = Some(Vec::new());
            while let Some(first) = from {
                let of = Arc::clone(&before);
                let (keys, next) =
                    self.with_reader(move |reader| reader.measured_keys(table, &first, &of, ROWS * 10)).await?;
                rows += keys.len() as u64;
                for some in keys.chunks(ROWS).map(<[_]>::to_vec) {
                    self.alone(move |txn, damage| match table {
                        Records::Runs => without_numbers(txn, &some, damage),
                        _ => delete(txn, table, &some),
                    })
                    .await?;
                }
                from = next;
            }
        }
        Ok(rows)
    }

    /// Deletes runs and changes of connections that were removed since the last sweep; returns how many rows were
    /// deleted. Reads both tables when there was such a connection, and nothing otherwise.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let removed: HashSet<_> = self.with_reader(|reader| reader.removed_connections()).await?.into_iter().collect();
        if removed.is_empty() {
            return Ok(0);
        }
        let mut deleted = 0;
        for table in [Records::Runs, Records::Changes] {
            let mut from = Some(Vec::new());
            while let Some(first) = from {
                let of = removed.clone();
                let (keys, next) =
                    self.with_reader(move |reader| reader.keys_of(table, &first, &of, ROWS * 10)).await?;
                deleted += keys.len() as u64;
                for some in keys.chunks(ROWS).map(<[_]>::to_vec) {
                    self.alone(move |txn, _| delete(txn, table, &some)).await?;
                }
                from = next;
            }
        }
        let keys: Vec<_> = removed.iter().map(|connection| connection.0.to_vec()).collect();
        self.alone(move |txn, _| delete(txn, Records::Sweeps, &keys)).await?;
        Ok(deleted)
    }
}

type Keys = Vec<Vec<u8>>;

pub(super) fn delete(txn: &WriteTransaction, table: Records, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let mut rows = txn.open_table(table.definition())?;
    for key in keys {
        rows.remove(key.as_slice())?;
    }
    Ok(())
}

/// Takes the numbers out of runs.
fn without_numbers(txn: &WriteTransaction, keys: &[Vec<u8>], damage: &DamageLog) -> Result<(), StoreError> {
    let mut rows = txn.open_table(Records::Runs.definition())?;
    for key in keys {
        let read = match rows.get(key.as_slice())? {
            None => continue,
            Some(value) => records::read::<Run>(Records::Runs, key, value.value()),
        };
        let Some(run) = damage.leave_out(Records::Runs.name(), key, read)? else { continue };
        rows.insert(key.as_slice(), Run { followers: None, ..run }.value(key)?.as_slice())?;
    }
    Ok(())
}

/// Deletes the oldest runs before `end`, up to [`ROWS`], and adds them to the sums of their days.
fn prune_runs(
    txn: &WriteTransaction,
    end: Timestamp,
    mut sums: Sums,
    damage: &DamageLog,
) -> Result<(usize, Sums), StoreError> {
    let rows =
        oldest(txn, Records::Runs, end, |key, encoded| match records::read::<Run>(Records::Runs, key, encoded) {
            Ok(run) => sums.put(&run),
            // It cannot be counted, and goes all the same.
            Err(Unreadable::Damaged) => damage.note(Records::Runs.name(), key),
            Err(Unreadable::Newer(_)) => {}
        })?;
    let mut days = txn.open_table(Records::RunDays.definition())?;
    for (day, platform, more) in sums.take() {
        let nothing = RunsOfDay { day, platform, ended: Coverage::default() };
        let key = nothing.key();
        let before = match days.get(key.as_slice())? {
            None => None,
            Some(value) => {
                let read = records::read::<RunsOfDay>(Records::RunDays, &key, value.value());
                let before = damage.leave_out(Records::RunDays.name(), &key, read)?;
                if before.is_none() {
                    records::quarantine(txn, Records::RunDays.name(), &key, value.value())?;
                }
                before
            }
        };
        let mut sum = before.unwrap_or(nothing);
        more.add_to(&mut sum.ended);
        days.insert(key.as_slice(), sum.value(&key)?.as_slice())?;
    }
    Ok((rows, sums))
}

/// Deletes the oldest rows before `end`, up to [`ROWS`], after showing each, and returns how many.
fn oldest(
    txn: &WriteTransaction,
    table: Records,
    end: Timestamp,
    mut each: impl FnMut(&[u8], &[u8]),
) -> Result<usize, StoreError> {
    let mut rows = txn.open_table(table.definition())?;
    let mut keys = Vec::new();
    for row in rows.range(..&time_key(end)[..])?.take(ROWS) {
        let (key, value) = row?;
        each(key.value(), value.value());
        keys.push(key.value().to_vec());
    }
    for key in &keys {
        rows.remove(key.as_slice())?;
    }
    Ok(keys.len())
}

impl Reader<'_> {
    /// The sums of some days, in order.
    pub(super) fn run_days(&self, days: &RangeInclusive<Date>) -> Result<Vec<RunsOfDay>, StoreError> {
        let mut found = Vec::new();
        let Some(table) = self.table(Records::RunDays)? else { return Ok(found) };
        for row in table.range(platform_day_key(*days.start(), "").as_slice()..)? {
            let (key, value) = row?;
            let read = records::read::<RunsOfDay>(Records::RunDays, key.value(), value.value());
            let Some(sum) = self.damage.leave_out(Records::RunDays.name(), key.value(), read)? else { continue };
            if sum.day > *days.end() {
                break;
            }
            found.push(sum);
        }
        Ok(found)
    }

    fn removed_connections(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let mut removed = Vec::new();
        for row in self.txn.open_table(Records::Sweeps.definition())?.iter()? {
            let (key, _) = row?;
            removed.extend(key.value().try_into().ok().map(ConnectionId::from_bytes));
        }
        Ok(removed)
    }

    /// The keys of changes that were measured, or of runs with numbers, of these connections before a time of each, among
    /// `limit` rows from `first` on; and the key to continue at.
    fn measured_keys(
        &self,
        table: Records,
        first: &[u8],
        before: &HashMap<ConnectionId, Timestamp>,
        limit: usize,
    ) -> Result<(Keys, Option<Vec<u8>>), StoreError> {
        let rows = self.txn.open_table(table.definition())?;
        let mut keys = Vec::new();
        let end = before.values().copied().max().unwrap_or_default();
        if first > &time_key(end)[..] {
            return Ok((keys, None));
        }
        for (seen, row) in rows.range::<&[u8]>(first..&time_key(end)[..])?.enumerate() {
            let (key, value) = row?;
            let key = key.value();
            if seen == limit {
                return Ok((keys, Some(key.to_vec())));
            }
            let is_old =
                |(at, connection): (Timestamp, ConnectionId)| before.get(&connection).is_some_and(|end| at < *end);
            if !split_timed_key(key).is_some_and(is_old) {
                continue;
            }
            let is_measured = match table {
                Records::Runs => records::read::<Run>(table, key, value.value()).map(|run| run.followers.is_some()),
                _ => records::read::<Change>(table, key, value.value()).map(|it| it.cause == ChangeCause::Sync),
            };
            if self.damage.leave_out(table.name(), key, is_measured)? == Some(true) {
                keys.push(key.to_vec());
            }
        }
        Ok((keys, None))
    }

    /// The keys of runs or changes of these connections, among `limit` rows from `first` on; and the key to continue
    /// at, `None` at the end.
    fn keys_of(
        &self,
        table: Records,
        first: &[u8],
        of: &HashSet<ConnectionId>,
        limit: usize,
    ) -> Result<(Keys, Option<Vec<u8>>), StoreError> {
        let rows = self.txn.open_table(table.definition())?;
        let mut keys = Vec::new();
        let range = (Bound::Included(first), Bound::Unbounded);
        for (seen, row) in rows.range::<&[u8]>(range)?.enumerate() {
            let (key, _) = row?;
            if seen == limit {
                return Ok((keys, Some(key.value().to_vec())));
            }
            if split_timed_key(key.value()).is_some_and(|(_, connection)| of.contains(&connection)) {
                keys.push(key.value().to_vec());
            }
        }
        Ok((keys, None))
    }
}
