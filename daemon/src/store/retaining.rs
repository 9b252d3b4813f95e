//! Applies rules of retention: days become weeks, or are deleted, a bounded number at a time, between other commits.
//!
//! A chunk and what its days become are one transaction, so that a crash leaves each day where it was or where it
//! belongs, and never in both places. What a crash interrupted is begun again, and finds what is left to do.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::log::{self, Log, LogRow};
use super::reader::Reader;
use super::snapshots::{self, fold_in, open_chunk, put_fold};
use super::tables::{
    CHUNKS, CHUNKS_TAG, ChunkKey, EPOCH_DAYS, Records, epoch_start, log_definition, log_name, month_of, month_start,
    split_chunk_key, split_months_key, split_weeks_key,
};
use super::{Store, envelope, records, reported, weeks};
use crate::history::chunk::{self, MonthChunk};
use crate::history::retention::{Rule, Rules, Sorted, Tallies, Tally, sort};
use crate::model::AudienceOn;

/// How many rows one read transaction examines.
const EXAMINED: usize = if cfg!(test) { 50 } else { 2_000 };
/// How many rows one transaction rewrites: about 40 ms.
const REWRITTEN: usize = if cfg!(test) { 7 } else { 1_000 };

impl Store {
    /// Makes weeks of days and deletes days and weeks, as the rules say, and returns how many. Days in the log become weeks
    /// after they were folded, so fold before. A crash may interrupt it at any point; it can be begun again.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn retain(&self, rules: Arc<Rules>) -> Result<Tallies, StoreError> {
        self.each_touched(rules, true).await
    }

    /// What [`Store::retain`] would do, without doing it.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn would_retain(&self, rules: Arc<Rules>) -> Result<Tallies, StoreError> {
        self.each_touched(rules, false).await
    }

    async fn each_touched(&self, rules: Arc<Rules>, is_meant: bool) -> Result<Tallies, StoreError> {
        let mut tallies = Tallies::new();
        // The log first: while a day is there, an interrupted fold would put it back into its chunk.
        for part in [Part::Log, Part::Chunks, Part::Weeks, Part::Reported, Part::Audiences] {
            let mut from = Some(Vec::new());
            while let Some(first) = from {
                let of = Arc::clone(&rules);
                let (touched, next) = self.with_reader(move |reader| reader.touched(part, &of, &first)).await?;
                for some in touched.chunks(REWRITTEN) {
                    if is_meant {
                        let (of, keys) = (Arc::clone(&rules), some.iter().map(|(key, _)| key.clone()).collect());
                        self.alone(move |txn, damage| rewrite(txn, part, &of, keys, damage)).await?;
                    }
                    some.iter().for_each(|(key, tally)| tallies.entry(part.connection(key)).or_default().add(tally));
                }
                from = next;
            }
        }
        Ok(tallies)
    }
}

/// Where snapshots are.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// Its keys are an epoch and a connection.
    Log,
    Chunks,
    Weeks,
    /// What was reported of days.
    Reported,
    Audiences,
}

impl Part {
    /// The connection that a key is about.
    fn connection(self, key: &[u8]) -> ConnectionId {
        let id = match self {
            Part::Weeks => split_weeks_key(key).map(|(_, connection, _)| connection),
            Part::Reported | Part::Audiences => split_months_key(key).map(|(connection, _)| connection),
            Part::Log | Part::Chunks => key.last_chunk().map(|id| ConnectionId::from_bytes(*id)),
        };
        // All keys here have one.
        id.unwrap_or(ConnectionId::from_bytes([0; 5]))
    }
}

type Touched = (Vec<(Vec<u8>, Tally)>, Option<Vec<u8>>);

