//! Failures of the store, by what the caller does next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::envelope::Unreadable;

/// A failure of the store. Cheap to clone: every commit of a group gets the same one.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another daemon holds the store: leave it to that one.
    #[error("the store in {dir} is in use by another rosterd", dir = dir.display())]
    InUse {
        /// The state directory.
        dir: PathBuf,
    },
    /// The store was written by a newer Roster: install that one again. No byte was changed.
    #[error("the store has format {found}, this rosterd knows formats up to {known}")]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A newer Roster has written a record of a version that is not known here: install that one again. The record is
    /// unchanged.
    #[error("the store's {table} hold a record of version {version}, which only a newer rosterd can read")]
    NewerRecord {
        /// The table's name.
        table: String,
        /// The record's version.
        version: u8,
    },
    /// The file at the path must not be trusted as our store: an operator must look.
    #[error("{path} is not usable as a store: {why}", path = path.display())]
    NotOurs {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no store, and a marker says that there was one: put it back, or request a new one. Nothing was changed.
    #[error("the store {path} is gone: {marker} says that there was one", path = path.display(), marker = marker.display())]
    Gone {
        /// Where the store was.
        path: PathBuf,
        /// The marker.
        marker: PathBuf,
    },
    /// The store's file was removed, replaced or overwritten while it was open. Nothing is written until it is there
    /// again as it was.
    #[error("the store's file {path} {how} while rosterd had it open", path = path.display())]
    Replaced {
        /// Where it was.
        path: PathBuf,
        /// What happened to it, as the sentence's verb.
        how: String,
    },
    /// Writing does not work at present; the store keeps trying. Nothing was written.
    #[error("the store cannot write at present: {reason}")]
    Degraded {
        /// The first failure, in words.
        reason: String,
    },
    /// The disk failed during a read or a write. It is not known whether a commit was stored.
    #[error("the disk failed: {0}")]
    Io(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The file is damaged where this call had to read.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What was found, in words.
        what: String,
    },
    /// The caller's commit cannot be stored; others were not affected.
    #[error("this cannot be stored: {what}")]
    Invalid {
        /// What cannot be stored, and why.
        what: String,
    },
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The error for a value that cannot be read and that everything needs.
    pub(super) fn unreadable(table: &str, what: &str, why: Unreadable) -> Self {
        match why {
            Unreadable::Newer(version) => StoreError::NewerRecord { table: table.to_owned(), version },
            Unreadable::Damaged => StoreError::Damaged { what: format!("{what} is not readable") },
        }
    }

    /// The error with the file's path, where it does not name it yet.
    pub(super) fn in_file(self, file: &Path) -> Self {
        match self {
            StoreError::Damaged { what } if !what.contains(&*file.to_string_lossy()) => {
                StoreError::Damaged { what: format!("{}: {what}", file.display()) }
            }
            other => other,
        }
    }

    /// Whether the disk or its file system is at fault, or the file is another one, so that no more is written until
    /// the database is reopened.
    pub(super) fn latches(&self) -> bool {
        matches!(self, StoreError::Io(_) | StoreError::Damaged { .. } | StoreError::Replaced { .. })
    }
}

/// redb's errors of every operation, and the file system's.
impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        use redb::Error as E;
        match error.into() {
            E::ValueTooLarge(bytes) => StoreError::Invalid { what: format!("a record of {bytes} bytes") },
            E::DatabaseClosed => StoreError::Closed,
            E::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                StoreError::Damaged { what: "its file is cut off".to_owned() }
            }
            error @ (E::Io(_) | E::PreviousIo) => StoreError::Io(Arc::new(error)),
            other => StoreError::Damaged { what: other.to_string() },
        }
    }
}
