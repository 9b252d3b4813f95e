//! Everything that exists as long as the daemon: built once, then passed on.
//!
//! [`App::decide`] is the one way in which anything changes: a pure decision over the roster makes a commit, the
//! roster applies it, the store makes it durable, and its events are published only after that.

mod budgets;
mod consents;
mod decide;
pub mod ending;
pub mod events;
mod load;
mod noting;
pub mod personal;
pub mod lookups;
mod probes;
mod publish;
pub mod refusals;
mod requests;
mod short_links;
pub mod setup;
pub mod tickets;
mod unreachable;
mod unwritable;
mod vaults;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use roster_protocol::error::RosterError;
use roster_protocol::event::Event;
use roster_protocol::ids::Id;
use roster_protocol::rule::Happening;
use roster_protocol::sync::{EndedBatch, RunningBatch};
use roster_protocol::time::Timestamp;
use tokio::sync::{Notify, Semaphore, SetOnce, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::consents::{ConsentRuntime, Listener};
use self::events::Feed;
use self::load::Held;
use self::lookups::LookUps;
use self::probes::Probes;
use self::refusals::Refusals;
use self::setup::{LastLoad, Setup, StartedWith};
pub use self::short_links::ShortLink;
use self::tickets::Tickets;
use self::unwritable::Unwritable;
pub use self::vaults::{HeldVault, Vaults};
use crate::decision::Dice;
use crate::http_client::SharedGate;
use crate::meters::Meters;
use crate::model::Loaded;
use crate::platforms::Platforms;
use crate::process::clock::Clock;
use crate::process::logs::Logs;
use crate::roster::Roster;
use crate::roster::ids::InUse;
use crate::roster::rows::Seen;
use crate::store::{Store, StoreError};

/// Everything long-lived.
pub struct App {
    pub clock: Arc<dyn Clock>,
    pub store: Store,
    pub feed: Feed,
    pub tickets: Tickets,
    pub look_ups: LookUps,
    /// Requests to sync what is due or running already, counted in the same way.
    pub syncs: LookUps,
    /// What was refused at the socket.
    pub refusals: Refusals,
    /// What consents need while the daemon runs.
    pub consents: ConsentRuntime,
    /// What all requests to platforms pass.
    pub gate: SharedGate,
    pub started_at: Timestamp,
    pub started_with: StartedWith,
    /// Requests to itself that are under way.
    pub probes: Probes,
    /// What is counted since then.
    pub meters: Meters,
    /// Woken when something becomes due or a permit becomes free.
    pub wake: Notify,
    /// Woken when a hub has to be asked for something.
    pub hubs: Notify,
    /// Sent when deliveries are queued, or end.
    pub deliveries: watch::Sender<()>,
    /// Woken when the keys of the store's secrets change.
    pub keys: Notify,
    pub erasures: Erasures,
    /// Woken when what is not kept any more is to be deleted now.
    pub upkeep: Notify,
    /// Sent when the store's file, the socket and the listener are to be looked at.
    pub look_again: watch::Sender<()>,
    /// Permits for runs that have a result and are not durable yet.
    pub unstored: Semaphore,
    /// When the next scheduled backup is due; `None` when none is scheduled.
    pub next_backup: Mutex<Option<Timestamp>>,
    /// When the last scheduled backup failed, and why; `None` when it did not.
    pub backup_failure: Mutex<Option<(Timestamp, String)>>,
    /// What the daemon lacks now, in sentences.
    pub troubles: Mutex<BTreeMap<Happening, String>>,
    /// Sent when the network of this host, or the desktop of the daemon's session, is lost or found again; with the reason.
    pub network_lost: watch::Sender<Option<String>>,
    pub desktop_lost: watch::Sender<Option<String>>,
    /// A permit for the backup that is under way.
    pub backups: Arc<Semaphore>,
    /// The batches that run now, each by a number of its own.
    pub batches: Mutex<BTreeMap<u64, RunningBatch>>,
    /// The last ones that ended, newest first.
    pub ended_batches: Mutex<VecDeque<EndedBatch>>,
    /// Desktop agents by uid: how many wait now, and when the last one left.
    pub agents: Mutex<HashMap<u32, Agent>>,
    /// Cancelled when the daemon ends.
    pub ending: CancellationToken,
    /// Work that must finish before the end.
    pub tasks: TaskTracker,
    /// Cancelled when such work has had enough time to finish.
    pub cut_off: CancellationToken,
    /// The log, if the daemon owns it: in tests the test does.
    pub logs: Option<Logs>,
    setup: watch::Sender<Arc<Setup>>,
    last_load: Mutex<LastLoad>,
    roster: Mutex<Held>,
    /// What is published while nothing can be stored; locked after the roster.
    unwritable: Mutex<Option<Unwritable>>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
    dice: Mutex<Dice>,
    recent_loaded: SetOnce<()>,
}

/// The work that erasures leave.
#[derive(Default)]
pub struct Erasures {
    /// Woken when there is some, or the list of erased ones grew.
    pub wake: Notify,
    /// Held while it is done.
    pub finishing: tokio::sync::Mutex<()>,
}

/// One user's desktop agents.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agent {
    /// Calls that wait for notices now.
    pub waiting: u32,
    /// When the last call ended.
    pub left_at: Timestamp,
}

