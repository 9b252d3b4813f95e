//! What the terminal UI remembers of a user from one time to the next: `$XDG_STATE_HOME/roster/terminal.toml`.
//!
//! It is a convenience: what cannot be read, or is unknown, is as if it had never been written.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use roster_protocol::{SortBy, Timestamp};
use serde::{Deserialize, Serialize};

/// The most bytes of the file that are read.
const MOST_BYTES: u64 = 64 * 1024;

/// The most commands that are kept.
const MOST_COMMANDS: usize = 100;

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// The order of the roster, by its word; empty: as built in.
    sort: String,
    /// Whether that order begins at its other end.
    pub reverse: bool,
    /// The columns of the roster, by their words; empty: as built in, by the terminal's width.
    pub columns: Vec<String>,
    /// Columns that are wider or narrower than built in, by their words.
    pub widths: BTreeMap<String, u16>,
    /// What was typed in the command line, the newest last.
    pub commands: Vec<String>,
    /// When the user was last here, in milliseconds since 1970.
    last_here: Option<i64>,
}

impl Remembered {
    /// Reads the file; anything that is no such file is an empty one.
    pub fn read(path: &Path) -> Self {
        let is_small = fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= MOST_BYTES);
        let text = is_small.then(|| fs::read_to_string(path).ok()).flatten().unwrap_or_default();
        toml::from_str(&text).unwrap_or_default()
    }

    /// Replaces the file as a whole, for this user alone.
    ///
    /// # Errors
    /// When the directory or the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, path)
    }

    /// The order of the roster.
    pub fn sort(&self) -> SortBy {
        self.sort.parse().unwrap_or_default()
    }

    /// Remembers an order.
    pub fn set_sort(&mut self, sort: SortBy, reverse: bool) {
        (self.sort, self.reverse) = (sort.as_str().to_owned(), reverse);
    }

    /// When the user was last here.
    pub fn last_here(&self) -> Option<Timestamp> {
        self.last_here.map(Timestamp)
    }

    /// Remembers that the user was here.
    pub fn is_here(&mut self, now: Timestamp) {
        self.last_here = Some(now.0);
    }

    /// Adds a command; one that was typed before moves to the end.
    pub fn typed(&mut self, command: &str) {
        self.commands.retain(|before| before != command);
        self.commands.push(command.to_owned());
        let over = self.commands.len().saturating_sub(MOST_COMMANDS);
        self.commands.drain(..over);
    }
}

/// The file while a terminal UI is open. Writes are begun without waiting for the one before; the newest is the last one.
#[derive(Debug)]
pub struct Keeper {
    pub path: PathBuf,
    begun: AtomicU64,
    /// The number of the newest that was written.
    written: Mutex<u64>,
}

impl Keeper {
    /// Keeps to a file.
    pub fn new(path: PathBuf) -> Self {
        Self { path, begun: AtomicU64::new(0), written: Mutex::new(0) }
    }

    /// The number of the next write.
    pub fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Writes, unless what was begun later is written already. Blocks.
    ///
    /// # Errors
    /// As [`Remembered::write`].
    pub fn write(&self, number: u64, remembered: &Remembered) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written < number {
            remembered.write(&self.path)?;
            *written = number;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_written_is_read_again_by_its_user_alone() {
        let directory = std::env::temp_dir().join(format!("roster-remembered-{}", std::process::id()));
        let path = directory.join("deep/terminal.toml");
        let mut remembered = Remembered { columns: vec!["name".to_owned()], ..Remembered::default() };
        remembered.set_sort(SortBy::Growth7, true);
        remembered.is_here(Timestamp(1_700_000_000_000));
        remembered.typed("sync all");
        assert_eq!(Remembered::read(&path), Remembered::default(), "it is not there yet");
        remembered.write(&path).expect("a writable directory");
        let found = Remembered::read(&path);
        assert_eq!((found.sort(), found.reverse, found.last_here()), (SortBy::Growth7, true, remembered.last_here()));
        assert_eq!(found, remembered);
        let mode = |path: &Path| fs::metadata(path).expect("written").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("one"))), (0o600, 0o700));
        fs::write(&path, "sort = 7\n").expect("writable");
        assert_eq!(Remembered::read(&path), Remembered::default());
        fs::remove_dir_all(&directory).expect("its own directory");
    }

    #[test]
    fn writes_at_once_do_not_fail_and_the_newest_stays() {
        let directory = std::env::temp_dir().join(format!("roster-keeper-{}", std::process::id()));
        let keeper = Keeper::new(directory.join("terminal.toml"));
        let numbers: Vec<u64> = (0..50).map(|_| keeper.begin()).collect();
        std::thread::scope(|scope| {
            for number in numbers.into_iter().rev() {
                let keeper = &keeper;
                scope.spawn(move || {
                    let remembered = Remembered { columns: vec![number.to_string()], ..Remembered::default() };
                    keeper.write(number, &remembered).expect("a writable directory");
                });
            }
        });
        assert_eq!(Remembered::read(&keeper.path).columns, ["50"]);
        fs::remove_dir_all(&directory).expect("its own directory");
    }

    #[test]
    fn a_command_that_is_typed_again_is_the_newest() {
        let mut remembered = Remembered::default();
        for command in ["sync", "undo", "sync"] {
            remembered.typed(command);
        }
        assert_eq!(remembered.commands, ["undo", "sync"]);
        (0..200).for_each(|number| remembered.typed(&format!("go {number}")));
        assert_eq!((remembered.commands.len(), remembered.commands[0].as_str()), (MOST_COMMANDS, "go 100"));
    }

    #[test]
    fn an_unknown_order_is_the_one_built_in() {
        let remembered: Remembered = toml::from_str("sort = \"size\"\ncolour = \"red\"\n").expect("a table");
        assert_eq!(remembered.sort(), SortBy::Followers);
    }
}
