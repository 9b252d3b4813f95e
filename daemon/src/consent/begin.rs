//! Begins a consent: what a user sees, and what is kept until the callback arrives.

use roster_protocol::audit::Who;
use roster_protocol::connection::Account;
use roster_protocol::consent::{ConsentBegun, ConsentMethod};
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConsentId, InfluencerId};
use url::Url;

use super::{PURPOSE, ProviderContext, callback_address, no_randomness, not_set_up, short_link};
use crate::app::{App, Listener};
use crate::decision::audit::{audit, influencer_named};
use crate::model::{Consent, ConsentStep, Device};
use crate::oauth::{self, Authorize, Challenge, Scope, TokenError};
use crate::roster::resolve;
use crate::secret::Secret;
use crate::secret::vault::{Field, SealingContext, fingerprint};

/// How long the state in a URL is good for.
const LIVES_S: i64 = 600;
/// The most consents of one user that wait at a time.
const MOST_PER_USER: usize = 32;

/// Begins a consent for an influencer's account.
///
/// # Errors
/// No such influencer or platform; one that needs no consent, or whose app is not set up; too many waiting.
pub async fn begin(
    app: &App,
    who: Who,
    influencer: String,
    platform: String,
    method: ConsentMethod,
    handle: Option<String>,
) -> Result<ConsentBegun, RosterError> {
    let named = app.look(|roster| resolve::influencer(roster, &influencer).map(|it| (it.id, it.name.clone())))?;
    let (platform, handle) = understood(app, platform, handle)?;
    let context = allowed(app, &platform)?;
    let id = app.fresh_id();
    let expires_at = app.clock.now().plus_seconds(LIVES_S);
    let request = Request { id, who, influencer: named, platform, handle };
    match method {
        ConsentMethod::Redirect => by_redirect(app, &context, request, expires_at).await,
        ConsentMethod::Device => by_device(app, &context, request).await,
    }
}

/// Which user requests which consent.
struct Request {
    id: ConsentId,
    who: Who,
    influencer: (InfluencerId, String),
    platform: String,
    handle: Option<String>,
}

fn understood(app: &App, platform: String, handle: Option<String>) -> Result<(String, Option<String>), RosterError> {
    let Some(handle) = handle else { return Ok((platform, None)) };
    let account = app.look(|roster| resolve::account(roster, &Account { platform, handle }))?;
    Ok((account.platform, Some(account.handle)))
}

fn allowed(app: &App, platform: &str) -> Result<ProviderContext, RosterError> {
    app.look(|roster| {
        let known = roster.platforms.get(platform).ok_or_else(|| resolve::unknown_platform(roster, platform))?;
        let name = known.platform.info().name;
        if !known.enabled {
            return Err(RosterError::new(ErrorKind::Unconfigured, format!("{name} is switched off"))
                .hint(format!("set enabled = true under [platforms.{platform}] and reload rosterd")));
        }
        match &known.provider {
            None => Err(RosterError::usage(format!("{name} asks nobody for consent: its numbers are public"))
                .hint(format!("`roster connect INFLUENCER {platform} --handle HANDLE`"))),
            Some(provider) => provider.lacks().map_or(Ok(()), |lacks| Err(not_set_up(lacks))),
        }
    })?;
    ProviderContext::of(app, platform).ok_or_else(|| RosterError::failed("the platform is not there"))
}

async fn by_redirect(
    app: &App,
    context: &ProviderContext,
    request: Request,
    expires_at: roster_protocol::Timestamp,
) -> Result<ConsentBegun, RosterError> {
    let redirect_uri = context.redirect_uri(app);
    if let Some(problem) = context.provider().redirect_problem(&redirect_uri) {
        return Err(RosterError::new(ErrorKind::Unconfigured, format!("{}: {problem}", context.name()))
            .hint("set [http] public_url to an https address that leads to rosterd"));
    }
    if let Some(refused) = reaches_another(app, context, &redirect_uri) {
        return Err(refused);
    }
    let state = random_state()?;
    let takes_verifier = context.terms().challenge != Challenge::None;
    let verifier = takes_verifier.then(oauth::verifier).transpose().map_err(|error| no_randomness(&error))?;
    let page = Authorize {
        redirect_uri: &redirect_uri,
        state: &state,
        verifier: verifier.as_ref(),
        login_hint: request.handle.as_deref(),
        purpose: PURPOSE,
    };
    let url = context.provider().authorize_url(&context.api(app), page).map_err(|error| no_page(context, &error))?;
    let sealing = SealingContext::of_consent(request.id, Field::Verifier);
    let vault = app.consents.vault();
    let verifier = verifier.map(|verifier| vault.seal(sealing, &verifier)).transpose();
    let consent = Consent {
        redirect_uri: redirect_uri.clone(),
        state_hash: fingerprint(&state),
        verifier: verifier.map_err(|error| RosterError::failed(error.to_string()))?,
        expires_at,
        ..request.consent(app)
    };
    let begun = ConsentBegun {
        url,
        redirect_uri: Some(redirect_uri),
        expires_at,
        ..request.begun(app, context, context.scopes())
    };
    keep(app, consent).await?;
    let short_url = short_link::make(app, begun.id, &begun.url, expires_at)?;
    Ok(ConsentBegun { short_url, ..begun })
}

