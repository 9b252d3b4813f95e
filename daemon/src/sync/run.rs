//! One batch of runs, top to bottom: request, decide, commit, notify.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use roster_protocol::connection::ReadWith;
use roster_protocol::event::Event;
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{Cause, Coverage, EndedBatch, Outcome, Run, RunningBatch};
use roster_protocol::time::{Date, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use super::outages;
use crate::app::App;
use crate::consent::access::{self, Opened};
use crate::decision::Decision;
use crate::decision::reported;
use crate::decision::run::{self, Ended};
use crate::http_client::{Api, Reservation};
use crate::model::Hold;
use crate::platforms::{Account, Limit, Observation, Observed, PlatformError, Registered};
use crate::roster::rows;
use crate::schedule::breaker::Contact;
use crate::schedule::gate::Priority;
use crate::schedule::lane;

/// How many accounts of one batch are requested at once, each with its owner's consent.
const OWNED_AT_ONCE: usize = 4;
/// How many of the last batches are kept.
const BATCHES_KEPT: usize = 5;
/// A run that could not be stored is not repeated before this many seconds.
const UNSTORED_WAIT_S: i64 = 60;

/// A connection that is requested, and why.
#[derive(Clone, Debug)]
pub struct Requested {
    pub connection: ConnectionId,
    /// The handle it has when it is requested.
    pub handle: String,
    pub cause: Cause,
}

/// What a batch holds while its requests run: the permit for all platforms together, the one for the platform, and what it
/// will spend of the platform's limits.
pub struct Permits {
    pub of_all: OwnedSemaphorePermit,
    pub of_platform: OwnedSemaphorePermit,
    pub reservation: Reservation,
}

/// Runs a batch of one lane. The permits are released once all requests have ended: deciding and storing block no
/// request, as long as not too many results wait for the disk. After a failure they are kept until the
/// results are decided on: the choice of the next batch depends on them.
pub async fn batch(app: Arc<App>, lane: String, requested: Vec<Requested>, permits: Permits) {
    let started_at = app.clock.now();
    let number = announce(&app, &lane, &requested, started_at);
    let (observed, met) = observe(&app, &lane, &requested, started_at).await;
    let unstored = app.unstored.acquire_many(requested.len() as u32).await;
    let went_well = requested.iter().all(|requested| observed.get(&requested.connection).is_some_and(Result::is_ok));
    let mut permits = Some(permits);
    if went_well {
        drop(permits.take());
        app.wake.notify_one();
        tokio::task::yield_now().await;
    }
    let mut ending = pin!(end(&app, number, &lane, &requested, started_at, observed, met));
    // The first step decides; the rest waits for the disk.
    let ended = futures::poll!(&mut ending);
    if permits.take().is_some() {
        app.wake.notify_one();
    }
    let ended = match ended {
        Poll::Ready(ended) => ended,
        Poll::Pending => ending.await,
    };
    report(&app, ended);
    drop(unstored);
    // What is left of a request may wait for the end of a limit or an outage that this batch met.
    if !went_well {
        app.give_up_unreachable();
    }
}

/// Says how a batch ended: in the log, to clients, and among the last ones.
fn report(app: &App, batch: EndedBatch) {
    let Coverage { expected, ok, partial, failed, skipped } = batch.runs;
    let (platform, duration_ms) = (batch.platform.as_str(), batch.duration_ms);
    if ok == expected {
        tracing::debug!(platform, expected, ok, duration_ms, "batch ended");
    } else {
        tracing::info!(
            platform,
            expected,
            ok,
            partial,
            failed,
            skipped,
            duration_ms,
            "batch ended, not all of it well"
        );
    }
    let mut last = app.ended_batches.lock();
    last.truncate(BATCHES_KEPT - 1);
    last.push_front(batch.clone());
    drop(last);
    app.feed.publish(vec![Event::BatchEnded(Box::new(batch))]);
}

fn announce(app: &App, lane: &str, requested: &[Requested], started_at: Timestamp) -> u64 {
    let one = if let [one] = requested { Some(one.connection) } else { None };
    let influencer_name = app.look(|roster| {
        let connection = roster.connections.get(&one?)?;
        Some(roster.influencers.get(&connection.influencer)?.name.clone())
    });
    let platform = lane::platform_of(lane).to_owned();
    let running = RunningBatch { platform, connections: requested.len() as u64, influencer_name, started_at };
    let number = {
        let mut batches = app.batches.lock();
        let number = batches.last_key_value().map_or(1, |(last, _)| last + 1);
        batches.insert(number, running);
        number
    };
    app.feed.publish(vec![Event::SyncMoved]);
    number
}

/// Sends the requests of a batch. Every connection gets a result, even when the platform's module panics. Returns also
/// what the batch met, if it requested anything.
async fn observe(
    app: &Arc<App>,
    lane: &str,
    requested: &[Requested],
    now: Timestamp,
) -> (HashMap<ConnectionId, Result<Observation, PlatformError>>, Option<Contact>) {
    let (known, accounts) = app.look(|roster| {
        let known: Option<Arc<Registered>> = roster.platforms.get(lane::platform_of(lane)).cloned();
        let account = |requested: &Requested| {
            let connection = roster.connections.get(&requested.connection)?;
            Some(Account {
                connection: connection.id,
                handle: connection.handle.clone(),
                platform_user_id: connection.platform_user_id.clone(),
                access: None,
                days_from: None,
            })
        };
        (known, requested.iter().filter_map(account).collect::<Vec<_>>())
    });
    let Some(known) = known else { return (HashMap::new(), None) };
    if let Some(what) = known.platform.lacks() {
        let lacks = |account: &Account| (account.connection, Err(PlatformError::Unconfigured { what: what.clone() }));
        return (accounts.iter().map(lacks).collect(), None);
    }
    let (consented, mut public): (Vec<_>, Vec<_>) = app.look(|roster| {
        accounts.into_iter().partition(|account| roster.consents.grant_of(account.connection).is_some())
    });
    let opening = consented.iter().map(|account| access::of_connection(app, account.connection));
    let opened = futures::future::join_all(opening).await;
    let priority = priority_of(requested);
    let api = app.api(&known.route, lane, priority);
    let context = BatchContext { app, lane, priority, api, known };
    let (mut unopened, mut owned) = (HashMap::new(), Vec::new());
    for (account, opened) in consented.into_iter().zip(opened) {
        match opened {
            Ok(None) => public.push(account),
            Ok(Some(opened)) => owned.push(context.request_owned(account, opened).boxed()),
            Err(error) => drop(unopened.insert(account.connection, Err(error))),
        }
    }
    let owned = stream::iter(owned).buffer_unordered(OWNED_AT_ONCE).collect::<Vec<_>>();
    let (mut results, owned) = futures::future::join(context.request(public), owned).await;
    results.extend(owned);
    if results.len() == requested.len() && results.values().all(Result::is_ok) {
        app.gate.with(|gate| gate.learn(lane, requested.len(), &context.api.spent()));
    }
    let met = outages::contact(results.values(), unopened.values());
    results.extend(unopened);
    if let Some(wait) = context.api.requested_wait() {
        hold(app, lane, now.plus_seconds(wait.as_secs().min(run::LONGEST_WAIT_S) as i64), context.api.wait_reason())
            .await;
    }
    (results, met)
}

/// The most urgent of a batch's requests.
fn priority_of(requested: &[Requested]) -> Priority {
    let priority = |requested: &Requested| match requested.cause {
        Cause::Person => Priority::Person,
        Cause::Schedule | Cause::Push => Priority::Due,
        Cause::CatchUp => Priority::CatchUp,
    };
    requested.iter().map(priority).min().unwrap_or(Priority::Due)
}

/// What the requests of one batch share.
struct BatchContext<'a> {
    app: &'a Arc<App>,
    lane: &'a str,
    priority: Priority,
    known: Arc<Registered>,
    api: Api,
}

