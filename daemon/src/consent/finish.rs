//! Finishes a consent after the owner's response: checks and spends the state, exchanges the code, keeps the grant,
//! and requests its accounts.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use roster_protocol::audit::Who;
use roster_protocol::consent::ConsentState;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConsentId, GrantId};
use roster_protocol::time::Timestamp;
use url::Url;

use super::renew::{self, RenewError};
use super::{PURPOSE, ProviderContext, access, begin_again, choose};
use crate::app::App;
use crate::decision::audit::influencer_named;
use crate::decision::{consented, grants};
use crate::model::{Consent, ConsentStep, Grant, GrantState, On};
use crate::oauth::{Callback, Exchange, TokenError, Tokens, scopes};
use crate::platforms::PlatformError;
use crate::secret::Secret;
use crate::secret::vault::{Field, SealingContext, fingerprint};

/// How often the accounts are requested before the consent is given up.
const TRIES: u32 = 3;

/// Where a callback came from.
#[derive(Clone, Copy, Debug)]
pub enum From<'a> {
    /// A browser that was sent to this platform's callback.
    Browser { platform: &'a str },
    /// A person of this host who pasted the address.
    Person { uid: u32 },
}

/// Why a callback is not accepted. Nothing was spent.
#[derive(Clone, Debug)]
pub enum NotAccepted {
    /// The state is missing, unknown, used, expired, or another user's. Which of these is not disclosed.
    NotOurs,
    /// The state is ours and could not be marked as used: the same address works again later.
    NotStored(RosterError),
}

/// A consent whose callback was accepted.
#[derive(Debug)]
pub struct Returned {
    pub id: ConsentId,
    /// The user who began it.
    pub who: Who,
    /// Whom it is about.
    on: On,
    platform: String,
}

/// Accepts the callback of a consent, and continues in the background: [`super::view::state`] reports how.
///
/// # Errors
/// See [`NotAccepted`]; the consent still waits then.
pub async fn returned(
    app: &Arc<App>,
    pairs: Vec<(String, String)>,
    from: From<'_>,
    address: Option<&Url>,
) -> Result<Returned, NotAccepted> {
    let mut states = pairs.iter().filter(|(name, _)| name == "state");
    let (Some((_, state)), None) = (states.next(), states.next()) else { return Err(NotAccepted::NotOurs) };
    let hash = fingerprint(&Secret::new(state.as_str()));
    let responded = app
        .decide(|decision| {
            let mut requested = decision.roster.consents.pending.values();
            let consent = requested.find(|consent| consent.state_hash == hash && consent.device.is_none());
            let waits = |consent: &&Consent| {
                consent.step == ConsentStep::Waiting
                    && consent.expires_at > decision.now
                    && address.is_none_or(|address| is_same_place(address, &consent.redirect_uri))
                    && match from {
                        From::Browser { platform } => consent.platform == platform,
                        From::Person { uid } => consent.who.uid == uid,
                    }
            };
            let Some(consent) = consent.filter(waits) else { return Ok(None) };
            let Some(known) = decision.roster.providers.get(&consent.platform) else { return Ok(None) };
            let callback = known.provider.read_callback(&pairs);
            match callback {
                Callback::Code(_) => {
                    let exchanging = Consent { step: ConsentStep::Exchanging, ..consent.clone() };
                    decision.commit.consents.consents.push(exchanging);
                }
                Callback::Denied | Callback::Scopes(_) | Callback::Refused(_) => {
                    decision.commit.consents.removed_consents.push(consent.id);
                }
            }
            let on = decision.roster.influencers.get(&consent.influencer).map(influencer_named);
            Ok(Some((consent.clone(), callback, on)))
        })
        .await;
    let (consent, callback, on) = responded.map_err(NotAccepted::NotStored)?.ok_or(NotAccepted::NotOurs)?;
    let (id, who, platform) = (consent.id, consent.who.clone(), consent.platform.clone());
    let returned = Returned { id, who, on: on.unwrap_or_else(|| id.to_string().into()), platform };
    let Some(context) = ProviderContext::of(app, &consent.platform) else { return Ok(returned) };
    let name = context.name();
    let failed = match callback {
        Callback::Code(code) => {
            go_on(app, consent, Next::Exchange(code));
            return Ok(returned);
        }
        Callback::Denied => RosterError::new(ErrorKind::NotPermitted, format!("the owner denied it at {name}")),
        Callback::Refused(words) => RosterError::new(ErrorKind::Unavailable, format!("{name} refused: {words}")),
        Callback::Scopes(words) => {
            let (message, advice) = scopes::refused(context.provider(), PURPOSE, &words);
            RosterError::new(ErrorKind::Unconfigured, message).hint(advice)
        }
    };
    let hint = failed.hint.iter().cloned().chain([begin_again(&consent.platform)]).collect::<Vec<_>>().join("; then ");
    app.consents.settle(&consent, ConsentState::Failed(failed.hint(hint)), app.clock.now());
    Ok(returned)
}

