//! Loads the roster into memory: the last days at the start, and all of it again after a failed commit.
//!
//! A commit that fails leaves in memory what the disk does not have. From then on the roster is stale: no decision is
//! made until what was queued before is stored or refused, and the roster is loaded again. Commits that fail together
//! cause one reload, since each names the generation of the roster it was decided on. Whether a commit that failed is on
//! the disk is known only after the file is opened again: then the roster is loaded once more.

use std::collections::{HashMap, HashSet};

use parking_lot::MutexGuard;
use roster_protocol::error::RosterError;
use roster_protocol::ids::{AlertId, ConnectionId};
use roster_protocol::metric::Metric;
use roster_protocol::time::{Date, Timestamp};

use super::{App, read_error};
use crate::alerts::path::Point;
use crate::model::{Alert, Run};
use crate::roster::Roster;
use crate::roster::baseline::{MARKS_KEPT_S, mark_of};
use crate::roster::recent::{self, Recent};
use crate::schedule::coverage::Coverage;
use crate::store::{AlertIds, LatestAlerts, Load, RecentValues, RunsInOrder, StoreError};

/// How many runs coverage reads at once: some megabytes.
const RUNS_AT_ONCE: usize = 20_000;
/// How far back coverage looks.
const COVERAGE_S: i64 = 24 * 3600;
/// How far back every value that runs measured is known again; of the days before each one's last.
const VALUES_S: i64 = 26 * 3600;
const DAY_MS: i64 = 24 * 3_600_000;
/// How many alerts are read at once.
const ALERTS_AT_ONCE: usize = 5_000;

/// The roster, and whether it matches the store.
pub(super) struct Held {
    pub roster: Roster,
    /// Counts reloads.
    pub generation: u64,
    /// Whether something in it could not be stored.
    pub is_stale: bool,
    /// The store's recoveries before it was loaded: a commit that failed may turn out to be stored after the next.
    pub recoveries: u64,
}

impl App {
    /// Reads what growth, coverage and fresh ids need from the store: a lot, for which neither listening nor
    /// scheduling waits.
    pub async fn load_recent(&self) {
        let recent = self.last_days(self.started_at).await;
        self.with_roster(|roster| recent.put_into(roster));
        // It is set once, at the start.
        let _ = self.recent_loaded.set(());
    }

    /// Waits until the last days are loaded: no list is shown without them.
    pub async fn wait_until_loaded(&self) {
        self.recent_loaded.wait().await;
    }

    /// Waits until the roster matches the store, and loads it again if that is needed and no other caller does.
    ///
    /// # Errors
    /// When it cannot be loaded; the next caller tries again.
    pub async fn wait_until_current(&self) -> Result<(), RosterError> {
        self.wait_until_loaded().await;
        if self.is_current(&self.held()) {
            return Ok(());
        }
        let _one_at_a_time = self.reloading.lock().await;
        if self.is_current(&self.held()) {
            return Ok(());
        }
        self.reload().await.map_err(|error| {
            tracing::error!(%error, "the roster could not be loaded again");
            read_error(&error)
        })
    }

    /// Loads the roster again, because what it knows of some connections' last days is in the store alone.
    ///
    /// # Errors
    /// When it cannot be loaded; the next decision tries again.
    pub async fn load_again(&self) -> Result<(), RosterError> {
        self.held().is_stale = true;
        self.wait_until_current().await
    }

    /// Whether the roster matches the store.
    pub(super) fn is_current(&self, held: &Held) -> bool {
        !held.is_stale && held.recoveries == self.store.recoveries()
    }

    /// Records that something decided on this generation of the roster could not be stored.
    pub(super) fn mark_stale(&self, generation: u64) {
        let mut held = self.held();
        // A later generation was loaded after the failure, and contains nothing of what failed.
        held.is_stale |= held.generation == generation;
    }

    /// Loads the roster in memory again from the store.
    async fn reload(&self) -> Result<(), StoreError> {
        // What was queued before is stored or refused by then; nothing is decided meanwhile.
        self.store.writer_responds().await;
        let recoveries = self.store.recoveries();
        let loaded = self.store.read(Load).await?;
        let (platforms, rules) = self.look(|roster| (roster.platforms.clone(), roster.config_rules().to_vec()));
        let mut fresh = Roster::new(loaded, platforms).through(self.gate.clone());
        fresh.know_rules(rules);
        self.last_days(self.clock.now()).await.put_into(&mut fresh);
        let mut held = self.held();
        fresh.know(held.roster.platforms.clone());
        fresh.routing = held.roster.routing.clone();
        fresh.stretches = std::mem::take(&mut held.roster.stretches);
        for connection in std::mem::take(&mut held.roster.running) {
            fresh.running.insert(connection);
            fresh.requeue(connection);
        }
        fresh.obstacles = std::mem::take(&mut held.roster.obstacles);
        if let Some(unwritable) = self.unwritable.lock().as_mut() {
            unwritable.put_into(&mut fresh);
        }
        held.roster = fresh;
        held.generation += 1;
        held.is_stale = false;
        held.recoveries = recoveries;
        Ok(())
    }

