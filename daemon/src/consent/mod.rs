//! Asking owners for consent, keeping what they granted, and ending it.
//!
//! A consent goes `begin` → (the owner's browser) → `finish` → `choose`; from then on there is a grant that feeds
//! connections. `access` opens its tokens for a run, `renew` renews them, `revoke` ends them at the provider, and
//! `keeper` does what falls due. Platforms say how to ask and what answers mean; nothing here knows one of them.

pub mod access;
pub mod begin;
pub mod choose;
pub mod finish;
pub mod keeper;
pub mod renew;
pub mod revoke;
pub mod setup;
pub mod shown;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use roster_protocol::consent::ConsentState;
use roster_protocol::error::{ErrorKind, RosterError};
use roster_protocol::ids::{ConsentId, GrantId};
use roster_protocol::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::http_client::Api;
use crate::model::Consent;
use crate::oauth::{self, Provider, Purpose, Scope, Terms};
use crate::platforms::Registered;
use crate::platforms::consenting::Consenting;
use crate::secret::vault::Vault;

/// How long the end of a consent can be asked after.
const KEPT_MS: i64 = 3_600_000;

/// What consents need while the daemon lives.
pub struct Desk {
    pub vault: Vault,
    /// Exchanges and renewals: they end before the daemon does, since what they brought cannot be had twice.
    pub work: TaskTracker,
    /// Woken when something falls due sooner than it did.
    pub wake: Notify,
    listener: RwLock<Option<SocketAddr>>,
    /// One renewal of a grant at a time.
    renewing: Mutex<HashMap<GrantId, Arc<tokio::sync::Mutex<()>>>>,
    /// Consents that are on their way, with their users: one that ends just now is in neither of the others.
    open: Mutex<HashMap<ConsentId, u32>>,
    settled: Mutex<HashMap<ConsentId, Settled>>,
    moved: watch::Sender<u64>,
}

struct Settled {
    at: Timestamp,
    uid: u32,
    state: ConsentState,
}

impl Desk {
    pub fn new(vault: Vault) -> Self {
        Self {
            vault,
            work: TaskTracker::new(),
            wake: Notify::new(),
            listener: RwLock::default(),
            renewing: Mutex::default(),
            open: Mutex::default(),
            settled: Mutex::default(),
            moved: watch::Sender::new(0),
        }
    }

    /// Where the listener listens; `None` while it is off.
    pub fn listens_at(&self) -> Option<SocketAddr> {
        *self.listener.read()
    }

    /// Notes where the listener listens from now on.
    pub fn listening(&self, at: Option<SocketAddr>) {
        *self.listener.write() = at;
    }

    fn lock_of(&self, grant: GrantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut renewing = self.renewing.lock();
        // Grants that are gone leave nothing behind.
        renewing.retain(|known, lock| *known == grant || Arc::strong_count(lock) > 1);
        renewing.entry(grant).or_default().clone()
    }

    /// Notes that a consent is on its way.
    fn opened(&self, consent: &Consent) {
        let mut open = self.open.lock();
        open.insert(consent.id, consent.who.uid);
    }

    fn is_open(&self, consent: ConsentId, uid: u32) -> bool {
        let open = self.open.lock();
        open.get(&consent) == Some(&uid)
    }

    /// Notes how a consent ended, for whoever waits.
    fn settle(&self, consent: &Consent, state: ConsentState, now: Timestamp) {
        let mut settled = self.settled.lock();
        settled.retain(|_, ended| now.since(ended.at) < KEPT_MS);
        settled.insert(consent.id, Settled { at: now, uid: consent.who.uid, state });
        drop(settled);
        self.open.lock().remove(&consent.id);
        self.has_moved();
    }

    fn has_moved(&self) {
        self.moved.send_modify(|moves| *moves += 1);
    }

    fn ended(&self, consent: ConsentId, uid: u32) -> Option<ConsentState> {
        let settled = self.settled.lock();
        settled.get(&consent).filter(|ended| ended.uid == uid).map(|ended| ended.state.clone())
    }
}

/// A provider that can be asked, and the platform that is read with its consents.
struct Way {
    known: oauth::Registered,
    /// `None` where nothing is measured.
    platform: Option<Arc<Registered>>,
}

impl Way {
    /// By the slug; `None` where there is no such provider.
    fn to(app: &App, slug: &str) -> Option<Self> {
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
        Api::new(app.setup().http.clone(), self.known.route.clone(), app.clock.now())
    }

    fn redirect_uri(&self, app: &App) -> String {
        redirect_uri(app, self.provider())
    }

    /// Which of the scopes that are asked for were not granted.
    fn missing(&self, granted: &[String]) -> Vec<String> {
        let missing = self.scopes().filter(|scope| !granted.iter().any(|granted| granted == scope.name));
        missing.map(|scope| scope.name.to_owned()).collect()
    }

    /// What is asked for.
    fn scopes(&self) -> impl Iterator<Item = &'static Scope> + use<> {
        self.terms().scopes_for(PURPOSE)
    }
}

/// What consents are asked for.
const PURPOSE: Purpose = Purpose::Measuring;

/// What browsers are sent back to from a provider's consent page: the operator's own, or the daemon's.
pub fn redirect_uri(app: &App, provider: &dyn Provider) -> String {
    let own = provider.app().and_then(|app| app.redirect_uri.clone());
    own.unwrap_or_else(|| callback_address(app, provider.terms().slug))
}

/// The address of the callback page, as browsers see it.
fn callback_address(app: &App, slug: &str) -> String {
    let path = format!("/oauth/{slug}/callback");
    let http = &app.setup().config.http;
    match &http.public_url {
        Some(base) => format!("{}{path}", base.as_str().trim_end_matches('/')),
        None => {
            // Behind a port forwarded to this host the browser finds the listener at its own loopback.
            let configured = http.listen.map(|address| address.port()).filter(|port| *port != 0);
            let port = app.desk.listens_at().map(|address| address.port()).or(configured).unwrap_or(8787);
            format!("http://127.0.0.1:{port}{path}")
        }
    }
}

fn begin_again(platform: &str) -> String {
    format!("begin again: press c on the influencer, or `roster connect INFLUENCER {platform}`")
}

fn no_such_consent() -> RosterError {
    RosterError::not_found("no consent of yours waits under that name")
        .hint("begin one: `roster connect INFLUENCER PLATFORM`")
}

fn not_set_up(lacks: String) -> RosterError {
    RosterError::new(ErrorKind::Unconfigured, lacks)
        .hint("then reload rosterd; `roster platforms` shows what is set up")
}
