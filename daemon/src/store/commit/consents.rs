//! Rows of consents, grants and tokens.

use super::Batch;
use crate::model::ConsentsCommit;
use crate::store::error::StoreError;
use crate::store::records::StoreKeys;
use crate::store::tables::Records;

impl Batch {
    pub(super) fn add_consents(&mut self, commit: &ConsentsCommit) -> Result<(), StoreError> {
        if let Some(keys) = &commit.keys {
            self.put(&StoreKeys(keys.clone()))?;
        }
        commit.consents.iter().try_for_each(|consent| self.put(consent))?;
        for consent in &commit.removed_consents {
            self.delete(Records::Consents, consent.0.to_vec());
        }
        commit.grants.iter().try_for_each(|grant| self.put(grant))?;
        commit.tokens.iter().try_for_each(|tokens| self.put(tokens))?;
        for grant in commit.removed_tokens.iter().chain(&commit.removed_grants) {
            self.delete(Records::Tokens, grant.0.to_vec());
        }
        for grant in &commit.removed_grants {
            self.delete(Records::Grants, grant.0.to_vec());
        }
        commit.grant_uses.iter().try_for_each(|used| self.put(used))?;
        commit.revoked.iter().try_for_each(|revoked| self.put(revoked))?;
        for connection in &commit.ended_uses {
            self.delete(Records::GrantUses, connection.0.to_vec());
        }
        Ok(())
    }
}
