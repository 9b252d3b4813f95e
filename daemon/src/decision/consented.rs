//! What an owner's consent opened becomes the owner's grant and connections.
//!
//! The caller seals the tokens for the grant that keeps them: nothing here opens one.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::folding::folded_handle;
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use roster_protocol::time::Timestamp;

use super::audit::{audit, connection_named};
use super::connect::{self, Found};
use super::{Decision, grants};
use crate::model::{Choice, Connection, Consent, ConsentStep, Grant, GrantState, GrantTokens, GrantUse, Sealed};
use crate::platforms::Observation;
use crate::platforms::consenting::{Opened, OpenedAccount};

/// How long a choice is waited for.
const CHOICE_S: i64 = 3600;

/// What became of a consent whose accounts are known.
pub enum Offered {
    /// Its accounts, and whether each is new here.
    Connected(Consent, Vec<(ConnectionId, bool)>),
    Choosing,
    /// The account is another influencer's.
    Refused(Consent, RosterError),
    /// It was given up meanwhile.
    GivenUp,
}

/// The grant that was just given, about to become its owner's only one.
pub struct Adoption<'a> {
    grant: &'a Grant,
    pub tokens: &'a GrantTokens,
    /// The grant that remains: one that the owner has already takes the tokens over, so that all its connections have
    /// them.
    pub target: GrantId,
    /// What the tokens' generation is there.
    pub generation: u64,
    /// Tokens of the target for accounts of other platforms, which stay.
    pub derived: Vec<(String, Sealed)>,
}

impl<'a> Adoption<'a> {
    /// Of a grant that was just stored for `platform`.
    ///
    /// # Errors
    /// The grant is gone.
    pub fn of(decision: &Decision<'a>, fresh: GrantId, owner_id: &str, platform: &str) -> Result<Self, RosterError> {
        let consents = &decision.roster.consents;
        let (Some(grant), Some(tokens)) = (consents.grants.get(&fresh), consents.tokens.get(&fresh)) else {
            return Err(RosterError::failed("the consent was ended meanwhile"));
        };
        let target = consents.of_owner(&grant.realm, owner_id).map_or(fresh, |kept| kept.id);
        let before = consents.tokens.get(&target).map_or(0, |before| before.generation);
        let generation = before.max(tokens.generation) + 1;
        Ok(Self { grant, tokens, target, generation, derived: kept_derived(decision, target, platform) })
    }

    /// What was really granted.
    pub fn scopes(&self, opened: &Opened) -> Vec<String> {
        opened.scopes.clone().unwrap_or_else(|| self.grant.scopes.clone())
    }

    /// Stores the grant that remains with `tokens`, which are sealed for it; `missing` are scopes that were not granted.
    pub fn adopt(self, decision: &mut Decision<'_>, tokens: GrantTokens, opened: &Opened, missing: Vec<String>) {
        let grant = Grant {
            id: self.target,
            owner_id: opened.owner_id.clone(),
            owner_name: opened.owner_name.clone(),
            missing,
            scopes: self.scopes(opened),
            data_ends_at: opened.data_ends_at,
            ..self.grant.clone()
        };
        decision.commit.consents.tokens.push(tokens);
        decision.log(grants::line(decision, &grant, "grant.give", &grant.scopes.join(" ")));
        decision.commit.consents.grants.push(grant);
        if self.target != self.grant.id {
            decision.commit.consents.removed_grants.push(self.grant.id);
        }
    }
}

/// Takes the accounts that a consent opened: one is connected at once, several are offered. `target` is the grant that
/// remains of `fresh`.
pub fn offer(
    decision: &mut Decision<'_>,
    requested: &Consent,
    fresh: GrantId,
    target: GrantId,
    accounts: &[OpenedAccount],
) -> Offered {
    heal(decision, requested, target, accounts);
    let chosen = at_once(decision, requested, accounts);
    if chosen.is_empty() {
        let step = ConsentStep::Choosing { grant: target, choices: accounts.iter().map(choice).collect() };
        let expires_at = decision.now.plus_seconds(CHOICE_S);
        decision.commit.consents.consents.push(Consent { step, expires_at, ..requested.clone() });
        return Offered::Choosing;
    }
    let mut connected = Vec::new();
    decision.commit.consents.removed_consents.push(requested.id);
    for account in chosen {
        let to = Target { influencer: requested.influencer, platform: &requested.platform, grant: target };
        match connect(decision, &requested.who, to, &choice(account)) {
            Ok(one) => connected.push(one),
            Err(error) => {
                // The tokens stay with the owner's grant if there is one: revoking them could end it.
                if target == fresh && decision.commit.consents.grant_uses.is_empty() {
                    revoke_fresh(decision);
                }
                return Offered::Refused(requested.clone(), error);
            }
        }
    }
    Offered::Connected(requested.clone(), connected)
}

