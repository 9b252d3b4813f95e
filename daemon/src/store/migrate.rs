//! From format 1, whose log had a row for each snapshot, to format 2.
//!
//! The file is copied first, under the name `roster.redb.format-1`. The change itself is one transaction; what it leaves
//! of the old tables is dropped one by one afterwards, or at the next start.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableHandle, WriteTransaction};

use super::damage::DamageLog;
use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::log::LogRow;
use super::records::{Format, Record, SnapshotRecord};
use super::snapshots::{self, Take};
use super::tables::{FORMAT, OLD_LOG_PREFIX, OLD_ROW_TAG, Records, epoch_of, log_definition, split_log_key};

/// Copies a store's file before it is changed.
///
/// # Errors
/// When the copy cannot be made whole; the store is as it was then.
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

/// Brings a store of format 1 to format 2.
///
/// # Errors
/// When it cannot be read or written; it is still of format 1 then.
pub(super) fn to_2(database: &Database, damage: &DamageLog) -> Result<(), StoreError> {
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    for table in Records::ALL {
        txn.open_table(table.definition())?;
    }
    let fold = snapshots::fold_in(&txn)?;
    let (mut open, mut folded) = (Vec::new(), Vec::new());
    for name in old_logs(&txn)? {
        let log = txn.open_table(log_definition(&name))?;
        for row in log.iter()? {
            let (key, value) = row?;
            let (date, connection) = split_log_key(key.value());
            let read = envelope::decode(OLD_ROW_TAG, key.value(), 1, value.value());
            let read = read.and_then(|(_, payload)| SnapshotRecord::decode(date, payload).ok_or(Unreadable::Damaged));
            let Some(snapshot) = damage.leave_out(&name, key.value(), read)? else { continue };
            // What a fold had begun with is in its chunk already, and newer there.
            match fold.newest >= Some(epoch_of(date)) {
                true => folded.push((connection, snapshot)),
                false => open.push(LogRow::of(connection, &snapshot)?),
            }
        }
    }
    snapshots::write_rows(&txn, open.iter().collect(), damage)?;
    let fold = snapshots::write_chunks(&txn, fold, folded, Take::Present, damage)?;
    snapshots::put_fold(&txn, fold)?;
    let key = Format(FORMAT).key();
    txn.open_table(Records::Meta.definition())?.insert(key.as_slice(), Format(FORMAT).value(&key)?.as_slice())?;
    txn.commit()?;
    Ok(())
}

/// Drops what a migration left behind.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn drop_leftovers(database: &Database) -> Result<(), StoreError> {
    let names: Vec<String> = {
        let txn = database.begin_read()?;
        let tables = txn.list_tables()?;
        tables.map(|table| table.name().to_owned()).filter(|name| name.starts_with(OLD_LOG_PREFIX)).collect()
    };
    for name in names {
        let mut txn = database.begin_write()?;
        txn.set_quick_repair(true);
        txn.delete_table(log_definition(&name))?;
        txn.commit()?;
    }
    Ok(())
}

fn old_logs(txn: &WriteTransaction) -> Result<Vec<String>, StoreError> {
    let tables = txn.list_tables()?;
    Ok(tables.map(|table| table.name().to_owned()).filter(|name| name.starts_with(OLD_LOG_PREFIX)).collect())
}
