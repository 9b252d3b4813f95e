//! Consents in memory: those requested, those given, and which connection is read with which.

use std::collections::HashMap;

use roster_protocol::ids::{ConnectionId, ConsentId, GrantId};
use roster_protocol::time::Timestamp;

use crate::model::{Consent, ConsentsCommit, Grant, GrantState, GrantTokens, Loaded};

/// Everything about consents; the secrets in it are sealed.
#[derive(Default)]
pub struct Consents {
    /// Requested and not settled.
    pub pending: HashMap<ConsentId, Consent>,
    pub grants: HashMap<GrantId, Grant>,
    pub tokens: HashMap<GrantId, GrantTokens>,
    grant_of: HashMap<ConnectionId, GrantId>,
}

impl Consents {
    /// Takes what was stored out of `loaded`.
    pub fn of(loaded: &mut Loaded) -> Self {
        Self {
            pending: std::mem::take(&mut loaded.consents).into_iter().map(|consent| (consent.id, consent)).collect(),
            grants: std::mem::take(&mut loaded.grants).into_iter().map(|grant| (grant.id, grant)).collect(),
            tokens: std::mem::take(&mut loaded.tokens).into_iter().map(|tokens| (tokens.grant, tokens)).collect(),
            grant_of: std::mem::take(&mut loaded.grant_uses).into_iter().map(|it| (it.connection, it.grant)).collect(),
        }
    }

    pub fn apply(&mut self, commit: &ConsentsCommit) {
        for consent in &commit.consents {
            self.pending.insert(consent.id, consent.clone());
        }
        for consent in &commit.removed_consents {
            self.pending.remove(consent);
        }
        for grant in &commit.grants {
            self.grants.insert(grant.id, grant.clone());
        }
        for tokens in &commit.tokens {
            self.tokens.insert(tokens.grant, tokens.clone());
        }
        for grant in &commit.removed_tokens {
            self.tokens.remove(grant);
        }
        for grant in &commit.removed_grants {
            self.grants.remove(grant);
            self.tokens.remove(grant);
        }
        for used in &commit.grant_uses {
            self.grant_of.insert(used.connection, used.grant);
        }
        for connection in &commit.ended_uses {
            self.grant_of.remove(connection);
        }
    }

    /// The grant a connection is read with.
    pub fn grant_of(&self, connection: ConnectionId) -> Option<&Grant> {
        self.grants.get(self.grant_of.get(&connection)?)
    }

    /// The tokens a connection is read with.
    pub fn tokens_of(&self, connection: ConnectionId) -> Option<&GrantTokens> {
        self.tokens.get(self.grant_of.get(&connection)?)
    }

    /// When a connection's consent ends unless it is renewed; `None` without consent, and where no end is known.
    pub fn ends_at(&self, connection: ConnectionId) -> Option<Timestamp> {
        let tokens = self.tokens_of(connection)?;
        if tokens.refresh.is_some() { tokens.refresh_ends_at } else { tokens.access_ends_at }
    }

    /// A grant and its tokens as both are at one moment, so that an end is always reported with its reason.
    ///
    /// # Errors
    /// Why there are no tokens.
    pub fn held(&self, id: GrantId) -> Result<(Grant, GrantTokens), String> {
        let grant = self.grants.get(&id).ok_or("the consent is over")?;
        if let GrantState::Ended { why, .. } = &grant.state {
            return Err(why.clone());
        }
        let tokens = self.tokens.get(&id).ok_or("the consent's tokens are gone; consent is needed again")?;
        Ok((grant.clone(), tokens.clone()))
    }

    /// The connections that are read with a grant, in order of their ids.
    pub fn users_of(&self, grant: GrantId) -> Vec<ConnectionId> {
        let mut users: Vec<_> =
            self.grant_of.iter().filter(|(_, used)| **used == grant).map(|(connection, _)| *connection).collect();
        users.sort();
        users
    }

    /// The grant of one owner in one realm.
    pub fn of_owner(&self, realm: &str, owner_id: &str) -> Option<&Grant> {
        self.grants.values().find(|grant| grant.realm == realm && grant.owner_id == owner_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GrantUse, Sealed};

    fn tokens(number: u8, refresh: bool) -> GrantTokens {
        GrantTokens {
            grant: GrantId::from_bytes([number; 5]),
            generation: 1,
            access: Sealed(vec![]),
            refresh: refresh.then(|| Sealed(vec![])),
            derived: vec![],
            renewed_at: Timestamp(0),
            access_ends_at: Some(Timestamp(1)),
            refresh_ends_at: Some(Timestamp(2)),
            renew_at: None,
            failures: 0,
            last_error: None,
            attempt: None,
        }
    }

    #[test]
    fn a_connection_is_read_with_its_grants_tokens_and_ends_with_what_renews_them() {
        let connection = |number: u8| ConnectionId::from_bytes([number; 5]);
        let used = |number: u8| GrantUse { connection: connection(number), grant: GrantId::from_bytes([number; 5]) };
        let mut consents = Consents::default();
        consents.apply(&ConsentsCommit {
            tokens: vec![tokens(1, true), tokens(2, false)],
            grant_uses: vec![used(1), used(2), used(3)],
            ..ConsentsCommit::default()
        });
        let grant_of = |number| consents.tokens_of(connection(number)).map(|tokens| tokens.grant);
        assert_eq!([1, 2, 3, 4].map(grant_of), [Some(used(1).grant), Some(used(2).grant), None, None]);
        let ends = [1, 2, 3].map(|number| consents.ends_at(connection(number)));
        assert_eq!(ends, [Some(Timestamp(2)), Some(Timestamp(1)), None]);
        let removed_tokens = vec![used(1).grant];
        consents.apply(&ConsentsCommit {
            removed_tokens,
            ended_uses: vec![connection(2)],
            ..ConsentsCommit::default()
        });
        assert!(consents.tokens_of(connection(1)).is_none() && consents.tokens_of(connection(2)).is_none());
    }
}
