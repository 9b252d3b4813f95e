//! Turns commits into rows. Everything that can be refused is refused before it is queued; the rest is put in key
//! order.

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::alert::AlertState;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::error::StoreError;
use super::log::LogRow;
use super::records::{self, KeyName, Record, Sweep};
use super::snapshots;
use super::tables::Records;
use crate::model::{Commit, Connection, Delivery, DeliveryState};

/// A longer record is a bug of ours: names, notes and reasons have limits.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// Encoded commits, in their order: stored together, all or none.
#[derive(Default)]
pub struct Encoded(pub(super) Vec<Batch>);

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

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much of a transaction it takes, counted in commits of one snapshot.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|batch| batch.rows.len().max(1)).sum()
    }

    /// Whether it may wait for other commits for a while: all of it are sync results, which no client blocks on.
    pub(super) fn is_unhurried(&self) -> bool {
        self.0.iter().all(|batch| batch.has_runs)
    }
}

/// One encoded commit.
#[derive(Default)]
pub(super) struct Batch {
    /// Connections whose snapshots are deleted, with the day of their first one; this is done before anything else.
    forgotten: Vec<(ConnectionId, Date)>,
    puts: Vec<Put>,
    rows: Vec<LogRow>,
    /// Payloads of audit lines; each gets its number when it is written.
    audit: Vec<Vec<u8>>,
    has_runs: bool,
}

/// A row to write, or, without a value, to delete.
struct Put {
    table: Records,
    key: Vec<u8>,
    encoded: Option<Vec<u8>>,
}

impl Batch {
    fn of(commit: &Commit) -> Result<Self, StoreError> {
        let mut batch = Batch { has_runs: !commit.sync.runs.is_empty(), ..Batch::default() };
        commit.roster.influencers.iter().try_for_each(|influencer| batch.put(influencer))?;
        for id in &commit.roster.removed_influencers {
            batch.delete(Records::Influencers, id.0.to_vec());
        }
        commit.roster.connections.iter().try_for_each(|connection| batch.put(connection))?;
        for connection in &commit.roster.removed_connections {
            batch.delete(Records::Connections, connection.key());
            batch.put(&Sweep { connection: connection.id })?;
            batch.forget(connection);
        }
        commit.sync.forgotten_histories.iter().for_each(|connection| batch.forget(connection));
        for (connection, snapshot) in &commit.sync.snapshots {
            batch.rows.push(LogRow::of(*connection, snapshot)?);
        }
        commit.sync.runs.iter().try_for_each(|run| batch.put(run))?;
        commit.sync.changes.iter().try_for_each(|change| batch.put(change))?;
        for alert in &commit.alerting.alerts {
            let number = alert.number.to_be_bytes();
            batch.put(alert)?;
            batch.put_at(Records::AlertIds, alert.id.0.to_vec(), &number);
            match alert.state {
                AlertState::Open | AlertState::Acknowledged => batch.put_at(Records::AlertsLive, number.to_vec(), &[]),
                AlertState::Resolved => batch.delete(Records::AlertsLive, number.to_vec()),
            }
        }
        commit.alerting.deliveries.iter().try_for_each(|delivery| batch.put_delivery(delivery))?;
        for line in &commit.audit.lines {
            batch.audit.push(limited(records::encode_audit(line)?)?);
        }
        commit.sync.holds.iter().try_for_each(|hold| batch.put(hold))?;
        for lane in &commit.sync.released_holds {
            batch.delete(Records::Holds, lane.as_bytes().to_vec());
        }
        commit.roster.settings.iter().try_for_each(|settings| batch.put(settings))?;
        if let Some(key) = commit.consents.key {
            batch.put(&KeyName(key))?;
        }
        commit.consents.consents.iter().try_for_each(|consent| batch.put(consent))?;
        for consent in &commit.consents.removed_consents {
            batch.delete(Records::Consents, consent.0.to_vec());
        }
        commit.consents.grants.iter().try_for_each(|grant| batch.put(grant))?;
        commit.consents.tokens.iter().try_for_each(|tokens| batch.put(tokens))?;
        for grant in commit.consents.removed_tokens.iter().chain(&commit.consents.removed_grants) {
            batch.delete(Records::Tokens, grant.0.to_vec());
        }
        for grant in &commit.consents.removed_grants {
            batch.delete(Records::Grants, grant.0.to_vec());
        }
        commit.consents.grant_uses.iter().try_for_each(|used| batch.put(used))?;
        for connection in &commit.consents.ended_uses {
            batch.delete(Records::GrantUses, connection.0.to_vec());
        }
        if let Some((uid, number)) = commit.alerting.desktop_shown {
            batch.put_at(Records::DesktopShown, uid.to_be_bytes().to_vec(), &number.to_be_bytes());
        }
        Ok(batch)
    }

