//! Puts a backup in the place of the store: all of it is verified before anything is touched, the new store is built beside
//! the old one and verified again, and takes its name in one step. The old one is kept under another name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use redb::{Database, ReadableDatabase, WriteTransaction};
use roster_backup::{Head, Item, Manifest, Reader as BackupReader, Unusable};
use roster_protocol::time::Timestamp;

use super::damage::DamageLog;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::marker;
use super::origin::{self, Origin};
use super::reader::Reader;
use super::records::{self, Stamp};
use super::rows::Part;
use super::shared::panics_as_damage;
use super::tables::{CHUNKS, ChunkKey, FORMAT, LogKey, Records, log_definition, time_of_key};

const CACHE_BYTES: usize = 32 << 20;
/// How many bytes of rows one transaction writes: what bounds memory.
const GROUP_BYTES: usize = 16 << 20;

/// What was put in the store's place.
#[derive(Debug)]
pub struct Restored {
    pub file: PathBuf,
    pub head: Head,
    pub rows: u64,
    /// The store that was there before.
    pub kept: Option<PathBuf>,
}

/// Why a backup was not put in the store's place, which is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Another backup is needed, or another key to it.
    #[error("the backup cannot be used: {0}")]
    Unusable(#[from] Unusable),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is there would be lost sight of: it must be requested by name.
    #[error("the store that is there has data up to {present}, and the backup is of {backup}")]
    NewerPresent { present: Timestamp, backup: Timestamp },
    /// The backup's tables are of a newer rosterd.
    #[error("the backup has a table {table}, which only a newer rosterd knows")]
    NewerTable { table: String },
}

impl From<redb::CommitError> for RestoreError {
    fn from(error: redb::CommitError) -> Self {
        RestoreError::Store(error.into())
    }
}

impl From<std::io::Error> for RestoreError {
    fn from(error: std::io::Error) -> Self {
        RestoreError::Store(error.into())
    }
}

/// Restores the store in `dir` from a backup, which `open` opens from its beginning each time. `over_newer`: also when the store
/// that is there is newer. Blocks.
///
/// # Errors
/// See [`RestoreError`]; the store that was there is then unchanged.
pub fn restore<R: Read>(
    dir: &Path,
    mut open: impl FnMut() -> Result<R, Unusable>,
    over_newer: bool,
    now: Timestamp,
) -> Result<Restored, RestoreError> {
    // Nothing is made, nor locked, for a backup that cannot be used.
    let (head, manifest) = verify(open()?)?;
    origin::own_dir(dir)?;
    let _lock = origin::lock(dir)?;
    let backup = Timestamp(head.created_at);
    match newest_in(dir)? {
        Some(present) if present > backup && !over_newer => {
            return Err(RestoreError::NewerPresent { present, backup });
        }
        _ => {}
    }
    let new = origin::begin_beside(dir)?;
    build(&new, open()?, &head)?;
    check(&new, &head, &manifest)?;
    let kept = origin::take_place(dir, &new, now)?;
    if let Ok(id) = <[u8; 16]>::try_from(HEXLOWER.decode(head.store.as_bytes()).unwrap_or_default()) {
        marker::put(dir, id)?;
    }
    Ok(Restored { file: origin::file_in(dir), rows: manifest.rows(), head, kept })
}

/// Reads a whole backup, and verifies each row as the store would.
fn verify(input: impl Read) -> Result<(Head, Manifest), RestoreError> {
    let mut manifest = None;
    let head = each(input, |_, _| Ok(()), &mut manifest)?;
    Ok((head, manifest.unwrap_or_default()))
}

/// A row's key and value.
type Row<'a> = (&'a [u8], &'a [u8]);

/// Passes on every table of a backup, each of its rows, and in the end its manifest.
fn each(
    input: impl Read,
    mut put: impl FnMut(Part, Option<Row<'_>>) -> Result<(), RestoreError>,
    manifest: &mut Option<Manifest>,
) -> Result<Head, RestoreError> {
    let (mut reader, head) = BackupReader::begin(input)?;
    if head.store_format > FORMAT {
        return Err(StoreError::Newer { found: head.store_format, known: FORMAT }.into());
    }
    let mut part = None;
    while let Some(item) = reader.read()? {
        match item {
            Item::Table(table) => {
                let known = Part::named(&table.name);
                let known = known.ok_or_else(|| RestoreError::NewerTable { table: table.name.clone() })?;
                put(known, None)?;
                part = Some(known);
            }
            Item::Rows(rows) => {
                let Some(part) = part else { continue };
                for (key, value) in rows {
                    // Rows of an older format are what its migration expects.
                    if head.store_format == FORMAT && part.verify(key, value) == Err(Unreadable::Damaged) {
                        let what = format!("a row of table {} does not match its checksum", part.name());
                        return Err(Unusable::Damaged { what }.into());
                    }
                    put(part, Some((key, value)))?;
                }
            }
        }
    }
    *manifest = reader.manifest().cloned();
    Ok(head)
}

/// When the store that is there was last written to, as its runs, changes and audit log say; `None` when there is none, when
/// nothing ever happened in it, or when it cannot be read.
fn newest_in(dir: &Path) -> Result<Option<Timestamp>, StoreError> {
    if !origin::is_there(dir)? {
        return Ok(None);
    }
    let newest = panics_as_damage(|| {
        let origin = Origin::file_to_read(dir, CACHE_BYTES)?;
        let database = origin.open_to_read()?;
        let damage = DamageLog::default();
        Reader::new(database.begin_read()?, &damage).newest()
    });
    match newest {
        Err(StoreError::Damaged { .. }) => Ok(None),
        newest => newest,
    }
}

impl Reader<'_> {
    fn newest(&self) -> Result<Option<Timestamp>, StoreError> {
        let timed = |table| -> Result<Option<Timestamp>, StoreError> {
            let row = self.rows(Part::Records(table), &[])?.and_then(|mut rows| rows.next_back()).transpose()?;
            Ok(row.and_then(|(key, _)| time_of_key(&key)))
        };
        Ok([timed(Records::Runs)?, timed(Records::Changes)?, self.newest_deed()?].into_iter().flatten().max())
    }
}

