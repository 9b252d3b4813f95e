//! Requesting owners' consent, keeping what they granted, and ending it.
//!
//! A consent goes `begin` → (the owner's browser) → `finish` → `choose`; from then on there is a grant that feeds
//! connections. `access` opens its tokens for a run, `renew` renews them, `revoke` ends them at the provider, and
//! `keeper` does what falls due. Platforms define the requests and what responses mean; nothing here knows one of them.

pub mod access;
pub mod begin;
pub mod choose;
pub mod finish;
pub mod keeper;
pub mod renew;
pub mod revoke;
pub mod setup;
pub mod short_link;
pub mod view;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use roster_protocol::error::{ErrorKind, RosterError};

use crate::app::App;
use crate::decision::consented::{begin_again, no_such_consent};
use crate::http_client::Api;
use crate::oauth::{self, Provider, Purpose, Scope, Terms};
use crate::platforms::Registered;
use crate::platforms::consenting::Consenting;
use crate::schedule::gate::Priority;

/// A provider that consents are requested from, and the platform that is read with them.
struct ProviderContext {
    known: oauth::Registered,
    /// `None` where nothing is measured.
    platform: Option<Arc<Registered>>,
}

impl ProviderContext {
    /// By the slug; `None` where there is no such provider.
    fn of(app: &App, slug: &str) -> Option<Self> {
        app.look(|roster| {
            let known = roster.providers.get(slug)?.clone();
            Some(Self { known, platform: roster.platforms.get(slug).cloned() })
        })
    }

    fn provider(&self) -> &dyn Provider {
        &*self.known.provider
    }

    fn terms(&self) -> &'static Terms {
        self.known.provider.terms()
    }

    fn name(&self) -> &'static str {
        self.terms().name
    }

    /// What its consents open; `None` where nothing is measured.
    fn consenting(&self) -> Option<&dyn Consenting> {
        self.platform.as_ref()?.platform.consenting()
    }

    fn api(&self, app: &App) -> Api {
        app.api(&self.known.route, &self.known.route.platform, Priority::Person)
    }

    fn redirect_uri(&self, app: &App) -> String {
        redirect_uri(app, self.provider())
    }

    /// Which of the requested scopes were not granted.
    fn missing(&self, granted: &[String]) -> Vec<String> {
        let missing = self.scopes().filter(|scope| !granted.iter().any(|granted| granted == scope.name));
        missing.map(|scope| scope.name.to_owned()).collect()
    }

    /// The scopes that are requested.
    fn scopes(&self) -> impl Iterator<Item = &'static Scope> + use<> {
        self.provider().scopes_for(PURPOSE).into_iter()
    }
}

/// The purpose of the consents.
const PURPOSE: Purpose = Purpose::Measuring;

/// The names of the scopes that owners are asked to allow.
pub fn requested_scopes(provider: &dyn Provider) -> Vec<String> {
    provider.scopes_for(PURPOSE).iter().map(|scope| scope.name.to_owned()).collect()
}

/// What browsers are sent back to from a provider's consent page: the operator's own, or the daemon's.
pub fn redirect_uri(app: &App, provider: &dyn Provider) -> String {
    let own = provider.app().and_then(|app| app.redirect_uri.clone());
    own.unwrap_or_else(|| callback_address(app, provider.terms().slug))
}

/// The address of the callback page, as browsers see it.
fn callback_address(app: &App, slug: &str) -> String {
    listener_address(app, &format!("/oauth/{slug}/callback"))
}

/// A path of the listener as browsers see it: at the public URL, or else at their own loopback.
pub fn listener_address(app: &App, path: &str) -> String {
    public_address(app, path).unwrap_or_else(|| {
        // Behind a port forwarded to this host the browser finds the listener at its own loopback.
        let configured = app.setup().config.http.listen.map(|address| address.port()).filter(|port| *port != 0);
        let port = app.consents.listens_at().map(|address| address.port()).or(configured).unwrap_or(8787);
        format!("http://127.0.0.1:{port}{path}")
    })
}

/// A path of the listener as browsers anywhere see it; `None` without a public URL.
fn public_address(app: &App, path: &str) -> Option<String> {
    let setup = app.setup();
    let base = setup.config.http.public_url.as_ref()?;
    Some(format!("{}{path}", base.as_str().trim_end_matches('/')))
}

fn no_randomness(error: &getrandom::Error) -> RosterError {
    RosterError::failed(format!("the system has no randomness to give: {error}"))
}

fn not_set_up(lacks: String) -> RosterError {
    RosterError::new(ErrorKind::Unconfigured, lacks)
        .hint("then reload rosterd; `roster platforms` shows what is set up")
}