    fn put<R: Record>(&mut self, record: &R) -> Result<(), StoreError> {
        self.put_in(R::TABLE, record)
    }

    fn put_in<R: Record>(&mut self, table: Records, record: &R) -> Result<(), StoreError> {
        let key = record.key();
        let encoded = Some(limited(record.value_in(table, &key)?)?);
        self.puts.push(Put { table, key, encoded });
        Ok(())
    }

    fn put_at(&mut self, table: Records, key: Vec<u8>, payload: &[u8]) {
        let encoded = Some(records::plain(table, &key, payload));
        self.puts.push(Put { table, key, encoded });
    }

    fn delete(&mut self, table: Records, key: Vec<u8>) {
        self.puts.push(Put { table, key, encoded: None });
    }

    /// A delivery is in one of two tables, so that the pending ones are few to read.
    fn put_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        let (to, from) = match delivery.state {
            DeliveryState::Pending => (Records::DeliveriesPending, Records::Deliveries),
            DeliveryState::Delivered | DeliveryState::Dead => (Records::Deliveries, Records::DeliveriesPending),
        };
        self.delete(from, delivery.key());
        self.put_in(to, delivery)
    }

    fn forget(&mut self, connection: &Connection) {
        self.forgotten.extend(connection.first_day.map(|first| (connection.id, first)));
    }
}

fn limited(bytes: Vec<u8>) -> Result<Vec<u8>, StoreError> {
    if bytes.len() > MAX_RECORD_BYTES {
        return Err(StoreError::Invalid { what: format!("a record of {} bytes", bytes.len()) });
    }
    Ok(bytes)
}

/// Writes the batches as if each were written after the one before.
pub(super) fn apply(txn: &WriteTransaction, batches: &[&Batch], damage: &DamageLog) -> Result<(), StoreError> {
    write_puts(txn, batches)?;
    write_audit(txn, batches)?;
    let mut rows = Vec::new();
    for batch in batches {
        if !batch.forgotten.is_empty() {
            snapshots::write_rows(txn, std::mem::take(&mut rows), damage)?;
            snapshots::forget(txn, &batch.forgotten, damage)?;
        }
        rows.extend(&batch.rows);
    }
    snapshots::write_rows(txn, rows, damage)
}

/// Writes rows in key order, so that neighbours are written together; of several for one key the last counts.
fn write_puts(txn: &WriteTransaction, batches: &[&Batch]) -> Result<(), StoreError> {
    let mut puts: Vec<&Put> = batches.iter().flat_map(|batch| &batch.puts).collect();
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

/// Writes audit lines under the next numbers, in the order of their commits.
fn write_audit(txn: &WriteTransaction, batches: &[&Batch]) -> Result<(), StoreError> {
    let mut lines = batches.iter().flat_map(|batch| &batch.audit).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let mut table = txn.open_table(Records::Audit.definition())?;
    let last = table.last()?.and_then(|(key, _)| records::number_of(key.value())).unwrap_or(0);
    for (line, number) in lines.zip(last.saturating_add(1)..) {
        let key = number.to_be_bytes();
        table.insert(&key[..], records::plain(Records::Audit, &key, line).as_slice())?;
    }
    Ok(())
}
