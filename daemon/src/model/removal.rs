//! What users removed lately, and what it takes to bring it back.

use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::silence::Silence;
use roster_protocol::time::Timestamp;

use super::{Connection, GrantUse, Influencer};

/// What can be removed, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removable {
    Influencer(InfluencerId),
    Connection(ConnectionId),
}

/// Something that was removed. It is on no list and is not read any more; its history and its tokens stay until the day is
/// over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    pub of: Removable,
    /// When it can be brought back no more.
    pub ends_at: Timestamp,
    /// `None` where only a connection was removed.
    pub influencer: Option<Influencer>,
    /// As they were.
    pub connections: Vec<Connection>,
    /// The consents that they were read with.
    pub uses: Vec<GrantUse>,
    /// Those about the influencer.
    pub silences: Vec<Silence>,
}

impl Removal {
    /// Whether an influencer or a connection in it has this id.
    pub fn has(&self, id: [u8; 5]) -> bool {
        self.influencer.as_ref().is_some_and(|influencer| influencer.id.0 == id)
            || self.connections.iter().any(|connection| connection.id.0 == id)
    }
}
