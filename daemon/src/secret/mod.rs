//! Texts that are never shown: keys and tokens.

pub mod file;
pub mod keyring;
pub mod master_key;
pub mod passphrase;
pub mod personal;
pub mod vault;

use std::path::Path;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use self::file::FileError;

const MOST_BYTES: u64 = 64 * 1024;

/// A key or token. It prints nowhere, is wiped when dropped, and can be neither cloned nor serialised.
pub struct Secret(Zeroizing<String>);

/// A file that holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{path}: {source}")]
    Unreadable { path: String, source: FileError },
    #[error("{path} does not hold one line of text")]
    NotOneLine { path: String },
    #[error("{path} does not hold lines of text")]
    NotLines { path: String },
}

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Reads a file of one line; blanks around it and the line's end do not count.
    ///
    /// # Errors
    /// When it cannot be read, is empty, has several lines, or more than 64 KiB.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let read = file::read(path, MOST_BYTES);
        let bytes = read.map_err(|source| SecretError::Unreadable { path: file::shown(path), source })?;
        let text = std::str::from_utf8(&bytes)
            .ok()
            .map(str::trim)
            .filter(|text| !text.is_empty() && !text.contains(char::is_control));
        text.map(Self::new).ok_or_else(|| SecretError::NotOneLine { path: file::shown(path) })
    }

    /// Reads a file of lines of text as it is.
    ///
    /// # Errors
    /// When it cannot be read, is empty, has signs that are no text, or more than 64 KiB.
    pub fn read_lines(path: &Path) -> Result<Self, SecretError> {
        let read = file::read(path, MOST_BYTES);
        let bytes = read.map_err(|source| SecretError::Unreadable { path: file::shown(path), source })?;
        let is_foreign = |sign: char| sign.is_control() && sign != '\n' && sign != '\r';
        let text =
            std::str::from_utf8(&bytes).ok().filter(|text| !text.trim().is_empty() && !text.contains(is_foreign));
        text.map(Self::new).ok_or_else(|| SecretError::NotLines { path: file::shown(path) })
    }

    /// The text itself. The caller keeps it out of errors, logs and responses.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_of_a_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("key");
        std::fs::write(&path, "canary-1234\n").expect("written");
        let secret = Secret::read(&path).expect("one line");
        assert_eq!(secret.expose(), "canary-1234");
        for bad in ["", "\n", "two\nlines", "tab\there"] {
            std::fs::write(&path, bad).expect("written");
            assert!(Secret::read(&path).is_err(), "{bad:?}");
        }
        std::fs::write(&path, vec![b'x'; 70_000]).expect("written");
        assert!(Secret::read(&path).is_err());
        assert!(Secret::read(&dir.path().join("none")).is_err());
    }
}
