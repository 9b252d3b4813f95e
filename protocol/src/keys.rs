//! Master keys: what opens what is sealed in the store. Nothing here discloses anything of a key.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Every master key that is at hand or needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Where the keys are from, in words.
    pub source: String,
    /// Whether that is the daemon's own file, which alone it writes.
    pub is_own: bool,
    /// The one that seals first.
    pub keys: Vec<KeyInfo>,
    /// How many values are still to be sealed with it.
    pub left: u64,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// 16 hexadecimal digits, which sealed values name it by.
    pub id: String,
    pub state: KeyState,
    /// How many values in the store are sealed with it.
    pub sealed: u64,
    /// Since when it sealed; `None`: since the store's beginning, as far as is known.
    pub since: Option<Timestamp>,
    /// Backups that are known to need it, oldest first; scheduled ones that were deleted are not among them.
    pub backups: Vec<KeyBackup>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// It seals.
    Seals,
    /// Something may still be sealed with it.
    InUse,
    /// Nothing in the store is sealed with it: it can be retired.
    Unused,
    /// It is known, and not at hand.
    Missing,
}

impl KeyState {
    /// The state in one word, as scripts see it.
    pub fn word(self) -> &'static str {
        match self {
            KeyState::Seals => "seals",
            KeyState::InUse => "in_use",
            KeyState::Unused => "unused",
            KeyState::Missing => "missing",
        }
    }
}

/// A backup whose tokens open with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyBackup {
    /// What it holds is of this time.
    pub at: Timestamp,
    /// Whether it was due, or a user requested it.
    pub scheduled: bool,
}

/// A key that was retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    pub key: String,
    /// Where its line is still to be removed by hand; `None` when it was.
    pub remove_from: Option<String>,
    /// Those that are left.
    pub keys: Keys,
}
