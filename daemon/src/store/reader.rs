//! One read transaction: the history of connections, and the load at start.
//!
//! Damaged rows are left out and noted. A transaction keeps old pages from being reused, so keep it under a second.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, TableHandle};
use roster_protocol::alert::AlertState;
use roster_protocol::connection::Snapshot;
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::Metric;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::log::{self, Block, Log};
use super::records::{self, Fold, Record, Stamp, StoreKeys};
use super::snapshots::{self, if_there, last_day, log_epochs, months, note_chunk, open_chunk};
use super::tables::{
    CHUNKS, ChunkKey, EPOCH_DAYS, LogKey, Records, chunk_key, epoch_start, log_definition, log_name, month_of,
    month_start, split_chunk_key,
};
use crate::history::chunk::{self, Days, MonthChunk};
use crate::model::{Alert, AlertsSince, Backup, Loaded, ReadMarks, RetentionChoice, Settings};

type Chunks = ReadOnlyTable<&'static ChunkKey, &'static [u8]>;
type RecordsTable = ReadOnlyTable<&'static [u8], &'static [u8]>;
type LogTable = ReadOnlyTable<&'static LogKey, &'static [u8]>;

/// Reads what was committed when its transaction began.
pub struct Reader<'a> {
    pub(super) txn: ReadTransaction,
    pub(super) damage: &'a DamageLog,
    logs: OnceCell<Vec<(i32, LogTable)>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(txn: ReadTransaction, damage: &'a DamageLog) -> Self {
        Self { txn, damage, logs: OnceCell::new() }
    }

    /// A connection's snapshots of some days, oldest first.
    pub(super) fn history(
        &self,
        connection: ConnectionId,
        days: RangeInclusive<Date>,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let mut found = Vec::new();
        self.each_chunk_of(connection, &days, |key, payload| {
            let before = found.len();
            let first = month_start(split_chunk_key(key).0);
            let Ok(chunk) = MonthChunk::decode(payload) else { return note_chunk(key, self.damage) };
            for snapshot in chunk.snapshots(first) {
                match snapshot {
                    Ok(snapshot) => found.push(snapshot),
                    Err(_) => {
                        found.truncate(before);
                        return note_chunk(key, self.damage);
                    }
                }
            }
        })?;
        self.each_logged_of(connection, &days, |snapshot| found.push(snapshot))?;
        Ok(in_order(found, &days, |snapshot| snapshot.date))
    }

    /// One metric of a connection's snapshots, as [`Self::history`]; only its column is decoded.
    pub(super) fn history_of(
        &self,
        connection: ConnectionId,
        metric: Metric,
        range: RangeInclusive<Date>,
    ) -> Result<Vec<(Date, f64)>, StoreError> {
        let mut found: Vec<(Date, f64)> = Vec::new();
        self.each_chunk_of(connection, &range, |key, payload| {
            let first = month_start(split_chunk_key(key).0);
            match chunk::decode_metric(payload, metric) {
                Ok(days) => found.extend(dated(&days, first).map(|(date, raw)| (date, metric.unit().value(raw)))),
                Err(_) => note_chunk(key, self.damage),
            }
        })?;
        self.each_logged_of(connection, &range, |snapshot| {
            found.extend(metric.of(&snapshot.numbers).map(|value| (snapshot.date, value)));
        })?;
        Ok(in_order(found, &range, |(date, _)| *date))
    }

    /// A connection's snapshot of a day; `None` when there is none.
    pub(super) fn snapshot_on(&self, connection: ConnectionId, date: Date) -> Result<Option<Snapshot>, StoreError> {
        let mut found = None;
        let day = date..=date;
        self.each_logged_of(connection, &day, |snapshot| found = Some(snapshot))?;
        self.each_chunk_of(connection, &day, |key, payload| {
            let first = month_start(split_chunk_key(key).0);
            match MonthChunk::decode(payload) {
                Ok(chunk) => found = chunk.snapshots(first).flatten().find(|s| s.date == date).or(found.take()),
                Err(_) => note_chunk(key, self.damage),
            }
        })?;
        Ok(found)
    }

    /// Followers of all connections on the given days, oldest first; connections without any are left out. Reads the
    /// whole months that the days touch.
    pub(super) fn recent_values(
        &self,
        metric: Metric,
        days: RangeInclusive<Date>,
    ) -> Result<HashMap<ConnectionId, Vec<(Date, u64)>>, StoreError> {
        let mut found: HashMap<ConnectionId, Vec<(Date, u64)>> = HashMap::new();
        // Days of one connection are mostly consecutive.
        let (mut of, mut together) = (None, Vec::new());
        self.each_value(metric, &days, |connection, date, value| {
            if of != Some(connection)
                && let Some(before) = of.replace(connection)
            {
                found.entry(before).or_default().append(&mut together);
            }
            together.push((date, value));
        })?;
        if let Some(of) = of {
            found.entry(of).or_default().append(&mut together);
        }
        for rows in found.values_mut() {
            *rows = in_order(std::mem::take(rows), &days, |(date, _)| *date);
        }
        Ok(found)
    }

    /// The sum of all followers ever reported, and the number of snapshots that report them. Reads everything.
    pub(super) fn sum_followers_everything(&self) -> Result<(u128, u64), StoreError> {
        let (mut sum, mut count) = (0, 0);
        self.each_value(Metric::Followers, &(Date(i32::MIN)..=Date(i32::MAX)), |_, _, followers| {
            sum += u128::from(followers);
            count += 1;
        })?;
        Ok((sum, count))
    }

    /// How many snapshots are stored. Those in the log are counted by block, or singly in an epoch whose fold has not
    /// finished.
    pub(super) fn snapshots(&self) -> Result<u64, StoreError> {
        let fold = self.fold()?;
        let mut count = fold.snapshots;
        for (epoch, log) in self.logs()? {
            for row in log.iter()? {
                let (key, value) = row?;
                let Some(block) = Block::open(key.value(), value.value(), self.damage)? else { continue };
                if Some(*epoch) > fold.newest {
                    count += block.len() as u64;
                    continue;
                }
                for connection in block.connections() {
                    count += u64::from(!self.snapshot_is_folded(connection, block.date)?);
                }
            }
        }
        Ok(count)
    }

    /// The bytes that each table takes in the file, in whole pages, by its name. Walks every tree.
    pub(super) fn table_bytes(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut bytes = BTreeMap::new();
        for table in self.txn.list_tables()? {
            let stats = self.txn.open_untyped_table(table.clone())?.stats()?;
            let taken = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
            bytes.insert(table.name().to_owned(), taken);
        }
        Ok(bytes)
    }

    /// Everything that the daemon keeps in memory from its start on.
    pub(super) fn load(&self) -> Result<Loaded, StoreError> {
        let shown = |table, key: &[u8], encoded: &[u8]| {
            let uid = key.try_into().map(u32::from_be_bytes).map_err(|_| Unreadable::Damaged);
            Ok((uid?, records::read_number(table, key, encoded)?))
        };
        let settings = Settings::default();
        let alerts = self.all(Records::AlertsLive, |table, key, encoded| {
            records::read_plain(table, key, encoded)?;
            records::number_of(key).ok_or(Unreadable::Damaged)
        })?;
        let alerts = alerts.into_iter().map(|number| self.get(&number.to_be_bytes()));
        let alerts: Vec<Option<Alert>> = alerts.collect::<Result<_, _>>()?;
        let alerts: Vec<Alert> =
            alerts.into_iter().flatten().filter(|alert| alert.state != AlertState::Resolved).collect();
        // The two large tables are read in parallel.
        let (txn, damage) = (&self.txn, self.damage);
        let (influencers, connections) = at_once(&|| all(txn, damage, Records::Influencers, records::read), &|| {
            all(txn, damage, Records::Connections, records::read)
        });
        Ok(Loaded {
            influencers: influencers?,
            connections: connections?,
            data_keys: self.all(Records::DataKeys, records::read)?,
            last_alert: self.last_alert()?,
            delivered: self.delivered_openings(&alerts)?,
            alerts,
            deliveries: self.all(Records::DeliveriesPending, records::read)?,
            holds: self.all(Records::Holds, records::read)?,
            budgets: self.all(Records::Budgets, records::read)?,
            settings: self.get(&settings.key())?.unwrap_or(settings),
            desktop_shown: self.all(Records::DesktopShown, shown)?,
            read_marks: self.all(Records::ReadMarks, records::read)?,
            undo: self.all(Records::Undo, records::read)?,
            removals: self.all(Records::Removals, records::read)?,
            tombstones: self.all(Records::Erased, records::read)?,
            revoked: self.all(Records::Revoked, records::read)?,
            rules: self.all(Records::Rules, records::read)?,
            silences: self.all(Records::Silences, records::read)?,
            alerts_since: self.get(&AlertsSince::KEY)?,
            retention: self.get(&RetentionChoice::KEY)?,
            backups: self.backups()?,
            store: self.get::<Stamp>(&Stamp::KEY)?.map(|stamp| stamp.id).unwrap_or_default(),
            keys: self.get::<StoreKeys>(&StoreKeys::KEY)?.map(|keys| keys.0).unwrap_or_default(),
            consents: self.all(Records::Consents, records::read)?,
            grants: self.all(Records::Grants, records::read)?,
            tokens: self.all(Records::Tokens, records::read)?,
            grant_uses: self.all(Records::GrantUses, records::read)?,
            receipts: self.all(Records::Receipts, records::read)?,
            deletions: self.all(Records::Deletions, records::read)?,
            leases: self.all(Records::Leases, records::read)?,
        })
    }

    fn backups(&self) -> Result<Vec<Backup>, StoreError> {
        Backup::KEYS.into_iter().filter_map(|key| self.get(key).transpose()).collect()
    }

    /// A record; `None` when it does not exist or is damaged.
    pub(super) fn get<R: Record>(&self, key: &[u8]) -> Result<Option<R>, StoreError> {
        self.get_as(R::TABLE, key, records::read)
    }

    /// A row as `read` decodes it; `None` when it does not exist or is damaged.
    pub(super) fn get_as<T>(
        &self,
        table: Records,
        key: &[u8],
        read: impl FnOnce(Records, &[u8], &[u8]) -> Result<T, Unreadable>,
    ) -> Result<Option<T>, StoreError> {
        let Some(rows) = if_there(self.txn.open_table(table.definition()))? else { return Ok(None) };
        let Some(value) = ReadableTable::get(&rows, key)? else { return Ok(None) };
        self.damage.leave_out(table.name(), key, read(table, key, value.value()))
    }

    /// All rows of a table in the order of their keys.
    pub(super) fn all<T>(
        &self,
        table: Records,
        read: impl Fn(Records, &[u8], &[u8]) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, StoreError> {
        all(&self.txn, self.damage, table, read)
    }

    /// The number of the newest alert ever, whose row may be deleted: users have been shown or have read up to it.
    fn last_alert(&self) -> Result<u64, StoreError> {
        let shown = self.all(Records::DesktopShown, records::read_number)?.into_iter();
        let read: Vec<ReadMarks> = self.all(Records::ReadMarks, records::read)?;
        let read = read.into_iter().flat_map(|marks| marks.read.into_keys().chain([marks.up_to]));
        Ok(shown.chain(read).fold(self.last_number(Records::Alerts)?, u64::max))
    }

    fn last_number(&self, table: Records) -> Result<u64, StoreError> {
        let rows = self.txn.open_table(table.definition())?;
        let last = rows.last()?;
        Ok(last.and_then(|(key, _)| records::number_of(key.value())).unwrap_or(0))
    }

    pub(super) fn fold(&self) -> Result<Fold, StoreError> {
        let meta = self.txn.open_table(Records::Meta.definition())?;
        let value = ReadableTable::get(&meta, Fold::default().key().as_slice())?;
        value.map_or(Ok(Fold::default()), |value| snapshots::read_fold(value.value()))
    }

    /// A table of records that a store made by an older rosterd may lack as long as it is open for reading only.
    pub(super) fn table(&self, table: Records) -> Result<Option<RecordsTable>, StoreError> {
        if_there(self.txn.open_table(table.definition()))
    }

    fn chunks(&self) -> Result<Chunks, StoreError> {
        Ok(self.txn.open_table(CHUNKS)?)
    }

    /// The log tables, oldest first.
    pub(super) fn logs(&self) -> Result<&[(i32, LogTable)], StoreError> {
        if let Some(logs) = self.logs.get() {
            return Ok(logs);
        }
        let mut logs = Vec::new();
        for epoch in log_epochs(self.txn.list_tables()?) {
            if let Some(log) = if_there(self.txn.open_table(log_definition(&log_name(epoch))))? {
                logs.push((epoch, log));
            }
        }
        Ok(self.logs.get_or_init(|| logs))
    }

    /// The chunks of one connection that touch `days`, oldest first.
    fn each_chunk_of(
        &self,
        connection: ConnectionId,
        days: &RangeInclusive<Date>,
        mut each: impl FnMut(&ChunkKey, &[u8]),
    ) -> Result<(), StoreError> {
        let Some(newest) = self.fold()?.newest else { return Ok(()) };
        let chunks = self.chunks()?;
        for month in months(*days.start(), last_day(newest).min(*days.end())) {
            let key = chunk_key(month, connection);
            let Some(value) = ReadableTable::get(&chunks, &key)? else { continue };
            if let Some(payload) = open_chunk(&key, value.value(), self.damage)? {
                each(&key, payload);
            }
        }
        Ok(())
    }

    /// The snapshots of one connection in the log, oldest first.
    fn each_logged_of(
        &self,
        connection: ConnectionId,
        days: &RangeInclusive<Date>,
        mut each: impl FnMut(Snapshot),
    ) -> Result<(), StoreError> {
        for (epoch, log) in self.logs()? {
            for day in (0..EPOCH_DAYS).map(|day| epoch_start(*epoch).plus_days(day)) {
                if !days.contains(&day) {
                    continue;
                }
                let Some((key, value)) = log.block_of(day, connection)? else { continue };
                let found = log::find(&key, value.value(), connection);
                let found = self.damage.leave_out(&log_name(*epoch), &key, found)?.flatten();
                found.into_iter().for_each(&mut each);
            }
        }
        Ok(())
    }

    /// One metric's raw numbers of all connections on the given days: first from chunks, then from the log, which may repeat a day.
    fn each_value(
        &self,
        metric: Metric,
        days: &RangeInclusive<Date>,
        mut each: impl FnMut(ConnectionId, Date, u64),
    ) -> Result<(), StoreError> {
        let newest = self.fold()?.newest;
        let (first, last) = (month_of(*days.start()).0, month_of(*days.end()).0);
        let (from, to) =
            (chunk_key(first, ConnectionId::from_bytes([0; 5])), chunk_key(last, ConnectionId::from_bytes([255; 5])));
        for row in self.chunks()?.range::<&ChunkKey>(&from..=&to)? {
            let (key, value) = row?;
            let Some(payload) = open_chunk(key.value(), value.value(), self.damage)? else { continue };
            let (month, connection) = split_chunk_key(key.value());
            match chunk::decode_metric(payload, metric) {
                Ok(found) => dated(&found, month_start(month))
                    .filter(|(date, _)| days.contains(date))
                    .for_each(|(date, value)| each(connection, date, value)),
                Err(_) => note_chunk(key.value(), self.damage),
            }
        }
        for (epoch, log) in self.logs()? {
            let (start, end) = (epoch_start(*epoch).max(*days.start()), last_day(*epoch).min(*days.end()));
            if start > end {
                continue;
            }
            for day in (0..EPOCH_DAYS).map(|day| epoch_start(*epoch).plus_days(day)).filter(|day| days.contains(day)) {
                for found in log.blocks_of(day, ConnectionId::from_bytes([0; 5]))? {
                    let (key, value) = found?;
                    let Some(block) = Block::open(&key, value.value(), self.damage)? else { continue };
                    for (connection, snapshot) in block.snapshots(ConnectionId::from_bytes([0; 5])) {
                        if Some(*epoch) <= newest && self.snapshot_is_folded(connection, day)? {
                            continue;
                        }
                        if let Some(value) = snapshot.and_then(|snapshot| snapshot.numbers.get(metric)) {
                            each(connection, day, value);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a snapshot that is still in the log is in its chunk already.
    pub(super) fn snapshot_is_folded(&self, connection: ConnectionId, date: Date) -> Result<bool, StoreError> {
        let (month, day) = month_of(date);
        let mut is_folded = false;
        self.each_chunk_of(connection, &(date..=date), |key, payload| {
            let days = chunk::days_of(payload).unwrap_or(0);
            is_folded = split_chunk_key(key).0 == month && days >> day & 1 == 1;
        })?;
        Ok(is_folded)
    }
}

/// Every row of a table that is not damaged.
fn all<T>(
    txn: &ReadTransaction,
    damage: &DamageLog,
    table: Records,
    read: impl Fn(Records, &[u8], &[u8]) -> Result<T, Unreadable>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    // An older store has no table of what came later.
    let Some(rows) = if_there(txn.open_table(table.definition()))? else { return Ok(found) };
    for row in rows.iter()? {
        let (key, value) = row?;
        let record = read(table, key.value(), value.value());
        found.extend(damage.leave_out(table.name(), key.value(), record)?);
    }
    Ok(found)
}

/// Does both, in parallel where another thread can be started.
fn at_once<A: Send, B>(one: &(dyn Fn() -> A + Sync), other: &dyn Fn() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let beside = std::thread::Builder::new().name("store-load".to_owned()).spawn_scoped(scope, one);
        let other = other();
        let one = match beside {
            // redb panics on damaged pages: the panic continues on this thread.
            Ok(beside) => beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => one(),
        };
        (one, other)
    })
}

/// Values of a month's days with their dates.
fn dated(days: &Days, first: Date) -> impl Iterator<Item = (Date, u64)> + '_ {
    days.iter().map(move |(day, value)| (first.plus_days(i32::from(day)), value))
}

/// The rows of `days`, oldest first; of several for one day the first counts, which is from a chunk.
fn in_order<T>(mut rows: Vec<T>, days: &RangeInclusive<Date>, date: impl Fn(&T) -> Date) -> Vec<T> {
    rows.retain(|row| days.contains(&date(row)));
    rows.sort_by_key(&date);
    rows.dedup_by_key(|row| date(row));
    rows
}