/// The refusal of a consent whose response another program would get, because it has taken our port.
fn reaches_another(app: &App, context: &ProviderContext, redirect_uri: &str) -> Option<RosterError> {
    let Listener::Lost { address, is_taken: true, .. } = app.consents.listener() else { return None };
    let to_port = Url::parse(redirect_uri).ok().is_some_and(|url| {
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        here && url.port_or_known_default() == Some(address.port())
    });
    let leads_there = to_port || redirect_uri == callback_address(app, context.terms().slug);
    leads_there.then(|| {
        let message = format!("the owner's consent would reach another program, which listens on {address}");
        RosterError::new(ErrorKind::Unavailable, message).hint(
            "end that program, and reload rosterd, which then listens there at once; or set [http] listen to another \
             address",
        )
    })
}

async fn by_device(app: &App, context: &ProviderContext, request: Request) -> Result<ConsentBegun, RosterError> {
    let api = context.api(app);
    let (Some(device), Some(requesting)) = (context.terms().device, context.provider().device_code(&api)) else {
        return Err(RosterError::usage(format!("{} knows no device codes", context.name()))
            .hint("begin without a device code: the URL can be opened on any device too"));
    };
    let code = requesting.await.map_err(|error| no_code(context, &error))?;
    let expires_at = app.clock.now().plus_seconds(code.lives.0.min(3600) as i64);
    let vault = app.consents.vault();
    let sealed = vault.seal(SealingContext::of_consent(request.id, Field::DeviceCode), &code.code);
    let sealed = sealed.map_err(|error| RosterError::failed(error.to_string()))?;
    let polled = Device { code: sealed, interval: code.interval };
    let consent = Consent { device: Some(polled), expires_at, ..request.consent(app) };
    let begun = ConsentBegun {
        url: code.url,
        user_code: Some(code.user_code),
        expires_at,
        ..request.begun(app, context, device.scopes.iter())
    };
    keep(app, consent).await?;
    Ok(begun)
}

impl Request {
    fn consent(&self, app: &App) -> Consent {
        let now = app.clock.now();
        Consent {
            id: self.id,
            who: self.who.clone(),
            influencer: self.influencer.0,
            platform: self.platform.clone(),
            handle: self.handle.clone(),
            redirect_uri: String::new(),
            state_hash: [0; 32],
            verifier: None,
            device: None,
            begun_at: now,
            expires_at: now,
            step: ConsentStep::Waiting,
        }
    }

    fn begun(self, app: &App, context: &ProviderContext, scopes: impl Iterator<Item = &'static Scope>) -> ConsentBegun {
        let scopes: Vec<&Scope> = scopes.collect();
        let mut reads: Vec<String> = Vec::new();
        for read in scopes.iter().flat_map(|scope| scope.reads.split(", ")) {
            if !read.is_empty() && !reads.iter().any(|known| known == read) {
                reads.push(read.to_owned());
            }
        }
        ConsentBegun {
            id: self.id,
            platform: self.platform,
            platform_name: context.name().to_owned(),
            influencer: self.influencer.0,
            influencer_name: self.influencer.1,
            url: String::new(),
            short_url: None,
            user_code: None,
            redirect_uri: None,
            scopes: scopes.iter().map(|scope| scope.name.to_owned()).collect(),
            if_refused: oauth::scopes::advice(context.provider(), PURPOSE),
            reads,
            listener: app.consents.listens_at().map(|address| address.to_string()),
            expires_at: app.clock.now(),
        }
    }
}

/// Keeps a consent until its owner responds, so that a restart in between loses nothing.
async fn keep(app: &App, consent: Consent) -> Result<(), RosterError> {
    app.consents.opened(&consent);
    app.decide(move |decision| {
        let mut requested = decision.roster.consents.pending.values();
        let waiting =
            requested.by_ref().filter(|it| it.who.uid == consent.who.uid && it.expires_at > decision.now).count();
        if waiting >= MOST_PER_USER {
            return Err(RosterError::conflict(format!("{waiting} consents of yours wait already"))
                .hint("answer one of them, or wait until they expire after 10 minutes"));
        }
        let influencer = decision.roster.influencers.get(&consent.influencer);
        let influencer = influencer.ok_or_else(|| RosterError::not_found("the influencer was removed meanwhile"))?;
        let line = audit(decision, &consent.who, "consent.begin", influencer_named(influencer));
        decision.log(crate::model::AuditLine { new: Some(consent.platform.clone()), ..line });
        decision.commit.consents.consents.push(consent);
        Ok(())
    })
    .await?;
    Ok(())
}

/// 256 bits, encoded for a URL.
fn random_state() -> Result<Secret, RosterError> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(|error| no_randomness(&error))?;
    Ok(Secret::new(data_encoding::BASE64URL_NOPAD.encode(bytes.as_ref())))
}

fn no_page(context: &ProviderContext, error: &TokenError) -> RosterError {
    RosterError::new(ErrorKind::Unconfigured, format!("{}: {error}", context.name()))
        .hint("mend the platform's section in rosterd.toml and reload rosterd")
}

fn no_code(context: &ProviderContext, error: &TokenError) -> RosterError {
    let message = format!("{} gave no code: {error}", context.name());
    match error {
        TokenError::App { .. } => RosterError::new(ErrorKind::Unconfigured, message)
            .hint("device codes need an app of the type for TVs and limited input; begin without one otherwise"),
        _ => RosterError::new(ErrorKind::Unavailable, message).hint("try again later, or begin without a device code"),
    }
}
