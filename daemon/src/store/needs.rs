//! What a store needs before it can be opened.

use std::path::Path;

use redb::{Database, ReadableDatabase};

use super::error::StoreError;
use super::marker;
use super::origin::{Origin, check_format, file_in, is_there, lock, may_begin, open_checked_to_read};
use super::overlay::ReadOnly;
use super::records::{self, Stamp, StoreKeys};
use super::tables::Records;

/// What must be at hand before a store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The store's id; `None` when there is no store.
    pub store: Option<[u8; 16]>,
    /// The ids of the master keys without which something in it may not open, the one that seals first.
    pub keys: Vec<[u8; 8]>,
}

impl Origin {
    /// What a store needs to be opened, read without changing a byte of the store; nothing when there is no store.
    ///
    /// # Errors
    /// `InUse` while another process has the store; `Gone`, `NotOurs`, `Newer`, `Damaged` as when it is opened.
    pub(super) fn keys_needed(dir: &Path, cache_bytes: usize, new: bool) -> Result<Needs, StoreError> {
        let path = file_in(dir);
        if !is_there(dir)? && marker::found(dir)?.is_none() {
            return Ok(Needs::default());
        }
        // Held meanwhile, so that of two daemons that start together one continues.
        let _lock = lock(dir)?;
        if !is_there(dir)? {
            may_begin(dir, new)?;
            return Ok(Needs::default());
        }
        let backend = redb::backends::FileBackend::new(open_checked_to_read(&path)?)?;
        let mut builder = Database::builder();
        builder.set_cache_size(cache_bytes);
        let database = ReadOnly::open(&mut builder, Box::new(backend))?;
        check_format(&*database)?;
        let table = database.begin_read()?.open_table(Records::Meta.definition())?;
        let stamp = table.get(Stamp::KEY.as_slice())?;
        let stamp = stamp.and_then(|value| records::read::<Stamp>(Records::Meta, &Stamp::KEY, value.value()).ok());
        let store = stamp.map(|stamp| stamp.id);
        let Some(value) = table.get(StoreKeys::KEY.as_slice())? else { return Ok(Needs { store, keys: Vec::new() }) };
        let keys: StoreKeys = records::read(Records::Meta, &StoreKeys::KEY, value.value())
            .map_err(|why| StoreError::unreadable(Records::Meta.name(), "the ids of its keys", why))?;
        Ok(Needs { store, keys: keys.needed() })
    }
}
