//! What a backup says about itself. JSON, so that a later version can add to it, and a person can read it:
//! `age -d FILE | zstd -d | head -c 500`.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// The version of the format. Raised when an older reader could not read a backup any more.
pub const FORMAT: u32 = 1;

/// Which store it is, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of rosterd that wrote it.
    pub roster: String,
    /// The format of the store.
    pub store_format: u32,
    /// The store's id, in hexadecimal digits.
    pub store: String,
    /// The id of the master key that its secrets are sealed with, as `rosterd` names it; `None` when it has none yet.
    pub key: Option<String>,
    /// Those of which something in it may need them as well, because they were rotated just then.
    #[serde(default)]
    pub older_keys: Vec<String>,
    /// The master keys themselves, only where that was requested by name, and then encrypted with all the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_keys: Option<KeyText>,
    /// When the transaction that it was read in began: milliseconds since 1970 in UTC.
    pub created_at: i64,
}

/// Master keys as text, a key a line. It prints nowhere, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(Zeroizing<String>);

impl KeyText {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. The caller keeps it out of errors and logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for KeyText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A table, before its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHead {
    pub name: String,
}

/// What a backup holds, at its end: without it the backup is not whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// In the order in which they were written.
    pub tables: Vec<TableCount>,
    /// Whether the head has the master keys.
    #[serde(default)]
    pub master_keys: bool,
    /// XXH3 over the checksums of all frames before it, in hexadecimal digits.
    pub checksum: String,
}

/// How many rows of a table there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCount {
    pub name: String,
    pub rows: u64,
    /// Rows that were damaged in the store already, and were left out.
    #[serde(default)]
    pub damaged: u64,
}

impl Manifest {
    /// The rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// The rows that were left out because they were damaged in the store.
    pub fn damaged(&self) -> u64 {
        self.tables.iter().map(|table| table.damaged).sum()
    }
}
