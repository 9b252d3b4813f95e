//! Verifying what is stored, row by row.

use std::ops::Bound;

use redb::{AccessGuard, ReadOnlyTable};
use roster_protocol::ids::ConnectionId;

use super::Store;
use super::envelope;
use super::error::StoreError;
use super::log::Block;
use super::reader::Reader;
use super::records::is_readable;
use super::snapshots::{if_there, note_chunk, open_chunk};
use super::tables::{CHUNKS, Records, log_definition, log_name, month_start, split_chunk_key};
use crate::history::chunk::MonthChunk;

/// How many rows one read transaction verifies.
const ROWS: usize = 5_000;

/// What a scrub has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Rows verified.
    pub rows: u64,
    /// Rows among them that are damaged; [`Store::damaged`] names them.
    pub damaged: u64,
}

impl Store {
    /// Reads everything in short transactions and verifies every checksum and every encoding.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub async fn scrub(&self) -> Result<Scrubbed, StoreError> {
        let mut sum = Scrubbed::default();
        let epochs = self.read(|reader| Ok(reader.logs()?.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>())).await?;
        let parts = Records::ALL.into_iter().map(Part::Records).chain([Part::Chunks]);
        for part in parts.chain(epochs.into_iter().map(Part::Log)) {
            let mut from = Some(Vec::new());
            while let Some(first) = from {
                let (seen, next) = self.read(move |reader| reader.scrub(part, &first)).await?;
                sum = Scrubbed { rows: sum.rows + seen.rows, damaged: sum.damaged + seen.damaged };
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
    /// Verifies some rows from the key `first` on, and says where to go on.
    fn scrub(&self, part: Part, first: &[u8]) -> Result<Seen, StoreError> {
        let from = (Bound::Included(first), Bound::Unbounded);
        match part {
            Part::Records(table) => {
                let rows = self.txn.open_table(table.definition())?;
                verify(
                    rows.range::<&[u8]>(from)?.map(|row| row.map(|(key, value)| (key.value().to_vec(), value))),
                    |key, value| {
                        let payload = envelope::decode(table.tag(), key, value);
                        let is_whole = payload.is_some_and(|payload| is_readable(table, key, payload));
                        if !is_whole {
                            self.damage.note(table.name(), key);
                        }
                        is_whole
                    },
                )
            }
            Part::Chunks => verify(fixed(&self.txn.open_table(CHUNKS)?, first)?, |key, value| {
                let Ok(key) = <&[u8; 7]>::try_from(key) else { return false };
                let Some(payload) = open_chunk(key, value, self.damage) else { return false };
                let first = month_start(split_chunk_key(key).0);
                let is_whole = MonthChunk::decode(payload).is_ok_and(|chunk| chunk.snapshots(first).all(|s| s.is_ok()));
                if !is_whole {
                    note_chunk(key, self.damage);
                }
                is_whole
            }),
            Part::Log(epoch) => {
                let Some(log) = if_there(self.txn.open_table(log_definition(&log_name(epoch))))? else {
                    return Ok((Scrubbed::default(), None));
                };
                verify(fixed(&log, first)?, |key, value| {
                    <&[u8; 9]>::try_from(key).is_ok_and(|key| {
                        let block = Block::open(key, value, self.damage);
                        let lowest = ConnectionId::from_bytes([0; 5]);
                        block.is_some_and(|block| block.snapshots(lowest).all(|(_, snapshot)| snapshot.is_some()))
                    })
                })
            }
        }
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

fn verify(
    rows: impl Iterator<Item = redb::Result<(Vec<u8>, Value)>>,
    is_whole: impl Fn(&[u8], &[u8]) -> bool,
) -> Result<Seen, StoreError> {
    let mut seen = Scrubbed::default();
    for row in rows {
        let (key, value) = row?;
        if seen.rows == ROWS as u64 {
            return Ok((seen, Some(key)));
        }
        seen.rows += 1;
        seen.damaged += u64::from(!is_whole(&key, value.value()));
    }
    Ok((seen, None))
}
