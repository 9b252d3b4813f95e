//! Turns commits into rows. Everything that can be refused is refused before it is queued; the rest is put in key
//! order.

mod alerting;
mod audit;
mod consents;
mod roster;
mod sync;
mod webhooks;

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::ids::ConnectionId;
use roster_protocol::reported::ReportedDay;
use roster_protocol::time::Date;

pub(in crate::store) use self::audit::AuditPut;
use crate::model::{Change, Commit, Connection, RequestBlock, SyncCommit};
use crate::store::chain::{self, Written};
use crate::store::damage::DamageLog;
use crate::store::envelope;
use crate::store::error::StoreError;
use crate::store::log::LogRow;
use crate::store::records::{self, Record};
use crate::store::tables::{self, Records};
use crate::store::{reported, snapshots};

/// A longer record is a bug of ours: names, notes and reasons have limits.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// Encoded commits, in their order: stored together, all or none.
#[derive(Default)]
pub struct Encoded(pub(in crate::store) Vec<Batch>);

impl Encoded {
    /// Encodes one commit.
    ///
    /// # Errors
    /// As [`Encoded::add`].
    pub fn of(commit: &Commit) -> Result<Self, StoreError> {
        Ok(Self(vec![Batch::of(commit)?]))
    }

    /// Adds a commit; one that cannot be stored is left out.
    ///
    /// # Errors
    /// `Invalid` when something cannot be stored: a record over 1 MiB, a snapshot of a day before 1900 or after 4999.
    pub fn add(&mut self, commit: &Commit) -> Result<(), StoreError> {
        self.0.push(Batch::of(commit)?);
        Ok(())
    }

    /// Adds what was requested of providers.
    ///
    /// # Errors
    /// As [`Encoded::add`].
    pub fn add_requests(&mut self, block: RequestBlock) -> Result<(), StoreError> {
        let sync = SyncCommit { requests: vec![block], ..SyncCommit::default() };
        self.add(&Commit::from(sync))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much of a transaction it takes, counted in commits of one snapshot.
    pub(in crate::store) fn size(&self) -> usize {
        self.0.iter().map(|batch| batch.rows.len().max(1)).sum()
    }

    /// Whether it may wait for other commits for a while: all of it are sync results, which no client blocks on.
    pub(in crate::store) fn is_unhurried(&self) -> bool {
        self.0.iter().all(|batch| batch.has_runs)
    }
}

/// One encoded commit.
#[derive(Default)]
pub(in crate::store) struct Batch {
    /// Connections whose snapshots are deleted, with the day of their first one; this is done before anything else.
    forgotten: Vec<(ConnectionId, Date)>,
    reported: Reported,
    puts: Vec<Put>,
    rows: Vec<LogRow>,
    /// Changes: the key that each has when it is free, and its value without an end.
    changes: Vec<(Vec<u8>, Vec<u8>)>,
    audit: Vec<AuditPut>,
    has_runs: bool,
}

/// What platforms reported to owners.
#[derive(Default)]
struct Reported {
    /// Connections of which all of it is deleted, before anything is written.
    forgotten: Vec<ConnectionId>,
    days: Vec<(ConnectionId, Vec<ReportedDay>)>,
    audiences: Vec<Put>,
}

/// A row to write, or, without a value, to delete.
struct Put {
    table: Records,
    key: Vec<u8>,
    encoded: Option<Vec<u8>>,
}

impl Batch {
    fn of(commit: &Commit) -> Result<Self, StoreError> {
        let mut batch = Batch::default();
        batch.add_roster(&commit.roster)?;
        batch.add_sync(&commit.sync)?;
        batch.add_alerting(&commit.alerting)?;
        batch.add_consents(&commit.consents)?;
        batch.add_webhooks(&commit.webhooks)?;
        batch.add_audit(&commit.audit)?;
        Ok(batch)
    }

    fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        self.put_in(R::TABLE, record)
    }

    fn put_in<R: Record>(&mut self, table: Records, record: &R) -> Result<(), StoreError> {
        let put = Put::of(table, record)?;
        self.puts.push(put);
        Ok(())
    }

    fn put_change(&mut self, change: &Change) -> Result<(), StoreError> {
        self.changes.push((change.key(), limited(change.begun()?)?));
        Ok(())
    }

    fn put_at(&mut self, table: Records, key: Vec<u8>, payload: &[u8]) {
        let encoded = Some(records::plain(table, &key, payload));
        self.puts.push(Put { table, key, encoded });
    }

