//! Where snapshots are stored: new ones in the log table of their epoch, older ones in the chunk of their month.
//!
//! The fold's mark (`records::Fold`) divides them. A write of a day up to the mark goes to the chunk and deletes the
//! day from the log, unless the fold has done that already; so when both have a day, either both have the same snapshot
//! or the chunk has the newer one.

use redb::{ReadableTable, Table, TableError, TableHandle, WriteTransaction};
use roster_protocol::connection::Snapshot;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::log::{self, LogRow};
use super::records::{self, Fold, Record};
use super::tables::{
    CHUNKS, CHUNKS_TAG, ChunkKey, EPOCH_DAYS, Month, Records, chunk_key, epoch_of, epoch_start, log_definition,
    log_epoch, log_name, month_of, month_start, split_chunk_key,
};
use super::weeks;
use crate::history::chunk::{self, MonthChunk};

/// The payload of a chunk's row, still encoded as a chunk; `None` when the row is damaged, which is noted.
///
/// # Errors
/// `NewerRecord`.
pub(super) fn open_chunk<'a>(
    key: &ChunkKey,
    encoded: &'a [u8],
    damage: &DamageLog,
) -> Result<Option<&'a [u8]>, StoreError> {
    let read = envelope::decode(CHUNKS_TAG, key, chunk::VERSION, encoded);
    damage.leave_out(CHUNKS.name(), key, read.map(|(_, payload)| payload))
}

/// Checks that a chunk's row is intact.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(super) fn verify_chunk(key: &ChunkKey, encoded: &[u8]) -> Result<(), Unreadable> {
    let (_, payload) = envelope::decode(CHUNKS_TAG, key, chunk::VERSION, encoded)?;
    let chunk = MonthChunk::decode(payload).map_err(|_| Unreadable::Damaged)?;
    let first = month_start(split_chunk_key(key).0);
    if chunk.snapshots(first).all(|snapshot| snapshot.is_ok()) { Ok(()) } else { Err(Unreadable::Damaged) }
}

pub(super) fn note_chunk(key: &ChunkKey, damage: &DamageLog) {
    damage.note(CHUNKS.name(), key);
}

/// The fold's mark, as this transaction sees it.
pub(super) fn fold_in(txn: &WriteTransaction) -> Result<Fold, StoreError> {
    let key = Fold::default().key();
    let meta = txn.open_table(Records::Meta.definition())?;
    let Some(value) = meta.get(key.as_slice())? else { return Ok(Fold::default()) };
    read_fold(value.value())
}

/// Decodes the fold's mark. A damaged mark is an error, because it must stop everything that depends on it.
pub(super) fn read_fold(encoded: &[u8]) -> Result<Fold, StoreError> {
    let key = Fold::default().key();
    let fold = records::read(Records::Meta, &key, encoded);
    fold.map_err(|why| StoreError::unreadable(Records::Meta.name(), "how far folding has come", why))
}

pub(super) fn put_fold(txn: &WriteTransaction, fold: Fold) -> Result<(), StoreError> {
    let key = fold.key();
    txn.open_table(Records::Meta.definition())?.insert(key.as_slice(), fold.value(&key)?.as_slice())?;
    Ok(())
}

/// The epochs that have a log table, oldest first.
pub(super) fn log_epochs(tables: impl Iterator<Item = redb::UntypedTableHandle>) -> Vec<i32> {
    let mut epochs: Vec<i32> = tables.filter_map(|table| log_epoch(redb::TableHandle::name(&table))).collect();
    epochs.sort_unstable();
    epochs
}

/// Writes snapshots to their logs or, up to the mark, to their chunks; of several for one key the last counts.
pub(super) fn write_rows(txn: &WriteTransaction, mut rows: Vec<&LogRow>, damage: &DamageLog) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|row| row.key());
    // The sort is stable: of several for one key, the last one queued is last.
    rows.dedup_by(|later, earlier| {
        later.key() == earlier.key() && {
            *earlier = *later;
            true
        }
    });
    let fold = fold_in(txn)?;
    let folded = rows.partition_point(|row| fold.newest >= Some(epoch_of(row.date)));
    let (folded, logged) = rows.split_at(folded);
    for of_epoch in logged.chunk_by(|a, b| epoch_of(a.date) == epoch_of(b.date)) {
        let name = log_name(epoch_of(of_epoch[0].date));
        let mut table = txn.open_table(log_definition(&name))?;
        for of_day in of_epoch.chunk_by(|a, b| a.date == b.date) {
            log::write_day(txn, &mut table, of_day, damage)?;
        }
    }
    if folded.is_empty() {
        return Ok(());
    }
    delete_from_logs(txn, folded.iter().map(|row| row.key()), damage)?;
    let snapshots = folded.iter().filter_map(|row| Some((row.connection, row.snapshot()?)));
    let fold = write_chunks(txn, fold, snapshots.collect(), Take::Newest, damage)?;
    put_fold(txn, fold)
}

/// Which snapshot of a day counts when its chunk has one already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// The one that is being written.
    Newest,
    /// The one that the chunk has.
    Present,
}