impl BatchContext<'_> {
    /// Requests accounts together.
    async fn request(&self, accounts: Vec<Account>) -> HashMap<ConnectionId, Result<Observation, PlatformError>> {
        if accounts.is_empty() {
            return HashMap::new();
        }
        let api = self.api_about(&accounts);
        let observing = AssertUnwindSafe(self.known.platform.observe(&api, &accounts));
        let observed: Observed = observing.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(lane = self.lane, "a platform's module panicked");
            Vec::new()
        });
        let mut results: HashMap<_, _> = observed.into_iter().collect();
        self.confirm(&accounts, &mut results).await;
        for account in accounts {
            results.entry(account.connection).or_insert_with(|| Err(no_result()));
        }
        results
    }

    /// Requests accounts once more that are reported to have lost all followers at once. Where that fails the number is
    /// unknown.
    async fn confirm(
        &self,
        accounts: &[Account],
        results: &mut HashMap<ConnectionId, Result<Observation, PlatformError>>,
    ) {
        let doubtful: Vec<Account> = self.app.look(|roster| {
            let is_doubtful = |account: &&Account| {
                let connection = roster.connections.get(&account.connection);
                let result = results.get(&account.connection).and_then(|result| result.as_ref().ok());
                connection.zip(result).is_some_and(|(connection, seen)| run::is_doubtful(connection, seen))
            };
            let again = |account: &Account| Account { days_from: None, ..account.clone() };
            accounts.iter().filter(is_doubtful).map(again).collect()
        });
        if doubtful.is_empty() {
            return;
        }
        // A platform that has just requested us to wait gets no second request.
        let once_more = if self.api.requested_wait().is_none() { doubtful.as_slice() } else { &[] };
        let api = self.api_about(once_more);
        let observing = AssertUnwindSafe(self.known.platform.observe(&api, once_more));
        let mut again: HashMap<_, _> = observing.catch_unwind().await.unwrap_or_default().into_iter().collect();
        for account in doubtful {
            match (again.remove(&account.connection), results.get_mut(&account.connection)) {
                (Some(Ok(second)), Some(result)) => {
                    let days = result.as_mut().ok().and_then(|first| first.days.take());
                    *result = Ok(Observation { days, ..second });
                }
                (_, Some(Ok(first))) => {
                    first.numbers.followers = None;
                    first.missing.push("followers: 0 is reported, and could not be confirmed".to_owned());
                }
                _ => {}
            }
        }
    }

    /// The way for requests about these accounts.
    fn api_about(&self, accounts: &[Account]) -> Api {
        self.api.about(&accounts.iter().map(|account| account.connection).collect::<Vec<_>>())
    }

    /// From which day on the figures of days are requested of an account, with its owner's consent.
    fn days_from(&self, connection: ConnectionId) -> Option<Date> {
        self.known.platform.info().reports?;
        let now = self.app.clock.now();
        let today = self.app.setup().config.sync.grid.date_of(now);
        self.app.look(|roster| reported::days_from(roster.connections.get(&connection)?, today, now))
    }

    /// Requests one account with its owner's consent. A refused token is renewed and the request repeated, once.
    async fn request_owned(
        &self,
        account: Account,
        opened: Opened,
    ) -> (ConnectionId, Result<Observation, PlatformError>) {
        let id = account.connection;
        let own = account.platform_user_id.as_deref();
        let now = self.app.clock.now();
        let refusal = |own| self.app.gate.with(|gate| gate.account_refusal(self.lane, own, self.priority, now));
        if let Some(spent) = own.and_then(refusal) {
            let wait = Duration::from_millis(u64::try_from(spent.until.since(now)).unwrap_or_default());
            return (id, Err(PlatformError::RateLimited { retry_after: Some(wait), of: Limit::Account }));
        }
        let days_from = self.days_from(id);
        let with = |opened: &Opened| Account { access: Some(opened.access.clone()), days_from, ..account.clone() };
        let consented = |observation| Observation { read_with: ReadWith::Consent, ..observation };
        let first = self.request(vec![with(&opened)]).await.remove(&id).unwrap_or_else(|| Err(no_result()));
        let Err(PlatformError::Unauthorized { what }) = first else { return (id, first.map(consented)) };
        match access::refused(self.app, id, &opened, &what).await {
            Ok(renewed) => {
                let second = self.request(vec![with(&renewed)]).await.remove(&id);
                (id, second.unwrap_or_else(|| Err(no_result())).map(consented))
            }
            Err(error) => (id, Err(error)),
        }
    }
}

