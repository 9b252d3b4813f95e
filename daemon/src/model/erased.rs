//! What stays of those who were erased, so that no older copy of the store brings them back. It has nothing personal in it.

use roster_protocol::ids::{ConnectionId, GrantId, InfluencerId};
use roster_protocol::time::Timestamp;
use sha2::{Digest, Sha256};

use super::{BudgetKey, Connection};

/// An influencer who was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Their id; then those of influencers that were merged into them.
    pub influencers: Vec<InfluencerId>,
    /// The ids of all their connections.
    pub connections: Vec<ConnectionId>,
    /// Random; what the accounts are hashed with.
    pub salt: [u8; 16],
    /// Their accounts, hashed: an older copy may have one under another id.
    pub accounts: Vec<[u8; 32]>,
    pub at: Timestamp,
    /// Whether every row about them is deleted, and the file has no byte of them any more.
    pub is_done: bool,
}

impl Tombstone {
    /// The influencer's own id.
    pub fn id(&self) -> InfluencerId {
        self.influencers.first().copied().unwrap_or_else(|| InfluencerId::from_bytes([0; 5]))
    }

    /// Whether a connection is one of theirs: by its id, or by its account where it was connected before the erasure.
    pub fn names(&self, connection: &Connection) -> bool {
        self.connections.contains(&connection.id)
            || self.influencers.contains(&connection.influencer)
            || connection.connected_at <= self.at && self.accounts.contains(&hashed(&self.salt, connection))
    }

    /// Whether a limit is that of one of their accounts.
    pub fn has(&self, limit: &BudgetKey) -> bool {
        let account = limit.account.as_deref();
        account.is_some_and(|account| self.accounts.contains(&hash_of(&self.salt, limit.platform(), account)))
    }
}

/// An account, hashed with a salt: the platform's id of it, or the handle where the platform's id is not known.
pub fn hashed(salt: &[u8; 16], connection: &Connection) -> [u8; 32] {
    let account = connection.platform_user_id.as_deref().unwrap_or(&connection.handle);
    hash_of(salt, &connection.platform, account)
}

fn hash_of(salt: &[u8; 16], platform: &str, account: &str) -> [u8; 32] {
    let parts: [&[u8]; 3] = [platform.as_bytes(), &[0], account.as_bytes()];
    parts.iter().fold(Sha256::new_with_prefix(salt), |sum, part| sum.chain_update(part)).finalize().into()
}

/// A consent that was ended here: an older copy of the store has it as one that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedGrant {
    pub grant: GrantId,
    /// When: the owner may have consented again since.
    pub at: Timestamp,
}
