//! Texts that are never shown: keys and tokens.

pub mod master_key;
pub mod vault;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

const MOST_BYTES: u64 = 64 * 1024;

/// A key or token. It prints nowhere, is wiped when dropped, and can be neither cloned nor serialised.
pub struct Secret(Zeroizing<String>);

/// A file that holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{path} cannot be read: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{path} does not hold one line of text")]
    NotOneLine { path: PathBuf },
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
        let io = |source| SecretError::Io { path: path.to_owned(), source };
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        File::open(path).map_err(io)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
        let text = std::str::from_utf8(&bytes)
            .ok()
            .map(str::trim)
            .filter(|text| !text.is_empty() && !text.contains(char::is_control) && bytes.len() as u64 <= MOST_BYTES);
        text.map(Self::new).ok_or_else(|| SecretError::NotOneLine { path: path.to_owned() })
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
