//! What platforms sent to us, as far as it must be remembered.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

/// A notification that was taken: it is not taken a second time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub at: Timestamp,
    /// SHA-256 of the platform, the address and the body.
    pub key: [u8; 32],
    /// The connections that became due because of it, and when.
    pub marked: Vec<(ConnectionId, Timestamp)>,
}

/// What became of an owner's request to delete what was read with their consent. It names no owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// The code under which its page is found.
    pub code: String,
    /// The platform's slug.
    pub platform: String,
    pub at: Timestamp,
    /// How many accounts were deleted.
    pub accounts: u32,
}
