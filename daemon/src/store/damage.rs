//! Damaged rows that were found: each is counted once and named in reports; its content is never shown.

use std::collections::HashSet;

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::envelope::Unreadable;
use super::error::StoreError;

/// How many rows are named; further ones are only counted.
const NAMED: usize = 100;
/// How many rows are counted; a file with more is beyond counting.
const COUNTED: usize = 100_000;

/// What does not match its checksum or makes no sense, found since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// How many rows and pages, up to 100 000.
    pub rows: u64,
    /// The first hundred of the rows, in the order in which they were found.
    pub named: Vec<DamagedRow>,
}

/// Which row is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedRow {
    /// The table's name.
    pub table: String,
    /// The key's bytes.
    pub key: Vec<u8>,
}

/// Where readers and writers note the rows that they skip.
#[derive(Debug, Default)]
pub(super) struct DamageLog(Mutex<(HashSet<u64>, Vec<DamagedRow>)>);

impl DamageLog {
    /// The value that was read; `None` for a damaged one, which is noted and left out.
    ///
    /// # Errors
    /// `NewerRecord` for a value that only a newer rosterd can read.
    pub(super) fn leave_out<T>(
        &self,
        table: &str,
        key: &[u8],
        read: Result<T, Unreadable>,
    ) -> Result<Option<T>, StoreError> {
        match read {
            Ok(found) => Ok(Some(found)),
            Err(Unreadable::Damaged) => {
                self.note(table, key);
                Ok(None)
            }
            Err(Unreadable::Newer(version)) => Err(StoreError::NewerRecord { table: table.to_owned(), version }),
        }
    }

    pub(super) fn note(&self, table: &str, key: &[u8]) {
        let mut noted = self.0.lock();
        let (seen, named) = &mut *noted;
        let row = xxh3_64_with_seed(key, xxh3_64_with_seed(table.as_bytes(), 0));
        let is_new = seen.len() < COUNTED && seen.insert(row);
        if is_new && named.len() < NAMED {
            tracing::error!(table, key = %hex(key), "a stored row is damaged and left out");
            named.push(DamagedRow { table: table.to_owned(), key: key.to_owned() });
        }
    }

    /// Notes that something other than a single row cannot be read: a page that makes no sense, mostly.
    pub(super) fn note_page(&self, what: &str) {
        let mut noted = self.0.lock();
        if noted.0.len() < COUNTED && noted.0.insert(xxh3_64_with_seed(what.as_bytes(), 1)) {
            tracing::error!(what, "the store is damaged: end rosterd, and `rosterd check` says what is whole");
        }
    }

    pub(super) fn found(&self) -> Damage {
        let noted = self.0.lock();
        Damage { rows: noted.0.len() as u64, named: noted.1.clone() }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(40).map(|byte| format!("{byte:02x}")).collect()
}
