//! The log's blocks: the newest snapshots, about eighty of one day in one value, in order of connection.
//!
//! A block begins at the connection in its key and ends where the day's next block begins; a day's first block begins
//! at the lowest connection. Few values and one checksum for many snapshots make a durable commit cheap, in whatever
//! order snapshots arrive; entries that do not change are copied as bytes.

use redb::{ReadableTable, Table, WriteTransaction};
use roster_protocol::connection::Snapshot;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::records::{self, SnapshotRecord};
use super::tables::{self, BLOCK_TAG, LogKey, epoch_of, log_key, log_name, split_log_key};

/// The version of blocks. In version 1 no snapshot said how it was read, in version 2 none had reach or reposts; one that
/// was copied from there still does not.
const VERSION: u8 = 3;
/// The most bytes of one block: with its key, its checksum and the page's own head it just fills a page of 4 KiB.
const MOST_BYTES: usize = 4000;
/// Connection, and how many bytes of snapshot follow.
const HEAD: usize = 5 + 2;

/// The lowest and the highest possible connection.
const LOWEST: ConnectionId = ConnectionId::from_bytes([0; 5]);
const HIGHEST: ConnectionId = ConnectionId::from_bytes([255; 5]);

/// A snapshot to be written to the log.
pub(super) struct LogRow {
    pub(super) date: Date,
    pub(super) connection: ConnectionId,
    /// As `SnapshotRecord` encodes it.
    pub(super) payload: Vec<u8>,
}

impl LogRow {
    /// # Errors
    /// `Invalid` when its day is before 1900 or after 4999.
    pub(super) fn of(connection: ConnectionId, snapshot: &Snapshot) -> Result<Self, StoreError> {
        if !tables::is_storable(snapshot.date) {
            return Err(StoreError::Invalid { what: format!("a snapshot of day {}", snapshot.date.0) });
        }
        Ok(Self { date: snapshot.date, connection, payload: SnapshotRecord::encoded(snapshot)? })
    }

    /// What it is ordered by.
    pub(super) fn key(&self) -> (Date, ConnectionId) {
        (self.date, self.connection)
    }

    /// Decodes the snapshot; `None` only when the payload was not encoded here.
    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        SnapshotRecord::decode(self.date, &self.payload)
    }
}

/// A snapshot in a block.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) connection: ConnectionId,
    payload: &'a [u8],
}

impl Entry<'_> {
    fn bytes(&self) -> usize {
        HEAD + self.payload.len()
    }
}

/// The entries of one block, in order of connection.
pub(super) struct Block<'a> {
    pub(super) date: Date,
    entries: Vec<Entry<'a>>,
}

impl<'a> Block<'a> {
    /// Opens a block; `None` when it is damaged, which is noted.
    ///
    /// # Errors
    /// `NewerRecord`.
    pub(super) fn open(key: &LogKey, encoded: &'a [u8], damage: &DamageLog) -> Result<Option<Self>, StoreError> {
        damage.leave_out(&log_name(epoch_of(split_log_key(key).0)), key, Self::parse(key, encoded))
    }

    fn parse(key: &LogKey, encoded: &'a [u8]) -> Result<Self, Unreadable> {
        let (_, mut rest) = envelope::decode(BLOCK_TAG, key, VERSION, encoded)?;
        let mut entries = Vec::with_capacity(rest.len() / 40);
        while !rest.is_empty() {
            let (entry, after) = next(rest).ok_or(Unreadable::Damaged)?;
            entries.push(entry);
            rest = after;
        }
        Ok(Self { date: split_log_key(key).0, entries })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.entries.iter().map(|entry| entry.connection)
    }

    /// The snapshots from one connection on. `None` for one that cannot be decoded, which an intact block never holds.
    pub(super) fn snapshots(&self, first: ConnectionId) -> impl Iterator<Item = (ConnectionId, Option<Snapshot>)> + '_ {
        let from = self.entries.partition_point(|entry| entry.connection < first);
        self.entries[from..].iter().map(|entry| (entry.connection, SnapshotRecord::decode(self.date, entry.payload)))
    }
}

