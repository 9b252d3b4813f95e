//! Erasing an influencer: what is deleted, and what that cannot reach.

use serde::{Deserialize, Serialize};

use crate::ids::InfluencerId;
use crate::time::Timestamp;

/// What an erasure would delete, or has deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub influencer: InfluencerId,
    /// When it was erased; `None`: it is not, this is what would be deleted.
    pub erased_at: Option<Timestamp>,
    pub deleted: ErasureCounts,
    /// Consents that are revoked at their providers from then on, which is repeated until it is done.
    pub consents: u64,
    /// Whether every row is deleted, and no deleted byte is left in the store's file; `false` for what is not erased yet.
    pub is_complete: bool,
    /// Why it is not complete, where it is erased; rosterd goes on with it by itself.
    pub pending: Option<String>,
    /// What it does not reach, and who has to.
    pub unreached: Vec<Unreached>,
}

/// How many records of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureCounts {
    pub connections: u64,
    /// Days of measured numbers.
    pub snapshots: u64,
    /// Days that platforms reported to the owner.
    pub reported_days: u64,
    pub runs: u64,
    pub changes: u64,
    pub alerts: u64,
    pub deliveries: u64,
    /// Requests to platforms.
    pub requests: u64,
    /// Entries of the audit log: they stay, and cannot be read any more.
    pub audit_entries: u64,
}

impl ErasureCounts {
    /// Each count with its word, as a sentence has it.
    pub fn words(&self) -> [(&'static str, u64); 9] {
        [
            ("connections", self.connections),
            ("days of numbers", self.snapshots),
            ("days reported to the owner", self.reported_days),
            ("sync runs", self.runs),
            ("changes", self.changes),
            ("alerts", self.alerts),
            ("deliveries", self.deliveries),
            ("requests to platforms", self.requests),
            ("audit entries, which stay and become unreadable", self.audit_entries),
        ]
    }
}

/// Something that an erasure does not reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    /// What it is, in a word: `backups`, `exports`, `messages`, `copies`, `providers`, `disk`.
    pub what: String,
    /// Where it is, and what to do about it, in a sentence.
    pub why: String,
}

/// A part of the list of erased ones that is kept beside backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedPage {
    /// Lines of the list's file, in order.
    pub lines: Vec<String>,
    /// Where the next part begins; `None`: this was the last one.
    pub next: Option<u64>,
}
