//! What a look through the whole store finds.

use serde::{Deserialize, Serialize};

/// What is whole in a store and what is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCheck {
    /// The store's file, and its length.
    pub file: String,
    pub bytes: u64,
    pub format: Option<u32>,
    /// Every table, in the schema's order.
    pub tables: Vec<CheckedTable>,
    /// The first hundred damaged rows: the table, and the key's bytes.
    pub rows: Vec<(String, Vec<u8>)>,
    /// What is wrong with the chain of the audit log besides damaged rows, in words.
    pub chain: Vec<String>,
    /// What is wrong with the file as a whole, in words.
    pub damage: Option<String>,
}

/// What was found in a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedTable {
    pub name: String,
    /// Rows that are whole.
    pub whole: u64,
    /// Rows that do not match their checksums.
    pub damaged: u64,
    /// Rows that only a newer rosterd can read.
    pub newer: u64,
    /// Why not all rows could be reached, in words.
    pub unreachable: Option<String>,
}

impl CheckedTable {
    /// Whether all of it can be read.
    pub fn is_whole(&self) -> bool {
        self.newer == 0 && !self.is_damaged()
    }

    /// Whether rows are damaged or cannot be reached.
    pub fn is_damaged(&self) -> bool {
        self.damaged > 0 || self.unreachable.is_some()
    }
}