/// Whether an address that was pasted is where the browser was sent back to.
fn is_same_place(address: &Url, redirect_uri: &str) -> bool {
    let place = |url: &Url| {
        let path = url.path().trim_end_matches('/').to_owned();
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default(), path)
    };
    Url::parse(redirect_uri).is_ok_and(|redirect| place(&redirect) == place(address))
}

/// Finishes a consent with the address that a person copied.
///
/// # Errors
/// When it is no such address, or no consent of theirs waits for it.
pub async fn pasted(app: &Arc<App>, who: &Who, text: &str) -> Result<ConsentId, RosterError> {
    let expected = "paste the whole address the browser landed on after approving: it begins with the redirect URI \
                    and holds state= and code=";
    let text: String = text.chars().filter(|c| !c.is_whitespace()).take(8192).collect();
    let address = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| RosterError::usage("that is not the address of a web page").hint(expected))?;
    let pairs: Vec<(String, String)> =
        address.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if !pairs.iter().any(|(name, _)| name == "state") {
        return Err(RosterError::usage("that address holds no answer to a consent").hint(expected));
    }
    let responded = returned(app, pairs, From::Person { uid: who.uid }, Some(&address)).await;
    if let Ok(returned) = &responded {
        app.note(who, "consent.paste", returned.on.clone(), returned.platform.clone()).await;
    }
    responded.map(|returned| returned.id).map_err(|refused| match refused {
        NotAccepted::NotOurs => RosterError::usage(
            "no consent of yours waits for that address: it was used, has expired, or is another user's",
        )
        .hint("begin again: an address is good for 10 minutes, and once"),
        NotAccepted::NotStored(error) => error,
    })
}

/// What is to be done next with a consent.
pub(super) enum Next {
    Exchange(Secret),
    /// A device code was granted.
    Keep(Box<Tokens>),
    List(GrantId),
}

/// Goes on in a task that ends before the daemon does.
pub(super) fn go_on(app: &Arc<App>, consent: Consent, next: Next) {
    let owned = app.clone();
    app.consents.work.spawn(async move {
        let app = owned;
        let went = AssertUnwindSafe(go(&app, &consent, next)).catch_unwind().await;
        let failed = match went {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(RosterError::failed("rosterd failed at this; its log has more")),
        };
        if let Some(error) = failed {
            give_up(&app, consent.id, error).await;
        }
        app.consents.has_moved();
        app.consents.wake.notify_one();
    });
    app.consents.has_moved();
}

async fn go(app: &Arc<App>, consent: &Consent, next: Next) -> Result<(), RosterError> {
    let context =
        ProviderContext::of(app, &consent.platform).ok_or_else(|| RosterError::failed("the platform is not there"))?;
    let grant = match next {
        Next::Exchange(code) => {
            let requested_at = app.clock.now();
            let tokens = exchange(app, &context, consent, &code).await?;
            keep(app, &context, consent, &tokens, requested_at).await?
        }
        Next::Keep(tokens) => keep(app, &context, consent, &tokens, app.clock.now()).await?,
        Next::List(grant) => grant,
    };
    list(app, &context, consent, grant).await
}

async fn exchange(
    app: &App,
    context: &ProviderContext,
    consent: &Consent,
    code: &Secret,
) -> Result<Tokens, RosterError> {
    let sealing = SealingContext::of_consent(consent.id, Field::Verifier);
    let verifier = consent.verifier.as_ref().map(|sealed| app.consents.vault().open(sealing, sealed)).transpose();
    let verifier = verifier.map_err(|error| RosterError::failed(format!("the stored verifier: {error}")))?;
    let with = Exchange { code, redirect_uri: &consent.redirect_uri, verifier: verifier.as_ref() };
    let reported = context.provider().exchange(&context.api(app), with).await;
    reported.map_err(|error| no_tokens(context, &consent.platform, &error))
}

/// A code is good for one exchange: whatever went wrong, a person begins again.
fn no_tokens(context: &ProviderContext, platform: &str, error: &TokenError) -> RosterError {
    let message = format!("{} gave no tokens: {error}", context.name());
    match error {
        TokenError::App { .. } => RosterError::new(ErrorKind::Unconfigured, message)
            .hint(format!("`roster platforms test {platform}` shows what is wrong with the app's set-up")),
        _ => RosterError::new(ErrorKind::Unavailable, message).hint(begin_again(platform)),
    }
}

