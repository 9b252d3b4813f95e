//! Which of the accounts that a consent opened are connected, and connecting them.

use roster_protocol::audit::Who;
use roster_protocol::consent::{ConsentChoice, ConsentState, ConsentedConnection, MissingScope};
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use roster_protocol::time::Timestamp;

use super::{Way, begin_again, no_such_consent};
use crate::app::App;
use crate::decision::Decision;
use crate::decision::audit::{audit, connection_named};
use crate::decision::connect::{self, Found};
use crate::decision::grants;
use crate::model::{Choice, Connection, Consent, ConsentStep, Grant, GrantState, GrantTokens, GrantUse, Sealed};
use crate::oauth::Scope;
use crate::platforms::Observation;
use crate::platforms::consenting::{Opened, OpenedAccount};
use crate::roster::Roster;
use crate::roster::rows;
use crate::secret::vault::{Field, Place, Vault, VaultError};

/// How long a choice is waited for.
const CHOICE_S: i64 = 3600;

/// What became of a consent that was listed.
enum Offered {
    Connected(Vec<(ConnectionId, bool)>),
    Choosing,
    /// The account is somebody else's.
    Refused(RosterError),
    /// It was given up meanwhile.
    Nobody,
}

/// Takes what a consent opened: one account is connected at once, several are offered.
///
/// # Errors
/// When it opened nothing, or could not be stored.
pub(super) async fn offer(
    app: &App,
    way: &Way,
    id: ConsentId,
    grant: GrantId,
    opened: Opened,
) -> Result<(), RosterError> {
    if opened.accounts.is_empty() {
        let message = format!("the consent opened no account that {} would let Roster read", way.name());
        return Err(RosterError::new(ErrorKind::NotFound, message)
            .hint("look at the platform whether the account is of a kind that can be read, and tick it at consent"));
    }
    let realm = way.provider().realm();
    let kept = app.look(|roster| roster.consents.of_owner(&realm, &opened.owner_id).map(|grant| grant.id));
    // A renewal of the grant that is there must not overwrite what came just now.
    let lock = app.consents.lock_of(kept.unwrap_or(grant));
    let _alone = lock.lock().await;
    let (decided, asked) = app
        .decide(|decision| {
            let Some(asked) = decision.roster.consents.asked.get(&id) else {
                grants::queue(decision, grant);
                return Ok((Offered::Nobody, None));
            };
            let target = adopt(decision, &app.consents.vault, way, grant, &opened)?;
            heal(decision, asked, target, &opened.accounts);
            let chosen = at_once(decision, asked, &opened.accounts);
            if chosen.is_empty() {
                let step =
                    ConsentStep::Choosing { grant: target, choices: opened.accounts.iter().map(choice).collect() };
                decision.commit.consents.consents.push(Consent {
                    step,
                    expires_at: decision.now.plus_seconds(CHOICE_S),
                    ..asked.clone()
                });
                return Ok((Offered::Choosing, Some(asked.clone())));
            }
            let mut connected = Vec::new();
            decision.commit.consents.removed_consents.push(id);
            for account in chosen {
                let to = Target { influencer: asked.influencer, platform: &asked.platform, grant: target };
                match connect(decision, &asked.who, to, &choice(account)) {
                    Ok(one) => connected.push(one),
                    Err(error) => {
                        // The tokens stay with the owner's grant if there is one: revoking them could end it.
                        if target == grant && decision.commit.consents.grant_uses.is_empty() {
                            revoke_fresh(decision);
                        }
                        return Ok((Offered::Refused(error), Some(asked.clone())));
                    }
                }
            }
            Ok((Offered::Connected(connected), Some(asked.clone())))
        })
        .await?;
    match (decided, &asked) {
        (Offered::Connected(connected), Some(asked)) => {
            app.consents.settle(asked, done(app, &connected), app.clock.now())
        }
        (Offered::Refused(error), Some(asked)) => {
            app.consents.settle(asked, ConsentState::Failed(error), app.clock.now());
        }
        _ => {}
    }
    app.consents.has_moved();
    Ok(())
}

/// Nobody will use what was just given: it is revoked with the commit that keeps it.
fn revoke_fresh(decision: &mut Decision<'_>) {
    let now = decision.now;
    for grant in &mut decision.commit.consents.grants {
        grant.state = GrantState::Revoking { since: now, attempts: 0, next_at: now, last_error: None };
    }
}

