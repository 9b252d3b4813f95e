//! Renews a grant's tokens so that none is lost: the intent is committed, the request is sent, its response is
//! committed sealed and unread, then read, the new pair committed, and only then used.
//!
//! One renewal of a grant at a time, in a task of the daemon's own that continues when the caller leaves. What remains is the
//! moment between the provider's commit and our first one: after a crash there the old token is presented once more,
//! and when the provider refuses it, the error reports a lost rotation. One that was never presented and is refused was
//! used by another program, or is over with its consent: its access token shows which. Nothing but the provider's own
//! word ends a grant.

use std::sync::Arc;
use std::time::Duration;

use roster_protocol::consent::TokenModel;
use roster_protocol::error::RosterError;
use roster_protocol::ids::GrantId;
use roster_protocol::time::{Seconds, Timestamp};

use super::ProviderContext;
use crate::app::App;
use crate::decision::grants;
use crate::model::{Attempt, Grant, GrantTokens};
use crate::oauth::{Held, Reply, Terms, TokenError, TokenRequest, Tokens};
use crate::platforms::PlatformError;
use crate::platforms::consenting::Access;
use crate::schedule::back_off;
use crate::secret::vault::{Field, SealingContext, Vault, VaultError, fingerprint};

const DAY_S: i64 = 24 * 3600;
/// Tokens that live shorter are renewed when they are about to be used: a timer would only send more requests.
const TIMED_FROM_S: i64 = DAY_S;
/// The longest wait between two attempts.
const LONGEST_WAIT_S: i64 = DAY_S;

/// Why there are no new tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewError {
    /// The grant is over.
    #[error("{what}")]
    Gone { what: String },
    /// The operator must mend the app.
    #[error("{what}")]
    App { what: String },
    #[error("{what}")]
    Later { what: String, retry_after: Option<Duration> },
}

/// Renews a grant whose tokens are still those of `generation`; returns at once when they are newer already.
///
/// # Errors
/// See [`RenewError`].
pub async fn renew(app: &Arc<App>, grant: GrantId, generation: u64) -> Result<(), RenewError> {
    let (owned, lock) = (app.clone(), app.consents.lock_of(grant));
    let work = async move {
        let _alone = lock.lock().await;
        attempt(&owned, grant, generation).await
    };
    let done = app.consents.work.spawn(work).await;
    done.unwrap_or_else(|_| Err(later("rosterd failed at renewing a token; its log has more")))
}

fn later(what: impl Into<String>) -> RenewError {
    RenewError::Later { what: what.into(), retry_after: None }
}

fn not_stored(error: &RosterError) -> RenewError {
    later(error.message.clone())
}

async fn attempt(app: &Arc<App>, id: GrantId, generation: u64) -> Result<(), RenewError> {
    let (grant, tokens) = app.look(|roster| roster.consents.held(id)).map_err(|why| gone(&why))?;
    if tokens.generation > generation {
        return Ok(());
    }
    let context = ProviderContext::of(app, &grant.platform)
        .ok_or_else(|| later(format!("{} is not in this version", grant.platform)))?;
    if let Some(lacks) = context.provider().lacks() {
        return Err(RenewError::App { what: lacks });
    }
    let (requested_at, reply, is_repeat) = match tokens.attempt.clone() {
        // A response that was committed and not read, because the daemon crashed in between.
        Some(Attempt { begun_at, is_repeat, reply: Some((status, sealed)), .. }) => {
            match app.consents.vault().open(SealingContext::of_grant(id, Field::Reply), &sealed) {
                Ok(body) => (begun_at, Reply { status, body }, is_repeat),
                Err(error) => return Err(damaged(app, &grant, Field::Reply, error).await),
            }
        }
        earlier => request(app, &context, &grant, &tokens, earlier).await?,
    };
    match context.provider().read_tokens(&reply, TokenRequest::Renewal) {
        Ok(reported) => take(app, &context, id, &reported, requested_at).await,
        Err(error) => not_reported(app, &context, &grant, error, is_repeat).await,
    }
}

