//! The marker beside a store: a file with the store's id, which stays when the store's own file is lost.
//!
//! Without it a start after such a loss would look like the first one, and begin an empty store.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::origin::no_follow;

const FILE: &str = "roster.id";
const NEW_FILE: &str = "roster.id.new";
/// A marker with more bytes was not written by us.
const MOST_BYTES: u64 = 1024;

/// The marker's path when there is one, whatever it contains.
pub(super) fn found(dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let path = dir.join(FILE);
    match fs::symlink_metadata(&path) {
        Ok(_) => Ok(Some(path)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Marks that the store with this id is in `dir`.
pub(super) fn put(dir: &Path, id: [u8; 16]) -> Result<(), StoreError> {
    let text = format!("{}\n", data_encoding::HEXLOWER.encode(&id));
    let path = dir.join(FILE);
    let is_small = |meta: &fs::Metadata| meta.is_file() && meta.len() <= MOST_BYTES;
    let marked = fs::symlink_metadata(&path).is_ok_and(|meta| is_small(&meta)).then(|| fs::read_to_string(&path));
    match marked {
        Some(Ok(marked)) if marked == text => return Ok(()),
        Some(Ok(marked)) => {
            let before: String = marked.trim().chars().take(32).collect();
            tracing::warn!(before, now = text.trim(), "there is another store than at the last start");
        }
        _ => {}
    }
    let new = dir.join(NEW_FILE);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = no_follow().write(true).create_new(true).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(dir)?.sync_all()?;
    Ok(())
}
