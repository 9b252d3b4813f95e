//! The last 90 days of an invented world, laid into a fresh store as if Roster had watched them.
//!
//! Accounts are connected, numbers learned and failures met by the daemon's own decisions, one day after the other; what
//! is invented here is when they happened and what the platforms would have reported then.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use roster_protocol::alert::{AlertState, ChangeCause};
use roster_protocol::audit::Who;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::ids::{AlertId, ConnectionId};
use roster_protocol::metric::{Metric, MetricSet, Numbers};
use roster_protocol::status::{Adoption, Coverage, DataQuality, DayFigures};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Timestamp};
use roster_sandbox::{Account, AccountKey, Platform, Sandbox, State};
use rosterd::app::setup::Setup;
use rosterd::decision::connect::{self, Found};
use rosterd::decision::run::{self, Ended};
use rosterd::decision::{Decision, Dice};
use rosterd::history::engagement::{PostNumbers, engagement};
use rosterd::model::{Alert, Commit, Connection, Influencer, Loaded, Run};
use rosterd::platforms::{PlatformError, Platforms};
use rosterd::process::config::Config;
use rosterd::roster::Roster;
use rosterd::store::{OpenOptions, Store};

use crate::look::{self, Looks};

const DAYS: i32 = 90;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Accounts that are gone, off, or failing have been so for this many days.
const TROUBLED_DAYS: i32 = 3;
/// For so many days the figures by which a team judges its roster are kept.
const FIGURES_DAYS: i32 = 60;
/// The share of owners who took their consent back.
const TAKEN_BACK: f64 = 0.04;
/// A user has seen the alerts that are older than this.
const SEEN_AFTER_S: i64 = 3 * DAY;
/// Changes and lines of the audit log are kept for this long.
const KEPT_S: i64 = 14 * DAY;

/// Lays influencers, connections, histories, runs, changes and alerts into a store in `dir`.
pub async fn lay(sandbox: &Sandbox, setup: &Setup, platforms: &Platforms, dir: &Path, seed: u64) -> anyhow::Result<()> {
    let now: Timestamp = jiff::Timestamp::now().into();
    let personas = sandbox.world().personas();
    let keys: Vec<AccountKey> = personas.iter().flat_map(|persona| persona.accounts.clone()).collect();
    let looks = look::look(setup, platforms, &keys, now).await;
    let (store, _) = Store::open(OpenOptions::in_dir(dir, now))?;
    let dice = Dice(fastrand::Rng::with_seed(seed));
    let mut past =
        Past { config: &setup.config, looks, platforms, now, dice, commit: Commit::default(), alerts: BTreeMap::new() };
    let mut histories = Vec::new();
    for persona in personas {
        let influencer = Influencer {
            id: past.dice.id(),
            name: persona.name,
            tags: persona.tags,
            note: None,
            paused: false,
            main: None,
            added_at: now.plus_seconds(-i64::from(DAYS) * DAY),
        };
        for key in persona.accounts {
            if let Some(account) = sandbox.world().account(key.platform, &key.handle) {
                histories.push(past.connection(&influencer, &account)?);
            }
        }
        past.commit.roster.influencers.push(influencer);
    }
    let commit = past.end();
    store.bulk_snapshots(setup.config.sync.grid.date_of(now), histories).await?;
    store.commit(commit).await?;
    Ok(())
}

struct Past<'a> {
    config: &'a Config,
    looks: Looks,
    platforms: &'a Platforms,
    now: Timestamp,
    dice: Dice,
    commit: Commit,
    /// As they are now.
    alerts: BTreeMap<AlertId, Alert>,
}

/// One connection while its past is decided: a roster of its own, and all that the decisions became.
struct Life {
    roster: Roster,
    commit: Commit,
    history: Vec<Snapshot>,
}