/// Commits the intent, sends the request, and commits the response unread.
async fn request(
    app: &Arc<App>,
    context: &ProviderContext,
    grant: &Grant,
    tokens: &GrantTokens,
    earlier: Option<Attempt>,
) -> Result<(Timestamp, Reply, bool), RenewError> {
    let held = match open(&app.consents.vault(), tokens) {
        Ok(held) => held,
        Err((field, error)) => return Err(damaged(app, grant, field, error).await),
    };
    let presented = fingerprint(held.refresh.as_ref().unwrap_or(&held.access));
    let is_repeat = earlier.is_some_and(|earlier| earlier.presented == presented);
    let requested_at = app.clock.now();
    let intent = Attempt { begun_at: requested_at, presented, is_repeat, reply: None };
    // When the intent cannot be stored no request is sent: the response could not be kept either.
    change(app, grant.id, move |tokens| tokens.attempt = Some(intent)).await.map_err(|error| not_stored(&error))?;
    fail::fail_point!("renew.intent");
    let api = context.api(app);
    let reply = match context.provider().renew(&api, &held).await {
        Ok(reply) => reply,
        Err(error) => {
            not_reported(app, context, grant, error, is_repeat).await?;
            return Err(later("the platform did not answer"));
        }
    };
    fail::fail_point!("renew.reply");
    let vault = app.consents.vault();
    let sealed = vault.seal(SealingContext::of_grant(grant.id, Field::Reply), &reply.body);
    let sealed = sealed.map_err(|error| later(error.to_string()))?;
    let status = reply.status;
    change(app, grant.id, move |tokens| {
        if let Some(attempt) = &mut tokens.attempt {
            attempt.reply = Some((status, sealed));
        }
    })
    .await
    .map_err(|error| not_stored(&error))?;
    fail::fail_point!("renew.raw");
    Ok((requested_at, reply, is_repeat))
}

/// The provider gave new tokens: they take the place of the old ones, in one transaction.
async fn take(
    app: &App,
    context: &ProviderContext,
    id: GrantId,
    reported: &Tokens,
    requested_at: Timestamp,
) -> Result<(), RenewError> {
    let vault = app.consents.vault();
    let done = app
        .decide(|decision| {
            let consents = &decision.roster.consents;
            let (Some(before), Some(grant)) = (consents.tokens.get(&id), consents.grants.get(&id)) else {
                return Err(RosterError::not_found("the consent was ended meanwhile"));
            };
            let after = sealed(&vault, id, reported, Some(before), context.terms(), requested_at);
            decision.commit.consents.tokens.push(after.map_err(|error| RosterError::failed(error.to_string()))?);
            let scopes = reported.scopes.clone().unwrap_or_else(|| grant.scopes.clone());
            let checked = Grant { scopes, checked_at: decision.now, ..grant.clone() };
            decision.commit.consents.grants.push(checked);
            Ok(())
        })
        .await;
    fail::fail_point!("renew.swap");
    tracing::info!(grant = %id, platform = context.terms().slug, stored = done.is_ok(), "tokens renewed");
    done.map_err(|error| not_stored(&error))
}

/// There are no new tokens: what that means, and when it is tried again.
async fn not_reported(
    app: &Arc<App>,
    context: &ProviderContext,
    grant: &Grant,
    error: TokenError,
    is_repeat: bool,
) -> Result<(), RenewError> {
    let what = error.to_string();
    let (result, is_open, wait) = match error {
        TokenError::Gone { .. } => {
            let name = context.name();
            let why = match context.terms().model {
                _ if is_repeat => {
                    format!("{name} gave new tokens that never arrived: a lost rotation; consent is needed again")
                }
                TokenModel::Rotating => spent_elsewhere(app, context, grant, what).await,
                _ => what,
            };
            end(app, grant.id, &why).await;
            return Err(gone(&why));
        }
        TokenError::App { .. } => (RenewError::App { what: what.clone() }, is_repeat, None),
        // What may have reached them may have ended the old token: the next attempt knows that it repeats.
        TokenError::Later { retry_after, sent, .. } => {
            (RenewError::Later { what: what.clone(), retry_after }, sent || is_repeat, retry_after)
        }
        TokenError::Unexpected { .. } => (later(what.clone()), true, None),
    };
    tracing::warn!(grant = %grant.id, platform = grant.platform, error = what, "tokens could not be renewed");
    let (now, dice) = (app.clock.now(), f64::from(grant.id.0[0]) / 256.0);
    let noted = change(app, grant.id, move |tokens| {
        tokens.failures = tokens.failures.saturating_add(1);
        tokens.last_error = Some(what);
        let wait = wait.map_or(0, |wait| wait.as_secs() as i64).max(back_off(tokens.failures, dice).0 as i64);
        tokens.renew_at = Some(now.plus_seconds(wait.min(LONGEST_WAIT_S)));
        match &mut tokens.attempt {
            Some(attempt) if is_open => attempt.reply = None,
            attempt => *attempt = None,
        }
    });
    if let Err(error) = noted.await {
        tracing::warn!(grant = %grant.id, %error, "a failed renewal could not be noted");
    }
    Err(result)
}