/// Keeps the tokens before anything else is done with them.
async fn keep(
    app: &App,
    context: &ProviderContext,
    consent: &Consent,
    tokens: &Tokens,
    requested_at: Timestamp,
) -> Result<GrantId, RosterError> {
    let id = app.fresh_id();
    let vault = app.consents.vault();
    let sealed = renew::sealed(&vault, id, tokens, None, context.terms(), requested_at);
    let sealed = sealed.map_err(|error| RosterError::failed(error.to_string()))?;
    let requested: Vec<String> = context.scopes().map(|scope| scope.name.to_owned()).collect();
    let grant = Grant {
        id,
        realm: context.provider().realm(),
        platform: consent.platform.clone(),
        owner_id: String::new(),
        owner_name: String::new(),
        scopes: tokens.scopes.clone().unwrap_or(requested),
        missing: Vec::new(),
        granted_at: app.clock.now(),
        checked_at: app.clock.now(),
        data_ends_at: None,
        state: GrantState::Live,
    };
    app.decide(|decision| {
        decision.commit.consents.grants.push(grant);
        decision.commit.consents.tokens.push(sealed);
        match decision.roster.consents.pending.get(&consent.id) {
            Some(requested) => {
                let listing = Consent { step: ConsentStep::Listing { grant: id }, ..requested.clone() };
                decision.commit.consents.consents.push(listing);
            }
            // Given up meanwhile: what was granted is revoked.
            None => consented::revoke_fresh(decision),
        }
        Ok(())
    })
    .await?;
    Ok(id)
}

/// Requests who consented and to which accounts, and connects them or offers a choice.
async fn list(app: &Arc<App>, context: &ProviderContext, consent: &Consent, id: GrantId) -> Result<(), RosterError> {
    let generation = || app.look(|roster| roster.consents.tokens.get(&id).map(|tokens| tokens.generation));
    if context.terms().renews_at_once && generation() == Some(1) {
        match renew::renew(app, id, 1).await {
            Ok(()) => {}
            Err(RenewError::Gone { what }) => return Err(RosterError::new(ErrorKind::Unavailable, what)),
            // The short-lived token works for now, and is renewed as soon as that works.
            Err(error) => tracing::warn!(grant = %id, %error, "a fresh token could not be extended yet"),
        }
    }
    let no_platform = || RosterError::failed(format!("{} measures nothing", context.name()));
    let consenting = context.consenting().ok_or_else(no_platform)?;
    let mut tries = 0;
    let opened = loop {
        if !app.look(|roster| roster.consents.grants.contains_key(&id)) {
            return Err(RosterError::failed("the consent was given up"));
        }
        let requested = match access::of_grant(app, id, None).await {
            Ok(used) => consenting.opened(&context.api(app), &used.access).await,
            Err(error) => Err(error),
        };
        tries += 1;
        match requested {
            Ok(opened) => break opened,
            Err(PlatformError::Unavailable { .. } | PlatformError::Unexpected { .. }) if tries < TRIES => {}
            Err(error) => return Err(no_accounts(context, &consent.platform, &error)),
        }
    };
    choose::offer(app, context, consent.id, id, opened).await
}

fn no_accounts(context: &ProviderContext, platform: &str, error: &PlatformError) -> RosterError {
    let kind = match error {
        PlatformError::Unconfigured { .. } => ErrorKind::Unconfigured,
        PlatformError::MissingScope { .. } => ErrorKind::NotPermitted,
        _ => ErrorKind::Unavailable,
    };
    let message = format!("{} reported no account: {error}", context.name());
    RosterError::new(kind, message).hint(begin_again(platform))
}

/// A consent failed: it is forgotten, and what was granted already is revoked.
pub(super) async fn give_up(app: &App, id: ConsentId, error: RosterError) {
    let removed = app
        .decide(|decision| {
            let consents = &decision.roster.consents;
            let Some(consent) = consents.pending.get(&id) else { return Ok(None) };
            decision.commit.consents.removed_consents.push(id);
            if let ConsentStep::Listing { grant } | ConsentStep::Choosing { grant, .. } = &consent.step
                && consents.users_of(*grant).is_empty()
            {
                grants::queue(decision, *grant);
            }
            Ok(Some(consent.clone()))
        })
        .await;
    match removed {
        Ok(Some(consent)) => {
            tracing::info!(consent = %id, platform = consent.platform, %error, "a consent came to nothing");
            app.consents.settle(&consent, ConsentState::Failed(error), app.clock.now());
        }
        Ok(None) => {}
        Err(error) => tracing::error!(consent = %id, %error, "the end of a consent could not be stored"),
    }
}

/// Gives a consent of this user up.
///
/// # Errors
/// No such consent of theirs.
pub async fn cancel(app: &Arc<App>, who: &Who, id: ConsentId) -> Result<(), RosterError> {
    let (on, platform) = on_own(app, who, id).ok_or_else(super::no_such_consent)?;
    give_up(app, id, RosterError::failed("it was given up")).await;
    app.note(who, "consent.cancel", on, platform).await;
    Ok(())
}

/// Whom a consent of this user is about, and on which platform; `None` where there is none.
fn on_own(app: &App, who: &Who, id: ConsentId) -> Option<(On, String)> {
    app.look(|roster| {
        let consent = roster.consents.pending.get(&id).filter(|consent| consent.who.uid == who.uid)?;
        let influencer = roster.influencers.get(&consent.influencer).map(influencer_named);
        Some((influencer.unwrap_or_else(|| id.to_string().into()), consent.platform.clone()))
    })
}
