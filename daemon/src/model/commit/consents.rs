//! What a commit writes of consents and grants.

use roster_protocol::ids::{ConnectionId, ConsentId, GrantId};

use crate::model::{Consent, Grant, GrantTokens, GrantUse};

/// Consents, grants and their sealed tokens.
#[derive(Clone, Debug, Default)]
pub struct ConsentsCommit {
    /// The id of the master key that seals this store's secrets, once it is known.
    pub key: Option<[u8; 8]>,
    pub consents: Vec<Consent>,
    /// Settled, expired or given up.
    pub removed_consents: Vec<ConsentId>,
    pub grants: Vec<Grant>,
    pub tokens: Vec<GrantTokens>,
    /// Grants whose tokens are no longer of use.
    pub removed_tokens: Vec<GrantId>,
    /// Removed with their tokens.
    pub removed_grants: Vec<GrantId>,
    /// The grant that each of these connections is read with from now on.
    pub grant_uses: Vec<GrantUse>,
    /// Connections that are read without a grant from now on.
    pub ended_uses: Vec<ConnectionId>,
}