/// Why a refresh token is refused that is good for one use, and that we have not used. When its owner ended the consent
/// the access token beside it is over, too. When that one still works another program has used the refresh token.
async fn spent_elsewhere(app: &App, context: &ProviderContext, grant: &Grant, what: String) -> String {
    let name = context.name();
    match still_opens(app, context, grant.id).await {
        Some(true) => format!(
            "another program seems to have renewed this consent at {name}: its refresh token was used, and not by this \
             rosterd, while its access token still works; end that program, a second rosterd with a copy of this store for \
             example, then consent is needed again"
        ),
        Some(false) => what,
        None => format!("{what}; or another program renewed it: this rosterd had not used its refresh token"),
    }
}

/// Whether the access token in hand works; `None` when that cannot be found out.
async fn still_opens(app: &App, context: &ProviderContext, id: GrantId) -> Option<bool> {
    let (grant, tokens) = app.look(|roster| roster.consents.held(id)).ok()?;
    if tokens.access_ends_at.is_some_and(|ends| ends <= app.clock.now()) {
        return None;
    }
    let held = open(&app.consents.vault(), &tokens).ok()?;
    let access = Access { token: held.access, derived: None, scopes: grant.scopes.into(), through: None };
    match context.consenting()?.opened(&context.api(app), &access).await {
        Ok(_) => Some(true),
        Err(PlatformError::Unauthorized { .. }) => Some(false),
        Err(_) => None,
    }
}

/// Ends a grant by the provider's word. Its connections are due at once, so that each reports what it needs.
pub async fn end(app: &App, id: GrantId, why: &str) {
    match app.decide(|decision| Ok(grants::end(decision, id, why))).await {
        Ok(_) => {
            tracing::warn!(grant = %id, why, "a consent is over");
            app.upkeep.notify_one();
        }
        Err(error) => tracing::error!(grant = %id, %error, "the end of a consent could not be stored"),
    }
}

/// A sealed value does not open: the grant is of no use, and the record is named.
pub(super) async fn damaged(app: &App, grant: &Grant, field: Field, error: VaultError) -> RenewError {
    tracing::error!(grant = %grant.id, ?field, %error, "a sealed value in the store does not open");
    let why = format!("the stored token of grant {} does not open: {error}; consent is needed again", grant.id);
    // With another key nothing is damaged: the right key makes it good again.
    if error == VaultError::NotIntact {
        end(app, grant.id, &why).await;
    }
    gone(&why)
}

fn gone(what: &str) -> RenewError {
    RenewError::Gone { what: what.to_owned() }
}

/// Opens the pair in use.
pub(super) fn open(vault: &Vault, tokens: &GrantTokens) -> Result<Held, (Field, VaultError)> {
    let place = |field| SealingContext::of_grant(tokens.grant, field);
    let one = |field, sealed| vault.open(place(field), sealed).map(Arc::new).map_err(|error| (field, error));
    let access = one(Field::Access, &tokens.access)?;
    let refresh = tokens.refresh.as_ref().map(|sealed| one(Field::Refresh, sealed)).transpose()?;
    Ok(Held { access, refresh })
}