impl Reader<'_> {
    /// Rows that something becomes of, among some from `first` on; and the key to continue at.
    fn touched(&self, part: Part, rules: &Rules, first: &[u8]) -> Result<Touched, StoreError> {
        match part {
            Part::Log => self.touched_in_logs(rules, first),
            Part::Chunks => self.touched_chunks(rules, first),
            Part::Weeks => self.touched_weeks(rules, first),
            Part::Reported => self.touched_months(Records::ReportedDays, rules, first, |key, value| {
                Ok(reported::read(key, value)?.iter().map(|day| day.date).collect())
            }),
            Part::Audiences => self.touched_months(Records::Audiences, rules, first, |key, value| {
                Ok(vec![records::read::<AudienceOn>(Records::Audiences, key, value)?.date])
            }),
        }
    }

    fn touched_in_logs(&self, rules: &Rules, first: &[u8]) -> Result<Touched, StoreError> {
        let mut touched = Vec::new();
        let mut examined = 0;
        for (epoch, log) in self.logs()? {
            for (connection, rule) in rules {
                let key = [&epoch.to_be_bytes()[..], &connection.0].concat();
                if rule.deletes_before().is_none_or(|limit| limit <= epoch_start(*epoch)) || key.as_slice() < first {
                    continue;
                }
                if examined == EXAMINED {
                    return Ok((touched, Some(key)));
                }
                examined += 1;
                let mut tally = Tally::default();
                for day in days_of(*epoch) {
                    let Some((key, value)) = log.block_of(day, *connection)? else { continue };
                    let found = log::find(&key, value.value(), *connection);
                    let found = self.damage.leave_out(&log_name(*epoch), &key, found)?.flatten();
                    tally.add(&sort(&rule.without_weeks(), found.into_iter().collect()).tally);
                }
                if !tally.is_empty() {
                    touched.push((key, tally));
                }
            }
        }
        Ok((touched, None))
    }

    fn touched_chunks(&self, rules: &Rules, first: &[u8]) -> Result<Touched, StoreError> {
        let mut touched = Vec::new();
        let Some(end) = rules.values().map(Rule::touches_before).max() else { return Ok((touched, None)) };
        let first = <ChunkKey>::try_from(first).unwrap_or([0; 7]);
        let mut examined = 0;
        for row in self.txn.open_table(CHUNKS)?.range::<&ChunkKey>(&first..)? {
            let (key, value) = row?;
            let (month, connection) = split_chunk_key(key.value());
            if month > month_of(end).0 {
                break;
            }
            let Some(rule) = rules.get(&connection) else { continue };
            if rule.touches_before() <= month_start(month) {
                continue;
            }
            if examined == EXAMINED {
                return Ok((touched, Some(key.value().to_vec())));
            }
            examined += 1;
            let Some(payload) = open_chunk(key.value(), value.value(), self.damage)? else { continue };
            let tally = sorted(key.value(), payload, rule, self.damage).map(|(sorted, _)| sorted.tally);
            touched.extend(tally.filter(|tally| !tally.is_empty()).map(|tally| (key.value().to_vec(), tally)));
        }
        Ok((touched, None))
    }

    fn touched_weeks(&self, rules: &Rules, first: &[u8]) -> Result<Touched, StoreError> {
        let mut touched = Vec::new();
        let Some(table) = self.table(Records::Weeks)? else { return Ok((touched, None)) };
        let mut examined = 0;
        for row in table.range::<&[u8]>((Bound::Included(first), Bound::Unbounded))? {
            let (key, value) = row?;
            let known = split_weeks_key(key.value());
            let rule = known.and_then(|(_, connection, origin)| Some((rules.get(&connection)?, origin)));
            let Some((rule, _)) = rule.filter(|(rule, origin)| rule.limit(*origin).is_some()) else { continue };
            if examined == EXAMINED {
                return Ok((touched, Some(key.value().to_vec())));
            }
            examined += 1;
            let weeks = weeks::read(key.value(), value.value());
            let Some((origin, weeks)) = self.damage.leave_out(Records::Weeks.name(), key.value(), weeks)? else {
                continue;
            };
            let mut tally = Tally::default();
            for week in weeks.iter().filter(|week| rule.deletes_week(origin, week.monday)) {
                tally.add(&Tally { weeks: 1, newest_deleted: Some(week.monday.plus_days(6)), ..Tally::default() });
            }
            if !tally.is_empty() {
                touched.push((key.value().to_vec(), tally));
            }
        }
        Ok((touched, None))
    }
}

