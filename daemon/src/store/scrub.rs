//! Verifies everything that is stored, row by row.

use std::ops::Bound;

use redb::{AccessGuard, ReadOnlyTable, TableHandle};

use super::Store;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::reader::Reader;
use super::snapshots::{self, if_there};
use super::tables::{CHUNKS, Records, log_definition, log_name};
use super::{log, records};

/// How many rows one read transaction verifies.
const ROWS: usize = 5_000;

/// The result of a scrub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Rows verified.
    pub rows: u64,
    /// Rows among them that are damaged; [`Store::damaged`] names them.
    pub damaged: u64,
    /// Rows among them that only a newer rosterd can read.
    pub newer: u64,
}

impl Store {
    /// Reads everything in short transactions and verifies every checksum and every encoding.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub async fn scrub(&self) -> Result<Scrubbed, StoreError> {
        let mut sum = Scrubbed::default();
        let epochs =
            self.with_reader(|reader| Ok(reader.logs()?.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>())).await?;
        let parts = Records::ALL.into_iter().map(Part::Records).chain([Part::Chunks]);
        for part in parts.chain(epochs.into_iter().map(Part::Log)) {
            let mut from = Some(Vec::new());
            while let Some(first) = from {
                let (seen, next) = self.with_reader(move |reader| reader.scrub(part, &first)).await?;
                sum.rows += seen.rows;
                sum.damaged += seen.damaged;
                sum.newer += seen.newer;
                from = next;
            }
        }
        Ok(sum)
    }
}

#[derive(Clone, Copy)]
enum Part {
    Records(Records),
    Chunks,
    Log(i32),
}

type Seen = (Scrubbed, Option<Vec<u8>>);

impl Reader<'_> {
    /// Verifies some rows from the key `first` on, and returns the key to continue at.
    fn scrub(&self, part: Part, first: &[u8]) -> Result<Seen, StoreError> {
        let from = (Bound::Included(first), Bound::Unbounded);
        match part {
            Part::Records(table) => {
                let rows = self.txn.open_table(table.definition())?;
                let rows = rows.range::<&[u8]>(from)?.map(|row| row.map(|(key, value)| (key.value().to_vec(), value)));
                self.verify(table.name(), rows, |key, value| records::verify(table, key, value))
            }
            Part::Chunks => {
                let chunks = self.txn.open_table(CHUNKS)?;
                self.verify(CHUNKS.name(), fixed(&chunks, first)?, |key, value| {
                    snapshots::verify_chunk(key.try_into().map_err(|_| Unreadable::Damaged)?, value)
                })
            }
            Part::Log(epoch) => {
                let name = log_name(epoch);
                let Some(log) = if_there(self.txn.open_table(log_definition(&name)))? else {
                    return Ok((Scrubbed::default(), None));
                };
                self.verify(&name, fixed(&log, first)?, |key, value| {
                    log::verify(key.try_into().map_err(|_| Unreadable::Damaged)?, value)
                })
            }
        }
    }

    fn verify(
        &self,
        table: &str,
        rows: impl Iterator<Item = redb::Result<(Vec<u8>, Value)>>,
        verify: impl Fn(&[u8], &[u8]) -> Result<(), Unreadable>,
    ) -> Result<Seen, StoreError> {
        let mut seen = Scrubbed::default();
        for row in rows {
            let (key, value) = row?;
            if seen.rows == ROWS as u64 {
                return Ok((seen, Some(key)));
            }
            seen.rows += 1;
            match verify(&key, value.value()) {
                Ok(()) => {}
                Err(Unreadable::Damaged) => {
                    self.damage.note(table, &key);
                    seen.damaged += 1;
                }
                Err(Unreadable::Newer(_)) => seen.newer += 1,
            }
        }
        Ok((seen, None))
    }
}

type Value = AccessGuard<'static, &'static [u8]>;

/// The rows of a table with keys of a fixed length, from `first` on, or from the start when it is empty.
fn fixed<const N: usize>(
    table: &ReadOnlyTable<&'static [u8; N], &'static [u8]>,
    first: &[u8],
) -> Result<impl Iterator<Item = redb::Result<(Vec<u8>, Value)>>, StoreError> {
    let first = <[u8; N]>::try_from(first).unwrap_or([0; N]);
    Ok(table.range::<&[u8; N]>(&first..)?.map(|row| row.map(|(key, value)| (key.value().to_vec(), value))))
}