    /// Reads what is not needed to start; what cannot be read is logged and stays empty.
    async fn last_days(&self, now: Timestamp) -> LastDays {
        let today = self.setup().config.sync.grid.date_of(now);
        let days = today.plus_days(-(recent::DAYS as i32))..=today.plus_days(1);
        let metrics: Vec<Metric> = self.look(|roster| roster.rules.metrics().collect());
        let mut closes = Vec::new();
        let followers = async {
            let read = self.store.read(RecentValues(Metric::Followers, days.clone())).await?;
            closes.push((Metric::Followers, read.clone()));
            let recent = move || read.into_iter().map(|(connection, days)| (connection, Recent::of(days))).collect();
            tokio::task::spawn_blocking(recent).await.map_err(|_| StoreError::Closed)
        };
        let runs = self.runs_since(now.plus_seconds(-VALUES_S), now.plus_seconds(-COVERAGE_S));
        let (followers, runs, alert_ids, alerts) = futures::join!(
            followers,
            runs,
            self.store.read(AlertIds),
            self.alerts_since(now.plus_seconds(-MARKS_KEPT_S))
        );
        let unread = |what: &str, error: &StoreError| tracing::error!(%error, "{what} could not be read");
        for metric in metrics.into_iter().filter(|metric| *metric != Metric::Followers) {
            match self.store.read(RecentValues(metric, days.clone())).await {
                Ok(read) => closes.push((metric, read)),
                Err(error) => unread("the numbers of the last days", &error),
            }
        }
        let (coverage, values) = runs
            .inspect_err(|error| unread("the runs of the last days", error))
            .unwrap_or_else(|_| (Coverage::default(), Vec::new()));
        LastDays {
            followers: followers
                .inspect_err(|error| unread("the followers of the last days", error))
                .unwrap_or_default(),
            coverage,
            alert_ids: alert_ids.inspect_err(|error| unread("the ids of alerts", error)).unwrap_or_default(),
            values: Values {
                closes,
                runs: values,
                alerts: alerts.inspect_err(|error| unread("the alerts of the last days", error)).unwrap_or_default(),
                full_from: now.plus_seconds(-VALUES_S),
            },
        }
    }

    /// The alerts that opened since then, oldest first.
    async fn alerts_since(&self, since: Timestamp) -> Result<Vec<Alert>, StoreError> {
        let mut found = Vec::new();
        let mut query = LatestAlerts { before: None, limit: ALERTS_AT_ONCE };
        loop {
            let page = self.store.read(query.clone()).await?;
            let is_last = page.rows.iter().any(|alert| alert.opened_at < since);
            found.extend(page.rows.into_iter().filter(|alert| alert.opened_at >= since));
            let Some(mark) = page.next.filter(|_| !is_last) else { break };
            query.before = Some(mark);
        }
        found.reverse();
        Ok(found)
    }

    /// What runs measured since then, oldest first, and how the slots since `covered` ended.
    async fn runs_since(
        &self,
        since: Timestamp,
        covered: Timestamp,
    ) -> Result<(Coverage, Vec<(ConnectionId, Point)>), StoreError> {
        let (mut coverage, mut values) = (Coverage::default(), Vec::new());
        let mut query = RunsInOrder { since, after: None, limit: RUNS_AT_ONCE };
        loop {
            let page = self.store.read(query.clone()).await?;
            page.rows.iter().filter(|run| run.started_at >= covered).for_each(|run| coverage.put(run));
            let value = |run: &Run| {
                let at = run.started_at.plus_seconds(run.duration_ms.div_ceil(1000) as i64).whole_seconds();
                Some((run.connection, Point { at, value: run.followers? as f64 }))
            };
            values.extend(page.rows.iter().filter_map(value));
            let Some(mark) = page.next else { return Ok((coverage, values)) };
            query.after = Some(mark);
        }
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.roster.lock()
    }
}

/// What is read while the daemon already listens and schedules.
struct LastDays {
    followers: HashMap<ConnectionId, Recent>,
    coverage: Coverage,
    alert_ids: HashSet<AlertId>,
    values: Values,
}

/// The raw number of each day, by connection.
type OfDays = HashMap<ConnectionId, Vec<(Date, u64)>>;

/// What baselines are made of again.
struct Values {
    /// By metric and connection, the last number of each day.
    closes: Vec<(Metric, OfDays)>,
    /// Followers of every run since `full_from`.
    runs: Vec<(ConnectionId, Point)>,
    full_from: Timestamp,
    alerts: Vec<Alert>,
}

impl Values {
    fn put_into(mut self, roster: &mut Roster) {
        let Roster { connections, baselines, .. } = roster;
        let ends_at = |date: Date| Timestamp((i64::from(date.0) + 1) * DAY_MS - 1000);
        for (metric, of_connections) in self.closes {
            for (connection, days) in of_connections.into_iter().filter(|(id, _)| connections.contains_key(id)) {
                let is_before = |(date, _): &(Date, u64)| ends_at(*date) < self.full_from;
                let point = |(date, raw)| Point { at: ends_at(date), value: metric.unit().value(raw) };
                let points = days.into_iter().filter(is_before).map(point);
                baselines.entry(connection).or_default().extend(metric, points);
            }
        }
        // Together for each connection; they stay in the order of time.
        self.runs.sort_by_key(|(connection, _)| *connection);
        for runs in self.runs.chunk_by(|(one, _), (other, _)| one == other) {
            if connections.contains_key(&runs[0].0) {
                let points = runs.iter().map(|(_, point)| *point);
                baselines.entry(runs[0].0).or_default().extend(Metric::Followers, points);
            }
        }
        for (connection, mark) in self.alerts.iter().filter_map(mark_of) {
            if connections.contains_key(&connection) {
                baselines.entry(connection).or_default().mark(mark);
            }
        }
    }
}

impl LastDays {
    fn put_into(self, roster: &mut Roster) {
        roster.alert_ids.extend(self.alert_ids);
        roster.load_recent(self.followers, self.coverage);
        self.values.put_into(roster);
    }
}