/// What the app is built of.
pub struct Parts {
    pub started_with: StartedWith,
    pub setup: Setup,
    pub platforms: Platforms,
    pub clock: Arc<dyn Clock>,
    pub store: Store,
    pub loaded: Loaded,
    pub vaults: Vaults,
    pub logs: Option<Logs>,
    /// Seeds ids, offsets and the feed's epoch.
    pub seed: u64,
}

impl App {
    /// Puts the parts together. What growth and coverage need is read by [`App::load_recent`].
    pub fn build(mut parts: Parts) -> Arc<Self> {
        let meters = Meters::new(parts.platforms.keys().map(String::as_str));
        parts.platforms.keys().for_each(|slug| parts.setup.http.meters().begin(slug));
        let now = parts.clock.now();
        let gate = SharedGate::default();
        budgets::know(&gate, &parts.platforms);
        gate.with(|gate| gate.restore(std::mem::take(&mut parts.loaded.budgets), now));
        let mut roster = Roster::new(parts.loaded, parts.platforms).through(gate.clone());
        roster.know_rules(parts.setup.config.rules.clone());
        roster.routing = parts.setup.config.channels.routing.clone();
        Arc::new(Self {
            clock: parts.clock,
            store: parts.store,
            feed: Feed::new(parts.seed),
            tickets: Tickets::default(),
            look_ups: LookUps::default(),
            syncs: LookUps::default(),
            refusals: Refusals::default(),
            consents: ConsentRuntime::new(parts.vaults),
            gate,
            started_at: now,
            started_with: parts.started_with,
            probes: Probes::default(),
            meters,
            wake: Notify::new(),
            hubs: Notify::new(),
            deliveries: watch::Sender::new(()),
            keys: Notify::new(),
            erasures: Erasures::default(),
            upkeep: Notify::new(),
            look_again: watch::Sender::new(()),
            unstored: Semaphore::new(MOST_UNSTORED),
            next_backup: Mutex::default(),
            backup_failure: Mutex::default(),
            troubles: Mutex::default(),
            network_lost: watch::Sender::default(),
            desktop_lost: watch::Sender::default(),
            backups: Arc::new(Semaphore::new(1)),
            batches: Mutex::default(),
            ended_batches: Mutex::default(),
            agents: Mutex::default(),
            ending: CancellationToken::new(),
            tasks: TaskTracker::new(),
            cut_off: CancellationToken::new(),
            logs: parts.logs,
            last_load: Mutex::new(LastLoad { at: now, refused: None }),
            setup: watch::Sender::new(Arc::new(parts.setup)),
            roster: Mutex::new(Held { roster, generation: 0, is_stale: false, recoveries: 0 }),
            unwritable: Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
            dice: Mutex::new(Dice(fastrand::Rng::with_seed(parts.seed))),
            recent_loaded: SetOnce::new(),
        })
    }

    /// What follows from the config in use.
    pub fn setup(&self) -> Arc<Setup> {
        self.setup.borrow().clone()
    }

    /// Notifies when another setup takes effect.
    pub fn watch_setup(&self) -> watch::Receiver<Arc<Setup>> {
        self.setup.subscribe()
    }

