//! Counters for monitoring, from the start of the daemon on. Each is incremented where the thing is handled, and owned
//! by the code that handles it, so that two daemons in one process count separately.
//!
//! Labels are platforms, outcomes and reasons: few, known beforehand, and never names of users or influencers. Each
//! counter begins at zero, because monitoring cannot see the first increment of a counter that appears with it.

use std::time::Duration;

use prometheus::core::{Collector, GenericGauge};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts};
use roster_protocol::Role;
use roster_protocol::delivery::ChannelKind;
use roster_protocol::event::Event;
use roster_protocol::sync::{Cause, Outcome, Run};
use roster_protocol::time::Timestamp;
use roster_protocol::transport::Verdict;

/// Seconds that a run takes: from one response to a batch behind a slow platform, up to the timeouts.
const RUN_SECONDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0];
/// Seconds by which a run is late: it waits for a permit, a queue, a retry, an outage, a night.
const LATE_SECONDS: &[f64] = &[1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0];
/// Seconds that a disk takes to make a transaction durable.
const COMMIT_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

const OUTCOMES: [Outcome; 4] = [Outcome::Ok, Outcome::Partial, Outcome::Failed, Outcome::Skipped];
const STATUSES: [&str; 7] = ["2xx", "3xx", "429", "4xx", "5xx", "other", "none"];

/// What became of a platform's notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notified {
    Taken,
    /// It was received before.
    Repeat,
    /// It is not signed with our secret.
    Forged,
    /// It was signed too long ago, or in the future.
    Old,
    Malformed,
    /// It could not be stored in time.
    Later,
}

impl Notified {
    const ALL: [Notified; 6] =
        [Notified::Taken, Notified::Repeat, Notified::Forged, Notified::Old, Notified::Malformed, Notified::Later];

    fn as_str(self) -> &'static str {
        ["taken", "repeat", "forged", "old", "malformed", "later"][self as usize]
    }
}

/// What became of an attempt to deliver something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    Taken,
    /// Certainly not taken, and tried again.
    Later,
    /// There was no response; it is tried again.
    Unsure,
    /// Refused for good.
    Refused,
}

impl Delivered {
    const ALL: [Delivered; 4] = [Delivered::Taken, Delivered::Later, Delivered::Unsure, Delivered::Refused];

    fn as_str(self) -> &'static str {
        ["taken", "later", "unsure", "refused"][self as usize]
    }
}

/// Where requests to the listener are refused, and why.
pub const REFUSED_AT: [&str; 2] = ["pages", "webhooks"];
pub const REFUSED_FOR: [&str; 6] = ["other_host", "malformed", "no_consent", "no_address", "forged", "old"];

/// Counts runs, clients, notifications, deliveries and upkeep.
pub struct Meters {
    runs: IntCounterVec,
    run_seconds: HistogramVec,
    late_seconds: HistogramVec,
    callers: IntCounterVec,
    refused_calls: IntCounterVec,
    refused_requests: IntCounterVec,
    notifications: IntCounterVec,
    deliveries: IntCounterVec,
    kept_at: IntGauge,
}