/// Makes the grant that was just given the owner's only one: one that is there takes its tokens over, so that all its
/// connections have them. Returns the grant that remains.
fn adopt(
    decision: &mut Decision<'_>,
    vault: &Vault,
    way: &Way,
    fresh: GrantId,
    opened: &Opened,
) -> Result<GrantId, RosterError> {
    let consents = &decision.roster.consents;
    let failed = |_| RosterError::failed("the tokens that were just stored do not open");
    let (Some(grant), Some(tokens)) = (consents.grants.get(&fresh), consents.tokens.get(&fresh)) else {
        return Err(RosterError::failed("the consent was ended meanwhile"));
    };
    let scopes = opened.scopes.clone().unwrap_or_else(|| grant.scopes.clone());
    let kept = consents.of_owner(&grant.realm, &opened.owner_id);
    let target = kept.map_or(fresh, |kept| kept.id);
    let generation = consents.tokens.get(&target).map_or(0, |before| before.generation).max(tokens.generation) + 1;
    let mut moved = moved(vault, tokens, target, generation).map_err(failed)?;
    moved.derived = kept_derived(decision, target, way.terms().slug);
    decision.commit.consents.tokens.push(with_derived(vault, moved, &opened.accounts).map_err(failed)?);
    let grant = Grant {
        id: target,
        owner_id: opened.owner_id.clone(),
        owner_name: opened.owner_name.clone(),
        missing: way.missing(&scopes),
        scopes,
        ..grant.clone()
    };
    decision.log(grants::line(decision, &grant, "grant.give", &grant.scopes.join(" ")));
    decision.commit.consents.grants.push(grant);
    if target != fresh {
        decision.commit.consents.removed_grants.push(fresh);
    }
    Ok(target)
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

/// The same tokens, sealed for another grant.
fn moved(vault: &Vault, tokens: &GrantTokens, to: GrantId, generation: u64) -> Result<GrantTokens, VaultError> {
    let again = |field, sealed| {
        let secret = vault.open(Place::of_grant(tokens.grant, field), sealed)?;
        vault.seal(Place::of_grant(to, field), &secret)
    };
    Ok(GrantTokens {
        grant: to,
        generation,
        access: again(Field::Access, &tokens.access)?,
        refresh: tokens.refresh.as_ref().map(|sealed| again(Field::Refresh, sealed)).transpose()?,
        derived: Vec::new(),
        attempt: None,
        ..tokens.clone()
    })
}

fn with_derived(vault: &Vault, mut tokens: GrantTokens, accounts: &[OpenedAccount]) -> Result<GrantTokens, VaultError> {
    for account in accounts {
        let Some(token) = &account.derived else { continue };
        let sealed = vault.seal(Place::of_account(tokens.grant, &account.platform_user_id), token)?;
        tokens.derived.retain(|(known, _)| *known != account.platform_user_id);
        tokens.derived.push((account.platform_user_id.clone(), sealed));
    }
    Ok(tokens)
}

fn choice(account: &OpenedAccount) -> Choice {
    Choice {
        platform_user_id: account.platform_user_id.clone(),
        handle: account.handle.clone(),
        name: account.name.clone(),
        followers: account.followers,
    }
}

/// Connections that had lost their consent and are opened by this one get it, whoever they belong to.
fn heal(decision: &mut Decision<'_>, asked: &Consent, grant: GrantId, accounts: &[OpenedAccount]) {
    for account in accounts {
        let known = decision.roster.account(&asked.platform, &account.handle, Some(&account.platform_user_id));
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
fn at_once<'a>(decision: &Decision<'_>, asked: &Consent, accounts: &'a [OpenedAccount]) -> Vec<&'a OpenedAccount> {
    if let Some(handle) = &asked.handle {
        return accounts.iter().filter(|account| names(handle, &account.handle, &account.platform_user_id)).collect();
    }
    if let [one] = accounts {
        return vec![one];
    }
    let waits = |account: &&OpenedAccount| {
        let known = decision.roster.account(&asked.platform, &account.handle, Some(&account.platform_user_id));
        known.is_some_and(|known| {
            known.influencer == asked.influencer
                && decision.commit.roster.connections.iter().any(|healed| healed.id == known.id)
        })
    };
    accounts.iter().filter(waits).collect()
}

fn names(text: &str, handle: &str, id: &str) -> bool {
    text.eq_ignore_ascii_case(handle) || text.trim_start_matches('@').eq_ignore_ascii_case(handle) || text == id
}

/// Whom an account is connected to.
#[derive(Clone, Copy)]
struct Target<'a> {
    influencer: InfluencerId,
    platform: &'a str,
    grant: GrantId,
}

/// Connects an account, or renews the connection it has; tells whether it is new.
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

/// The grant a connection had until now is revoked when nobody else is read with it.
fn leave(decision: &mut Decision<'_>, connection: ConnectionId) {
    let Some(before) = decision.roster.consents.grant_of(connection) else { return };
    if decision.roster.consents.users_of(before.id) == [connection] {
        grants::queue(decision, before.id);
    }
}

/// Connects some of the accounts that a consent of this user opened.
///
/// # Errors
/// No such consent, or an account it did not open.
pub async fn choose(app: &App, who: &Who, id: ConsentId, accounts: Vec<String>) -> Result<ConsentState, RosterError> {
    let (asked, connected) = app
        .decide(|decision| {
            let asked = decision.roster.consents.asked.get(&id).filter(|asked| asked.who.uid == who.uid);
            let asked = asked.ok_or_else(no_such_consent)?;
            let ConsentStep::Choosing { grant, choices } = &asked.step else {
                return Err(RosterError::conflict("that consent waits for its owner, not for a choice"));
            };
            let mut connected = Vec::new();
            for account in &accounts {
                let chosen = choices.iter().find(|it| names(account, &it.handle, &it.platform_user_id));
                let chosen = chosen.ok_or_else(|| not_among(account, choices))?;
                let to = Target { influencer: asked.influencer, platform: &asked.platform, grant: *grant };
                let (id, is_new) = connect(decision, who, to, chosen)?;
                if !connected.iter().any(|(known, _)| *known == id) {
                    connected.push((id, is_new));
                }
            }
            if connected.is_empty() {
                return Err(RosterError::usage("no account was chosen").hint(begin_again(&asked.platform)));
            }
            decision.commit.consents.removed_consents.push(id);
            Ok((asked.clone(), connected))
        })
        .await?;
    let state = done(app, &connected);
    app.consents.settle(&asked, state.clone(), app.clock.now());
    Ok(state)
}

fn not_among(account: &str, choices: &[Choice]) -> RosterError {
    let known: Vec<&str> = choices.iter().map(|choice| choice.handle.as_str()).collect();
    let account = roster_protocol::text::clean(account, 80);
    RosterError::usage(format!("{account:?} is not among the accounts of that consent"))
        .hint(format!("choose one of {}", known.join(", ")))
}

fn done(app: &App, connected: &[(ConnectionId, bool)]) -> ConsentState {
    let seen = app.seen();
    ConsentState::Done(app.look(|roster| {
        let shown = |(id, is_new): &(ConnectionId, bool)| {
            let connection = roster.connections.get(id)?;
            let grant = roster.consents.grant_of(*id);
            Some(ConsentedConnection {
                connection: rows::connection(roster, connection, seen),
                is_new: *is_new,
                missing: grant.map(|grant| missing(roster, grant)).unwrap_or_default(),
            })
        };
        connected.iter().filter_map(shown).collect()
    }))
}

/// What was asked for and not granted, and what that costs.
pub(super) fn missing(roster: &Roster, grant: &Grant) -> Vec<MissingScope> {
    let known = roster.providers.get(&grant.platform);
    let scopes: &[Scope] = known.map(|known| known.provider.terms().scopes).unwrap_or_default();
    let costs = |name: &String| {
        let scope = scopes.iter().find(|scope| scope.name == name);
        let costs = scope.map_or_else(String::new, |scope| scope.reads.to_owned());
        MissingScope { scope: name.clone(), costs }
    };
    grant.missing.iter().map(costs).collect()
}

/// The choices of a consent, for clients.
pub(super) fn choices(roster: &Roster, platform: &str, choices: &[Choice]) -> Vec<ConsentChoice> {
    let shown = |choice: &Choice| {
        let known = roster.account(platform, &choice.handle, Some(&choice.platform_user_id));
        ConsentChoice {
            platform_user_id: choice.platform_user_id.clone(),
            handle: choice.handle.clone(),
            name: choice.name.clone(),
            followers: choice.followers,
            taken_by: known.filter(|known| known.disconnected_at.is_none()).map(|known| known.influencer),
        }
    };
    choices.iter().map(shown).collect()
}