    /// Puts another setup into effect. The scheduler moves due times onto its grid.
    pub fn install(&self, setup: Setup, platforms: Platforms) {
        budgets::know(&self.gate, &platforms);
        let routing = setup.config.channels.routing.clone();
        self.with_roster(|roster| {
            roster.know(platforms);
            roster.know_rules(setup.config.rules.clone());
            roster.routing = routing;
        });
        let http = setup.http.counting_on(&self.setup().http);
        let setup = Setup { http, ..setup };
        self.setup.send_replace(Arc::new(setup));
        self.consents.wake.notify_one();
        self.feed.publish(vec![Event::ScheduleChanged]);
    }

    /// How the last load of the config ended.
    pub fn last_load(&self) -> LastLoad {
        self.last_load.lock().clone()
    }

    /// Records how a load of the config ended.
    pub fn loaded_config(&self, load: LastLoad) {
        *self.last_load.lock() = load;
    }

    /// What a response made now depends on besides the roster.
    pub fn seen(&self) -> Seen {
        Seen { now: self.clock.now(), interval: self.setup().config.sync.grid.interval }
    }

    /// Reads the roster. Must be short: all other callers wait.
    pub fn look<T>(&self, look: impl FnOnce(&Roster) -> T) -> T {
        look(&self.held().roster)
    }

    /// Takes work off the roster: connections out of the queue, batches into the running ones.
    pub fn with_roster<T>(&self, work: impl FnOnce(&mut Roster) -> T) -> T {
        work(&mut self.held().roster)
    }

    /// A random number from 0 to 1.
    pub fn share(&self) -> f64 {
        self.dice.lock().share()
    }

    /// An id that is not in use, for what is sealed before it is decided on.
    pub fn fresh_id<Of>(&self) -> Id<Of>
    where
        Id<Of>: InUse,
    {
        let held = self.held();
        self.dice.lock().id_unless(|id: Id<Of>| id.is_in(&held.roster))
    }

    /// Does work that must finish even when the caller has left.
    ///
    /// # Errors
    /// The work's own; a panic in it is returned as a failure.
    pub async fn own<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RosterError>> + Send + 'static,
    ) -> Result<T, RosterError> {
        let done = self.tasks.spawn(self.cut_off.clone().run_until_cancelled_owned(work)).await;
        let done = done.unwrap_or_else(|_| Some(Err(RosterError::failed(FAILED_BADLY))));
        done.unwrap_or_else(|| Err(RosterError::failed("rosterd is ending")))
    }

    /// Why the store cannot be written at present; `None` when it can.
    pub fn degraded(&self) -> Option<String> {
        match self.store.state().refusal()?.0 {
            StoreError::Degraded { reason } => Some(reason),
            other => Some(other.to_string()),
        }
    }
}

/// What the caller gets after a panic; the log says where it happened.
const FAILED_BADLY: &str = "rosterd failed at this; its log has more";

/// How many runs may wait for a slow disk before no more batches are started.
const MOST_UNSTORED: usize = 4096;

/// A failed write as users see it.
pub fn write_error(error: &StoreError) -> RosterError {
    RosterError::failed(format!("nothing was changed: {error}")).hint(mending(error))
}

/// What an operator does about a store that cannot be written.
pub fn mending(error: &StoreError) -> &'static str {
    match error {
        StoreError::Replaced { .. } => {
            "put the same file back, and rosterd goes on by itself; or restart it to go on with what is there now"
        }
        StoreError::Damaged { .. } => DAMAGED,
        _ => "free disk space or mend the disk; rosterd goes on by itself as soon as it can write",
    }
}

/// What an operator does about a store that is damaged while the daemon runs.
const DAMAGED: &str = "end rosterd; then `rosterd check` says what is whole, `rosterd repair` writes a new store of it, and a backup \
                       can take the file's place";

/// A failed read as users see it.
pub fn read_error(error: &StoreError) -> RosterError {
    let failed = RosterError::failed(error.to_string());
    if matches!(error, StoreError::Damaged { .. }) { failed.hint(DAMAGED) } else { failed }
}

/// How long the daemon holds waiting calls: the protocol's limit, as a value.
pub const WAIT: Duration = roster_protocol::service::LONGEST_WAIT;

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
