//! What consents need in memory while the daemon runs: the vault, the consents in progress, and how the last ones
//! ended.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use roster_protocol::consent::ConsentState;
use roster_protocol::ids::{ConsentId, GrantId};
use roster_protocol::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use super::short_links::ShortLinks;
use super::vaults::{HeldVault, Vaults};
use crate::model::Consent;

/// How long the end of a consent can be looked up.
const KEPT_MS: i64 = 3_600_000;

/// What consents need while the daemon runs.
pub struct ConsentRuntime {
    pub vaults: Vaults,
    /// Exchanges and renewals: the daemon waits for them before it ends, because their tokens cannot be obtained twice.
    pub work: TaskTracker,
    /// Woken when something becomes due sooner than before.
    pub wake: Notify,
    pub short_links: ShortLinks,
    listener: watch::Sender<Listener>,
    /// One renewal of a grant at a time.
    renewing: Mutex<HashMap<GrantId, Arc<tokio::sync::Mutex<()>>>>,
    /// Consents in progress, with their users: one that is just ending is neither in the roster nor among the settled.
    open: Mutex<HashMap<ConsentId, u32>>,
    settled: Mutex<HashMap<ConsentId, Settled>>,
    moved: watch::Sender<u64>,
}

/// Where HTTP is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Listener {
    /// The config says that it is not.
    #[default]
    Off,
    At(SocketAddr),
    /// Not where the config says, or it cannot accept connections, although that is tried again and again.
    Lost {
        /// Where.
        address: SocketAddr,
        /// Whether another program listens there.
        is_taken: bool,
        /// The system's reason.
        why: String,
    },
}

struct Settled {
    at: Timestamp,
    uid: u32,
    state: ConsentState,
}

impl ConsentRuntime {
    pub fn new(vaults: Vaults) -> Self {
        Self {
            vaults,
            work: TaskTracker::new(),
            wake: Notify::new(),
            short_links: ShortLinks::default(),
            listener: watch::Sender::default(),
            renewing: Mutex::default(),
            open: Mutex::default(),
            settled: Mutex::default(),
            moved: watch::Sender::new(0),
        }
    }

    /// The vault in use; see [`Vaults::now`].
    pub fn vault(&self) -> Arc<HeldVault> {
        self.vaults.now()
    }

    /// The address of the HTTP listener; `None` while it is off or lost.
    pub fn listens_at(&self) -> Option<SocketAddr> {
        match *self.listener.borrow() {
            Listener::At(address) => Some(address),
            Listener::Off | Listener::Lost { .. } => None,
        }
    }

    /// The HTTP listener.
    pub fn listener(&self) -> Listener {
        self.listener.borrow().clone()
    }

    /// Notifies of what the HTTP listener is from now on.
    pub fn watch_listener(&self) -> watch::Receiver<Listener> {
        self.listener.subscribe()
    }

    /// Records what the HTTP listener is from now on.
    pub fn listening(&self, listener: Listener) {
        self.listener.send_replace(listener);
    }

    /// Held during a renewal of this grant.
    pub fn lock_of(&self, grant: GrantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut renewing = self.renewing.lock();
        // The locks of grants that are gone are removed.
        renewing.retain(|known, lock| *known == grant || Arc::strong_count(lock) > 1);
        renewing.entry(grant).or_default().clone()
    }

    /// Records that a consent is in progress.
    pub fn opened(&self, consent: &Consent) {
        let mut open = self.open.lock();
        open.insert(consent.id, consent.who.uid);
    }

    /// Whether a consent of this user is in progress.
    pub fn is_open(&self, consent: ConsentId, uid: u32) -> bool {
        let open = self.open.lock();
        open.get(&consent) == Some(&uid)
    }

    /// Records how a consent ended, and wakes the clients that wait for it.
    pub fn settle(&self, consent: &Consent, state: ConsentState, now: Timestamp) {
        let mut settled = self.settled.lock();
        settled.retain(|_, ended| now.since(ended.at) < KEPT_MS);
        settled.insert(consent.id, Settled { at: now, uid: consent.who.uid, state });
        drop(settled);
        self.open.lock().remove(&consent.id);
        self.short_links.forget(consent.id);
        self.has_moved();
    }

    /// Wakes the clients that wait for a consent's state.
    pub fn has_moved(&self) {
        self.moved.send_modify(|moves| *moves += 1);
    }

    /// How a consent of this user ended, while it is remembered.
    pub fn ended(&self, consent: ConsentId, uid: u32) -> Option<ConsentState> {
        let settled = self.settled.lock();
        settled.get(&consent).filter(|ended| ended.uid == uid).map(|ended| ended.state.clone())
    }

    /// Changes whenever a consent's state may have.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }
}
