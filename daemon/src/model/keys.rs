//! The master keys of what is sealed in the store.

use std::collections::BTreeMap;

use roster_protocol::time::Timestamp;

use super::Sealed;

/// A master key that the store's secrets are or were sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreKey {
    /// What sealed values name it by.
    pub id: [u8; 8],
    /// Since when it sealed; `None`: since the store's beginning, as far as is known.
    pub since: Option<Timestamp>,
    /// Whether something may still be sealed with it: without it the store does not open then.
    pub is_needed: bool,
    /// The newest backups whose tokens open with it, oldest first.
    pub backups: Vec<KeptBackup>,
}

/// A backup that was kept, as far as a key has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptBackup {
    /// What it holds is of this time.
    pub at: Timestamp,
    pub scheduled: bool,
}

/// How many values are sealed with each key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedWith(pub BTreeMap<[u8; 8], u64>);

impl SealedWith {
    pub fn of<'a>(sealed: impl Iterator<Item = &'a Sealed>) -> Self {
        let mut counts = Self::default();
        counts.add(sealed);
        counts
    }

    pub fn add<'a>(&mut self, sealed: impl Iterator<Item = &'a Sealed>) {
        for key in sealed.filter_map(Sealed::key) {
            *self.0.entry(key).or_default() += 1;
        }
    }

    pub fn with(&self, key: [u8; 8]) -> u64 {
        self.0.get(&key).copied().unwrap_or(0)
    }

    /// How many are sealed with another key.
    pub fn but(&self, key: [u8; 8]) -> u64 {
        self.0.iter().filter(|(id, _)| **id != key).map(|(_, count)| count).sum()
    }
}
