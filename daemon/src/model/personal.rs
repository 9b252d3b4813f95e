//! What keeps personal data apart, so that it can be erased.

use roster_protocol::ids::InfluencerId;

use super::Sealed;

/// The key to what the audit log says of an influencer, sealed by the vault. It is made with the influencer and stays when
/// the influencer is removed; without it the lines say nothing but ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKey {
    /// Whose lines it opens.
    pub of: InfluencerId,
    /// Who that is now: another influencer after both were merged.
    pub now: InfluencerId,
    pub sealed: Sealed,
}
