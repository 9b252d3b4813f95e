//! All stored rows, table by table, whatever they hold, and how each is verified.

use std::ops::Bound;

use redb::{AccessGuard, ReadOnlyTable, TableHandle};

use super::envelope::Unreadable;
use super::error::StoreError;
use super::reader::Reader;
use super::snapshots::{self, if_there};
use super::tables::{CHUNKS, Records, log_definition, log_epoch, log_name};
use super::{log, records};

/// A table with what verifies its rows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Records(Records),
    Chunks,
    Log(i32),
}

/// Keys and values of a table, in order of the keys.
pub(super) type Rows = Box<dyn DoubleEndedIterator<Item = redb::Result<(Vec<u8>, Value)>>>;
type Value = AccessGuard<'static, &'static [u8]>;

impl Part {
    /// All tables of a store whose log has these epochs.
    pub(super) fn all(epochs: Vec<i32>) -> impl Iterator<Item = Part> {
        Records::ALL.into_iter().map(Part::Records).chain([Part::Chunks]).chain(epochs.into_iter().map(Part::Log))
    }

    /// The table of this name; `None` when this rosterd knows none.
    pub(super) fn named(name: &str) -> Option<Self> {
        let records = Records::ALL.into_iter().find(|table| table.name() == name).map(Part::Records);
        let chunks = (name == CHUNKS.name()).then_some(Part::Chunks);
        records.or(chunks).or_else(|| log_epoch(name).map(Part::Log))
    }

    /// The table's name.
    pub(super) fn name(self) -> String {
        match self {
            Part::Records(table) => table.name().to_owned(),
            Part::Chunks => CHUNKS.name().to_owned(),
            Part::Log(epoch) => log_name(epoch),
        }
    }

    /// Checks that a row is what the table holds.
    ///
    /// # Errors
    /// `Damaged`, or of a newer version.
    pub(super) fn verify(self, key: &[u8], encoded: &[u8]) -> Result<(), Unreadable> {
        match self {
            Part::Records(table) => records::verify(table, key, encoded),
            Part::Chunks => snapshots::verify_chunk(key.try_into().map_err(|_| Unreadable::Damaged)?, encoded),
            Part::Log(_) => log::verify(key.try_into().map_err(|_| Unreadable::Damaged)?, encoded),
        }
    }
}

impl Reader<'_> {
    /// The rows of a table from the key `first` on, which is empty for all of them. `None` when there is no such table: a
    /// log's was folded, or the store is older than the table.
    pub(super) fn rows(&self, part: Part, first: &[u8]) -> Result<Option<Rows>, StoreError> {
        match part {
            Part::Records(table) => {
                let from = (Bound::Included(first), Bound::Unbounded);
                let Some(rows) = self.table(table)? else { return Ok(None) };
                let rows = rows.range::<&[u8]>(from)?;
                Ok(Some(Box::new(rows.map(|row| row.map(|(key, value)| (key.value().to_vec(), value))))))
            }
            Part::Chunks => Ok(Some(fixed(&self.txn.open_table(CHUNKS)?, first)?)),
            Part::Log(epoch) => match if_there(self.txn.open_table(log_definition(&log_name(epoch))))? {
                Some(log) => Ok(Some(fixed(&log, first)?)),
                None => Ok(None),
            },
        }
    }
}

/// The rows of a table with keys of a fixed length, from `first` on, or from the start when it is empty.
fn fixed<const N: usize>(
    table: &ReadOnlyTable<&'static [u8; N], &'static [u8]>,
    first: &[u8],
) -> Result<Rows, StoreError> {
    let first = <[u8; N]>::try_from(first).unwrap_or([0; N]);
    let rows = table.range::<&[u8; N]>(&first..)?;
    Ok(Box::new(rows.map(|row| row.map(|(key, value)| (key.value().to_vec(), value)))))
}
