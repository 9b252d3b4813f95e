//! Sync runs: one attempt for one connection, from being due to its end.

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, InfluencerId, RunId};
use crate::time::Timestamp;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// The platform reported everything that was requested.
    Ok,
    /// Some of it: the snapshot has what was reported, the error says what was not.
    Partial,
    /// Nothing was learned.
    Failed,
    /// Not attempted: the platform limits requests until a later time, or it is not set up, or the slot passed.
    Skipped,
}

impl Outcome {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["ok", "partial", "failed", "skipped"][self as usize]
    }
}

impl std::str::FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Ok, Self::Partial, Self::Failed, Self::Skipped];
        let known = all.into_iter().find(|outcome| outcome.as_str() == text);
        known.ok_or_else(|| "write ok, partial, failed or skipped".to_owned())
    }
}

/// Why a run was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// It was due.
    Schedule,
    /// A user requested it.
    Person,
    /// Slots had been missed; one run replaces them all.
    CatchUp,
    /// The platform notified us.
    Push,
}

impl Cause {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["schedule", "person", "catch_up", "push"][self as usize]
    }
}

/// One attempt for one connection, or slots that passed without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub connection: ConnectionId,
    pub influencer: InfluencerId,
    /// The influencer's name when the run was read, for display.
    pub influencer_name: String,
    pub platform: String,
    /// When it was due: its slot, or later when it is a retry. Of missed slots the first.
    pub due_at: Timestamp,
    /// The slot that it stands for. Of missed slots the last.
    pub slot_at: Timestamp,
    /// How many slots passed without a run; 0 for a run.
    pub missed: u64,
    /// Of missed slots when they were accounted for.
    pub started_at: Timestamp,
    pub duration_ms: u64,
    pub outcome: Outcome,
    pub cause: Cause,
    /// Followers measured; `None` when hidden or nothing was learned.
    pub followers: Option<u64>,
    /// What went wrong, in a sentence; `None` when all went well.
    pub error: Option<String>,
    /// When it will be tried again, where that is not simply the next slot.
    pub retry_at: Option<Timestamp>,
}

impl Run {
    /// How late its slot was run, in milliseconds: 0 where it was in time.
    pub fn late_ms(&self) -> i64 {
        self.started_at.since(self.slot_at).max(0)
    }
}

/// A connection that waits for its next sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueRow {
    pub connection: ConnectionId,
    pub influencer: InfluencerId,
    pub influencer_name: String,
    pub platform: String,
    pub handle: String,
    /// When it is requested at the earliest: its slot or retry, or the end of a pause that its platform asked for.
    pub due_at: Timestamp,
    /// When it was due before anything held it back; late when that has passed.
    pub was_due_at: Timestamp,
    /// What keeps it from being synced then, as in a connection; `None` when nothing is known to.
    pub blocked_by: Option<String>,
}

impl DueRow {
    /// By how much it is late already, in milliseconds; 0 when it is not.
    pub fn late_ms(&self, now: Timestamp) -> i64 {
        now.since(self.was_due_at).max(0)
    }
}

/// A part of the connections that wait, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuePage {
    pub rows: Vec<DueRow>,
    /// How many wait, on all pages.
    pub total: u64,
    /// How many of them are due already, and wait longer.
    pub late: u64,
}

/// What to sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncTarget {
    /// All that is due.
    Due,
    /// Everything that is not paused.
    All,
    /// One influencer or connection, as a person names it.
    One(String),
}

/// A request to sync; [`SyncProgress`] reports how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncTicket {
    pub id: u64,
    /// How many connections it is about, those included that are not run.
    pub expected: u64,
    /// How many are not run: held, paused, or not to be read. Their entries are the first of the progress, and no run is
    /// stored.
    pub skipped: u64,
    /// How many ran so short a time ago that the run before counts. Their entries are the next ones.
    pub earlier: u64,
}

impl SyncTicket {
    /// How many connections will be run.
    pub fn queued(&self) -> u64 {
        self.expected.saturating_sub(self.skipped + self.earlier)
    }
}

/// The runs of a ticket so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncProgress {
    pub expected: u64,
    /// Runs that ended, from the requested index on, in the order in which they ended.
    pub runs: Vec<Run>,
    /// Whether all have ended.
    pub done: bool,
}

/// How due slots and runs that a person requested ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub expected: u64,
    pub ok: u64,
    pub partial: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Coverage {
    /// How these ended; missed slots count each.
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Self {
        let mut counted = Self::default();
        runs.into_iter().for_each(|run| counted.add(run.outcome, run.missed.max(1)));
        counted
    }

    /// Counts slots that ended so.
    pub fn add(&mut self, outcome: Outcome, slots: u64) {
        self.expected = self.expected.saturating_add(slots);
        let of_outcome = match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Partial => &mut self.partial,
            Outcome::Failed => &mut self.failed,
            Outcome::Skipped => &mut self.skipped,
        };
        *of_outcome = of_outcome.saturating_add(slots);
    }

    /// Counts what another one has.
    pub fn add_all(&mut self, other: Self) {
        let Self { expected, ok, partial, failed, skipped } = other;
        self.expected = self.expected.saturating_add(expected);
        self.ok = self.ok.saturating_add(ok);
        self.partial = self.partial.saturating_add(partial);
        self.failed = self.failed.saturating_add(failed);
        self.skipped = self.skipped.saturating_add(skipped);
    }

    /// Those that learned something.
    pub fn well(self) -> u64 {
        self.ok.saturating_add(self.partial)
    }
}

/// A batch of runs that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedBatch {
    pub platform: String,
    /// How its runs ended; those of accounts that are gone by then are not expected.
    pub runs: Coverage,
    pub started_at: Timestamp,
    pub duration_ms: u64,
}

/// One request to a platform that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningBatch {
    pub platform: String,
    /// How many connections are in it.
    pub connections: u64,
    /// The influencer's name when it is just one.
    pub influencer_name: Option<String>,
    pub started_at: Timestamp,
}
