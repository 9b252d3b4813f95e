//! Opens what is whole of a damaged store, for reading only. Of the damaged file no byte is changed: its whole rows are copied
//! into a directory beside it, which the next start that succeeds removes.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::damage::DamageLog;
use super::error::StoreError;
use super::inspection::Inspection;
use super::origin::{self, Origin};
use super::records::Stamp;
use super::repairing::repair;
use super::shared::{Shared, panics_as_damage};
use super::{OpenOptions, Store};
use crate::model::Loaded;

/// The directory beside the damaged file.
const DIR: &str = "roster.salvaged";

/// A damaged store of which a part can be read.
pub struct Salvaged {
    pub store: Store,
    pub loaded: Loaded,
    /// How many rows are whole.
    pub rows: u64,
}

impl Store {
    /// Opens what is whole of the store in a directory. It refuses all writes, and says that it is damaged, until it is
    /// closed. Blocks, and needs as much room as the store takes.
    ///
    /// # Errors
    /// When nothing of it can be read, or there is no room: nothing has changed then.
    pub fn open_salvaged(options: &OpenOptions) -> Result<Salvaged, StoreError> {
        let (damaged, dir) = (&options.dir, options.dir.join(DIR));
        remove(damaged)?;
        let repaired = repair(damaged, &dir, options.now)?;
        let opened = panics_as_damage(|| {
            // Of two daemons that start together one has it.
            let lock = origin::lock(damaged)?;
            let stamp = Stamp { id: [0; 16], created_at: options.now };
            let origin = Origin::in_dir(&dir, options.cache_bytes, stamp, false)?;
            let what = what_is_damaged(&repaired.found);
            let error = StoreError::Damaged { what: what.clone() }.in_file(&origin::file_in(damaged));
            let origin = origin.of_damaged(error.clone(), lock);
            let database = origin.open_to_read()?;
            let damage = DamageLog::default();
            repaired.found.rows.iter().for_each(|row| damage.note(&row.table, &row.key));
            damage.note_page(&what);
            let shared = Arc::new(Shared::to_read(origin, database, damage, &error));
            Store::over(shared, options.linger)
        });
        let (store, loaded) = opened.inspect_err(|_| drop(remove(damaged)))?;
        Ok(Salvaged { store, loaded, rows: repaired.rows })
    }
}

/// Removes what an earlier start made.
pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(dir.join(DIR)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// What is wrong with a store, in words.
fn what_is_damaged(found: &Inspection) -> String {
    let tables: Vec<&str> =
        found.tables.iter().filter(|table| table.is_damaged()).map(|table| table.name.as_str()).collect();
    match tables.is_empty() {
        true => found.file_damage.clone().unwrap_or_else(|| "a page of it makes no sense".to_owned()),
        false => format!("parts of {} cannot be read", tables.join(", ")),
    }
}