impl Meters {
    /// Makes counters at zero for these platforms.
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
            refused_calls: counters(
                "roster_rpc_calls_refused_total",
                "Calls refused because they need a higher role, by that role",
                &["needs"],
            ),
            refused_requests: counters(
                "roster_http_requests_refused_total",
                "Requests to the listener's pages and webhooks that were refused, by reason",
                &["at", "reason"],
            ),
            notifications: counters(
                "roster_notifications_total",
                "Requests of platforms to our addresses, by what became of them",
                &["platform", "result"],
            ),
            deliveries: counters(
                "roster_delivery_attempts_total",
                "Attempts to deliver alerts, by what became of them",
                &["kind", "result"],
            ),
            kept_at: gauge(
                "roster_upkeep_last_success_timestamp_seconds",
                "When the store was last folded, pruned and looked through without a failure; 0: not since the start",
            ),
        };
        for platform in platforms {
            for outcome in OUTCOMES {
                meters.runs.with_label_values(&[platform, outcome.as_str()]);
            }
            for result in Notified::ALL {
                meters.notifications.with_label_values(&[platform, result.as_str()]);
            }
            meters.run_seconds.with_label_values(&by_platform.map(|_| platform));
            meters.late_seconds.with_label_values(&by_platform.map(|_| platform));
        }
        for kind in ChannelKind::ALL.into_iter().filter(|kind| *kind != ChannelKind::Desktop) {
            for result in Delivered::ALL {
                meters.deliveries.with_label_values(&[kind.as_str(), result.as_str()]);
            }
        }
        for verdict in Verdict::ALL {
            meters.callers.with_label_values(&[word_of(verdict)]);
        }
        for (at, reason) in REFUSED_AT.into_iter().flat_map(|at| REFUSED_FOR.map(|reason| (at, reason))) {
            meters.refused_requests.with_label_values(&[at, reason]);
        }
        for role in Role::ALL {
            meters.refused_calls.with_label_values(&[role.as_str()]);
        }
        meters
    }

    /// Counts published events.
    pub fn count_events(&self, events: &[Event]) {
        for event in events {
            if let Event::RunFinished { run, .. } = event {
                self.ran(run);
            }
        }
    }

    fn ran(&self, run: &Run) {
        let platform = run.platform.as_str();
        self.runs.with_label_values(&[platform, run.outcome.as_str()]).inc();
        // A skipped run takes no time, and a run that a user requests is due at that moment.
        if run.outcome != Outcome::Skipped {
            self.run_seconds.with_label_values(&[platform]).observe(run.duration_ms as f64 / 1000.0);
            if run.cause != Cause::Person {
                let late_ms = run.late_ms();
                self.late_seconds.with_label_values(&[platform]).observe(late_ms as f64 / 1000.0);
            }
        }
    }

    /// Counts a client at the socket.
    pub fn record_client(&self, verdict: Verdict) {
        self.callers.with_label_values(&[word_of(verdict)]).inc();
    }

    /// Counts a call that was refused because it needs this role.
    pub fn record_refused_call(&self, needed: Role) {
        self.refused_calls.with_label_values(&[needed.as_str()]).inc();
    }

    /// Counts a request to the listener that was refused.
    pub fn record_refused_request(&self, at: &str, reason: &str) {
        self.refused_requests.with_label_values(&[at, reason]).inc();
    }

    /// Counts a request of a platform, whose slug is known.
    pub fn record_notification(&self, platform: &str, result: Notified) {
        self.notifications.with_label_values(&[platform, result.as_str()]).inc();
    }

    /// Counts an attempt to deliver something.
    pub fn record_delivery(&self, kind: ChannelKind, result: Delivered) {
        self.deliveries.with_label_values(&[kind.as_str(), result.as_str()]).inc();
    }

    /// Records that the daily upkeep succeeded.
    pub fn record_upkeep(&self, at: Timestamp) {
        self.kept_at.set(at.0 / 1000);
    }

    /// All of it, as it is now.
    pub fn families(&self) -> Vec<MetricFamily> {
        let of_runs = [self.runs.collect(), self.run_seconds.collect(), self.late_seconds.collect()];
        let others = [
            self.callers.collect(),
            self.refused_calls.collect(),
            self.refused_requests.collect(),
            self.notifications.collect(),
            self.deliveries.collect(),
        ];
        of_runs.into_iter().chain([self.kept_at.collect()]).chain(others).flatten().collect()
    }
}

fn word_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Welcome => "welcome",
        Verdict::WrongVersion => "wrong_version",
        Verdict::Busy => "busy",
        Verdict::NotPermitted => "not_permitted",
        Verdict::Unclear => "unclear",
    }
}

/// Requests to platforms. Clones count together.
#[derive(Clone)]
pub struct RequestMeters {
    requests: IntCounterVec,
}

impl Default for RequestMeters {
    fn default() -> Self {
        let help = "Requests to platforms, by class of the response's status; none: there was no complete response";
        Self { requests: counters("roster_requests_total", help, &["platform", "status"]) }
    }
}

impl RequestMeters {
    /// Makes this platform's counters, at zero.
    pub fn begin(&self, platform: &str) {
        STATUSES.iter().for_each(|class| drop(self.requests.with_label_values(&[platform, class])));
    }

    /// Counts a request by its response's status; `None`: there was no complete response.
    pub fn record_request(&self, platform: &str, status: Option<u16>) {
        let class = match status {
            None => "none",
            Some(429) => "429",
            Some(200..300) => "2xx",
            Some(300..400) => "3xx",
            Some(400..500) => "4xx",
            Some(500..600) => "5xx",
            Some(_) => "other",
        };
        self.requests.with_label_values(&[platform, class]).inc();
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
            failed: counter("roster_commits_failed_total", "Commits that the disk did not take"),
            seconds: Histogram::with_opts(seconds).expect(VALID),
            reads: counter("roster_store_reads_total", "Read transactions begun"),
            reading: gauge("roster_store_reads_open", "Read transactions under way"),
        }
    }
}

