//! What a commit writes of consents and grants.

use roster_protocol::ids::{ConnectionId, ConsentId, GrantId};

use crate::model::{Consent, Grant, GrantTokens, GrantUse, RevokedGrant, StoreKey};

/// Consents, grants and their sealed tokens.
#[derive(Clone, Debug, Default)]
pub struct ConsentsCommit {
    /// All master keys of this store's secrets, the one that seals first, where they change.
    pub keys: Option<Vec<StoreKey>>,
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
    /// Grants that are ended here, by whatever is done with them next.
    pub revoked: Vec<RevokedGrant>,
}
