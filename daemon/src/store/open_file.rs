//! Whether the store's path still leads to the file that is open, with the bytes that this process last wrote.
//!
//! A file that is removed or replaced stays open: commits to it would succeed, and be lost with it. A copy that is
//! written over it has the same inode; but every commit changes the head of the file, and no older copy has that head.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::error::StoreError;

/// More bytes than redb's header has; the rest of its page is zeros.
const HEAD_BYTES: usize = 512;

/// The file that is open, seen through a descriptor of its own that holds no lock.
pub(super) struct OpenFile {
    path: PathBuf,
    file: File,
    /// Its first bytes after the last commit; `None` when a write failed, which may have changed them or not.
    head: Mutex<Option<Vec<u8>>>,
}

impl OpenFile {
    /// The file at `path`, which is open as a database by now.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let open = Self { path: path.to_owned(), file: File::open(path)?, head: Mutex::new(None) };
        open.wrote(true);
        Ok(open)
    }

    /// Records the head of the file after a write; one that failed leaves it unknown.
    pub(super) fn wrote(&self, well: bool) {
        *self.head.lock() = if well { self.read_head().ok() } else { None };
    }

    /// Succeeds while the path leads to this file, and it is as this process left it.
    ///
    /// # Errors
    /// `Replaced` with what happened; `Io` when the path cannot be looked at.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let found = match fs::symlink_metadata(&self.path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(self.replaced("was removed or moved away"));
            }
            Err(error) => return Err(error.into()),
        };
        let open = self.file.metadata()?;
        if (found.dev(), found.ino()) != (open.dev(), open.ino()) {
            return Err(self.replaced("was replaced by another file"));
        }
        let written = self.head.lock();
        let Some(written) = &*written else { return Ok(()) };
        match self.read_head() {
            Ok(head) if head == *written => Ok(()),
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error.into()),
            _ => Err(self.replaced("was overwritten by another program")),
        }
    }

    fn read_head(&self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; HEAD_BYTES];
        self.file.read_exact_at(&mut head, 0)?;
        Ok(head)
    }

    fn replaced(&self, how: &str) -> StoreError {
        StoreError::Replaced { path: self.path.clone(), how: how.to_owned() }
    }
}