impl Past<'_> {
    /// One connection with everything that happened to it; returns its history.
    fn connection(
        &mut self,
        influencer: &Influencer,
        account: &Account,
    ) -> anyhow::Result<(ConnectionId, Vec<Snapshot>)> {
        let interval = self.config.sync.grid.interval.millis();
        let synced_at = Timestamp(self.now.0 - (self.dice.share() * interval as f64) as i64);
        let platform = account.platform.slug().to_owned();
        let looked = self.looks.remove(&(platform.clone(), account.handle.clone()));
        let failure = match &looked {
            Some(seen) => seen.as_ref().err().cloned(),
            None if self.dice.share() < TAKEN_BACK => {
                Some(PlatformError::Unauthorized { what: "the owner took the consent back".to_owned() })
            }
            None if account.state != State::Active => {
                Some(PlatformError::AccountGone { what: "no such account any more".to_owned() })
            }
            None => None,
        };
        let last = if failure.is_some() { synced_at.plus_seconds(-i64::from(TROUBLED_DAYS) * DAY) } else { synced_at };

        let loaded = Loaded { influencers: vec![influencer.clone()], ..Loaded::default() };
        let roster = Roster::new(loaded, self.platforms.clone());
        let mut life = Life { roster, commit: Commit::default(), history: Vec::new() };
        let observation = looked.and_then(Result::ok);
        let handle = observation.as_ref().map_or(&account.handle, |seen| &seen.handle).clone();
        let who = Who { uid: rustix::process::getuid().as_raw(), name: "demo".to_owned() };
        let id = self.decide(&mut life, influencer.added_at, |decision| {
            connect::put(decision, &who, influencer, Found { platform, handle, observation })
        })?;
        for (date, at) in self.days(last) {
            let snapshot = snapshot(account, date, at);
            self.decide(&mut life, at, |decision| {
                let connection = Connection { last_synced_at: Some(at), ..decision.roster.connections[&id].clone() };
                run::learn(decision, connection, snapshot.clone(), ChangeCause::Sync);
            });
            life.history.push(snapshot);
        }
        match failure {
            Some(error) => self.fail(&mut life, id, &error, last, synced_at),
            None => self.runs(&mut life, id, synced_at),
        }
        let next = Timestamp(synced_at.0 + interval);
        let connection = life.roster.connections.get(&id).context("it was connected")?;
        self.commit.roster.connections.push(Connection { next_due_at: next, slot_at: next, ..connection.clone() });
        self.keep(life.commit);
        Ok((id, life.history))
    }

    /// Makes a decision at a moment of the past.
    fn decide<T>(&mut self, life: &mut Life, at: Timestamp, decide: impl FnOnce(&mut Decision<'_>) -> T) -> T {
        let (grid, significant) = (&self.config.sync.grid, self.config.change.significant);
        let mut decision = Decision::new(&life.roster, grid, significant, at, &mut self.dice);
        let decided = decide(&mut decision);
        let commit = decision.commit;
        life.roster.apply(&commit);
        life.commit.sync.runs.extend(commit.sync.runs);
        life.commit.sync.changes.extend(commit.sync.changes);
        life.commit.alerting.alerts.extend(commit.alerting.alerts);
        life.commit.audit.lines.extend(commit.audit.lines);
        decided
    }

    /// One moment a day up to `last`; some days are missing, and some accounts lack three in a row.
    fn days(&mut self, last: Timestamp) -> Vec<(Date, Timestamp)> {
        let newest = self.config.sync.grid.date_of(last);
        let gap = (self.dice.share() < 0.1).then(|| newest.plus_days(-(10 + (self.dice.share() * 60.0) as i32)));
        let is_gap = |date: Date| gap.is_some_and(|gap| date >= gap && date < gap.plus_days(3));
        (0..DAYS)
            .rev()
            .map(|age| (newest.plus_days(-age), last.plus_seconds(-i64::from(age) * DAY)))
            .filter(|(date, _)| *date == newest || !(is_gap(*date) || self.dice.share() < 0.01))
            .collect()
    }

    /// It has failed in every slot since then.
    fn fail(&mut self, life: &mut Life, id: ConnectionId, error: &PlatformError, since: Timestamp, until: Timestamp) {
        let slots = (until.since(since) / (6 * HOUR * 1000)).max(2);
        for slot in (0..slots).rev() {
            let at = until.plus_seconds(-slot * 6 * HOUR);
            self.decide(life, at, |decision| {
                let known = decision.roster.connections[&id].clone();
                let connection = Connection { next_due_at: at, slot_at: at, ..known };
                let ended = Ended { cause: Cause::Schedule, started_at: at, result: Err(error.clone()) };
                run::run_ended(decision, &connection, ended);
            });
        }
    }

    /// The runs of the last day.
    fn runs(&mut self, life: &mut Life, id: ConnectionId, synced_at: Timestamp) {
        let connection = &life.roster.connections[&id];
        for slot in 0..4 {
            let at = synced_at.plus_seconds(-slot * 6 * HOUR);
            life.commit.sync.runs.push(Run {
                id: self.dice.id(),
                connection: id,
                influencer: connection.influencer,
                platform: connection.platform.clone(),
                due_at: at,
                slot_at: at,
                missed: 0,
                started_at: at,
                duration_ms: 120 + (self.dice.share() * 700.0) as u64,
                outcome: Outcome::Ok,
                cause: Cause::Schedule,
                is_retry: false,
                followers: connection.latest.as_ref().and_then(|latest| latest.numbers.followers),
                error: None,
                retry_at: None,
            });
        }
    }

    /// Keeps what a store of that age would still have.
    fn keep(&mut self, commit: Commit) {
        let age_s = |at: Timestamp| self.now.since(at) / 1000;
        self.commit.sync.runs.extend(commit.sync.runs.into_iter().filter(|run| age_s(run.started_at) <= DAY));
        let changes = commit.sync.changes.into_iter();
        self.commit.sync.changes.extend(changes.filter(|change| age_s(change.at) < KEPT_S));
        self.commit.audit.lines.extend(commit.audit.lines.into_iter().filter(|line| age_s(line.at) < KEPT_S));
        self.alerts.extend(commit.alerting.alerts.into_iter().map(|alert| (alert.id, alert)));
    }

    /// The figures of the days before today: now and then some accounts were not synced.
    fn figures(&mut self) {
        let mut accounts: BTreeMap<String, u64> = BTreeMap::new();
        for connection in &self.commit.roster.connections {
            *accounts.entry(connection.platform.clone()).or_default() += 1;
        }
        let influencers = self.commit.roster.influencers.len() as u64;
        let numbers = self.commit.roster.connections.iter().filter_map(|connection| connection.latest.as_ref());
        let known =
            |latest: &Snapshot| Metric::ALL.iter().filter(|it| latest.numbers.get(**it).is_some()).count() as u64;
        let numbers = numbers.map(known).sum();
        let today = self.config.sync.grid.date_of(self.now);
        for age in (1..FIGURES_DAYS).rev() {
            let mut coverage = |connections: u64| {
                let expected = 4 * connections;
                let failed = (self.dice.share().powi(4) * 0.1 * expected as f64) as u64;
                Coverage { expected, ok: expected - failed, failed, ..Coverage::default() }
            };
            let platforms = accounts.iter().map(|(platform, count)| (platform.clone(), coverage(*count))).collect();
            self.commit.sync.figures.push(DayFigures {
                date: today.plus_days(-age),
                influencers,
                adoption: Adoption { connected: influencers - influencers * age as u64 / 300, on_all_platforms: 0 },
                data: DataQuality { numbers, by_hand: 0, oldest_at: None },
                oldest_s: Some((6 * HOUR + (self.dice.share() * 7200.0) as i64) as u64),
                platforms,
            });
        }
    }

    /// Everything in the order of time; alerts get their numbers in the order in which they opened.
    fn end(mut self) -> Commit {
        self.figures();
        let seen_by_now = |alert: Alert| {
            let is_old = self.now.since(alert.opened_at) > SEEN_AFTER_S * 1000;
            if alert.state == AlertState::Open && alert.explained.from_at.is_some() && is_old {
                let ended_at = Some(alert.opened_at.plus_seconds(5 * HOUR));
                let acknowledged_by = Some("demo".to_owned());
                Alert { state: AlertState::Acknowledged, ended_at, acknowledged_at: ended_at, acknowledged_by, ..alert }
            } else {
                alert
            }
        };
        let mut alerts: Vec<Alert> = self.alerts.into_values().map(seen_by_now).collect();
        alerts.sort_by_key(|alert| alert.opened_at);
        (1..).zip(&mut alerts).for_each(|(number, alert)| alert.number = number);
        self.commit.alerting.alerts = alerts;
        self.commit.sync.runs.sort_by_key(|run| run.started_at);
        self.commit.sync.changes.sort_by_key(|change| change.at);
        self.commit.audit.lines.sort_by_key(|line| line.at);
        self.commit
    }
}

