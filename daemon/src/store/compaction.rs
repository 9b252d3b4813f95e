//! Gives the space that is free in a store's file back to its disk, while no daemon has it.
//!
//! The engine moves pages from the end of the file to where there is room, each time in a transaction, and cuts the file
//! off behind the last one: a crash in between leaves a whole store.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::inspection::inspect;
use super::origin::{self, Origin};
use super::shared::panics_as_damage;

const CACHE_BYTES: usize = 32 << 20;
/// Each round finds what the one before made room for; more than a few find nothing.
const ROUNDS: usize = 8;

/// How large a store's file was, and is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub file: PathBuf,
    pub before: u64,
    pub after: u64,
}

/// Compacts the store in `dir`, after it was found to be whole. Blocks.
///
/// # Errors
/// `InUse` while a daemon has it; `Damaged` when it is not whole; others as when it is opened. Then nothing was changed,
/// unless the disk failed.
pub fn compact(dir: &Path) -> Result<Compacted, StoreError> {
    let found = inspect(dir)?;
    if !found.is_readable() {
        let what = format!("{}: `rosterd check` says what", found.file.display());
        return Err(StoreError::Damaged { what });
    }
    let file = origin::file_in(dir);
    let before = fs::metadata(&file)?.len();
    let compacted = panics_as_damage(|| {
        // The lock is held until the origin is dropped.
        let origin = Origin::to_read(dir, CACHE_BYTES)?;
        let mut database = origin.open()?;
        for _ in 0..ROUNDS {
            if !database.compact()? {
                break;
            }
        }
        Ok(())
    });
    compacted.map_err(|error| error.in_file(&file))?;
    Ok(Compacted { before, after: fs::metadata(&file)?.len(), file })
}
