//! Backups: what clients say of how one is encrypted, and the pieces in which they get it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// How a backup is encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackupSeal {
    /// As the daemon's config says; where that says nothing, not at all.
    AsConfigured,
    /// To the recipient of age with this public key.
    Recipient(String),
    Passphrase(String),
}

/// Without what is in it: it may be a passphrase.
impl fmt::Debug for BackupSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BackupSeal::AsConfigured => "AsConfigured",
            BackupSeal::Recipient(_) => "Recipient(…)",
            BackupSeal::Passphrase(_) => "Passphrase(***)",
        })
    }
}

/// A backup that was begun on this connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupBegun {
    /// What it holds is of this time.
    pub at: Timestamp,
    /// The store's id.
    pub store: String,
    /// What it is encrypted to: `none`, `recipient` or `passphrase`.
    pub encrypted: String,
}

/// The next piece of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPiece {
    /// A quarter of a MiB at most.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// What it holds, once it is complete; then there are no bytes.
    pub end: Option<BackupEnd>,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEnd {
    pub rows: u64,
    /// Rows that were damaged in the store already, and were left out.
    pub damaged: u64,
}
