//! What a backup says about itself. JSON, so that a later version can add to it, and a person can read it:
//! `age -d FILE | zstd -d | head -c 500`.

use serde::{Deserialize, Serialize};

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
    /// When the transaction that it was read in began: milliseconds since 1970 in UTC.
    pub created_at: i64,
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
