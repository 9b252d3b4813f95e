//! Reads a whole store without changing it, and reports what is whole and what is damaged.
//!
//! A damaged page hides the rows that are on it or below it; those before and behind it are read all the same. Pages have
//! checksums, too, which are verified last: where one is wrong, the engine might go on with an earlier commit.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase};
use roster_protocol::{CheckedTable, StoreCheck};

use super::damage::{DamageLog, DamagedRow};
use super::envelope::Unreadable;
use super::error::StoreError;
use super::origin::{self, Origin};
use super::reader::Reader;
use super::rows::Part;
use super::shared::panics_as_damage;
use crate::model::AuditFault;

const CACHE_BYTES: usize = 32 << 20;

/// What an inspection found.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The store's file, and its length.
    pub file: PathBuf,
    pub bytes: u64,
    /// The store's format; `None` when it cannot be read.
    pub format: Option<u32>,
    /// Every table, in the schema's order.
    pub tables: Vec<CheckedTable>,
    /// The first hundred damaged rows.
    pub rows: Vec<DamagedRow>,
    /// What is wrong with the chain of the audit log besides damaged rows, in words.
    pub chain: Vec<String>,
    /// What is wrong with the file as a whole, in words.
    pub file_damage: Option<String>,
}

impl Inspection {
    /// Whether everything can be read, and the audit log is what was written.
    pub fn is_whole(&self) -> bool {
        self.is_readable() && self.chain.is_empty()
    }

    /// Whether everything can be read.
    pub fn is_readable(&self) -> bool {
        self.file_damage.is_none() && self.tables.iter().all(CheckedTable::is_whole)
    }

    /// Whether rows or tables need a newer rosterd, and nothing is damaged.
    pub fn is_newer(&self) -> bool {
        let is_damaged = self.file_damage.is_some() || self.tables.iter().any(CheckedTable::is_damaged);
        !is_damaged && self.tables.iter().any(|table| table.newer > 0)
    }
}

impl From<Inspection> for StoreCheck {
    fn from(found: Inspection) -> Self {
        Self {
            file: found.file.display().to_string(),
            bytes: found.bytes,
            format: found.format,
            tables: found.tables,
            rows: found.rows.into_iter().map(|row| (row.table, row.key)).collect(),
            chain: found.chain,
            damage: found.file_damage,
        }
    }
}

impl From<StoreCheck> for Inspection {
    fn from(found: StoreCheck) -> Self {
        Self {
            file: found.file.into(),
            bytes: found.bytes,
            format: found.format,
            tables: found.tables,
            rows: found.rows.into_iter().map(|(table, key)| DamagedRow { table, key }).collect(),
            chain: found.chain,
            file_damage: found.damage,
        }
    }
}

/// Faults of the chain; a damaged line is named among the damaged rows.
pub(super) fn in_words(faults: &[AuditFault]) -> Vec<String> {
    faults.iter().filter(|fault| !matches!(fault, AuditFault::Damaged(_))).map(AuditFault::to_string).collect()
}

/// Inspects the store in `dir`. Changes nothing, and blocks.
///
/// # Errors
/// `InUse` while a daemon has it; `Gone`, `NotOurs`, `Newer` as when it is opened; `Io` when the disk cannot be read at
/// all.
pub fn inspect(dir: &Path) -> Result<Inspection, StoreError> {
    inspect_rows(dir, &mut |_, _, _| {})
}

/// What gets each row that is not damaged: its table, key and encoded value.
type Sink<'a> = dyn FnMut(Part, &[u8], &[u8]) + 'a;

