//! Opens a grant's tokens for a run, renewed when they are about to end.

use std::sync::Arc;

use roster_protocol::consent::TokenModel;
use roster_protocol::ids::{ConnectionId, GrantId};

use super::ProviderContext;
use super::renew::{self, RenewError};
use crate::app::App;
use crate::model::{Grant, GrantState, GrantTokens};
use crate::platforms::PlatformError;
use crate::platforms::consenting::Access;
use crate::secret::vault::{Field, SealingContext};

/// What a connection is read with, and which tokens they are.
#[derive(Clone, Debug)]
pub struct Opened {
    pub grant: GrantId,
    pub generation: u64,
    pub access: Access,
}

/// The tokens a connection is read with; `None` when it is read with none.
///
/// # Errors
/// `Unauthorized` when the grant is over by its provider's word or its tokens do not open; `Unavailable` when they had
/// to be renewed and that failed for now; `Unconfigured` when the app is refused.
pub async fn of_connection(app: &Arc<App>, connection: ConnectionId) -> Result<Option<Opened>, PlatformError> {
    let found = app.look(|roster| {
        let account = roster.connections.get(&connection)?.platform_user_id.clone();
        Some((roster.consents.grant_of(connection)?.id, account))
    });
    match found {
        Some((grant, account)) => of_grant(app, grant, account.as_deref()).await.map(Some),
        None => Ok(None),
    }
}

/// The tokens of a grant, with the account's own where there is one.
///
/// # Errors
/// As [`of_connection`].
pub async fn of_grant(app: &Arc<App>, id: GrantId, account: Option<&str>) -> Result<Opened, PlatformError> {
    let (grant, tokens) = live(app, id)?;
    let Some(ends_at) = tokens.access_ends_at else { return opened(app, &grant, &tokens, account).await };
    let now = app.clock.now();
    if ends_at.since(now) > renew::margin(&tokens) {
        return opened(app, &grant, &tokens, account).await;
    }
    match renew::renew(app, id, tokens.generation).await {
        Ok(()) => {
            let (grant, tokens) = live(app, id)?;
            opened(app, &grant, &tokens, account).await
        }
        Err(RenewError::Gone { what }) => Err(unauthorized(&what)),
        // Until its last minute the old token is as good as a new one.
        Err(_) if ends_at.since(now) > 0 => opened(app, &grant, &tokens, account).await,
        Err(RenewError::App { what }) => Err(PlatformError::Unconfigured { what }),
        Err(RenewError::Later { what, .. }) if is_lost(app, &grant, &tokens) => {
            let why = format!("its token ended before it could be renewed: {what}");
            renew::end(app, id, &why).await;
            Err(unauthorized(&why))
        }
        Err(RenewError::Later { what, .. }) => {
            Err(PlatformError::Unavailable { what: format!("its token could not be renewed: {what}") })
        }
    }
}

/// A token that is only ever extended cannot come back once it has ended, whatever the provider would say.
fn is_lost(app: &App, grant: &Grant, tokens: &GrantTokens) -> bool {
    let model = ProviderContext::of(app, &grant.platform).map(|context| context.terms().model);
    let ended = tokens.access_ends_at.is_some_and(|ends| ends < app.clock.now());
    model == Some(TokenModel::Extension) && ended && tokens.refresh.is_none()
}

fn unauthorized(what: &str) -> PlatformError {
    PlatformError::Unauthorized { what: what.to_owned() }
}

fn live(app: &App, grant: GrantId) -> Result<(Grant, GrantTokens), PlatformError> {
    let (grant, tokens) = app.look(|roster| roster.consents.held(grant)).map_err(|why| unauthorized(&why))?;
    if let GrantState::Revoking { .. } = grant.state {
        return Err(unauthorized("the consent is being revoked"));
    }
    Ok((grant, tokens))
}

async fn opened(
    app: &Arc<App>,
    grant: &Grant,
    tokens: &GrantTokens,
    account: Option<&str>,
) -> Result<Opened, PlatformError> {
    let held = match renew::open(&app.consents.vault(), tokens) {
        Ok(held) => held,
        Err((field, error)) => return Err(unauthorized(&renew::damaged(app, grant, field, error).await.to_string())),
    };
    let derived = account.and_then(|account| tokens.derived.iter().find(|(of, _)| of == account));
    let derived =
        derived.map(|(of, sealed)| app.consents.vault().open(SealingContext::of_account(grant.id, of), sealed));
    let derived = match derived.transpose() {
        Ok(derived) => derived.map(Arc::new),
        Err(error) => {
            let damaged = renew::damaged(app, grant, Field::Derived, error).await;
            return Err(unauthorized(&damaged.to_string()));
        }
    };
    let access = Access { token: held.access, derived, scopes: grant.scopes.clone().into(), through: None };
    Ok(Opened { grant: grant.id, generation: tokens.generation, access })
}

/// A platform refused what a connection was read with. Renews or derives once, and says whether to repeat the request.
///
/// # Errors
/// What to report instead: that the consent is over, or that this is unknown for now.
pub async fn refused(
    app: &Arc<App>,
    connection: ConnectionId,
    used: &Opened,
    what: &str,
) -> Result<Opened, PlatformError> {
    let gone = || unauthorized(what);
    let found = app.look(|roster| {
        let account = roster.connections.get(&connection)?.platform_user_id.clone();
        Some((roster.consents.grants.get(&used.grant)?.clone(), account))
    });
    let Some((grant, account)) = found else { return Err(gone()) };
    let context = ProviderContext::of(app, &grant.platform).ok_or_else(gone)?;
    if let (Some(account), Some(_)) = (&account, &used.access.derived) {
        return derived_anew(app, &context, &grant, account, used, what).await;
    }
    if context.terms().model == TokenModel::Extension {
        // Nothing renews a token that is refused.
        renew::end(app, grant.id, what).await;
        return Err(gone());
    }
    match renew::renew(app, grant.id, used.generation).await {
        Ok(()) => of_grant(app, grant.id, account.as_deref()).await,
        Err(RenewError::Gone { what }) => Err(unauthorized(&what)),
        Err(RenewError::App { what }) => Err(PlatformError::Unconfigured { what }),
        Err(RenewError::Later { what, .. }) => {
            Err(PlatformError::Unavailable { what: format!("its token could not be renewed: {what}") })
        }
    }
}

/// An account's own token died: another is fetched with the grant's, which may have died with it.
async fn derived_anew(
    app: &Arc<App>,
    context: &ProviderContext,
    grant: &Grant,
    account: &str,
    used: &Opened,
    what: &str,
) -> Result<Opened, PlatformError> {
    let api = context.api(app);
    let derived = match context.consenting() {
        Some(consenting) => consenting.derive(&api, &used.access, account).await,
        None => Ok(None),
    };
    match derived {
        Ok(Some(token)) => {
            let vault = app.consents.vault();
            let sealed = vault.seal(SealingContext::of_account(grant.id, account), &token);
            let sealed = sealed.map_err(|error| PlatformError::Unavailable { what: error.to_string() })?;
            let of = account.to_owned();
            let stored = renew::change(app, grant.id, move |tokens| {
                tokens.derived.retain(|(known, _)| *known != of);
                tokens.derived.push((of, sealed));
            });
            stored.await.map_err(|error| PlatformError::Unavailable { what: error.message })?;
            of_grant(app, grant.id, Some(account)).await
        }
        Ok(None) => Err(unauthorized(what)),
        Err(PlatformError::Unauthorized { what }) => {
            renew::end(app, grant.id, &what).await;
            Err(PlatformError::Unauthorized { what })
        }
        Err(error) => Err(error),
    }
}