    fn delete(&mut self, table: Records, key: Vec<u8>) {
        self.puts.push(Put { table, key, encoded: None });
    }

    fn forget(&mut self, connection: &Connection) {
        self.forgotten.extend(connection.first_day.map(|first| (connection.id, first)));
        self.reported.forgotten.push(connection.id);
    }
}

impl Put {
    fn of<R: Record>(table: Records, record: &R) -> Result<Self, StoreError> {
        let key = record.key();
        let encoded = Some(limited(record.value_in(table, &key)?)?);
        Ok(Self { table, key, encoded })
    }
}

fn limited(bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(StoreError::Invalid { what: format!("a record of {} bytes", bytes.len()) });
    }
    Ok(bytes)
}

/// Writes the batches as if each were written after the one before; returns the lines of the audit log.
pub(in crate::store) fn apply(
    txn: &WriteTransaction,
    batches: &[&Batch],
    damage: &DamageLog,
) -> Result<Vec<Written>, StoreError> {
    write_puts(txn, batches.iter().flat_map(|batch| &batch.puts).collect())?;
    write_changes(txn, batches)?;
    let written = chain::append(txn, batches.iter().flat_map(|batch| &batch.audit))?;
    write_reported(txn, batches, damage)?;
    let mut rows = Vec::new();
    for batch in batches {
        if !batch.forgotten.is_empty() {
            snapshots::write_rows(txn, std::mem::take(&mut rows), damage)?;
            snapshots::forget(txn, &batch.forgotten, damage)?;
        }
        rows.extend(&batch.rows);
    }
    snapshots::write_rows(txn, rows, damage)?;
    Ok(written)
}

/// Writes rows in key order, so that neighbours are written together; of several for one key the last counts.
fn write_puts(txn: &WriteTransaction, mut puts: Vec<&Put>) -> Result<(), StoreError> {
    puts.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
    for of_table in puts.chunk_by(|a, b| a.table == b.table) {
        let mut table = txn.open_table(of_table[0].table.definition())?;
        for (at, put) in of_table.iter().enumerate() {
            let is_replaced = of_table.get(at + 1).is_some_and(|next| next.key == put.key);
            match &put.encoded {
                _ if is_replaced => {}
                Some(encoded) => drop(table.insert(put.key.as_slice(), encoded.as_slice())?),
                None => drop(table.remove(put.key.as_slice())?),
            }
        }
    }
    Ok(())
}

/// Writes changes in order of time. Two of one metric in the same millisecond are two rows: the later one's key is longer.
fn write_changes(txn: &WriteTransaction, batches: &[&Batch]) -> Result<(), StoreError> {
    let mut changes: Vec<_> = batches.iter().flat_map(|batch| &batch.changes).collect();
    if changes.is_empty() {
        return Ok(());
    }
    // The sort is stable: of several for one key, the last one queued is last.
    changes.sort_by(|a, b| a.0.cmp(&b.0));
    let mut table = txn.open_table(Records::Changes.definition())?;
    for (key, begun) in changes {
        let last = table.range(key.as_slice()..=tables::last_with(key).as_slice())?.next_back().transpose()?;
        let free = last.map_or_else(|| key.clone(), |(last, _)| tables::key_after(key, last.value()));
        let mut encoded = begun.clone();
        envelope::end(Records::Changes.tag(), &free, &mut encoded);
        table.insert(free.as_slice(), encoded.as_slice())?;
    }
    Ok(())
}

/// Writes what was reported, as if each batch were written after the one before.
fn write_reported(txn: &WriteTransaction, batches: &[&Batch], damage: &DamageLog) -> Result<(), StoreError> {
    let mut from = 0;
    for (at, batch) in batches.iter().enumerate() {
        if !batch.reported.forgotten.is_empty() {
            add_reported(txn, &batches[from..at], damage)?;
            reported::forget(txn, &batch.reported.forgotten)?;
            from = at;
        }
    }
    add_reported(txn, &batches[from..], damage)
}

fn add_reported(txn: &WriteTransaction, batches: &[&Batch], damage: &DamageLog) -> Result<(), StoreError> {
    let days: Vec<_> = batches.iter().flat_map(|batch| &batch.reported.days).collect();
    if !days.is_empty() {
        reported::add(txn, &days, damage)?;
    }
    write_puts(txn, batches.iter().flat_map(|batch| &batch.reported.audiences).collect())
}