/// Writes snapshots into their chunks, in key order; of several for one day the last counts. Returns the fold's state,
/// which counts them, for the caller to store.
pub(super) fn write_chunks(
    txn: &WriteTransaction,
    mut fold: Fold,
    snapshots: Vec<(ConnectionId, Snapshot)>,
    take: Take,
    damage: &DamageLog,
) -> Result<Fold, StoreError> {
    let mut keyed: Vec<_> = snapshots.iter().map(|(connection, snapshot)| keyed(*connection, snapshot)).collect();
    keyed.sort_by_key(|(key, day, _)| (*key, *day));
    let mut chunks = txn.open_table(CHUNKS)?;
    for of_chunk in keyed.chunk_by(|a, b| a.0 == b.0) {
        let key = of_chunk[0].0;
        let mut chunk = read_for_writing(txn, &chunks, &key, damage)?.unwrap_or_default();
        let before = (chunk.len(), chunk.days());
        let mut is_changed = false;
        for (_, day, snapshot) in of_chunk {
            if take == Take::Newest || before.1 >> day & 1 == 0 {
                chunk.set(*day, snapshot);
                is_changed = true;
            }
        }
        if is_changed {
            let encoded = envelope::encode(CHUNKS_TAG, &key, chunk::VERSION, &chunk.encode());
            chunks.insert(&key, encoded.as_slice())?;
            fold.snapshots += u64::from(chunk.len() - before.0);
        }
    }
    Ok(fold)
}

fn keyed(connection: ConnectionId, snapshot: &Snapshot) -> (ChunkKey, u8, &Snapshot) {
    let (month, day) = month_of(snapshot.date);
    (chunk_key(month, connection), day, snapshot)
}

/// Reads a chunk that is to be changed. A damaged one is noted and copied to the quarantine, because the write replaces
/// it.
fn read_for_writing(
    txn: &WriteTransaction,
    chunks: &Table<'_, &'static ChunkKey, &'static [u8]>,
    key: &ChunkKey,
    damage: &DamageLog,
) -> Result<Option<MonthChunk>, StoreError> {
    let Some(value) = chunks.get(key)? else { return Ok(None) };
    let chunk = open_chunk(key, value.value(), damage)?.and_then(|payload| MonthChunk::decode(payload).ok());
    if chunk.is_none() {
        note_chunk(key, damage);
        records::quarantine(txn, CHUNKS.name(), key, value.value())?;
    }
    Ok(chunk)
}

/// Deletes snapshots from the log tables that exist.
fn delete_from_logs(
    txn: &WriteTransaction,
    keys: impl Iterator<Item = (Date, ConnectionId)>,
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let epochs = log_epochs(txn.list_tables()?);
    let mut keys: Vec<_> = keys.filter(|(day, _)| epochs.contains(&epoch_of(*day))).collect();
    keys.sort_unstable();
    for of_epoch in keys.chunk_by(|a, b| epoch_of(a.0) == epoch_of(b.0)) {
        let name = log_name(epoch_of(of_epoch[0].0));
        let mut table = txn.open_table(log_definition(&name))?;
        for (day, connection) in of_epoch {
            log::remove(&mut table, *day, *connection, damage)?;
        }
    }
    Ok(())
}

/// Deletes all snapshots and weeks of connections; each comes with the day of its first snapshot.
pub(super) fn forget(
    txn: &WriteTransaction,
    connections: &[(ConnectionId, Date)],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    for (connection, first) in connections {
        weeks::forget(txn, *connection, *first)?;
    }
    let mut fold = fold_in(txn)?;
    if let Some(newest) = fold.newest {
        let mut chunks = txn.open_table(CHUNKS)?;
        for (connection, first) in connections {
            for month in months(*first, last_day(newest)) {
                let key = chunk_key(month, *connection);
                let Some(value) = chunks.remove(&key)? else { continue };
                let chunk =
                    open_chunk(&key, value.value(), damage)?.and_then(|payload| MonthChunk::decode(payload).ok());
                fold.snapshots = fold.snapshots.saturating_sub(chunk.map_or(0, |chunk| u64::from(chunk.len())));
            }
        }
        drop(chunks);
        put_fold(txn, fold)?;
    }
    for epoch in log_epochs(txn.list_tables()?) {
        let name = log_name(epoch);
        let mut table = txn.open_table(log_definition(&name))?;
        for (connection, _) in connections {
            for day in 0..EPOCH_DAYS {
                log::remove(&mut table, epoch_start(epoch).plus_days(day), *connection, damage)?;
            }
        }
    }
    Ok(())
}

/// The last day of an epoch.
pub(super) fn last_day(epoch: i32) -> Date {
    epoch_start(epoch).plus_days(EPOCH_DAYS - 1)
}

/// The months from that of `first` to that of `last`; there may be none.
pub(super) fn months(first: Date, last: Date) -> std::ops::RangeInclusive<Month> {
    month_of(first).0..=month_of(last).0
}

/// The table; `None` when it does not exist, which is no error here.
pub(super) fn if_there<T>(table: Result<T, TableError>) -> Result<Option<T>, StoreError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
