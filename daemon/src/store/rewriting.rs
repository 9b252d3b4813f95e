//! Writes a store into a new file, so that nothing of what was deleted is left in it.
//!
//! The engine does not overwrite what is deleted: old bytes stay on pages that are free, and behind the rows of others, until
//! something else takes their place. Compacting moves pages and cuts the file off, and leaves both. A new file has only what
//! rows hold.

use std::path::{Path, PathBuf};

use redb::{Database, TableHandle};

use super::Store;
use super::error::StoreError;
use super::origin;
use super::reader::Reader;
use super::restoring::Group;
use super::rows::Part;
use super::shared::{ROOM, Shared};
use super::writer::Job;

const CACHE_BYTES: usize = 16 << 20;
/// What the disk keeps free whatever is written.
const LEAST_ROOM_BYTES: u64 = 64 << 20;

impl Store {
    /// Writes all rows into a new file, which takes the place of the old one in one step. Writes wait meanwhile, reads do not
    /// but for a moment. The disk needs as much room again.
    ///
    /// # Errors
    /// When there is too little room, or a page cannot be read: the store goes on with the file it has.
    pub async fn rewrite(&self) -> Result<(), StoreError> {
        let (reply, result) = tokio::sync::oneshot::channel();
        self.queue(Job::Rewrite(reply));
        super::Pending(result).await
    }
}

impl Shared {
    /// Writes all rows into a new file beside the store's, and returns its path; `None` where there is no file.
    pub(super) fn write_anew(&self) -> Result<Option<PathBuf>, StoreError> {
        let Some(dir) = self.origin.path().and_then(Path::parent) else { return Ok(None) };
        let new = origin::begin_beside(dir)?;
        let written = self.has_room().and_then(|()| self.read(|reader| copy(reader, &new)));
        match written {
            Ok(()) => Ok(Some(new)),
            Err(error) => {
                // What is left of it is removed before the next one, too.
                let _ = origin::begin_beside(dir);
                Err(error)
            }
        }
    }

    fn has_room(&self) -> Result<(), StoreError> {
        let needed = self.origin.file_bytes().unwrap_or_default().saturating_add(LEAST_ROOM_BYTES);
        match self.origin.room_bytes()? {
            Some(room) if room < needed => Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into()),
            _ => Ok(()),
        }
    }
}

/// Copies every row as it is, damaged ones too.
fn copy(reader: &Reader<'_>, path: &Path) -> Result<(), StoreError> {
    let unknown = |name: &str| StoreError::Invalid { what: format!("table {name} is of a newer rosterd") };
    let mut parts = Vec::new();
    for table in reader.txn.list_tables()? {
        match Part::named(table.name()) {
            Some(part) => parts.push(part),
            None if table.name() == ROOM.name() => {}
            None => return Err(unknown(table.name())),
        }
    }
    let file = origin::no_follow().read(true).write(true).create_new(true).open(path)?;
    let database = Database::builder().set_cache_size(CACHE_BYTES).create_file(file)?;
    let mut group = Group::new(&database);
    for part in parts {
        group.put(part, None)?;
        for row in reader.rows(part, &[])?.into_iter().flatten() {
            let (key, value) = row?;
            group.put(part, Some((&key, value.value())))?;
        }
    }
    group.commit()?;
    drop(database);
    Ok(std::fs::File::open(path)?.sync_all()?)
}