fn next(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let [a, b, c, d, e, low, high] = *head;
    let (payload, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
    Some((Entry { connection: ConnectionId::from_bytes([a, b, c, d, e]), payload }, rest))
}

/// Checks that a block is intact.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(super) fn verify(key: &LogKey, encoded: &[u8]) -> Result<(), Unreadable> {
    let block = Block::parse(key, encoded)?;
    if block.snapshots(LOWEST).all(|(_, snapshot)| snapshot.is_some()) { Ok(()) } else { Err(Unreadable::Damaged) }
}

/// Finds the snapshot of a connection in a block without decoding the others.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(super) fn find(key: &LogKey, encoded: &[u8], connection: ConnectionId) -> Result<Option<Snapshot>, Unreadable> {
    let (_, mut rest) = envelope::decode(BLOCK_TAG, key, VERSION, encoded)?;
    while !rest.is_empty() {
        let (entry, after) = next(rest).ok_or(Unreadable::Damaged)?;
        if entry.connection == connection {
            return SnapshotRecord::decode(split_log_key(key).0, entry.payload).map(Some).ok_or(Unreadable::Damaged);
        }
        if entry.connection > connection {
            break;
        }
        rest = after;
    }
    Ok(None)
}

/// A log table in a read or a write transaction.
pub(super) trait Log: ReadableTable<&'static LogKey, &'static [u8]> {
    /// The block in which a connection's snapshot of a day would be.
    fn block_of(&self, day: Date, connection: ConnectionId) -> Result<Option<(LogKey, Guard<'_>)>, StoreError> {
        let row = self.range::<&LogKey>(&log_key(day, LOWEST)..=&log_key(day, connection))?.next_back();
        row.map(|row| row.map(|(key, value)| (*key.value(), value)).map_err(StoreError::from)).transpose()
    }

    /// All blocks of a day that hold connections from `first` on, in order.
    fn blocks_of(
        &self,
        day: Date,
        first: ConnectionId,
    ) -> Result<impl Iterator<Item = Result<(LogKey, Guard<'_>), StoreError>>, StoreError> {
        let begin = self.block_of(day, first)?.map_or_else(|| log_key(day, first), |(key, _)| key);
        let rows = self.range::<&LogKey>(&begin..=&log_key(day, HIGHEST))?;
        Ok(rows.map(|row| row.map(|(key, value)| (*key.value(), value)).map_err(StoreError::from)))
    }
}

impl<T: ReadableTable<&'static LogKey, &'static [u8]>> Log for T {}

type Guard<'a> = redb::AccessGuard<'a, &'static [u8]>;
type LogTable<'txn> = Table<'txn, &'static LogKey, &'static [u8]>;

/// Writes rows of one day, in order of connection and each connection once, into the day's blocks.
pub(super) fn write_day(
    txn: &WriteTransaction,
    table: &mut LogTable<'_>,
    rows: &[&LogRow],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let mut rest = rows;
    while let Some(first) = rest.first() {
        let found = table.block_of(first.date, first.connection)?.map(|(key, value)| (key, value.value().to_vec()));
        let key = found.as_ref().map_or_else(|| log_key(first.date, LOWEST), |(key, _)| *key);
        let end = next_start(table, &key)?;
        let (ours, others) = rest.split_at(rest.partition_point(|row| end.is_none_or(|end| row.connection < end)));
        let block = match &found {
            Some((key, encoded)) => open_or_quarantine(txn, key, encoded, damage)?,
            None => None,
        };
        let before: &[Entry<'_>] = block.as_ref().map(|block| block.entries.as_slice()).unwrap_or_default();
        write_entries(table, key, before, ours)?;
        rest = others;
    }
    Ok(())
}

/// Where the next block of the same day begins.
fn next_start(table: &LogTable<'_>, key: &LogKey) -> Result<Option<ConnectionId>, StoreError> {
    let (day, _) = split_log_key(key);
    let after = (std::ops::Bound::Excluded(key), std::ops::Bound::Included(&log_key(day, HIGHEST)));
    let next = table.range::<&LogKey>(after)?.next().transpose()?;
    Ok(next.map(|(key, _)| split_log_key(key.value()).1))
}

fn open_or_quarantine<'a>(
    txn: &WriteTransaction,
    key: &LogKey,
    encoded: &'a [u8],
    damage: &DamageLog,
) -> Result<Option<Block<'a>>, StoreError> {
    let block = Block::open(key, encoded, damage)?;
    if block.is_none() {
        records::quarantine(txn, &log_name(epoch_of(split_log_key(key).0)), key, encoded)?;
    }
    Ok(block)
}

