//! Weeks of snapshots: what is left of days that are long past. Half a year of a connection's weeks of one origin is a
//! row, encoded by `history::rollup`.

use std::ops::RangeInclusive;

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::reader::Reader;
use super::records;
use super::tables::{Records, split_weeks_key, weeks_key, weeks_of};
use crate::history::rollup::{self, Origin, Week, block_of, monday_of};

const TABLE: Records = Records::Weeks;

/// The weeks of a row with their origin.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(super) fn read(key: &[u8], encoded: &[u8]) -> Result<(Origin, Vec<Week>), Unreadable> {
    let (_, payload) = envelope::decode(TABLE.tag(), key, rollup::VERSION, encoded)?;
    let (block, _, origin) = split_weeks_key(key).ok_or(Unreadable::Damaged)?;
    Ok((origin, rollup::decode(block, payload).map_err(|_| Unreadable::Damaged)?))
}

/// Adds weeks to what is stored of a connection. A damaged row is copied to the quarantine, because the write replaces it.
pub(super) fn add(
    txn: &WriteTransaction,
    connection: ConnectionId,
    origin: Origin,
    weeks: &[Week],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let mut table = txn.open_table(TABLE.definition())?;
    for of_block in weeks.chunk_by(|a, b| block_of(a.monday).0 == block_of(b.monday).0) {
        let block = block_of(of_block[0].monday).0;
        let key = weeks_key(block, connection, origin);
        let before = match table.get(key.as_slice())? {
            None => Vec::new(),
            Some(value) => match damage.leave_out(TABLE.name(), &key, read(&key, value.value()))? {
                Some((_, weeks)) => weeks,
                None => {
                    records::quarantine(txn, TABLE.name(), &key, value.value())?;
                    Vec::new()
                }
            },
        };
        let merged = rollup::merged(before, of_block.to_vec());
        table.insert(key.as_slice(), encoded(&key, block, &merged).as_slice())?;
    }
    Ok(())
}

/// A row's value.
pub(super) fn encoded(key: &[u8], block: i32, weeks: &[Week]) -> Vec<u8> {
    envelope::encode(TABLE.tag(), key, rollup::VERSION, &rollup::encode(block, weeks))
}

/// Deletes all weeks of a connection, whose first day this was.
pub(super) fn forget(txn: &WriteTransaction, connection: ConnectionId, first: Date) -> Result<(), StoreError> {
    let mut table = txn.open_table(TABLE.definition())?;
    let Some(last) = table.last()?.and_then(|(key, _)| split_weeks_key(key.value())) else { return Ok(()) };
    for block in block_of(monday_of(first)).0..=last.0 {
        for origin in Origin::ALL {
            table.remove(weeks_key(block, connection, origin).as_slice())?;
        }
    }
    Ok(())
}

impl Reader<'_> {
    /// The weeks of a connection that begin on these days, in order; those of one Monday in the order of their origins.
    pub(super) fn weeks(
        &self,
        connection: ConnectionId,
        days: &RangeInclusive<Date>,
    ) -> Result<Vec<(Origin, Week)>, StoreError> {
        let mut found = Vec::new();
        let Some(table) = self.table(TABLE)? else { return Ok(found) };
        let Some(last) = table.last()?.and_then(|(key, _)| split_weeks_key(key.value())) else { return Ok(found) };
        let first = block_of(monday_of(*days.start())).0;
        for block in first..=last.0.min(block_of(*days.end()).0) {
            let (from, to) = weeks_of(block, connection);
            for row in table.range::<&[u8]>(from.as_slice()..=to.as_slice())? {
                let (key, value) = row?;
                let weeks = self.damage.leave_out(TABLE.name(), key.value(), read(key.value(), value.value()))?;
                let Some((origin, weeks)) = weeks else { continue };
                found.extend(weeks.into_iter().filter(|week| days.contains(&week.monday)).map(|week| (origin, week)));
            }
        }
        found.sort_by_key(|(origin, week)| (week.monday, *origin));
        Ok(found)
    }
}
