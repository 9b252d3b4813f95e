//! What consents need in memory while the daemon lives: the vault, what is under way, and how the last ones ended.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use roster_protocol::consent::ConsentState;
use roster_protocol::ids::{ConsentId, GrantId};
use roster_protocol::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::model::Consent;
use crate::secret::vault::Vault;

/// How long the end of a consent can be looked up.
const KEPT_MS: i64 = 3_600_000;

/// What consents need while the daemon lives.
pub struct ConsentRuntime {
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

impl ConsentRuntime {
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

    /// Held during a renewal of this grant.
    pub fn lock_of(&self, grant: GrantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut renewing = self.renewing.lock();
        // Grants that are gone leave nothing behind.
        renewing.retain(|known, lock| *known == grant || Arc::strong_count(lock) > 1);
        renewing.entry(grant).or_default().clone()
    }

    /// Notes that a consent is on its way.
    pub fn opened(&self, consent: &Consent) {
        let mut open = self.open.lock();
        open.insert(consent.id, consent.who.uid);
    }

    /// Whether a consent of this user is on its way.
    pub fn is_open(&self, consent: ConsentId, uid: u32) -> bool {
        let open = self.open.lock();
        open.get(&consent) == Some(&uid)
    }

    /// Notes how a consent ended, for whoever waits.
    pub fn settle(&self, consent: &Consent, state: ConsentState, now: Timestamp) {
        let mut settled = self.settled.lock();
        settled.retain(|_, ended| now.since(ended.at) < KEPT_MS);
        settled.insert(consent.id, Settled { at: now, uid: consent.who.uid, state });
        drop(settled);
        self.open.lock().remove(&consent.id);
        self.has_moved();
    }

    /// Wakes those that wait for a consent's state.
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
