//! Moves snapshots to where they are kept for good: the fold of finished epochs, and bulk loads of histories. A bounded
//! number at a time, between other commits.

use std::collections::BTreeSet;

use redb::WriteTransaction;
use roster_protocol::connection::Snapshot;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Date;

use super::Store;
use super::damage::DamageLog;
use super::error::StoreError;
use super::log::{Block, Log, LogRow};
use super::snapshots::{self, Take, fold_in, put_fold};
use super::tables::{EPOCH_DAYS, epoch_of, epoch_start, log_definition, log_name, month_of, newest_finished_epoch};

/// How many connections one transaction of the fold moves: about 35 ms.
const FOLD_CONNECTIONS: usize = 2_000;
/// How many snapshots one transaction of a bulk load writes.
const BULK_SNAPSHOTS: usize = 50_000;

impl Store {
    /// Moves snapshots of finished epochs from the log into chunks. `today` is the day in the daemon's zone: an epoch
    /// is finished when its last day is two days back. A crash may interrupt it at any point; it can be begun again.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn fold(&self, today: Date) -> Result<(), StoreError> {
        let finished = newest_finished_epoch(today);
        let mut epochs =
            self.with_reader(|reader| Ok(reader.logs()?.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>())).await?;
        epochs.retain(|epoch| *epoch <= finished);
        // Not further than there are snapshots to fold: a clock that was once far ahead must do no lasting harm.
        let Some(newest) = epochs.last().copied() else { return Ok(()) };
        self.alone(move |txn, _| raise_mark(txn, newest)).await?;
        for epoch in epochs {
            let mut from = Some(ConnectionId::from_bytes([0; 5]));
            while let Some(first) = from {
                from = self.alone(move |txn, damage| fold_some(txn, epoch, first, damage)).await?;
            }
            self.alone(move |txn, _| Ok(txn.delete_table(log_definition(&log_name(epoch)))?)).await?;
        }
        Ok(())
    }

    /// Writes long histories at once, durably, in few transactions: for a demo's past, imports and measurements.
    /// `today` is as in [`Store::fold`]. Snapshots of the same day are replaced. The caller commits the connections'
    /// `first_day` and `latest`.
    ///
    /// # Errors
    /// As [`Store::commit`]; after an error, a part may have been written.
    pub async fn bulk_snapshots(
        &self,
        today: Date,
        histories: Vec<(ConnectionId, Vec<Snapshot>)>,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for (connection, snapshots) in histories {
            for snapshot in &snapshots {
                rows.push(LogRow::of(connection, snapshot)?);
            }
        }
        // Month by month, in the order of the chunks.
        rows.sort_by_cached_key(|row| (month_of(row.date).0, row.connection, row.date));
        let epochs = rows.iter().map(|row| epoch_of(row.date));
        if let Some(newest) = epochs.filter(|epoch| *epoch <= newest_finished_epoch(today)).max() {
            self.alone(move |txn, _| raise_mark(txn, newest)).await?;
        }
        let mut rows = rows.into_iter();
        while !rows.as_slice().is_empty() {
            let some: Vec<LogRow> = rows.by_ref().take(BULK_SNAPSHOTS).collect();
            self.alone(move |txn, damage| snapshots::write_rows(txn, some.iter().collect(), damage)).await?;
        }
        Ok(())
    }
}

/// Raises the fold's mark: from now on snapshots of `epoch` and earlier ones are written into chunks.
fn raise_mark(txn: &WriteTransaction, epoch: i32) -> Result<(), StoreError> {
    let mut fold = fold_in(txn)?;
    if fold.newest < Some(epoch) {
        fold.newest = Some(epoch);
        put_fold(txn, fold)?;
    }
    Ok(())
}

/// Writes the rows of some connections, from `first` on, into their chunks, and returns the next connection; `None`
/// when there are no more. The rows stay in the log until it is dropped whole.
fn fold_some(
    txn: &WriteTransaction,
    epoch: i32,
    first: ConnectionId,
    damage: &DamageLog,
) -> Result<Option<ConnectionId>, StoreError> {
    let name = log_name(epoch);
    let log = txn.open_table(log_definition(&name))?;
    let days = || (0..EPOCH_DAYS).map(|day| epoch_start(epoch).plus_days(day));

    // The next connections of any day, one more than this transaction moves.
    let mut next = BTreeSet::new();
    for day in days() {
        let mut found = 0;
        for block in log.blocks_of(day, first)? {
            let (key, value) = block?;
            let Some(block) = Block::open(&key, value.value(), damage)? else { continue };
            let from = block.connections().filter(|connection| *connection >= first);
            let before = next.len();
            next.extend(from);
            found += next.len().saturating_sub(before).max(1);
            if found > FOLD_CONNECTIONS + 100 {
                break;
            }
        }
    }
    let end = next.iter().nth(FOLD_CONNECTIONS).copied();
    let mut taken = Vec::new();
    for day in days() {
        'day: for block in log.blocks_of(day, first)? {
            let (key, value) = block?;
            let Some(block) = Block::open(&key, value.value(), damage)? else { continue };
            for (connection, snapshot) in block.snapshots(first) {
                if end.is_some_and(|end| connection >= end) {
                    break 'day;
                }
                taken.extend(snapshot.map(|snapshot| (connection, snapshot)));
            }
        }
    }
    let fold = snapshots::write_chunks(txn, fold_in(txn)?, taken, Take::Present, damage)?;
    put_fold(txn, fold)?;
    Ok(end)
}
