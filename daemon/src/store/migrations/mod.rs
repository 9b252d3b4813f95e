//! Migrates a store from an older format to the present one, in numbered steps, one after the other.
//!
//! Each step runs in one transaction and stamps its own number in it, so that a crash leaves a store of the format
//! before or after that step. A step is frozen: it defines its tables, tags and layouts itself and uses none of today's
//! records, so that in ten years it does what it did when it was released. It relies on two things that never change:
//! the envelope, and the format's own row in the table `meta`.
//!
//! The file is copied before the first step, under the name `roster.redb.format-N`.
//!
//! To add a step, copy `template.rs` to `to_N.rs`, name it in [`STEPS`], and raise [`FORMAT`].
//! A store that the last released version wrote goes to `tests/upgrade/`.

#[cfg(test)]
mod template;
#[cfg(test)]
mod tests;
pub(super) mod to_2;
mod to_3;
mod to_4;
mod to_5;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, ReadableTable, TableDefinition, WriteTransaction};

use super::damage::DamageLog;
use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::tables::FORMAT;

/// One step: from the format before `to` to `to`.
struct Step {
    to: u32,
    change: fn(&WriteTransaction, &DamageLog) -> Result<(), StoreError>,
}

/// Every step, in order. The first one begins at format 1.
const STEPS: &[Step] = &[
    Step { to: 2, change: to_2::change },
    Step { to: 3, change: to_3::change },
    Step { to: 4, change: to_4::change },
    Step { to: 5, change: to_5::change },
];

const _: () = assert!(STEPS[STEPS.len() - 1].to == FORMAT, "the last step makes today's format");

/// A table whose keys and values are bytes.
type Table<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

/// Migrates a store of format `found` to today's.
///
/// # Errors
/// When it cannot be read or written. The store then has the format that the last complete step stamped.
pub(super) fn migrate(database: &Database, found: u32, damage: &DamageLog) -> Result<(), StoreError> {
    run(STEPS, database, found, damage)?;
    to_2::drop_old_logs(database)
}

fn run(steps: &[Step], database: &Database, found: u32, damage: &DamageLog) -> Result<(), StoreError> {
    for step in steps.iter().filter(|step| step.to > found) {
        let mut txn = database.begin_write()?;
        txn.set_quick_repair(true);
        (step.change)(&txn, damage)?;
        stamp(&txn, step.to)?;
        txn.commit()?;
        tracing::info!(format = step.to, "the store has a newer format");
    }
    Ok(())
}

/// Writes a format's number to the row where every version looks for it.
fn stamp(txn: &WriteTransaction, format: u32) -> Result<(), StoreError> {
    const META: Table<'static> = TableDefinition::new("meta");
    const META_TAG: u64 = 1;
    const KEY: &[u8] = b"format";
    let payload = postcard::to_allocvec(&format).map_err(|error| StoreError::Invalid { what: error.to_string() })?;
    txn.open_table(META)?.insert(KEY, envelope::encode(META_TAG, KEY, 1, &payload).as_slice())?;
    Ok(())
}

/// The rows that a step rewrites, and the version of their records before and after it.
struct Rewrite {
    table: &'static str,
    tag: u64,
    from: u8,
    to: u8,
}

impl Rewrite {
    /// Replaces the payload of every row by what `change` returns for it: `None` when the payload is malformed. A
    /// damaged or malformed row stays as it is, and is noted.
    ///
    /// # Errors
    /// When the file cannot be read or written; `NewerRecord`.
    fn each(
        &self,
        txn: &WriteTransaction,
        damage: &DamageLog,
        change: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let mut rows = txn.open_table(Table::new(self.table))?;
        let mut changed = Vec::new();
        for row in rows.iter()? {
            let (key, value) = row?;
            let before = envelope::decode(self.tag, key.value(), self.from, value.value());
            let after = before.and_then(|(_, payload)| change(payload).ok_or(Unreadable::Damaged));
            if let Some(payload) = damage.leave_out(self.table, key.value(), after)? {
                let value = envelope::encode(self.tag, key.value(), self.to, &payload);
                changed.push((key.value().to_vec(), value));
            }
        }
        for (key, value) in changed {
            rows.insert(key.as_slice(), value.as_slice())?;
        }
        Ok(())
    }
}

/// Copies a store's file before it is changed.
///
/// # Errors
/// When the copy cannot be completed. The store is then unchanged.
pub(super) fn copy(path: &Path, found: u32) -> Result<(), StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (copy, new) =
        (path.with_file_name(format!("{name}.format-{found}")), path.with_file_name(format!("{name}.copy.new")));
    fs::copy(path, &new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, &copy)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    tracing::warn!(from = found, to = FORMAT, copy = %copy.display(), "the store is brought to a newer format");
    Ok(())
}