impl StoreMeters {
    /// Counts a group of commits that was written, or was not.
    pub fn wrote(&self, commits: usize, took: Duration, well: bool) {
        if well { &self.commits } else { &self.failed }.inc_by(commits as u64);
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a read transaction, as open until the result is dropped.
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

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;
    use roster_protocol::ids::{ConnectionId, InfluencerId, RunId};

    use super::*;

    fn run(outcome: Outcome, cause: Cause, late_s: i64) -> Event {
        let (connection, due_at) = (ConnectionId::from_bytes([1; 5]), Timestamp(1_000_000));
        let run = Run {
            id: RunId::from_bytes([1; 5]),
            connection,
            influencer: InfluencerId::from_bytes([1; 5]),
            influencer_name: "Mara".to_owned(),
            platform: "youtube".to_owned(),
            due_at,
            slot_at: due_at,
            missed: 0,
            started_at: due_at.plus_seconds(late_s),
            duration_ms: 1500,
            outcome,
            cause,
            followers: None,
            error: None,
            retry_at: None,
        };
        Event::RunFinished { run: Box::new(run), connection }
    }

    fn assert_line(families: &[MetricFamily], line: &str) {
        let text = TextEncoder::new().encode_to_string(families).expect("every family has a value");
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }

    #[test]
    fn skipped_and_requested_runs_are_not_late() {
        let meters = Meters::new(["youtube", "tiktok"]);
        meters.count_events(&[
            run(Outcome::Ok, Cause::Schedule, 30),
            // The clock was set back between its due time and its start.
            run(Outcome::Failed, Cause::CatchUp, -5),
            run(Outcome::Partial, Cause::Person, 90_000),
            run(Outcome::Skipped, Cause::Schedule, 90_000),
        ]);
        let families = meters.families();
        for outcome in ["ok", "partial", "failed", "skipped"] {
            assert_line(&families, &format!("roster_runs_total{{outcome=\"{outcome}\",platform=\"youtube\"}} 1"));
            assert_line(&families, &format!("roster_runs_total{{outcome=\"{outcome}\",platform=\"tiktok\"}} 0"));
        }
        assert_line(&families, "roster_run_duration_seconds_sum{platform=\"youtube\"} 4.5");
        assert_line(&families, "roster_run_duration_seconds_count{platform=\"youtube\"} 3");
        assert_line(&families, "roster_run_late_seconds_sum{platform=\"youtube\"} 30");
        assert_line(&families, "roster_run_late_seconds_bucket{platform=\"youtube\",le=\"1\"} 1");
        assert_line(&families, "roster_run_late_seconds_count{platform=\"youtube\"} 2");
    }

    #[test]
    fn every_response_has_a_class_and_no_server_can_invent_another() {
        let meters = RequestMeters::default();
        meters.begin("youtube");
        let lines =
            |meters: &RequestMeters| meters.families().iter().map(|family| family.get_metric().len()).sum::<usize>();
        let known = lines(&meters);
        for status in (0..=1100).map(Some).chain([None]) {
            meters.clone().record_request("youtube", status);
        }
        assert_eq!(lines(&meters), known);
        for (class, count) in
            [("2xx", 100), ("3xx", 100), ("4xx", 99), ("429", 1), ("5xx", 100), ("other", 701), ("none", 1)]
        {
            assert_line(
                &meters.families(),
                &format!("roster_requests_total{{platform=\"youtube\",status=\"{class}\"}} {count}"),
            );
        }
    }

    #[test]
    fn a_read_is_under_way_until_it_is_dropped() {
        let meters = StoreMeters::default();
        let reading = [meters.read(), meters.read()];
        assert_line(&meters.families(), "roster_store_reads_open 2");
        drop(reading);
        assert_line(&meters.families(), "roster_store_reads_open 0");
        assert_line(&meters.families(), "roster_store_reads_total 2");
        meters.wrote(3, Duration::from_millis(2), true);
        meters.wrote(1, Duration::from_secs(9), false);
        assert_line(&meters.families(), "roster_commits_total 3");
        assert_line(&meters.families(), "roster_commits_failed_total 1");
        assert_line(&meters.families(), "roster_store_commit_duration_seconds_bucket{le=\"5\"} 1");
    }

    #[test]
    fn two_daemons_in_one_process_count_apart() {
        let (one, other) = (Meters::new(["youtube"]), Meters::new(["youtube"]));
        one.record_client(Verdict::Busy);
        one.record_upkeep(Timestamp(5_000));
        assert_line(&one.families(), "roster_rpc_connections_total{verdict=\"busy\"} 1");
        assert_line(&one.families(), "roster_upkeep_last_success_timestamp_seconds 5");
        assert_line(&other.families(), "roster_rpc_connections_total{verdict=\"busy\"} 0");
    }
}