fn no_result() -> PlatformError {
    PlatformError::Unexpected { what: "rosterd failed to read the response; its log has more".to_owned() }
}

/// Holds a lane whose platform responded and requires us to wait.
async fn hold(app: &App, lane: &str, until: Timestamp, why: Option<String>) {
    let reason = why.unwrap_or_else(|| "the platform's limit is used up".to_owned());
    let held = app
        .decide(|decision| {
            decision.commit.sync.holds.push(Hold { lane: lane.to_owned(), until, reason });
            Ok(())
        })
        .await;
    if let Err(error) = held {
        tracing::warn!(%lane, %error, "a platform's hold could not be stored");
    }
}

/// How a requested connection ended.
enum RunEnd {
    Ran(Box<Run>),
    /// It was removed or disconnected meanwhile.
    Gone,
    /// A user gave it another handle meanwhile: the response is about the old one, and it runs again.
    Renamed,
}

/// Decides on each connection's result and commits them together; then removes batch `number` from
/// the running ones and notifies the waiting clients. Returns how the batch ended.
async fn end(
    app: &App,
    number: u64,
    lane: &str,
    requested: &[Requested],
    started_at: Timestamp,
    mut observed: HashMap<ConnectionId, Result<Observation, PlatformError>>,
    met: Option<Contact>,
) -> EndedBatch {
    // Before anything waits: which batch is next depends on it.
    let is_outage = met.is_some_and(|met| {
        let connections: Vec<ConnectionId> = requested.iter().map(|requested| requested.connection).collect();
        outages::batch_ended(app, lane, &connections, started_at, met)
    });
    let decisions = requested.iter().map(|requested| {
        let result = observed.remove(&requested.connection);
        move |decision: &mut Decision<'_>| {
            let connection = decision.roster.connections.get(&requested.connection);
            let connection = connection.filter(|connection| connection.disconnected_at.is_none());
            // A connection that is gone by now has no run.
            let (Some(connection), Some(result)) = (connection, result) else { return Ok(RunEnd::Gone) };
            if connection.handle != requested.handle {
                return Ok(RunEnd::Renamed);
            }
            run::run_ended(decision, connection, Ended { cause: requested.cause, started_at, result });
            Ok(match decision.commit.sync.runs.first() {
                Some(run) => RunEnd::Ran(Box::new(rows::run(decision.roster, run))),
                None => RunEnd::Gone,
            })
        }
    });
    let results = app.decide_each(decisions.collect()).await;
    for (requested, result) in requested.iter().zip(&results) {
        if let Ok(RunEnd::Ran(run)) = result {
            log(run, &requested.handle);
        }
    }
    let mut runs = Coverage::default();
    for result in &results {
        match result {
            Ok(RunEnd::Ran(run)) => runs.add(run.outcome, 1),
            Ok(RunEnd::Gone | RunEnd::Renamed) => {}
            // It could not be stored, and is run again.
            Err(_) => runs.add(Outcome::Failed, 1),
        }
    }
    if let Some(error) = results.iter().find_map(|result| result.as_ref().err()) {
        tracing::error!(%lane, %error, "runs could not be stored");
    }
    if is_outage {
        outages::report(app).await;
    }
    // In one step: a new request for these connections either waits for this run or starts another, and no client that
    // was notified of a run still finds its batch among the running ones.
    app.with_roster(|roster| {
        app.batches.lock().remove(&number);
        for (requested, result) in requested.iter().zip(&results) {
            roster.running.remove(&requested.connection);
            roster.requeue(requested.connection);
            if result.is_err() {
                roster.put_off(requested.connection, app.clock.now().plus_seconds(UNSTORED_WAIT_S));
            }
        }
        let runs = requested.iter().zip(results).filter_map(|(requested, result)| match result {
            Ok(RunEnd::Ran(run)) => Some((requested.connection, Some(*run))),
            Ok(RunEnd::Renamed) => None,
            Ok(RunEnd::Gone) | Err(_) => Some((requested.connection, None)),
        });
        app.tickets.ended(runs, app.clock.now(), app.setup().config.sync.min_distance);
    });
    app.wake.notify_one();
    let duration_ms = app.clock.now().since(started_at).max(0) as u64;
    EndedBatch { platform: lane::platform_of(lane).to_owned(), runs, started_at, duration_ms }
}

/// A successful run is stored among the runs, so the log mentions it at debug level only.
fn log(run: &Run, handle: &str) {
    macro_rules! log_at {
        ($level:expr) => {
            tracing::event!(
                $level,
                connection.id = %run.connection,
                platform = run.platform,
                handle,
                outcome = run.outcome.as_str(),
                cause = run.cause.as_str(),
                duration_ms = run.duration_ms,
                error = run.error,
                "run ended"
            )
        };
    }
    match run.outcome {
        Outcome::Ok => log_at!(tracing::Level::DEBUG),
        Outcome::Partial | Outcome::Failed | Outcome::Skipped => log_at!(tracing::Level::INFO),
    }
}
