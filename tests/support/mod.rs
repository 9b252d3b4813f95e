//! What stories need: a sandbox, the real daemon over a throw-away directory with a clock that tests step, a client.

pub mod consent;
pub mod mail;
pub mod programs;
pub mod raw;
pub mod receiver;
pub mod terminal;
mod unsettled;

use std::sync::Arc;
use std::time::Duration;

use roster_protocol::connection::{Account, Connection};
use roster_protocol::error::RosterError;
use roster_protocol::influencer::{Influencer, NewInfluencer};
use roster_protocol::sync::{Run, SyncTarget};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::{self, within};
use roster_protocol::{Alert, RosterClient, service};
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use rosterd::app::setup::Source;
use rosterd::http_client::HttpLimits;
use rosterd::process::clock::ManualClock;
use rosterd::process::config::{Config, ConfigError};
use rosterd::process::environment::Environment;
use rosterd::schedule::gate::Priority;
use rosterd::store::StoreError;
use rosterd::{Daemon, Options, StartError};
use tempfile::TempDir;

/// 2026-11-21T12:00:00Z: when every story begins.
pub const NOON: Timestamp = Timestamp(1_795_262_400_000);
/// The longest a story waits for something that must happen.
pub const LIMIT: Duration = Duration::from_secs(20);

/// How much of its long form a story runs: `ROSTER_NIGHTLY=1` all of it, `ROSTER_NIGHTLY=0.1` a tenth; `None`, without
/// it, its quick form.
pub fn nightly() -> Option<f64> {
    let reported = std::env::var("ROSTER_NIGHTLY").ok()?;
    Some(reported.parse().expect("ROSTER_NIGHTLY is a share, such as 1 or 0.1"))
}

/// How often a story tries: `quick` under `cargo test`, `long` at night, and never less often than quick.
pub fn times(quick: u64, long: u64) -> u64 {
    nightly().map_or(quick, |share| ((long as f64 * share) as u64).max(quick))
}

/// A bound on wall-clock time; every assertion on how long something took uses it. `ROSTER_SLOWNESS=3` scales
/// them all on a machine that is three times slower than those the bounds are meant for.
pub fn limit(bound: Duration) -> Duration {
    let slowness =
        std::env::var("ROSTER_SLOWNESS").map_or(1.0, |reported| reported.parse().expect("a factor, such as 3"));
    bound.mul_f64(slowness)
}

/// A bound as it holds on an idle machine: at night as it is, under `cargo test`, beside others, five times that.
pub fn idle(bound: Duration) -> Duration {
    if nightly().is_some() { bound } else { 5 * bound }
}

/// Prints a figure; the nightly run gathers the lines.
pub fn figure(text: impl std::fmt::Display) {
    println!("\nfigure: {text}");
}

/// `[sync]` of a daemon that reads the sandbox, and that syncs an account as often as a story requests it.
pub fn synced_at_will(sandbox: &Sandbox) -> String {
    format!("[sync]\ngateway = \"{}\"\nmin_distance = \"0s\"\n", sandbox.url())
}

/// How long a daemon waits: for browsers and platforms at its listener, and for platforms' responses.
#[derive(Clone, Copy)]
struct Timeouts {
    listening: rosterd::serve::http::Timeouts,
    /// For a whole response, and from one part of it to the next.
    response: (Duration, Duration),
}

type Listening = rosterd::serve::http::Timeouts;
const LONG_TIMEOUTS: Timeouts = Timeouts {
    listening: Listening { headers: LIMIT, request: LIMIT },
    response: (Duration::from_millis(1500), Duration::from_millis(700)),
};
const SHORT_TIMEOUTS: Timeouts = Timeouts {
    listening: Listening { headers: Duration::from_secs(2), request: Duration::from_secs(3) },
    ..LONG_TIMEOUTS
};
/// For stories in which a response that comes late on a loaded machine would be lost for good.
const LONGEST_TIMEOUTS: Timeouts =
    Timeouts { response: (Duration::from_secs(6), Duration::from_secs(5)), ..LONG_TIMEOUTS };

/// What Mara is called there.
pub fn mara_on(platform: Platform) -> &'static str {
    match platform {
        Platform::Bluesky => "mara.sky.test",
        Platform::Mastodon => "mara@social.example",
        Platform::Youtube => "@mara",
        Platform::Instagram => "mara.gram",
        Platform::Facebook => "mara.page",
        Platform::Tiktok => "mara",
    }
}

/// A sandbox, and a daemon that reads it.
pub struct World {
    pub sandbox: Sandbox,
    pub clock: Arc<ManualClock>,
    pub client: RosterClient,
    daemon: Option<Daemon>,
    dir: TempDir,
    config: String,
    timeouts: Timeouts,
}

