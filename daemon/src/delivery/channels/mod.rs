//! Channels: the ways on which alerts leave. Each sends one message at a time and says what became of it; when, and how
//! often, the outbox decides.

pub mod email;

use std::time::Duration;

use futures::future::BoxFuture;
use roster_protocol::alert::Alert;
use roster_protocol::time::Timestamp;

/// What is sent on a channel at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The same on every attempt, and unique for each message, so that a receiver can drop a repetition. No `.` in it.
    pub id: String,
    pub kind: MessageKind,
    /// The time of this attempt.
    pub at: Timestamp,
    /// As clients see them. One unless it is a digest; none for a test.
    pub alerts: Vec<Alert>,
    /// What the move's account measured lately, oldest first: the time, and the followers. Empty when not known.
    pub points: Vec<(Timestamp, u64)>,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// An alert opened, or was not acknowledged in time.
    Opened,
    /// An alert ended without a user.
    Resolved,
    /// Many accounts moved together.
    Group,
    /// A summary of several alerts that were held back.
    Digest,
    /// A user tries the channel.
    Test,
}

/// Why a message was not delivered, by what is done next. No text holds a URL, a password or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The receiver refused for now, or could not be reached before anything was sent: certainly not delivered.
    #[error("{why}")]
    Later { why: String, after: Option<Duration> },
    /// No response after it was sent: it may have arrived. Sent again with the same id.
    #[error("{why}")]
    Unsure { why: String },
    /// It will never be taken. `disables`: the address is gone.
    #[error("{why}")]
    Refused { why: String, disables: bool },
}

/// A way on which alerts leave.
pub trait Channel: Send + Sync {
    /// Sends one message. What is returned is what the receiver said, clean and short, for the receipt.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<String, SendError>>;
}
