//! Ends grants at the provider, as soon as it responds. `decision::grants` ends them here.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::consent::RevokedAll;
use roster_protocol::error::RosterError;
use roster_protocol::ids::{ConsentId, GrantId};
use roster_protocol::time::Timestamp;

use super::ProviderContext;
use super::finish;
use super::renew::{self, RenewError};
use crate::app::App;
use crate::decision::grants;
use crate::model::{Grant, GrantState};
use crate::oauth::TokenError;
use crate::schedule::back_off;

/// After this long without success the revocation is given up, and the log reports it to the operator.
const GIVEN_UP_AFTER_S: i64 = 7 * 24 * 3600;
/// The longest wait between two attempts.
const LONGEST_WAIT_S: i64 = 6 * 3600;

/// Ends all consents, those that are being requested too. Their tokens are revoked at the providers, which is repeated until
/// it is done. Returns how many were given and how many requested.
///
/// # Errors
/// When that cannot be stored: then nothing was ended.
pub async fn all(app: &Arc<App>, who: &Who) -> Result<RevokedAll, RosterError> {
    let ended = app.decide(|decision| Ok(grants::revoke_all(decision, who))).await?;
    let requested: Vec<ConsentId> = app.look(|roster| roster.consents.pending.keys().copied().collect());
    for id in &requested {
        finish::give_up(app, *id, RosterError::failed("all consents were revoked")).await;
    }
    tracing::warn!(ended, requested = requested.len(), who = who.name, uid = who.uid, "all consents are revoked");
    app.consents.wake.notify_one();
    Ok(RevokedAll { ended, requested: requested.len() as u64 })
}

/// Requests the revocation once.
pub(super) async fn attempt(app: Arc<App>, id: GrantId) {
    let result = revoked(&app, id).await;
    let now = app.clock.now();
    let stored = app
        .decide(|decision| {
            let Some(grant) = decision.roster.consents.grants.get(&id) else { return Ok(()) };
            let GrantState::Revoking { since, attempts, .. } = grant.state else { return Ok(()) };
            match &result {
                Ok(()) => grants::over(decision, grant, "revoked at the provider"),
                Err(error) if now.since(since) > GIVEN_UP_AFTER_S * 1000 => {
                    tracing::error!(grant = %id, platform = grant.platform, error, "a consent could not be revoked: its owner should remove the app at the provider");
                    grants::over(decision, grant, &format!("given up, its owner should remove the app: {error}"));
                }
                Err(error) => decision.commit.consents.grants.push(again(grant, since, attempts, error, now)),
            }
            Ok(())
        })
        .await;
    match (&result, &stored) {
        (_, Err(error)) => tracing::error!(grant = %id, %error, "what became of a revocation could not be stored"),
        (Ok(()), _) => tracing::info!(grant = %id, "a consent was revoked"),
        (Err(error), _) => tracing::warn!(grant = %id, error, "a consent could not be revoked yet"),
    }
}

fn again(grant: &Grant, since: Timestamp, attempts: u32, error: &str, now: Timestamp) -> Grant {
    let attempts = attempts.saturating_add(1);
    let wait = back_off(attempts, f64::from(grant.id.0[2]) / 256.0).0.min(LONGEST_WAIT_S as u64) as i64;
    let state =
        GrantState::Revoking { since, attempts, next_at: now.plus_seconds(wait), last_error: Some(error.to_owned()) };
    Grant { state, ..grant.clone() }
}

/// The provider knows, or knew already. The error is for users.
async fn revoked(app: &Arc<App>, id: GrantId) -> Result<(), String> {
    let held = app.look(|roster| {
        let consents = &roster.consents;
        Some((consents.grants.get(&id)?.clone(), consents.tokens.get(&id)?.clone()))
    });
    // Without tokens there is nothing to revoke with.
    let Some((grant, mut tokens)) = held else { return Ok(()) };
    let Some(context) = ProviderContext::of(app, &grant.platform) else {
        return Err(format!("{} is not there", grant.platform));
    };
    let is_over = |tokens: &crate::model::GrantTokens| {
        tokens.access_ends_at.is_some_and(|ends| ends.since(app.clock.now()) <= renew::margin(tokens))
    };
    if is_over(&tokens) && tokens.refresh.is_some() {
        match renew::renew(app, id, tokens.generation).await {
            Ok(()) => {}
            Err(RenewError::Gone { .. }) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
        match app.look(|roster| roster.consents.tokens.get(&id).cloned()) {
            Some(renewed) => tokens = renewed,
            None => return Ok(()),
        }
    }
    let held = renew::open(&app.consents.vault(), &tokens).map_err(|(_, error)| error.to_string())?;
    match context.provider().revoke(&context.api(app), &held).await {
        Ok(()) | Err(TokenError::Gone { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
