//! Everything that lives as long as the daemon: built once, passed on.
//!
//! [`App::decide`] is the one way in which anything changes: a pure decision over the roster makes a commit, the
//! roster takes it in, the store makes it durable, and only then it is told.

pub mod events;
pub mod setup;
pub mod tickets;

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use roster_protocol::error::RosterError;
use roster_protocol::event::Event;
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::sync::RunningBatch;
use roster_protocol::time::Timestamp;
use tokio::sync::{Notify, Semaphore, SetOnce, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::events::Feed;
use self::setup::{LastLoad, Setup};
use self::tickets::Tickets;
use crate::consent::Desk;
use crate::decision::{Dice, Facts};
use crate::meters::Meters;
use crate::model::{Commit, Loaded};
use crate::platforms::Platforms;
use crate::process::clock::Clock;
use crate::process::logs::Logs;
use crate::roster::Roster;
use crate::roster::recent::{self, Recent};
use crate::roster::rows::{self, Seen};
use crate::schedule::coverage::Coverage;
use crate::secret::vault::Vault;
use crate::store::{Encoded, Load, Pending, RecentFollowers, RunsInOrder, Store, StoreError, StoreState};

/// Everything long-lived.
pub struct App {
    pub clock: Arc<dyn Clock>,
    pub store: Store,
    pub feed: Feed,
    pub tickets: Tickets,
    /// Where consents are asked for and kept.
    pub desk: Desk,
    pub started_at: Timestamp,
    /// What is counted since then.
    pub meters: Meters,
    /// Woken when something became due or a place became free.
    pub wake: Notify,
    /// Room for runs that have an answer and are not durable yet.
    pub unstored: Semaphore,
    /// What is being asked now, by a number of its own.
    pub batches: Mutex<BTreeMap<u64, RunningBatch>>,
    /// Desktop agents by uid: how many wait now, and when the last one left.
    pub agents: Mutex<HashMap<u32, Agent>>,
    /// The end of everything.
    pub ending: CancellationToken,
    /// Work that must finish before the end.
    pub tasks: TaskTracker,
    /// The end of patience with such work.
    pub cut_off: CancellationToken,
    /// The log, where it is ours: in tests it is the test's.
    pub logs: Option<Logs>,
    setup: watch::Sender<Arc<Setup>>,
    last_load: Mutex<LastLoad>,
    roster: Mutex<Roster>,
    dice: Mutex<Dice>,
    recalled: SetOnce<()>,
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
    pub setup: Setup,
    pub platforms: Platforms,
    pub clock: Arc<dyn Clock>,
    pub store: Store,
    pub loaded: Loaded,
    pub vault: Vault,
    pub logs: Option<Logs>,
    /// Seeds ids, offsets and the feed's epoch.
    pub seed: u64,
}

impl App {
    /// Puts the parts together. What growth and coverage need is read by [`App::recall`].
    pub fn build(parts: Parts) -> Arc<Self> {
        let meters = Meters::new(parts.platforms.keys().map(String::as_str));
        parts.platforms.keys().for_each(|slug| parts.setup.http.meters().begin(slug));
        let now = parts.clock.now();
        let roster = Roster::new(parts.loaded, parts.platforms);
        Arc::new(Self {
            clock: parts.clock,
            store: parts.store,
            feed: Feed::new(parts.seed),
            tickets: Tickets::default(),
            desk: Desk::new(parts.vault),
            started_at: now,
            meters,
            wake: Notify::new(),
            unstored: Semaphore::new(MOST_UNSTORED),
            batches: Mutex::default(),
            agents: Mutex::default(),
            ending: CancellationToken::new(),
            tasks: TaskTracker::new(),
            cut_off: CancellationToken::new(),
            logs: parts.logs,
            last_load: Mutex::new(LastLoad { at: now, refused: None }),
            setup: watch::Sender::new(Arc::new(parts.setup)),
            roster: Mutex::new(roster),
            dice: Mutex::new(Dice(fastrand::Rng::with_seed(parts.seed))),
            recalled: SetOnce::new(),
        })
    }

    /// Reads what growth and coverage need from the store: much, and nothing that listening or scheduling waits for.
    pub async fn recall(&self) {
        let (recent, coverage) = self.last_days(self.started_at).await;
        self.with_roster(|roster| roster.recall(recent, coverage));
        // Once in a life.
        let _ = self.recalled.set(());
    }

    /// The followers and the ended slots of the last days; of what cannot be read nothing is known.
    async fn last_days(&self, now: Timestamp) -> (HashMap<ConnectionId, Recent>, Coverage) {
        let today = self.setup().config.sync.grid.date_of(now);
        let days = today.plus_days(-(recent::DAYS as i32))..=today.plus_days(1);
        let followers = async {
            let read = self.store.read(RecentFollowers(days)).await?;
            let recent = move || read.into_iter().map(|(connection, days)| (connection, Recent::of(days))).collect();
            tokio::task::spawn_blocking(recent).await.map_err(|_| StoreError::Closed)
        };
        let coverage = self.coverage_since(now.plus_seconds(-COVERAGE_S));
        let (followers, coverage) = futures::join!(followers, coverage);
        let unread =
            |what: &str, error: &StoreError| tracing::error!(%error, "{what} of the last days could not be read");
        (
            followers.inspect_err(|error| unread("the followers", error)).unwrap_or_default(),
            coverage.inspect_err(|error| unread("the runs", error)).unwrap_or_default(),
        )
    }

    /// How the slots since then ended.
    async fn coverage_since(&self, since: Timestamp) -> Result<Coverage, StoreError> {
        let mut coverage = Coverage::default();
        let mut query = RunsInOrder { since, after: None, limit: RUNS_AT_ONCE };
        loop {
            let page = self.store.read(query.clone()).await?;
            page.rows.iter().for_each(|run| coverage.put(run));
            let Some(mark) = page.next else { return Ok(coverage) };
            query.after = Some(mark);
        }
    }

    /// Waits until the last days are recalled, as whoever shows or changes them must.
    pub async fn recalled(&self) {
        self.recalled.wait().await;
    }

    /// What follows from the config in use.
    pub fn setup(&self) -> Arc<Setup> {
        self.setup.borrow().clone()
    }

    /// Tells when another setup is taken into use.
    pub fn watch_setup(&self) -> watch::Receiver<Arc<Setup>> {
        self.setup.subscribe()
    }

    /// Takes another setup into use. The schedule brings due times onto its grid.
    pub fn install(&self, setup: Setup, platforms: Platforms) {
        self.with_roster(|roster| roster.know(platforms));
        let http = setup.http.counting_on(&self.setup().http);
        let setup = Setup { http, ..setup };
        self.setup.send_replace(Arc::new(setup));
        self.desk.wake.notify_one();
        self.feed.tell(vec![Event::ScheduleChanged]);
    }

    /// How loading the config went the last time.
    pub fn last_load(&self) -> LastLoad {
        self.last_load.lock().clone()
    }

    /// Notes how loading the config went.
    pub fn loaded_config(&self, load: LastLoad) {
        *self.last_load.lock() = load;
    }

    /// What an answer made now has to know.
    pub fn seen(&self) -> Seen {
        Seen { now: self.clock.now(), interval: self.setup().config.sync.grid.interval }
    }

    /// Looks at the roster. Short: everybody else waits.
    pub fn look<T>(&self, look: impl FnOnce(&Roster) -> T) -> T {
        look(&self.roster())
    }

    /// Takes work off the roster: connections out of the queue, batches into the running ones.
    pub fn with_roster<T>(&self, work: impl FnOnce(&mut Roster) -> T) -> T {
        work(&mut self.roster())
    }

    /// Decides, stores durably, then tells. The decision sees the roster as no other decision is in between.
    ///
    /// # Errors
    /// The decision's own, or that it could not be stored: then nothing has happened.
    pub async fn decide<T>(
        &self,
        decision: impl FnOnce(&Facts<'_>, &mut Commit, &mut Dice) -> Result<T, RosterError>,
    ) -> Result<T, RosterError> {
        self.recalled().await;
        let (decided, made) = self.in_one_step(|step| step.take(decision));
        let told = self.store_and_tell(made).await.and(decided);
        self.wake.notify_one();
        told
    }

    /// Decides one after the other in one step, each on what the ones before have left; what they decide is stored
    /// together. Where one is refused, the others go on. The schedule is not woken: whoever took connections out of it
    /// brings them back first.
    ///
    /// # Errors
    /// Each decision's own, or for all the others that they could not be stored: then nothing has happened.
    pub async fn decide_each<T>(
        &self,
        decisions: impl IntoIterator<Item = impl FnOnce(&Facts<'_>, &mut Commit, &mut Dice) -> Result<T, RosterError>>,
    ) -> Vec<Result<T, RosterError>> {
        self.recalled().await;
        let (decided, made) =
            self.in_one_step(|step| decisions.into_iter().map(|decision| step.take(decision)).collect::<Vec<_>>());
        match self.store_and_tell(made).await {
            Ok(()) => decided,
            Err(error) => decided.into_iter().map(|told| told.and_then(|_| Err(error.clone()))).collect(),
        }
    }

    /// Decides with the roster in hand, and queues what was decided in the same order.
    fn in_one_step<T>(&self, decide: impl FnOnce(&mut Step<'_>) -> T) -> (T, Option<Made>) {
        let setup = self.setup();
        let mut roster = self.roster();
        let mut dice = self.dice.lock();
        let now = self.clock.now();
        let mut step = Step {
            roster: &mut roster,
            setup: &setup,
            dice: &mut dice,
            now,
            encoded: Encoded::default(),
            events: vec![],
        };
        let decided = decide(&mut step);
        let Step { encoded, events, .. } = step;
        let made = (!encoded.is_empty()).then(|| Made { pending: self.store.submit(encoded), events });
        (decided, made)
    }

    /// Waits until what was decided is durable, and tells it; `None` when everything was refused.
    async fn store_and_tell(&self, made: Option<Made>) -> Result<(), RosterError> {
        let Some(Made { pending, events }) = made else { return Ok(()) };
        if let Err(error) = pending.await {
            tracing::error!(%error, "a decision could not be stored; the roster is loaded anew");
            self.reload().await;
            return Err(write_error(&error));
        }
        self.meters.told(&events);
        self.feed.tell(events);
        Ok(())
    }

    /// Does work that must finish even when whoever asked has left.
    ///
    /// # Errors
    /// The work's own; a panic in it is told as a failure.
    pub async fn own<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, RosterError>> + Send + 'static,
    ) -> Result<T, RosterError> {
        let done = self.tasks.spawn(self.cut_off.clone().run_until_cancelled_owned(work)).await;
        let done = done.unwrap_or_else(|_| Some(Err(RosterError::failed(FAILED_BADLY))));
        done.unwrap_or_else(|| Err(RosterError::failed("rosterd is ending")))
    }

    /// Brings the roster in memory back to what is stored.
    async fn reload(&self) {
        let now = self.clock.now();
        match self.store.read(Load).await {
            Ok(loaded) => {
                let (platforms, running) = self.look(|roster| (roster.platforms.clone(), roster.running.clone()));
                let mut fresh = Roster::new(loaded, platforms);
                let (recent, coverage) = self.last_days(now).await;
                fresh.recall(recent, coverage);
                for connection in running {
                    fresh.running.insert(connection);
                    fresh.requeue(connection);
                }
                self.with_roster(|roster| *roster = fresh);
            }
            Err(error) => tracing::error!(%error, "the roster could not be loaded anew"),
        }
    }

    /// Why the store cannot be written at present; `None` when it can.
    pub fn degraded(&self) -> Option<String> {
        match self.store.state() {
            StoreState::Working => None,
            StoreState::Degraded { reason, .. } => Some(reason),
        }
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock()
    }
}

/// Decisions that are made while the roster is held.
struct Step<'a> {
    roster: &'a mut Roster,
    setup: &'a Setup,
    dice: &'a mut Dice,
    now: Timestamp,
    encoded: Encoded,
    events: Vec<Event>,
}

/// What was decided in a step, on its way to the disk.
struct Made {
    pending: Pending,
    /// What is told of it once it is there.
    events: Vec<Event>,
}

impl Step<'_> {
    /// Makes one decision. One that is refused, or that no store could hold, leaves no trace.
    fn take<T>(
        &mut self,
        decision: impl FnOnce(&Facts<'_>, &mut Commit, &mut Dice) -> Result<T, RosterError>,
    ) -> Result<T, RosterError> {
        let config = &self.setup.config;
        let facts = Facts {
            roster: self.roster,
            grid: &config.sync.grid,
            significant: config.change.significant,
            now: self.now,
        };
        let mut commit = Commit::default();
        // One that fails badly must not take those with it that are in the roster already and not yet on their way.
        let deciding = AssertUnwindSafe(|| decision(&facts, &mut commit, self.dice));
        let decided = catch_unwind(deciding).unwrap_or_else(|_| Err(RosterError::failed(FAILED_BADLY)))?;
        self.encoded.add(&commit).map_err(|error| write_error(&error))?;
        self.roster.apply(&commit);
        self.events.extend(events_of(self.roster, &commit));
        Ok(decided)
    }
}

/// What is told of a panic, whose place the log tells.
const FAILED_BADLY: &str = "rosterd failed at this; its log has more";

/// Runs that may wait for a slow disk before no more are asked.
const MOST_UNSTORED: usize = 4096;

/// How many runs coverage reads at once: some megabytes.
const RUNS_AT_ONCE: usize = 20_000;

/// How far back coverage looks.
const COVERAGE_S: i64 = 24 * 3600;

/// What is told of a commit once it is stored.
fn events_of(roster: &Roster, commit: &Commit) -> Vec<Event> {
    let mut changed: Vec<InfluencerId> = commit.influencers.iter().map(|influencer| influencer.id).collect();
    changed.extend(commit.connections.iter().map(|connection| connection.influencer));
    changed.extend(commit.removed_connections.iter().map(|connection| connection.influencer));
    changed.sort();
    changed.dedup();
    changed.retain(|influencer| !commit.removed_influencers.contains(influencer));
    let mut events: Vec<Event> = changed.into_iter().map(Event::InfluencerChanged).collect();
    events.extend(commit.removed_influencers.iter().map(|influencer| Event::InfluencerRemoved(*influencer)));
    events.extend(
        commit
            .runs
            .iter()
            .map(|run| Event::RunFinished { run: Box::new(rows::run(roster, run)), connection: run.connection }),
    );
    events.extend(commit.alerts.iter().map(|alert| Event::AlertChanged(Box::new(rows::alert(roster, alert)))));
    if commit.settings.is_some() {
        events.push(Event::ScheduleChanged);
    }
    events
}

/// A store's failure as people get it.
pub fn write_error(error: &StoreError) -> RosterError {
    RosterError::failed(format!("nothing was changed: {error}"))
        .hint("free disk space or mend the disk; rosterd goes on by itself as soon as it can write")
}

/// A failed read as people get it.
pub fn read_error(error: &StoreError) -> RosterError {
    RosterError::failed(error.to_string())
}

/// How long waiting calls are held: the protocol's limit, as a value.
pub const WAIT: Duration = roster_protocol::service::LONGEST_WAIT;

#[cfg(test)]
mod tests;
