//! Format 2: the newest snapshots are in blocks of about eighty, where format 1 had a row for each; and there are tables
//! for consents, grants and tokens.
//!
//! Rows that a fold of format 1 had begun to move go into blocks too: the next fold moves them from there, and keeps
//! the snapshots that are in their chunks already.

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableHandle, WriteTransaction};

use super::Table;
use crate::store::damage::DamageLog;
use crate::store::envelope;
use crate::store::error::StoreError;

/// Tables that a store of format 1 may lack; opening creates them.
const NEW_TABLES: [&str; 4] = ["consents", "grants", "grants.tokens", "grants.uses"];

/// The log of format 1: one table for each four days, one row for each snapshot.
pub(in crate::store) const OLD_LOG_PREFIX: &str = "snapshots.log.";
pub(in crate::store) const OLD_ROW_TAG: u64 = 17;
/// The log of format 2: the same days and keys, a block for many snapshots.
const NEW_LOG_PREFIX: &str = "snapshots.open.";
const BLOCK_TAG: u64 = 18;
/// The most bytes of a block.
const MOST_BYTES: usize = 4000;
/// The version of rows and blocks.
const VERSION: u8 = 1;

/// Day (four bytes, big-endian, the sign bit turned), then connection (five).
type Key = [u8; 9];

/// Turns format 1 into format 2.
pub(super) fn change(txn: &WriteTransaction, damage: &DamageLog) -> Result<(), StoreError> {
    for name in NEW_TABLES {
        txn.open_table(Table::new(name))?;
    }
    let tables: Vec<String> = txn.list_tables()?.map(|table| table.name().to_owned()).collect();
    for (name, epoch) in tables.iter().filter_map(|name| Some((name, name.strip_prefix(OLD_LOG_PREFIX)?))) {
        let new = format!("{NEW_LOG_PREFIX}{epoch}");
        let (rows, mut blocks) = (txn.open_table(log(name))?, txn.open_table(log(&new))?);
        let mut block = Block::beginning_at([0; 9]);
        for row in rows.iter()? {
            let (key, value) = row?;
            let key = *key.value();
            let read = envelope::decode(OLD_ROW_TAG, &key, VERSION, value.value());
            let Some((_, snapshot)) = damage.leave_out(name, &key, read)? else { continue };
            if !block.is_of_the_day_of(&key) {
                std::mem::replace(&mut block, Block::beginning_at(first_of_day(&key))).put(&mut blocks)?;
            } else if !block.has_room_for(snapshot) {
                std::mem::replace(&mut block, Block::beginning_at(key)).put(&mut blocks)?;
            }
            block.push(&key, snapshot);
        }
        block.put(&mut blocks)?;
    }
    Ok(())
}

/// Drops the tables of the old log, one by one, at the end of the migration or at a later start.
///
/// # Errors
/// When the file cannot be written.
pub(in crate::store) fn drop_old_logs(database: &Database) -> Result<(), StoreError> {
    let tables: Vec<String> = {
        let txn = database.begin_read()?;
        txn.list_tables()?.map(|table| table.name().to_owned()).collect()
    };
    for name in tables.iter().filter(|name| name.starts_with(OLD_LOG_PREFIX)) {
        let mut txn = database.begin_write()?;
        txn.set_quick_repair(true);
        txn.delete_table(log(name))?;
        txn.commit()?;
    }
    Ok(())
}

fn log(name: &str) -> TableDefinition<'_, &'static Key, &'static [u8]> {
    TableDefinition::new(name)
}

/// Where a day's first block begins: at the lowest connection.
fn first_of_day(key: &Key) -> Key {
    let [a, b, c, d, ..] = *key;
    [a, b, c, d, 0, 0, 0, 0, 0]
}

/// A block that is being built: a sequence of connection, length (two bytes, little-endian) and snapshot.
struct Block {
    key: Key,
    bytes: Vec<u8>,
}

impl Block {
    fn beginning_at(key: Key) -> Self {
        Self { key, bytes: Vec::with_capacity(MOST_BYTES) }
    }

    fn is_of_the_day_of(&self, key: &Key) -> bool {
        self.key[..4] == key[..4]
    }

    fn has_room_for(&self, snapshot: &[u8]) -> bool {
        self.bytes.len() + 5 + 2 + snapshot.len() <= MOST_BYTES
    }

    fn push(&mut self, key: &Key, snapshot: &[u8]) {
        self.bytes.extend_from_slice(&key[4..]);
        // A snapshot has at most about 130 bytes.
        self.bytes.extend_from_slice(&(snapshot.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(snapshot);
    }

    fn put(self, blocks: &mut redb::Table<'_, &'static Key, &'static [u8]>) -> Result<(), StoreError> {
        if !self.bytes.is_empty() {
            blocks.insert(&self.key, envelope::encode(BLOCK_TAG, &self.key, VERSION, &self.bytes).as_slice())?;
        }
        Ok(())
    }
}
