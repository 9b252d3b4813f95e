//! Consents in memory: those requested, those given, and which connection is read with which.

use std::collections::HashMap;

use roster_protocol::ids::{ConnectionId, ConsentId, GrantId};
use roster_protocol::time::Timestamp;

use crate::model::{Consent, ConsentsCommit, Grant, GrantState, GrantTokens, GrantUse, Loaded, StoreKey};

/// Everything about consents; the secrets in it are sealed.
#[derive(Default)]
pub struct Consents {
    /// Requested and not settled.
    pub pending: HashMap<ConsentId, Consent>,
    pub grants: HashMap<GrantId, Grant>,
    pub tokens: HashMap<GrantId, GrantTokens>,
    grant_of: HashMap<ConnectionId, GrantId>,
    /// The master keys of all that is sealed, the one that seals first.
    pub keys: Vec<StoreKey>,
    /// When each grant that was ended here was, the last time.
    pub revoked: HashMap<GrantId, Timestamp>,
}

impl Consents {
    /// Takes what was stored out of `loaded`.
    pub fn of(loaded: &mut Loaded) -> Self {
        Self {
            pending: std::mem::take(&mut loaded.consents).into_iter().map(|consent| (consent.id, consent)).collect(),
            grants: std::mem::take(&mut loaded.grants).into_iter().map(|grant| (grant.id, grant)).collect(),
            tokens: std::mem::take(&mut loaded.tokens).into_iter().map(|tokens| (tokens.grant, tokens)).collect(),
            keys: std::mem::take(&mut loaded.keys),
            revoked: std::mem::take(&mut loaded.revoked).into_iter().map(|it| (it.grant, it.at)).collect(),
            grant_of: std::mem::take(&mut loaded.grant_uses).into_iter().map(|it| (it.connection, it.grant)).collect(),
        }
    }

    pub fn apply(&mut self, commit: &ConsentsCommit) {
        if let Some(keys) = &commit.keys {
            self.keys.clone_from(keys);
        }
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
        self.revoked.extend(commit.revoked.iter().map(|it| (it.grant, it.at)));
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
        let of_tokens = if tokens.refresh.is_some() { tokens.refresh_ends_at } else { tokens.access_ends_at };
        let of_data = self.grants.get(&tokens.grant).and_then(|grant| grant.data_ends_at);
        earlier(of_tokens, of_data)
    }

    /// When a grant ends unless its owner consents again; `None` where that is not known, or it is over already.
    pub fn act_before(&self, grant: &Grant) -> Option<Timestamp> {
        let tokens = self.tokens.get(&grant.id).filter(|_| grant.is_live())?;
        let of_tokens = match (&tokens.refresh, tokens.renew_at) {
            (Some(_), _) => tokens.refresh_ends_at,
            (None, Some(_)) => None,
            (None, None) => tokens.access_ends_at,
        };
        earlier(of_tokens, grant.data_ends_at)
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

    /// Which connection is read with which grant, in no order.
    pub fn uses(&self) -> impl Iterator<Item = GrantUse> + use<'_> {
        self.grant_of.iter().map(|(connection, grant)| GrantUse { connection: *connection, grant: *grant })
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

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConsentStep, Sealed};
    use crate::roster::samples::*;

    const ENDS: (Timestamp, Timestamp) = (Timestamp(1), Timestamp(2));

    /// Tokens whose access ends first, and what renews them later.
    fn ending(number: u8, refresh: bool) -> GrantTokens {
        let (access_ends_at, refresh_ends_at) = (Some(ENDS.0), Some(ENDS.1));
        GrantTokens { refresh: refresh.then(|| Sealed(vec![])), access_ends_at, refresh_ends_at, ..tokens(number, 1) }
    }

    /// Sky is read with the first grant, which renews itself; Tube with the second; hers with one that is gone.
    fn consents() -> Consents {
        let mut loaded = Loaded {
            consents: vec![consent(None, ConsentStep::Waiting)],
            grants: vec![grant(1, GrantState::Live), grant(2, ended())],
            tokens: vec![ending(1, true), ending(2, false)],
            grant_uses: vec![used(SKY, 1), used(TUBE, 2), used(HERS, 3)],
            ..Loaded::default()
        };
        let consents = Consents::of(&mut loaded);
        assert!(loaded.consents.is_empty() && loaded.grants.is_empty() && loaded.tokens.is_empty());
        consents
    }