/// Writes a block's old entries and the new rows, as one block or several.
fn write_entries(
    table: &mut LogTable<'_>,
    key: LogKey,
    before: &[Entry<'_>],
    rows: &[&LogRow],
) -> Result<(), StoreError> {
    let merged = merged(before, rows);
    // Rows that are appended fill their blocks; rows in between leave room for more.
    let is_appended = before.last().is_none_or(|last| rows.first().is_some_and(|row| row.connection > last.connection));
    let bytes: usize = merged.iter().map(Entry::bytes).sum();
    let most = if is_appended { MOST_BYTES } else { bytes.div_ceil(bytes.div_ceil(MOST_BYTES)) };
    let (day, _) = split_log_key(&key);
    let (mut rest, mut key) = (merged.as_slice(), key);
    while !rest.is_empty() {
        let (part, after) = rest.split_at(how_many(rest, most));
        table.insert(&key, encoded(&key, part).as_slice())?;
        key = after.first().map_or(key, |next| log_key(day, next.connection));
        rest = after;
    }
    Ok(())
}

/// How many entries fit into `most` bytes; at least one.
fn how_many(entries: &[Entry<'_>], most: usize) -> usize {
    let mut left = most;
    let fit = entries.iter().take_while(|entry| {
        let fits = entry.bytes() <= left;
        left = left.saturating_sub(entry.bytes());
        fits
    });
    fit.count().max(1)
}

/// Merges both in order; of two entries for one connection the new one counts.
fn merged<'a>(before: &[Entry<'a>], rows: &[&'a LogRow]) -> Vec<Entry<'a>> {
    let mut merged = Vec::with_capacity(before.len() + rows.len());
    let mut old = before.iter().copied().peekable();
    for row in rows {
        while let Some(entry) = old.next_if(|entry| entry.connection < row.connection) {
            merged.push(entry);
        }
        let _ = old.next_if(|entry| entry.connection == row.connection);
        merged.push(Entry { connection: row.connection, payload: &row.payload });
    }
    merged.extend(old);
    merged
}

fn encoded(key: &LogKey, entries: &[Entry<'_>]) -> Vec<u8> {
    let bytes = entries.iter().map(Entry::bytes).sum();
    let mut encoded = envelope::begin(VERSION, bytes);
    for entry in entries {
        encoded.extend_from_slice(&entry.connection.0);
        // A snapshot has at most about 150 bytes.
        encoded.extend_from_slice(&(entry.payload.len() as u16).to_le_bytes());
        encoded.extend_from_slice(entry.payload);
    }
    envelope::end(BLOCK_TAG, key, &mut encoded);
    encoded
}

/// Deletes a connection's snapshot of a day, if it exists.
pub(super) fn remove(
    table: &mut LogTable<'_>,
    day: Date,
    connection: ConnectionId,
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let found = table.block_of(day, connection)?.map(|(key, value)| (key, value.value().to_vec()));
    let Some((key, bytes)) = found else { return Ok(()) };
    // The entries of a damaged block cannot be distinguished: it stays as it is, and its snapshots count as missing.
    let Some(block) = Block::open(&key, &bytes, damage)? else { return Ok(()) };
    let left: Vec<Entry<'_>> = block.entries.iter().filter(|entry| entry.connection != connection).copied().collect();
    if left.is_empty() {
        table.remove(&key)?;
    } else if left.len() < block.entries.len() {
        table.insert(&key, encoded(&key, &left).as_slice())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use redb::{Database, ReadableDatabase, backends::InMemoryBackend};

    use super::*;
    use crate::store::tables::log_definition;

    const DAY: Date = Date(20_778);

    fn row(id: u16, mark: u8) -> LogRow {
        let [a, b] = id.to_be_bytes();
        let payload = vec![mark; usize::from(mark % 50) + 1];
        LogRow { date: DAY, connection: ConnectionId::from_bytes([a, b, 0, 0, 0]), payload }
    }

    fn write(database: &Database, rows: &[LogRow]) {
        let damage = DamageLog::default();
        let txn = database.begin_write().expect("a transaction");
        {
            let mut table = txn.open_table(log_definition("test")).expect("a table");
            write_day(&txn, &mut table, &rows.iter().collect::<Vec<_>>(), &damage).expect("written");
        }
        txn.commit().expect("committed");
        assert_eq!(damage.found().rows, 0);
    }

    /// Every entry, and how many blocks hold them.
    fn all(database: &Database) -> (BTreeMap<ConnectionId, Vec<u8>>, usize) {
        let table = database.begin_read().expect("a transaction").open_table(log_definition("test")).expect("a table");
        let (mut all, mut blocks, damage) = (BTreeMap::new(), 0, DamageLog::default());
        for found in table.blocks_of(DAY, LOWEST).expect("readable") {
            let (key, value) = found.expect("readable");
            let block = Block::open(&key, value.value(), &damage).expect("known").expect("whole");
            assert!(block.entries.iter().map(Entry::bytes).sum::<usize>() <= MOST_BYTES);
            assert!(block.entries[0].connection >= split_log_key(&key).1);
            for entry in &block.entries {
                let other = table.block_of(DAY, entry.connection).expect("readable").expect("a block");
                assert_eq!(other.0, key, "it is found where it is stored");
                assert!(all.insert(entry.connection, entry.payload.to_vec()).is_none(), "once");
            }
            blocks += 1;
        }
        (all, blocks)
    }

    #[test]
    fn appended_rows_fill_their_blocks() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).expect("a database");
        for group in 0..10u16 {
            let rows: Vec<LogRow> = (0..100).map(|at| row(group * 100 + at, 7)).collect();
            write(&database, &rows);
        }
        let (found, blocks) = all(&database);
        let fit = MOST_BYTES / (HEAD + 8);
        assert_eq!((found.len(), blocks), (1000, 1000usize.div_ceil(fit)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn blocks_hold_what_was_written_last(groups in prop::collection::vec(
            prop::collection::btree_map(0u16..2000, any::<u8>(), 1..300), 1..12),
            removed in prop::collection::vec(0u16..2000, 0..200))
        {
            let database = Database::builder().create_with_backend(InMemoryBackend::new()).expect("a database");
            let mut model = BTreeMap::new();
            for group in groups {
                let rows: Vec<LogRow> = group.into_iter().map(|(id, mark)| row(id, mark)).collect();
                write(&database, &rows);
                model.extend(rows.into_iter().map(|row| (row.connection, row.payload)));
            }
            prop_assert_eq!(&all(&database).0, &model);
            let txn = database.begin_write().expect("a transaction");
            {
                let mut table = txn.open_table(log_definition("test")).expect("a table");
                for id in removed {
                    let connection = row(id, 0).connection;
                    remove(&mut table, DAY, connection, &DamageLog::default()).expect("removed");
                    model.remove(&connection);
                }
            }
            txn.commit().expect("committed");
            prop_assert_eq!(&all(&database).0, &model);
        }
    }
}