impl Reader<'_> {
    /// Of tables whose rows are months of a connection.
    fn touched_months(
        &self,
        table: Records,
        rules: &Rules,
        first: &[u8],
        days_of: impl Fn(&[u8], &[u8]) -> Result<Vec<Date>, Unreadable>,
    ) -> Result<Touched, StoreError> {
        let mut touched = Vec::new();
        let Some(rows) = self.table(table)? else { return Ok((touched, None)) };
        let mut examined = 0;
        for row in rows.range::<&[u8]>((Bound::Included(first), Bound::Unbounded))? {
            let (key, value) = row?;
            let rule = split_months_key(key.value()).and_then(|(connection, _)| rules.get(&connection));
            let Some(rule) = rule.filter(|rule| rule.consent_from.is_some()) else { continue };
            if examined == EXAMINED {
                return Ok((touched, Some(key.value().to_vec())));
            }
            examined += 1;
            let days = self.damage.leave_out(table.name(), key.value(), days_of(key.value(), value.value()))?;
            let deleted: Vec<Date> = days.into_iter().flatten().filter(|day| rule.deletes_reported(*day)).collect();
            if let Some(newest) = deleted.iter().max() {
                // An audience is no day.
                let reported = if table == Records::ReportedDays { deleted.len() as u64 } else { 0 };
                let tally = Tally { reported, newest_deleted: Some(*newest), ..Tally::default() };
                touched.push((key.value().to_vec(), tally));
            }
        }
        Ok((touched, None))
    }
}

fn days_of(epoch: i32) -> impl Iterator<Item = Date> {
    (0..EPOCH_DAYS).map(move |day| epoch_start(epoch).plus_days(day))
}

/// The days of a chunk by what becomes of them, and how many there were; `None` when it is damaged, which is noted, and
/// nothing becomes of it.
fn sorted(key: &ChunkKey, payload: &[u8], rule: &Rule, damage: &DamageLog) -> Option<(Sorted, u32)> {
    let first = month_start(split_chunk_key(key).0);
    let days = MonthChunk::decode(payload).and_then(|chunk| chunk.snapshots(first).collect::<Result<Vec<_>, _>>());
    match days {
        Ok(days) => Some((sort(rule, days.clone()), days.len() as u32)),
        Err(_) => {
            snapshots::note_chunk(key, damage);
            None
        }
    }
}

/// Does in one transaction what becomes of these rows.
fn rewrite(
    txn: &WriteTransaction,
    part: Part,
    rules: &Rules,
    keys: Vec<Vec<u8>>,
    damage: &DamageLog,
) -> Result<(), StoreError> {
    match part {
        Part::Log => rewrite_logs(txn, rules, &keys, damage),
        Part::Chunks => rewrite_chunks(txn, rules, &keys, damage),
        Part::Weeks => rewrite_weeks(txn, rules, &keys, damage),
        Part::Reported => rewrite_reported(txn, rules, &keys, damage),
        Part::Audiences => {
            let mut table = txn.open_table(Records::Audiences.definition())?;
            for key in &keys {
                table.remove(key.as_slice())?;
            }
            Ok(())
        }
    }
}