/// What a grant holds for accounts of other platforms: a consent to one leaves them as they are.
fn kept_derived(decision: &Decision<'_>, grant: GrantId, platform: &str) -> Vec<(String, Sealed)> {
    let consents = &decision.roster.consents;
    let elsewhere = |account: &str| {
        let users = consents.users_of(grant).into_iter().filter_map(|id| decision.roster.connections.get(&id));
        let mut users = users.filter(|user| user.platform != platform);
        users.any(|user| user.platform_user_id.as_deref() == Some(account))
    };
    let held = consents.tokens.get(&grant).map(|tokens| tokens.derived.as_slice()).unwrap_or_default();
    held.iter().filter(|(account, _)| elsewhere(account)).cloned().collect()
}

fn choice(account: &OpenedAccount) -> Choice {
    Choice {
        platform_user_id: account.platform_user_id.clone(),
        handle: account.handle.clone(),
        name: account.name.clone(),
        followers: account.followers,
    }
}

/// Connections that had lost their consent and are opened by this one get it, whichever influencer they belong to.
fn heal(decision: &mut Decision<'_>, requested: &Consent, grant: GrantId, accounts: &[OpenedAccount]) {
    for account in accounts {
        let known = decision.roster.account(&requested.platform, &account.handle, Some(&account.platform_user_id));
        let Some(connection) = known.filter(|connection| connection.disconnected_at.is_none()) else { continue };
        let used = decision.roster.consents.grant_of(connection.id);
        if used.is_some_and(|used| used.id != grant && !used.is_live()) {
            decision.commit.consents.grant_uses.push(GrantUse { connection: connection.id, grant });
        }
    }
    let users = decision.roster.consents.users_of(grant).into_iter();
    let healed: Vec<ConnectionId> =
        users.chain(decision.commit.consents.grant_uses.iter().map(|used| used.connection)).collect();
    for connection in healed.iter().filter_map(|id| decision.roster.connections.get(id)) {
        if connection.disconnected_at.is_none() && connection.trouble.is_some() {
            decision.commit.roster.connections.push(due_now(connection, decision.now));
        }
    }
}

fn due_now(connection: &Connection, now: Timestamp) -> Connection {
    Connection { next_due_at: connection.next_due_at.min(now), failures: 0, ..connection.clone() }
}

/// The accounts that need no choice: the one that was named from the start, the only one, or those of the influencer
/// that wait for this consent.
fn at_once<'a>(decision: &Decision<'_>, requested: &Consent, accounts: &'a [OpenedAccount]) -> Vec<&'a OpenedAccount> {
    if let Some(handle) = &requested.handle {
        return accounts.iter().filter(|account| names(handle, &account.handle, &account.platform_user_id)).collect();
    }
    if let [one] = accounts {
        return vec![one];
    }
    let waits = |account: &&OpenedAccount| {
        let known = decision.roster.account(&requested.platform, &account.handle, Some(&account.platform_user_id));
        known.is_some_and(|known| {
            known.influencer == requested.influencer
                && decision.commit.roster.connections.iter().any(|healed| healed.id == known.id)
        })
    };
    accounts.iter().filter(waits).collect()
}

fn names(text: &str, handle: &str, id: &str) -> bool {
    let (typed, handle) = (folded_handle(text), folded_handle(handle));
    typed == handle || typed.trim_start_matches('@') == handle || text == id
}

/// Whom an account is connected to.
#[derive(Clone, Copy)]
struct Target<'a> {
    influencer: InfluencerId,
    platform: &'a str,
    grant: GrantId,
}

