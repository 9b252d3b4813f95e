//! What is counted from the start of the daemon on, for monitoring. Each is incremented where the thing is handled, and
//! owned by whoever handles it, so that two daemons in one process count apart.
//!
//! Labels are platforms, outcomes and reasons: few, known beforehand, and nobody's name. Each begins at zero, because
//! monitoring cannot see the first increment of what appears with it.

use std::time::Duration;

use prometheus::core::{Collector, GenericGauge};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts};
use roster_protocol::event::Event;
use roster_protocol::sync::{Cause, Outcome, Run};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::Verdict;

/// Seconds that a run takes: one answer, or a batch behind a slow platform up to the time limits.
const RUN_SECONDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0];
/// Seconds by which a run is late: a free place away, a queue, a retry, an outage, a night.
const LATE_SECONDS: &[f64] = &[1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0];
/// Seconds that a disk takes to make a transaction durable.
const COMMIT_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

const OUTCOMES: [Outcome; 4] = [Outcome::Ok, Outcome::Partial, Outcome::Failed, Outcome::Skipped];
const ANSWERS: [&str; 7] = ["2xx", "3xx", "429", "4xx", "5xx", "other", "none"];

/// Runs, callers, and the house itself.
pub struct Meters {
    runs: IntCounterVec,
    run_seconds: HistogramVec,
    late_seconds: HistogramVec,
    callers: IntCounterVec,
    kept_at: IntGauge,
}

impl Meters {
    /// Counters at zero for these platforms.
    pub fn new<'a>(platforms: impl IntoIterator<Item = &'a str>) -> Self {
        let by_platform = ["platform"];
        let meters = Self {
            runs: counters("roster_runs_total", "Runs that ended, by outcome", &["platform", "outcome"]),
            run_seconds: histograms("roster_run_duration_seconds", "How long runs took", RUN_SECONDS, &by_platform),
            late_seconds: histograms(
                "roster_run_late_seconds",
                "How long after its due time a scheduled run began",
                LATE_SECONDS,
                &by_platform,
            ),
            callers: counters("roster_rpc_connections_total", "Clients at the socket, by what they got", &["verdict"]),
            kept_at: gauge(
                "roster_upkeep_last_success_timestamp_seconds",
                "When the store was last folded, pruned and looked through without a failure; 0: not since the start",
            ),
        };
        for platform in platforms {
            for outcome in OUTCOMES {
                meters.runs.with_label_values(&[platform, outcome.as_str()]);
            }
            meters.run_seconds.with_label_values(&by_platform.map(|_| platform));
            meters.late_seconds.with_label_values(&by_platform.map(|_| platform));
        }
        for verdict in [Verdict::Welcome, Verdict::WrongVersion, Verdict::Busy, Verdict::NotPermitted] {
            meters.callers.with_label_values(&[word_of(verdict)]);
        }
        meters
    }

    /// Counts what is told.
    pub fn told(&self, events: &[Event]) {
        for event in events {
            if let Event::RunFinished { run, .. } = event {
                self.ran(run);
            }
        }
    }

    fn ran(&self, run: &Run) {
        let platform = run.platform.as_str();
        self.runs.with_label_values(&[platform, run.outcome.as_str()]).inc();
        // What is skipped takes no time, and what a person asks for is due when it is asked for.
        if run.outcome != Outcome::Skipped {
            self.run_seconds.with_label_values(&[platform]).observe(run.duration_ms as f64 / 1000.0);
            if run.cause != Cause::Person {
                let late_ms = run.started_at.since(run.due_at).max(0);
                self.late_seconds.with_label_values(&[platform]).observe(late_ms as f64 / 1000.0);
            }
        }
    }

    /// Counts a client at the socket.
    pub fn came(&self, verdict: Verdict) {
        self.callers.with_label_values(&[word_of(verdict)]).inc();
    }

    /// The daily upkeep ended well.
    pub fn kept_house(&self, at: Timestamp) {
        self.kept_at.set(at.0 / 1000);
    }

    /// All of it, as it is now.
    pub fn families(&self) -> Vec<MetricFamily> {
        let of_runs = [self.runs.collect(), self.run_seconds.collect(), self.late_seconds.collect()];
        let others = [self.callers.collect(), self.kept_at.collect()];
        of_runs.into_iter().chain(others).flatten().collect()
    }
}

fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Welcome => "welcome",
        Verdict::WrongVersion => "wrong_version",
        Verdict::Busy => "busy",
        Verdict::NotPermitted => "not_permitted",
    }
}

/// Requests to platforms. Clones count together.
#[derive(Clone)]
pub struct RequestMeters {
    requests: IntCounterVec,
}

impl Default for RequestMeters {
    fn default() -> Self {
        let help = "Requests to platforms, by class of the answer's status; none: there was no whole answer";
        Self { requests: counters("roster_requests_total", help, &["platform", "status"]) }
    }
}

impl RequestMeters {
    /// This platform's requests are counted from now on.
    pub fn begin(&self, platform: &str) {
        ANSWERS.iter().for_each(|answer| drop(self.requests.with_label_values(&[platform, answer])));
    }

    /// Counts a request by its answer's status.
    pub fn asked(&self, platform: &str, status: Option<u16>) {
        let answer = match status {
            None => "none",
            Some(429) => "429",
            Some(200..300) => "2xx",
            Some(300..400) => "3xx",
            Some(400..500) => "4xx",
            Some(500..600) => "5xx",
            Some(_) => "other",
        };
        self.requests.with_label_values(&[platform, answer]).inc();
    }

    /// All of it, as it is now.
    pub fn families(&self) -> Vec<MetricFamily> {
        self.requests.collect()
    }
}

/// The store's transactions.
pub struct StoreMeters {
    commits: IntCounter,
    failed: IntCounter,
    seconds: Histogram,
    reads: IntCounter,
    reading: IntGauge,
}

impl Default for StoreMeters {
    fn default() -> Self {
        let help = "How long it took to make a group of commits durable";
        let seconds = HistogramOpts::new("roster_store_commit_duration_seconds", help).buckets(COMMIT_SECONDS.to_vec());
        Self {
            commits: counter("roster_commits_total", "Commits that are durable"),
            failed: counter("roster_commits_failed_total", "Commits that could not be stored"),
            seconds: Histogram::with_opts(seconds).expect(VALID),
            reads: counter("roster_store_reads_total", "Read transactions begun"),
            reading: gauge("roster_store_reads_open", "Read transactions under way"),
        }
    }
}

impl StoreMeters {
    /// A group of commits was written or not.
    pub fn wrote(&self, commits: usize, took: Duration, well: bool) {
        if well { &self.commits } else { &self.failed }.inc_by(commits as u64);
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a read transaction as long as the result lives.
    pub fn read(&self) -> Reading {
        self.reads.inc();
        self.reading.inc();
        Reading(self.reading.clone())
    }

    /// All of it, as it is now.
    pub fn families(&self) -> Vec<MetricFamily> {
        let counters = [self.commits.collect(), self.failed.collect(), self.reads.collect()];
        counters.into_iter().chain([self.seconds.collect(), self.reading.collect()]).flatten().collect()
    }
}

/// A read transaction under way.
pub struct Reading(IntGauge);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const VALID: &str = "the names in this file are valid";

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(name, help).expect(VALID)
}

fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect(VALID)
}

fn gauge(name: &str, help: &str) -> IntGauge {
    GenericGauge::new(name, help).expect(VALID)
}

fn histograms(name: &str, help: &str, seconds: &[f64], labels: &[&str]) -> HistogramVec {
    HistogramVec::new(HistogramOpts::new(name, help).buckets(seconds.to_vec()), labels).expect(VALID)
}
