//! What platforms sent to us, as far as it must be remembered.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::Sealed;

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

/// A subscription to the notifications about one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub connection: ConnectionId,
    /// The platform's id of the account that it is about.
    pub account: String,
    /// What the hub's requests have in their path: it cannot be guessed.
    pub token: String,
    /// What the hub signs with.
    pub secret: Sealed,
    /// Where the hub was last asked to send; empty before.
    pub address: String,
    /// When the hub was last asked.
    pub requested_at: Option<Timestamp>,
    /// When it ends, as the hub confirmed; `None` before it did.
    pub ends_at: Option<Timestamp>,
    /// When the hub is asked again.
    pub next_at: Timestamp,
    /// Requests in a row that the hub did not take, or has not confirmed.
    pub failures: u32,
    /// Why the last one was not taken, clean.
    pub last_error: Option<String>,
}