/// Connects an account, or renews the connection it has; returns whether it is new.
fn connect(
    decision: &mut Decision<'_>,
    who: &Who,
    to: Target<'_>,
    account: &Choice,
) -> Result<(ConnectionId, bool), RosterError> {
    let influencer = decision.roster.influencers.get(&to.influencer);
    let influencer = influencer.ok_or_else(|| RosterError::not_found("the influencer was removed meanwhile"))?;
    let known = decision.roster.account(to.platform, &account.handle, Some(&account.platform_user_id));
    let mine = known.filter(|it| it.disconnected_at.is_none() && it.influencer == to.influencer);
    let (id, is_new) = match mine {
        Some(connection) => {
            decision.log(audit(decision, who, "connection.reconnect", connection_named(connection)));
            let user_id = Some(account.platform_user_id.clone());
            let renewed = Connection { platform_user_id: user_id, ..due_now(connection, decision.now) };
            decision.commit.roster.connections.retain(|healed| healed.id != connection.id);
            decision.commit.roster.connections.push(renewed);
            // A connection that others share a consent with may leave a grant without users behind.
            if decision.roster.consents.grant_of(connection.id).is_some_and(|used| used.id != to.grant) {
                leave(decision, connection.id);
            }
            (connection.id, false)
        }
        None => {
            let observation = Observation {
                platform_user_id: account.platform_user_id.clone(),
                handle: account.handle.clone(),
                ..Observation::default()
            };
            let found = Found {
                platform: to.platform.to_owned(),
                handle: account.handle.clone(),
                observation: Some(observation),
            };
            let is_new = known.is_none();
            (connect::put(decision, who, influencer, found)?, is_new)
        }
    };
    decision.commit.consents.grant_uses.retain(|used| used.connection != id);
    decision.commit.consents.grant_uses.push(GrantUse { connection: id, grant: to.grant });
    Ok((id, is_new))
}

/// The grant a connection had until now is revoked when no other connection is read with it.
fn leave(decision: &mut Decision<'_>, connection: ConnectionId) {
    let Some(before) = decision.roster.consents.grant_of(connection) else { return };
    if decision.roster.consents.users_of(before.id) == [connection] {
        grants::queue(decision, before.id);
    }
}

/// The grant that was just given has no user: it is revoked with the commit that keeps it.
pub fn revoke_fresh(decision: &mut Decision<'_>) {
    let now = decision.now;
    for grant in &mut decision.commit.consents.grants {
        grant.state = GrantState::Revoking { since: now, attempts: 0, next_at: now, last_error: None };
    }
}

/// Connects some of the accounts that a consent of this user opened.
///
/// # Errors
/// No such consent, or an account it did not open.
pub fn choose(
    decision: &mut Decision<'_>,
    who: &Who,
    id: ConsentId,
    accounts: &[String],
) -> Result<(Consent, Vec<(ConnectionId, bool)>), RosterError> {
    let requested = decision.roster.consents.pending.get(&id).filter(|requested| requested.who.uid == who.uid);
    let requested = requested.ok_or_else(no_such_consent)?;
    let ConsentStep::Choosing { grant, choices } = &requested.step else {
        return Err(RosterError::conflict("that consent waits for its owner, not for a choice"));
    };
    let mut connected = Vec::new();
    for account in accounts {
        let chosen = choices.iter().find(|it| names(account, &it.handle, &it.platform_user_id));
        let chosen = chosen.ok_or_else(|| not_among(account, choices))?;
        let to = Target { influencer: requested.influencer, platform: &requested.platform, grant: *grant };
        let (id, is_new) = connect(decision, who, to, chosen)?;
        if !connected.iter().any(|(known, _)| *known == id) {
            connected.push((id, is_new));
        }
    }
    if connected.is_empty() {
        return Err(RosterError::usage("no account was chosen").hint(begin_again(&requested.platform)));
    }
    decision.commit.consents.removed_consents.push(id);
    Ok((requested.clone(), connected))
}

fn not_among(account: &str, choices: &[Choice]) -> RosterError {
    let known: Vec<&str> = choices.iter().map(|choice| choice.handle.as_str()).collect();
    let account = roster_protocol::text::clean(account, 80);
    RosterError::usage(format!("{account:?} is not among the accounts of that consent"))
        .hint(format!("choose one of {}", known.join(", ")))
}

pub fn begin_again(platform: &str) -> String {
    format!("begin again: press c on the influencer, or `roster connect INFLUENCER {platform}`")
}

pub fn no_such_consent() -> RosterError {
    RosterError::not_found("no consent of yours waits under that name")
        .hint("begin one: `roster connect INFLUENCER PLATFORM`")
}