impl World {
    /// A world without accounts, and the usual config.
    pub async fn new() -> Self {
        Self::with_config("").await
    }

    /// The same with more config. `[sync]` is there already; its keys are first, then sections.
    pub async fn with_config(more: &str) -> Self {
        Self::with_configs("", more, LONG_TIMEOUTS, NOON).await
    }

    /// The same at another time, for a daemon that waits long for responses.
    pub async fn at(begin: Timestamp, more: &str) -> Self {
        Self::with_configs("", more, LONGEST_TIMEOUTS, begin).await
    }

    /// A world whose listener has short timeouts.
    pub async fn with_short_timeouts() -> Self {
        Self::with_configs("", "", SHORT_TIMEOUTS, NOON).await
    }

    /// A world whose daemon browsers reach at this address.
    pub async fn with_proxy(public_url: &str) -> Self {
        Self::with_configs(&format!("public_url = \"{public_url}\"\n"), "", LONG_TIMEOUTS, NOON).await
    }

    /// With more keys of `[http]`, and more config.
    async fn with_configs(http: &str, more: &str, timeouts: Timeouts, begin: Timestamp) -> Self {
        let sandbox = roster_sandbox::Options { accounts: 0, now: Some(begin.to_jiff()), ..Default::default() };
        let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
        let dir = tempfile::tempdir().expect("a throw-away directory");
        let clock = Arc::new(ManualClock::at(begin));
        let sync = synced_at_will(&sandbox);
        let config = format!("[http]\nlisten = \"127.0.0.1:0\"\n{http}{sync}{more}");
        let config = match config.contains("[platforms.youtube]") {
            true => config,
            false => format!("{config}\n[platforms.youtube]\napi_key = \"youtube-api-key\"\n"),
        };
        let daemon = start(&dir, &config, clock.clone(), timeouts).await;
        let client = transport::connect(&daemon.socket).await.expect("the daemon responds");
        Self { sandbox, clock, client, daemon: Some(daemon), dir, config, timeouts }
    }

