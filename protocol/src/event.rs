//! Numbered facts for clients, published once they are durable.

use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::ids::{ConnectionId, InfluencerId};
use crate::sync::{EndedBatch, Run};

/// A position in the feed. The epoch changes each time the daemon starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub epoch: u64,
    /// The number of the last event that was seen.
    pub number: u64,
}

/// What was committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// An influencer was added, edited, paused, or one of their connections changed.
    InfluencerChanged(InfluencerId),
    /// An influencer was removed or merged into another.
    InfluencerRemoved(InfluencerId),
    /// A run ended and what it learned is stored.
    RunFinished { run: Box<Run>, connection: ConnectionId },
    /// A request to a platform began; [`crate::status::Status::running`] lists those under way.
    SyncMoved,
    /// A request to a platform ended, and what its runs learned is stored.
    BatchEnded(Box<EndedBatch>),
    /// An alert opened, was acknowledged, or resolved.
    AlertChanged(Box<Alert>),
    /// Something was paused or resumed as a whole.
    ScheduleChanged,
}

/// A response of the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventBatch {
    /// The cursor for the next request.
    pub next: Cursor,
    /// Oldest first; empty when the wait ended without any.
    pub events: Vec<Event>,
    /// The requested position is no longer in the feed: load everything again, then continue from `next`.
    pub reload: bool,
}