    fn id(number: u8) -> GrantId {
        GrantId::from_bytes([number; 5])
    }

    #[test]
    fn a_connection_is_read_with_its_grants_tokens_and_ends_with_what_renews_them() {
        let consents = consents();
        let each = |of: fn(&Consents, ConnectionId) -> Option<GrantId>| [SKY, TUBE, HERS].map(|it| of(&consents, it));
        assert_eq!(each(|consents, it| Some(consents.tokens_of(it)?.grant)), [Some(id(1)), Some(id(2)), None]);
        assert_eq!(each(|consents, it| Some(consents.grant_of(it)?.id)), [Some(id(1)), Some(id(2)), None]);
        assert_eq!([SKY, TUBE, HERS].map(|it| consents.ends_at(it)), [Some(ENDS.1), Some(ENDS.0), None]);
        assert_eq!([1, 2, 3, 4].map(|it| consents.users_of(id(it))), [vec![SKY], vec![TUBE], vec![HERS], vec![]]);
        assert_eq!(consents.pending.len(), 1);
    }

    #[test]
    fn what_tokens_open_may_end_before_they_do() {
        let mut consents = consents();
        let sooner = Grant { data_ends_at: Some(ENDS.0), ..grant(1, GrantState::Live) };
        let later = Grant { data_ends_at: Some(Timestamp(9)), ..sooner.clone() };
        let by_hand = Grant { id: id(2), data_ends_at: None, ..sooner.clone() };
        let over = Grant { state: ended(), ..sooner.clone() };
        let ends = [&sooner, &later, &by_hand, &over].map(|grant| consents.act_before(grant));
        assert_eq!(ends, [Some(ENDS.0), Some(ENDS.1), Some(ENDS.0), None]);
        consents.apply(&ConsentsCommit { grants: vec![sooner], ..ConsentsCommit::default() });
        assert_eq!(consents.ends_at(SKY), Some(ENDS.0));
        let renewed = GrantTokens { renew_at: Some(Timestamp(0)), ..ending(2, false) };
        consents.apply(&ConsentsCommit { tokens: vec![renewed], ..ConsentsCommit::default() });
        assert_eq!(consents.act_before(&by_hand), None, "it renews itself");
    }

    #[test]
    fn an_owner_has_one_grant_in_each_realm() {
        let consents = consents();
        let found = |realm: &str, owner: &str| consents.of_owner(realm, owner).map(|grant| grant.id);
        assert_eq!([found("google", "owner1"), found("google", "owner2")], [Some(id(1)), Some(id(2))]);
        assert_eq!([found("meta", "owner1"), found("google", "owner3")], [None, None]);
    }

    #[test]
    fn a_grant_is_held_until_it_or_its_tokens_end() {
        let mut consents = consents();
        let held =
            |consents: &Consents, number| consents.held(id(number)).map(|(grant, tokens)| (grant.id, tokens.grant));
        assert_eq!(held(&consents, 1), Ok((id(1), id(1))));
        assert_eq!(held(&consents, 2), Err("the owner ended it".to_owned()));
        assert_eq!(held(&consents, 3), Err("the consent is over".to_owned()));
        consents.apply(&ConsentsCommit { removed_tokens: vec![id(1)], ..ConsentsCommit::default() });
        assert!(held(&consents, 1).is_err_and(|why| why.contains("tokens are gone")));
    }

    #[test]
    fn what_a_commit_removes_is_gone_and_the_rest_stays() {
        let mut consents = consents();
        consents.apply(&ConsentsCommit {
            removed_consents: vec![consent(None, ConsentStep::Waiting).id],
            removed_grants: vec![id(1)],
            ended_uses: vec![HERS],
            grants: vec![grant(4, GrantState::Live)],
            tokens: vec![ending(4, true)],
            grant_uses: vec![used(TUBE, 4)],
            ..ConsentsCommit::default()
        });
        assert!(consents.pending.is_empty());
        assert_eq!([1, 2, 4].map(|it| consents.grants.contains_key(&id(it))), [false, true, true]);
        assert_eq!([1, 2, 4].map(|it| consents.tokens.contains_key(&id(it))), [false, true, true]);
        assert_eq!([1, 2, 3, 4].map(|it| consents.users_of(id(it))), [vec![SKY], vec![], vec![], vec![TUBE]]);
    }
}