/// The same; `sink` gets every row that is not damaged.
pub(super) fn inspect_rows(dir: &Path, sink: &mut Sink<'_>) -> Result<Inspection, StoreError> {
    let file = origin::file_in(dir);
    let origin = Origin::to_read(dir, CACHE_BYTES)?;
    let bytes = fs::metadata(&file)?.len();
    let mut found = Inspection {
        file,
        bytes,
        format: None,
        tables: Vec::new(),
        rows: Vec::new(),
        chain: Vec::new(),
        file_damage: None,
    };
    let looked = panics_as_damage(|| {
        // Opened so, the engine reads no page that is not needed.
        match Database::builder().set_cache_size(CACHE_BYTES).open_read_only(&found.file) {
            Ok(database) => found.look(&database, sink)?,
            // It was not closed, and its last commit does not say where pages are free: that is found out in memory.
            Err(DatabaseError::RepairAborted) => found.look(&*origin.open_to_read()?, sink)?,
            Err(error) => return Err(origin::in_use(error, dir)),
        }
        match origin.open_to_read()?.check_integrity() {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Damaged { what: "pages do not match their checksums".to_owned() }),
            Err(error) => Err(error.into()),
        }
    });
    match looked {
        Ok(()) => Ok(found),
        Err(StoreError::Damaged { what }) => Ok(Inspection { file_damage: Some(what), ..found }),
        // A disk that cannot read a part of the file, while it could read others.
        Err(error @ StoreError::Io(_)) if found.format.is_some() => {
            Ok(Inspection { file_damage: Some(error.to_string()), ..found })
        }
        Err(other) => Err(other),
    }
}

impl Inspection {
    /// Reads every table, each for itself.
    fn look(&mut self, database: &impl ReadableDatabase, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        // Where it is damaged, the rows say what they are.
        self.format = match origin::check_format(database) {
            Err(StoreError::Damaged { .. }) => None,
            format => Some(format?),
        };
        let damage = DamageLog::default();
        let reader = Reader::new(database.begin_read()?, &damage);
        let epochs = panics_as_damage(|| Ok(reader.logs()?.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>()));
        let no_logs = epochs.as_ref().err().cloned().map(words_of);
        for part in Part::all(epochs.unwrap_or_default()) {
            self.tables.push(inspect_table(&reader, part, sink));
        }
        if let Some(why) = no_logs {
            let name = "snapshots.open".to_owned();
            self.tables.push(CheckedTable { name, unreachable: Some(why), ..CheckedTable::default() });
        }
        self.rows = damage.found().named;
        // Where the table cannot be read, it is among the damaged ones.
        let chain = panics_as_damage(|| reader.whole_chain());
        self.chain = chain.map(|check| in_words(&check.faults)).unwrap_or_default();
        Ok(())
    }
}

fn inspect_table(reader: &Reader<'_>, part: Part, sink: &mut Sink<'_>) -> CheckedTable {
    let mut table = CheckedTable { name: part.name(), ..CheckedTable::default() };
    let mut last = None;
    let forwards = panics_as_damage(|| {
        for row in reader.rows(part, &[])?.into_iter().flatten() {
            let (key, value) = row?;
            count(&mut table, part, (&key, value.value()), reader, sink);
            last = Some(key);
        }
        Ok(())
    });
    let Err(error) = forwards else { return table };
    table.unreachable = Some(words_of(error));
    // What is behind the damaged page can be read from the end.
    let _ = panics_as_damage(|| {
        for row in reader.rows(part, &[])?.into_iter().flatten().rev() {
            let (key, value) = row?;
            if last.as_ref().is_some_and(|last| key <= *last) {
                break;
            }
            count(&mut table, part, (&key, value.value()), reader, sink);
        }
        Ok(())
    });
    table
}

/// What is wrong, without what every such error says.
fn words_of(error: StoreError) -> String {
    match error {
        StoreError::Damaged { what } => what,
        other => other.to_string(),
    }
}

fn count(table: &mut CheckedTable, part: Part, (key, value): (&[u8], &[u8]), reader: &Reader<'_>, sink: &mut Sink<'_>) {
    match part.verify(key, value) {
        Ok(()) => table.whole += 1,
        Err(Unreadable::Newer(_)) => table.newer += 1,
        Err(Unreadable::Damaged) => {
            table.damaged += 1;
            return reader.damage.note(&table.name, key);
        }
    }
    sink(part, key, value);
}