impl Reader<'_> {
    /// When the last line of the audit log was written that is about something else than backups.
    fn newest_deed(&self) -> Result<Option<Timestamp>, StoreError> {
        for row in self.rows(Part::Records(Records::Audit), &[])?.into_iter().flatten().rev() {
            let (key, value) = row?;
            if let Ok(records::audit::Stored { line, .. }) = records::audit::read(&key, value.value())
                && !line.action.starts_with("backup")
            {
                return Ok(Some(line.at));
            }
        }
        Ok(None)
    }
}

/// Writes all rows into a new database.
fn build(path: &Path, input: impl Read, head: &Head) -> Result<(), RestoreError> {
    let file = origin::no_follow().read(true).write(true).create_new(true).open(path)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create_file(file).map_err(StoreError::from)?;
    let mut group = Group::new(&database);
    let again = each(input, |part, row| Ok(group.put(part, row)?), &mut None)?;
    group.commit()?;
    if again != *head {
        return Err(Unusable::Damaged { what: "it was changed while it was read".to_owned() }.into());
    }
    Ok(())
}

/// Rows that are written together.
pub(super) struct Group<'a> {
    database: &'a Database,
    txn: Option<WriteTransaction>,
    bytes: usize,
}

impl<'a> Group<'a> {
    pub(super) fn new(database: &'a Database) -> Self {
        Group { database, txn: None, bytes: 0 }
    }

    /// Makes a table, or writes one of its rows.
    pub(super) fn put(&mut self, part: Part, row: Option<Row<'_>>) -> Result<(), StoreError> {
        let txn = match self.txn.take() {
            Some(txn) => txn,
            None => self.database.begin_write()?,
        };
        insert(&txn, part, row)?;
        self.txn = Some(txn);
        self.bytes += row.map_or(0, |(key, value)| key.len() + value.len());
        if self.bytes >= GROUP_BYTES { self.commit() } else { Ok(()) }
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.bytes = 0;
        let Some(mut txn) = self.txn.take() else { return Ok(()) };
        txn.set_quick_repair(true);
        Ok(txn.commit()?)
    }
}

fn insert(txn: &WriteTransaction, part: Part, row: Option<Row<'_>>) -> Result<(), StoreError> {
    let wrong = || StoreError::Damaged { what: format!("a key of table {} has a wrong length", part.name()) };
    match part {
        Part::Records(table) => {
            let mut table = txn.open_table(table.definition())?;
            if let Some((key, value)) = row {
                table.insert(key, value)?;
            }
        }
        Part::Chunks => {
            let mut table = txn.open_table(CHUNKS)?;
            if let Some((key, value)) = row {
                let key: &ChunkKey = key.try_into().map_err(|_| wrong())?;
                table.insert(key, value)?;
            }
        }
        Part::Log(_) => {
            let name = part.name();
            let mut table = txn.open_table(log_definition(&name))?;
            if let Some((key, value)) = row {
                let key: &LogKey = key.try_into().map_err(|_| wrong())?;
                table.insert(key, value)?;
            }
        }
    }
    Ok(())
}

/// Reads the new store as a whole, and compares it with what the manifest says.
fn check(path: &Path, head: &Head, manifest: &Manifest) -> Result<(), StoreError> {
    let damaged = |what: String| StoreError::Damaged { what: format!("what was restored: {what}") };
    panics_as_damage(|| {
        let file = File::options().read(true).write(true).open(path)?;
        let mut database = Database::builder().set_cache_size(CACHE_BYTES).create_file(file)?;
        if !database.check_integrity()? {
            return Err(damaged("its pages do not match their checksums".to_owned()));
        }
        if origin::check_format(&database)? != head.store_format {
            return Err(damaged("its format is not the backup's".to_owned()));
        }
        let damage = DamageLog::default();
        let reader = Reader::new(database.begin_read()?, &damage);
        let stamp: Option<Stamp> = reader.get(&Stamp::KEY)?;
        if stamp.map(|stamp| HEXLOWER.encode(&stamp.id)) != Some(head.store.clone()) {
            return Err(damaged("its id is not the backup's".to_owned()));
        }
        let expected: BTreeMap<&str, u64> = manifest.tables.iter().map(|it| (it.name.as_str(), it.rows)).collect();
        for (name, rows) in expected {
            let part = Part::named(name).ok_or_else(|| damaged(format!("no table {name}")))?;
            let found = reader.rows(part, &[])?.into_iter().flatten().try_fold(0, |rows, row| row.map(|_| rows + 1))?;
            if found != rows {
                return Err(damaged(format!("{found} rows in {name} instead of {rows}")));
            }
        }
        Ok(())
    })?;
    File::open(path)?.sync_all()?;
    Ok(())
}