    /// The running daemon.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("the daemon runs")
    }

    /// Ends the daemon and starts another over the same directory.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.resume().await;
    }

    /// Ends the daemon.
    pub async fn stop(&mut self) {
        self.daemon.take().expect("the daemon runs").end().await;
    }

    /// The store's file.
    pub fn store_file(&self) -> std::path::PathBuf {
        self.dir.path().join("state").join("roster.redb")
    }

    /// Starts the daemon that was ended.
    pub async fn resume(&mut self) {
        let daemon = start(&self.dir, &self.config, self.clock.clone(), self.timeouts).await;
        self.client = transport::connect(&daemon.socket).await.expect("the daemon responds");
        self.daemon = Some(daemon);
    }

    /// Gives the running daemon another config, as a reload does.
    pub async fn reload(&mut self, change: impl FnOnce(&str) -> String) -> Result<(), ConfigError> {
        let config = change(&self.config);
        std::fs::write(self.dir.path().join("rosterd.toml"), &config).expect("a config");
        self.daemon().reload().await?;
        self.config = config;
        Ok(())
    }

    /// Makes or changes an account on a simulated platform.
    pub fn account(&self, platform: Platform, handle: &str, edit: AccountEdit) {
        self.sandbox.world().put(platform, handle, &edit).expect("a possible account");
    }

    /// An account with these followers, and posts that each have 10 likes.
    pub fn followers(&self, platform: Platform, handle: &str, followers: u64) {
        let edit = AccountEdit { followers: Some(followers), likes: Some(10), ..AccountEdit::default() };
        self.account(platform, handle, edit);
    }

    /// Adds an influencer with one account and waits for the first numbers.
    pub async fn add(&self, name: &str, platform: &str, handle: &str) -> Influencer {
        let added = self.try_add(name, platform, handle).await.expect("added");
        self.sync(&added.row.id.to_string()).await;
        self.show(&added.row.id.to_string()).await
    }

    pub async fn try_add(&self, name: &str, platform: &str, handle: &str) -> Result<Influencer, RosterError> {
        let account = Account { platform: platform.to_owned(), handle: handle.to_owned() };
        let new = NewInfluencer { name: name.to_owned(), accounts: vec![account], ..NewInfluencer::default() };
        self.client.add(within(LIMIT), new).await.expect("a response")
    }

    pub async fn show(&self, influencer: &str) -> Influencer {
        self.client.influencer(within(LIMIT), influencer.to_owned()).await.expect("a response").expect("an influencer")
    }

    pub async fn connection(&self, named: &str) -> Connection {
        self.client.connection(within(LIMIT), named.to_owned()).await.expect("a response").expect("a connection")
    }

    /// Syncs one influencer or connection and waits for all its runs.
    pub async fn sync(&self, named: &str) -> Vec<Run> {
        self.sync_target(SyncTarget::One(named.to_owned())).await
    }

    /// Syncs what has a single connection.
    pub async fn sync_one(&self, named: &str) -> Run {
        let mut runs = self.sync(named).await;
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// The days and followers that are stored of Mara there.
    pub async fn stored(&self, platform: Platform) -> Vec<(String, Option<u64>)> {
        let named = format!("{}:{}", platform.slug(), mara_on(platform));
        let history = self.client.history(within(LIMIT), named, None, None).await.expect("a response");
        let snapshots = history.expect("a history").snapshots;
        snapshots.into_iter().map(|snapshot| (snapshot.date.to_string(), snapshot.numbers.followers)).collect()
    }

    pub async fn sync_target(&self, target: SyncTarget) -> Vec<Run> {
        let ticket = self.client.sync(within(LIMIT), target).await.expect("a response").expect("a ticket");
        let mut runs = Vec::new();
        loop {
            let progress = self.client.sync_progress(within(LIMIT), ticket, runs.len() as u64).await;
            let progress = progress.expect("a response").expect("progress");
            runs.extend(progress.runs);
            if progress.done {
                return runs;
            }
        }
    }

    /// Moves the clock, and waits until nothing is due or running any more.
    pub async fn pass(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.settle().await;
    }

    /// Waits until nothing is due or running, and what ran is stored.
    pub async fn settle(&self) {
        let settled = async || self.is_settled().then_some(());
        programs::until_or("everything due is run", settled, || self.unsettled()).await;
        // Memory is ahead of the disk, from which lists are read.
        self.daemon().app.store.writer_responds().await;
    }

    /// Whether nothing is running, and a lane's hold, outage or limit keeps back what is due.
    fn is_settled(&self) -> bool {
        let now = rosterd::process::clock::Clock::now(&*self.clock);
        let interval = self.daemon().app.setup().config.sync.grid.interval;
        let late = Timestamp(now.0.saturating_sub(interval.millis()));
        self.daemon().app.look(|roster| {
            let held = |id: &roster_protocol::ConnectionId| {
                let (connection, due_at) = (&roster.connections[id], roster.queue.due_at(*id));
                let is_late = due_at.is_some_and(|due_at| due_at < late);
                let priority = if is_late { Priority::CatchUp } else { Priority::Due };
                !roster.may_take(&roster.lane_of(connection), priority, now)
            };
            roster.running.is_empty() && roster.queue.all_due(now).iter().all(held)
        })
    }

    /// Open and acknowledged alerts, newest first.
    pub async fn alerts(&self) -> Vec<Alert> {
        let query = service::AlertsQuery { limit: 256, ..Default::default() };
        self.client.alerts(within(LIMIT), query).await.expect("a response").expect("alerts").rows
    }

    /// Runs, newest first.
    pub async fn runs(&self) -> Vec<Run> {
        let query = service::RunsQuery { limit: 256, ..Default::default() };
        self.client.runs(within(LIMIT), query).await.expect("a response").expect("runs").rows
    }

    /// How many requests a platform got whose path contains `part`.
    pub fn requests_to(&self, part: &str) -> usize {
        self.sandbox.world().requests().iter().filter(|request| request.path.contains(part)).count()
    }
}

async fn start(dir: &TempDir, config: &str, clock: Arc<ManualClock>, timeouts: Timeouts) -> Daemon {
    let config = Config::parse(config, "the story's config").expect("a good config");
    let limits = HttpLimits {
        connect: Duration::from_millis(500),
        total: timeouts.response.0,
        read_gap: timeouts.response.1,
        ..HttpLimits::default()
    };
    let options = || Options {
        clock: clock.clone(),
        source: Source { file: dir.path().join("rosterd.toml"), environment: Environment::default(), limits },
        rpc_timeouts: transport::Timeouts {
            preamble: Duration::from_millis(400),
            half_frame: Duration::from_millis(400),
            unread: Duration::from_millis(1500),
            ..transport::Timeouts::default()
        },
        http_timeouts: timeouts.listening,
        ..Options::new(config.clone(), dir.path().join("state"), dir.path().join("run").join("rosterd.sock"))
    };
    // Programs that other stories start hold this process's files, locks included, for the moment until they are their own.
    let started = programs::until("the store is free", async || match Daemon::start(options()).await {
        Err(StartError::Store(StoreError::InUse { .. })) => None,
        started => Some(started),
    });
    started.await.expect("the daemon starts")
}
