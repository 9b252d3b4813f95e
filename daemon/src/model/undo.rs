//! What a user changed lately, with what it takes to take it back.

use roster_protocol::ids::{AlertId, ConnectionId, InfluencerId};
use roster_protocol::time::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};

use super::Removable;

/// The newest changes of a user that can be taken back, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoLog {
    pub uid: u32,
    pub changes: Vec<Undoable>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undoable {
    pub at: Timestamp,
    pub change: UndoableChange,
}

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoableChange {
    Edited(Box<Edited>),
    Interval {
        connection: ConnectionId,
        interval: Was<Option<Seconds>>,
    },
    Paused {
        target: Pausable,
        paused: bool,
    },
    /// Alerts that this made acknowledged.
    Acknowledged(Vec<AlertId>),
    Removed(Removable),
}

/// An edit of an influencer; what is `None` or empty stayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub influencer: InfluencerId,
    pub name: Option<Was<String>>,
    pub note: Option<Was<Option<String>>>,
    pub main: Option<Was<Option<ConnectionId>>>,
    pub tagged: Vec<String>,
    pub untagged: Vec<String>,
}

/// What can be paused, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pausable {
    All,
    Platform(String),
    Influencer(InfluencerId),
    Connection(ConnectionId),
}

/// A value as it was and as the change made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Was<T> {
    pub before: T,
    pub after: T,
}

impl<T: PartialEq + Clone> Was<T> {
    /// `None` where both are the same.
    pub fn of(before: &T, after: &T) -> Option<Self> {
        (before != after).then(|| Self { before: before.clone(), after: after.clone() })
    }
}

impl<T> Was<T> {
    /// Both values in another form.
    pub fn map<U>(self, form: impl Fn(T) -> U) -> Was<U> {
        Was { before: form(self.before), after: form(self.after) }
    }
}