/// Changes a grant's row of tokens.
pub(super) async fn change(app: &App, id: GrantId, change: impl FnOnce(&mut GrantTokens)) -> Result<(), RosterError> {
    app.decide(move |decision| {
        let Some(mut tokens) = decision.roster.consents.tokens.get(&id).cloned() else {
            return Err(RosterError::not_found("the consent was ended meanwhile"));
        };
        change(&mut tokens);
        decision.commit.consents.tokens.push(tokens);
        Ok(())
    })
    .await
}

/// Tokens as they are stored; what was not given anew is kept. `requested_at` is when the request was sent: their lives
/// count from no later.
pub(super) fn sealed(
    vault: &Vault,
    grant: GrantId,
    reported: &Tokens,
    before: Option<&GrantTokens>,
    terms: &Terms,
    requested_at: Timestamp,
) -> Result<GrantTokens, VaultError> {
    let ends = |lives: Option<Seconds>| lives.map(|lives| requested_at.plus_seconds(lives.0.min(1 << 33) as i64));
    let refresh =
        reported.refresh.as_ref().map(|token| vault.seal(SealingContext::of_grant(grant, Field::Refresh), token));
    let refresh = refresh.transpose()?;
    let access_ends_at = ends(reported.access_lives);
    let kept_end = before.filter(|_| refresh.is_none()).and_then(|before| before.refresh_ends_at);
    Ok(GrantTokens {
        grant,
        generation: before.map_or(1, |before| before.generation + 1),
        access: vault.seal(SealingContext::of_grant(grant, Field::Access), &reported.access)?,
        refresh: refresh.or_else(|| before.and_then(|before| before.refresh.clone())),
        derived: before.map(|before| before.derived.clone()).unwrap_or_default(),
        renewed_at: requested_at,
        access_ends_at,
        refresh_ends_at: ends(reported.refresh_lives).or(kept_end),
        renew_at: renew_at(grant, access_ends_at, terms, requested_at),
        failures: 0,
        last_error: None,
        attempt: None,
    })
}

/// When tokens are renewed by themselves: those that are extended half-way, others after two thirds of the life they
/// were really given, spread by the grant. `None`: when they are about to be used.
fn renew_at(grant: GrantId, ends_at: Option<Timestamp>, terms: &Terms, requested_at: Timestamp) -> Option<Timestamp> {
    let life_s = ends_at?.since(requested_at) / 1000;
    let share = match terms.model {
        TokenModel::Extension => 0.5,
        // Short-lived ones that are extended must be renewed in time, used or not: nothing else brings them back.
        _ if life_s < TIMED_FROM_S => return None,
        _ => 2.0 / 3.0,
    };
    let spread = f64::from(grant.0[1]) / 256.0 * 0.05;
    let earliest = terms.renewable_after.0 as i64;
    Some(requested_at.plus_seconds(((life_s as f64 * (share + spread)) as i64).max(earliest)))
}

/// How long before its end a token is not used any more: a quarter of its life, at most 10 minutes.
pub(super) fn margin(tokens: &GrantTokens) -> i64 {
    let life = tokens.access_ends_at.map_or(0, |ends| ends.since(tokens.renewed_at)).max(0);
    (life / 4).min(600_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewals_have_their_times() {
        let at = Timestamp(1_800_000_000_000);
        let grant = GrantId::from_bytes([0; 5]);
        let check = |model, life_s: Option<i64>, renewable_after, expected: Option<i64>| {
            let terms = Terms { model, renewable_after: Seconds(renewable_after), ..Terms::STANDARD };
            let found = renew_at(grant, life_s.map(|life| at.plus_seconds(life)), &terms, at);
            assert_eq!(found.map(|found| found.since(at) / 1000), expected, "{model:?} {life_s:?}");
        };
        check(TokenModel::Fixed, Some(3600), 0, None);
        check(TokenModel::Rotating, Some(7200), 0, None);
        check(TokenModel::Rotating, Some(86_400), 0, Some(57_600));
        check(TokenModel::Extension, Some(60 * 86_400), 86_400, Some(30 * 86_400));
        check(TokenModel::Extension, Some(3600), 86_400, Some(86_400));
        check(TokenModel::Extension, Some(3600), 0, Some(1800));
        check(TokenModel::Extension, None, 0, None);
    }
}
