//! What of the roster is sealed, and with which master keys.

use super::Roster;
use crate::model::{Consent, GrantTokens, SealedWith};

impl Roster {
    /// How many values are sealed with each key.
    pub fn sealed_with(&self) -> SealedWith {
        let mut counts = SealedWith::of(self.consents.pending.values().flat_map(Consent::sealed));
        counts.add(self.consents.tokens.values().flat_map(GrantTokens::sealed));
        counts.add(self.webhooks.leases().map(|lease| &lease.secret));
        counts.add(self.data_keys.values().map(|key| &key.sealed));
        counts
    }

    /// How many values are still to be sealed with the key that seals now; 0 for a store without keys.
    pub fn to_reseal(&self) -> u64 {
        self.consents.keys.first().map_or(0, |sealing| self.sealed_with().but(sealing.id))
    }
}
