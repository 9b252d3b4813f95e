//! Verifies everything that is stored while the daemon runs, row by row.

use std::path::Path;

use super::envelope::Unreadable;
use super::error::StoreError;
use super::inspection::{Inspection, in_words};
use super::reader::Reader;
use super::rows::Part;
use super::tables::FORMAT;
use super::{Store, StoreState};
use roster_protocol::stored::CheckedTable;

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
    /// Reads everything as [`Store::scrub`] does, and says what is whole and what is damaged, table by table. The checksums
    /// of pages are not among what is verified: that needs a store that is not in use.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub async fn inspect_in_use(&self) -> Result<Inspection, StoreError> {
        let epochs =
            self.with_reader(|reader| Ok(reader.logs()?.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>())).await?;
        let mut tables = Vec::new();
        for part in Part::all(epochs) {
            tables.push(self.inspect_part(part).await?);
        }
        let origin = &self.handle.shared.origin;
        let file = origin.path().map(Path::to_owned).unwrap_or_default();
        let bytes = std::fs::metadata(&file).map(|found| found.len()).unwrap_or_default();
        let file_damage = match self.state() {
            StoreState::Damaged { what, .. } => Some(what),
            _ => None,
        };
        let chain = in_words(&self.verify_audit().await?.faults);
        Ok(Inspection { file, bytes, format: Some(FORMAT), tables, rows: self.damaged().named, chain, file_damage })
    }

    async fn inspect_part(&self, part: Part) -> Result<CheckedTable, StoreError> {
        let mut table = CheckedTable { name: part.name(), ..CheckedTable::default() };
        let mut from = Some(Vec::new());
        while let Some(first) = from {
            match self.with_reader(move |reader| reader.scrub(part, &first)).await {
                Ok((seen, next)) => {
                    table.whole += seen.rows - seen.damaged - seen.newer;
                    (table.damaged, table.newer) = (table.damaged + seen.damaged, table.newer + seen.newer);
                    from = next;
                }
                Err(StoreError::Damaged { what }) => {
                    table.unreachable = Some(what);
                    return Ok(table);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(table)
    }

    /// Reads everything in short transactions and verifies every checksum and every encoding.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub async fn scrub(&self) -> Result<Scrubbed, StoreError> {
        let mut sum = Scrubbed::default();
        let epochs =
            self.with_reader(|reader| Ok(reader.logs()?.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>())).await?;
        for part in Part::all(epochs) {
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

type Seen = (Scrubbed, Option<Vec<u8>>);

impl Reader<'_> {
    /// Verifies some rows from the key `first` on, and returns the key to continue at.
    fn scrub(&self, part: Part, first: &[u8]) -> Result<Seen, StoreError> {
        let mut seen = Scrubbed::default();
        for row in self.rows(part, first)?.into_iter().flatten() {
            let (key, value) = row?;
            if seen.rows == ROWS as u64 {
                return Ok((seen, Some(key)));
            }
            seen.rows += 1;
            match part.verify(&key, value.value()) {
                Ok(()) => {}
                Err(Unreadable::Damaged) => {
                    self.damage.note(&part.name(), &key);
                    seen.damaged += 1;
                }
                Err(Unreadable::Newer(_)) => seen.newer += 1,
            }
        }
        Ok((seen, None))
    }
}