/// What the platform would have reported at that moment.
fn snapshot(account: &Account, date: Date, at: Timestamp) -> Snapshot {
    let numbers = account.numbers_at(at.to_jiff());
    let is_rounded = account.platform == Platform::Youtube;
    let step = 10u64.pow(numbers.followers.checked_ilog10().unwrap_or_default().saturating_sub(2));
    let followers =
        (!numbers.hidden).then_some(if is_rounded { numbers.followers / step * step } else { numbers.followers });
    let shares = |reposts: Option<u64>, quotes: Option<u64>| match (reposts, quotes) {
        (None, None) => None,
        (reposts, quotes) => Some(reposts.unwrap_or_default() + quotes.unwrap_or_default()),
    };
    let posts: Vec<PostNumbers> = numbers
        .recent
        .iter()
        .map(|post| PostNumbers {
            likes: post.likes,
            comments: post.comments,
            shares: shares(post.reposts, post.quotes),
            saves: post.saves,
            views: post.views,
            reach: post.reach,
            reposts: None,
        })
        .collect();
    let engagement = engagement(&posts, followers);
    Snapshot {
        date,
        observed_at: at,
        source: Source::Api,
        followers_step: (is_rounded && followers.is_some()).then_some(step),
        definition: u16::from(is_rounded),
        read_with: None,
        by_hand: MetricSet::default(),
        numbers: Numbers {
            followers,
            following: numbers.following,
            posts: Some(numbers.posts),
            engagement_rate: engagement.rate,
            avg_likes: engagement.avg_likes,
            avg_comments: engagement.avg_comments,
            avg_views: engagement.avg_views,
            avg_reach: engagement.avg_reach,
            ..Numbers::default()
        },
    }
}