fn rewrite_logs(txn: &WriteTransaction, rules: &Rules, keys: &[Vec<u8>], damage: &DamageLog) -> Result<(), StoreError> {
    let there: HashSet<i32> = snapshots::log_epochs(txn.list_tables()?).into_iter().collect();
    let split = |key: &Vec<u8>| Some((i32::from_be_bytes(*key.first_chunk()?), Part::Log.connection(key)));
    let keys: Vec<(i32, ConnectionId)> = keys.iter().filter_map(split).collect();
    for of_epoch in keys.chunk_by(|a, b| a.0 == b.0) {
        let epoch = of_epoch[0].0;
        if !there.contains(&epoch) {
            continue;
        }
        let name = log_name(epoch);
        let mut table = txn.open_table(log_definition(&name))?;
        for (_, connection) in of_epoch {
            let Some(rule) = rules.get(connection) else { continue };
            for day in days_of(epoch) {
                let found = match table.block_of(day, *connection)? {
                    None => continue,
                    Some((key, value)) => log::find(&key, value.value(), *connection).ok().flatten(),
                };
                let sorted = sort(&rule.without_weeks(), found.into_iter().collect());
                if sorted.tally.is_empty() {
                    continue;
                }
                match sorted.left.first() {
                    None => log::remove(&mut table, day, *connection, damage)?,
                    Some(left) => log::write_day(txn, &mut table, &[&LogRow::of(*connection, left)?], damage)?,
                }
            }
        }
    }
    Ok(())
}

fn rewrite_chunks(
    txn: &WriteTransaction,
    rules: &Rules,
    keys: &[Vec<u8>],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let mut fold = fold_in(txn)?;
    let mut chunks = txn.open_table(CHUNKS)?;
    for key in keys.iter().filter_map(|key| <ChunkKey>::try_from(key.as_slice()).ok()) {
        let (_, connection) = split_chunk_key(&key);
        let Some(rule) = rules.get(&connection) else { continue };
        let found = match chunks.get(&key)? {
            None => None,
            Some(value) => {
                let payload = open_chunk(&key, value.value(), damage)?;
                payload.and_then(|payload| sorted(&key, payload, rule, damage))
            }
        };
        let Some((Sorted { left, weeks, .. }, before)) = found else { continue };
        fold.snapshots = fold.snapshots.saturating_sub(u64::from(before) - left.len() as u64);
        let mut chunk = MonthChunk::default();
        left.iter().for_each(|snapshot| chunk.set(month_of(snapshot.date).1, snapshot));
        if chunk.is_empty() {
            chunks.remove(&key)?;
        } else {
            let encoded = envelope::encode(CHUNKS_TAG, &key, chunk::VERSION, &chunk.encode());
            chunks.insert(&key, encoded.as_slice())?;
        }
        weeks.iter().try_for_each(|(origin, weeks)| weeks::add(txn, connection, *origin, weeks, damage))?;
    }
    put_fold(txn, fold)
}

fn rewrite_weeks(
    txn: &WriteTransaction,
    rules: &Rules,
    keys: &[Vec<u8>],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let mut table = txn.open_table(Records::Weeks.definition())?;
    for key in keys {
        let Some((block, connection, origin)) = split_weeks_key(key) else { continue };
        let Some(rule) = rules.get(&connection) else { continue };
        let left = match table.get(key.as_slice())? {
            None => continue,
            Some(value) => damage.leave_out(Records::Weeks.name(), key, weeks::read(key, value.value()))?,
        };
        let Some((_, mut left)) = left else { continue };
        left.retain(|week| !rule.deletes_week(origin, week.monday));
        match left.is_empty() {
            true => drop(table.remove(key.as_slice())?),
            false => drop(table.insert(key.as_slice(), weeks::encoded(key, block, &left).as_slice())?),
        }
    }
    Ok(())
}

fn rewrite_reported(
    txn: &WriteTransaction,
    rules: &Rules,
    keys: &[Vec<u8>],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let mut table = txn.open_table(Records::ReportedDays.definition())?;
    for key in keys {
        let Some((connection, month)) = split_months_key(key) else { continue };
        let Some(rule) = rules.get(&connection) else { continue };
        let left = match table.get(key.as_slice())? {
            None => continue,
            Some(value) => damage.leave_out(Records::ReportedDays.name(), key, reported::read(key, value.value()))?,
        };
        let Some(mut left) = left else { continue };
        left.retain(|day| !rule.deletes_reported(day.date));
        match reported::encoded(key, month, &left) {
            None => drop(table.remove(key.as_slice())?),
            Some(encoded) => drop(table.insert(key.as_slice(), encoded.as_slice())?),
        }
    }
    Ok(())
}
