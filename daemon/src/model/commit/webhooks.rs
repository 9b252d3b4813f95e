//! What a commit writes of what platforms sent to us.

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use crate::model::{Deletion, Lease, Receipt};

/// Notifications that were taken, requests to delete that were carried out, and subscriptions.
#[derive(Clone, Debug, Default)]
pub struct WebhooksCommit {
    pub receipts: Vec<Receipt>,
    /// Those that need not be remembered any more, by time and key.
    pub forgotten_receipts: Vec<(Timestamp, [u8; 32])>,
    pub deletions: Vec<Deletion>,
    /// The codes of those whose pages end.
    pub forgotten_deletions: Vec<String>,
    pub leases: Vec<Lease>,
    /// The connections whose subscriptions are given up.
    pub ended_leases: Vec<ConnectionId>,
}
