//! The copies that migrations leave beside a store, `roster.redb.format-N`: they are deleted after seven nights.
//!
//! Nights are counted, one for each upkeep of another day, and not read from the clock: one that jumps ahead deletes nothing
//! early.

use std::fs::{self, File};
use std::path::Path;

use roster_protocol::time::Date;

use super::Store;
use super::error::StoreError;
use super::records::{CopiesSeen, Record};
use super::tables::Records;

/// How many nights a copy stays.
pub(super) const NIGHTS: u32 = 7;

impl Store {
    /// Counts a night, and deletes the copies that have been there long enough; returns their names. `today`: in the daemon's
    /// zone.
    ///
    /// # Errors
    /// As [`Store::commit`]; when a copy cannot be deleted.
    pub async fn delete_old_copies(&self, today: Date) -> Result<Vec<String>, StoreError> {
        let Some(path) = self.handle.shared.origin.path() else { return Ok(Vec::new()) };
        let dir = path.parent().unwrap_or(path).to_owned();
        let in_dir = dir.clone();
        let names = tokio::task::spawn_blocking(move || copies(&in_dir)).await.unwrap_or_default();
        let before = self.with_reader(|reader| reader.get(&CopiesSeen::KEY)).await?;
        if names.is_empty() && before.as_ref().is_none_or(|before: &CopiesSeen| before.names.is_empty()) {
            return Ok(names);
        }
        let seen = after(before.unwrap_or_default(), names, today);
        let old = if seen.nights >= NIGHTS { seen.names.clone() } else { Vec::new() };
        self.alone(move |txn, _| {
            let value = seen.value(&CopiesSeen::KEY)?;
            txn.open_table(Records::Meta.definition())?.insert(CopiesSeen::KEY.as_slice(), value.as_slice())?;
            Ok(())
        })
        .await?;
        let deleted = tokio::task::spawn_blocking(move || {
            old.iter().try_for_each(|name| fs::remove_file(dir.join(name)))?;
            File::open(&dir)?.sync_all()?;
            Ok(old)
        });
        deleted.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// What was seen, once a day has been. A copy that is new begins the count again.
fn after(before: CopiesSeen, names: Vec<String>, today: Date) -> CopiesSeen {
    let is_new = names.iter().any(|name| !before.names.contains(name));
    let nights = match is_new {
        true => 0,
        // A day before the last one: the clock was ahead then, or is behind now. It counts from here.
        false if today > before.last => before.nights.saturating_add(1),
        false => before.nights,
    };
    CopiesSeen { names, nights, last: today }
}

/// The copies' names, in order.
fn copies(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_copy = |name: &String| {
        let format = name.strip_prefix("roster.redb.format-");
        format.is_some_and(|format| !format.is_empty() && format.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut names: Vec<String> = names.filter(is_copy).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_were_seen_count() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let one = names(&["roster.redb.format-4"]);
        let mut seen = after(CopiesSeen::default(), one.clone(), Date(100));
        let mut days = |list: &[i32]| {
            list.iter().for_each(|day| seen = after(seen.clone(), one.clone(), Date(*day)));
            seen.nights
        };
        assert_eq!(days(&[100, 100, 101]), 1, "a restart is no night");
        assert_eq!(days(&[5_000]), 2, "the clock is years ahead: one night");
        assert_eq!(days(&[102, 103]), 3, "set back, which is none");
        assert_eq!(days(&[104, 105, 106, 107]), NIGHTS);
        let another = after(seen.clone(), names(&["roster.redb.format-4", "roster.redb.format-5"]), Date(108));
        assert_eq!(another.nights, 0, "a new one stays as long");
        assert_eq!(after(seen, Vec::new(), Date(108)).nights, 8);
    }

    #[test]
    fn other_files_are_no_copies() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in [
            "roster.redb",
            "roster.redb.format-4",
            "roster.redb.format-",
            "roster.redb.before-x",
            "roster.redb.format-4x",
        ] {
            fs::write(dir.path().join(name), b"").expect("written");
        }
        assert_eq!(copies(dir.path()), ["roster.redb.format-4"]);
    }
}
