//! JSON of the daemon's state: `status`, `platforms`.

use std::collections::BTreeMap;

use roster_protocol::status as protocol;
use roster_protocol::{EndedBatch, Metric, Role, Timestamp};
use serde::Serialize;

use super::events::Budget;
use super::time;

/// The daemon at a glance.
#[derive(Debug, Serialize)]
pub struct Status {
    version: String,
    protocol: u16,
    /// The caller's: `viewer`, `analyst` or `admin`.
    role: Option<&'static str>,
    uptime_s: u64,
    influencers: u64,
    open_alerts: u64,
    unread_alerts: u64,
    /// Whether everything is paused.
    paused: bool,
    /// Connections that are due and wait for their turn, and those that are being synced.
    waiting: u64,
    running: u64,
    next_due_at: Option<String>,
    /// What keeps all that is due waiting until then.
    waits_for: Option<String>,
    connections: Connections,
    coverage_24h: Coverage,
    /// The last batches, newest first.
    batches: Vec<Batch>,
    adoption: Adoption,
    data: Data,
    /// Oldest first; the last one is today.
    days: Vec<Day>,
    platforms: Vec<Platform>,
    store: Store,
    backup: Backup,
    /// How many secrets are still to be sealed with the newest master key.
    to_reseal: u64,
    /// Whether what is not kept is deleted, or a choice waits.
    retention: &'static str,
    /// Why nothing is synced or stored at present.
    not_ready: Option<String>,
    /// Why HTTP is not served where the config says.
    listener_lost: Option<String>,
    /// What the daemon lacks.
    troubles: Vec<Trouble>,
    config: Config,
}

#[derive(Debug, Serialize)]
struct Trouble {
    event: &'static str,
    why: String,
}

#[derive(Debug, Serialize)]
struct Config {
    loaded_at: Option<String>,
    /// Why the config in the file is not the one in use.
    refused: Option<String>,
}

#[derive(Debug, Serialize)]
struct Connections {
    total: u64,
    fresh: u64,
    stale: u64,
    never: u64,
    error: u64,
    reauthorize: u64,
    paused: u64,
}

#[derive(Debug, Serialize)]
struct Coverage {
    expected: u64,
    ok: u64,
    partial: u64,
    failed: u64,
    skipped: u64,
}

impl From<protocol::Coverage> for Coverage {
    fn from(coverage: protocol::Coverage) -> Self {
        let protocol::Coverage { expected, ok, partial, failed, skipped } = coverage;
        Self { expected, ok, partial, failed, skipped }
    }
}

/// A batch that ended.
#[derive(Debug, Serialize)]
struct Batch {
    platform: String,
    started_at: String,
    duration_ms: u64,
    #[serde(flatten)]
    runs: Coverage,
}

impl From<&EndedBatch> for Batch {
    fn from(batch: &EndedBatch) -> Self {
        Self {
            platform: batch.platform.clone(),
            started_at: batch.started_at.to_string(),
            duration_ms: batch.duration_ms,
            runs: batch.runs.into(),
        }
    }
}

/// Influencers by how far they are connected.
#[derive(Debug, Serialize)]
struct Adoption {
    connected: u64,
    on_all_platforms: u64,
}

/// The newest numbers of all connected accounts.
#[derive(Debug, Serialize)]
struct Data {
    numbers: u64,
    by_hand: u64,
    oldest_at: Option<String>,
}

/// The figures of one day.
#[derive(Debug, Serialize)]
struct Day {
    date: String,
    influencers: u64,
    adoption: Adoption,
    data: Data,
    oldest_s: Option<u64>,
    /// Unknown where nothing was due.
    coverage: Option<Coverage>,
    platforms: BTreeMap<String, Coverage>,
}

impl From<&protocol::DayFigures> for Day {
    fn from(day: &protocol::DayFigures) -> Self {
        let protocol::Adoption { connected, on_all_platforms } = day.adoption;
        let protocol::DataQuality { numbers, by_hand, oldest_at } = day.data;
        Self {
            date: day.date.to_string(),
            influencers: day.influencers,
            adoption: Adoption { connected, on_all_platforms },
            data: Data { numbers, by_hand, oldest_at: time(oldest_at) },
            oldest_s: day.oldest_s,
            coverage: day.coverage().map(Coverage::from),
            platforms: day.platforms.iter().map(|(slug, coverage)| (slug.clone(), (*coverage).into())).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Store {
    bytes: u64,
    snapshots: u64,
    writable: bool,
    /// The size from which on there are warnings.
    budget: Option<u64>,
}

/// The last backup that was kept, and how those stand that the config schedules.
#[derive(Debug, Serialize)]
struct Backup {
    last_at: Option<String>,
    last_bytes: Option<u64>,
    /// Unknown where none are scheduled.
    every_s: Option<u64>,
    next_at: Option<String>,
    failed: Option<String>,
}

impl From<&protocol::BackupStatus> for Backup {
    fn from(backup: &protocol::BackupStatus) -> Self {
        Self {
            last_at: time(backup.last_at),
            last_bytes: backup.last_bytes,
            every_s: backup.every.map(|every| every.0),
            next_at: time(backup.next_at),
            failed: backup.failed.clone(),
        }
    }
}

impl Status {
    /// The state, and the figures of the last days.
    pub fn new(status: &protocol::Status, days: &[protocol::DayFigures]) -> Self {
        let protocol::ConnectionCounts { total, fresh, stale, never, error, reauthorize, paused } = status.connections;
        let protocol::Adoption { connected, on_all_platforms } = status.adoption;
        let protocol::DataQuality { numbers, by_hand, oldest_at } = status.data;
        Self {
            version: status.version.clone(),
            role: status.role.map(Role::as_str),
            protocol: status.protocol,
            uptime_s: status.uptime_s,
            influencers: status.influencers,
            open_alerts: status.open_alerts,
            unread_alerts: status.unread_alerts,
            paused: status.paused,
            waiting: status.waiting,
            running: status.running.iter().map(|batch| batch.connections).sum(),
            next_due_at: time(status.next_due_at),
            waits_for: status.waits_for.clone(),
            connections: Connections { total, fresh, stale, never, error, reauthorize, paused },
            coverage_24h: status.coverage_24h.into(),
            batches: status.batches.iter().map(Batch::from).collect(),
            adoption: Adoption { connected, on_all_platforms },
            data: Data { numbers, by_hand, oldest_at: time(oldest_at) },
            days: days.iter().map(Day::from).collect(),
            platforms: status.platforms.iter().map(Platform::from).collect(),
            store: Store {
                bytes: status.store.bytes,
                snapshots: status.store.snapshots,
                writable: status.store.writable,
                budget: status.store.budget,
            },
            backup: Backup::from(&status.backup),
            to_reseal: status.to_reseal,
            retention: if status.retention_chosen { "chosen" } else { "waiting" },
            not_ready: status.not_ready.clone(),
            listener_lost: status.listener_lost.clone(),
            troubles: status
                .troubles
                .iter()
                .map(|it| Trouble { event: it.event.as_str(), why: it.why.clone() })
                .collect(),
            config: Config { loaded_at: time(Some(status.config_loaded_at)), refused: status.config_refused.clone() },
        }
    }
}

/// One platform in `status`.
#[derive(Debug, Serialize)]
struct Platform {
    platform: String,
    enabled: bool,
    configured: bool,
    paused: bool,
    state: &'static str,
    /// Why it is not ok, or only in part.
    reason: Option<String>,
    connections: u64,
    last_ok_at: Option<String>,
    next_due_at: Option<String>,
    /// When the next request may be sent, while it is limited.
    held_until: Option<String>,
    coverage_24h: Coverage,
    /// Of its limits the one that is nearest to its end; unknown where none is known.
    budget: Option<Budget>,
    /// The metrics that it reports no more.
    withdrawn: Vec<Withdrawn>,
}

#[derive(Debug, Serialize)]
struct Withdrawn {
    metric: &'static str,
    since: String,
}

impl From<&protocol::PlatformStatus> for Platform {
    fn from(platform: &protocol::PlatformStatus) -> Self {
        Self {
            platform: platform.platform.clone(),
            enabled: platform.enabled,
            configured: platform.configured,
            paused: platform.paused,
            state: platform.state.as_str(),
            reason: platform.reason.clone(),
            connections: platform.connections,
            last_ok_at: time(platform.last_ok_at),
            next_due_at: time(platform.next_due_at),
            held_until: time(platform.held_until),
            coverage_24h: platform.coverage_24h.into(),
            budget: platform.budget.as_ref().map(Budget::from),
            withdrawn: platform.withdrawn.iter().map(withdrawn).collect(),
        }
    }
}

fn withdrawn((metric, since): &(Metric, Timestamp)) -> Withdrawn {
    Withdrawn { metric: metric.as_str(), since: since.to_string() }
}

/// What `platforms` gives.
#[derive(Debug, Serialize)]
pub struct PlatformList {
    platforms: Vec<PlatformDetails>,
}

/// One platform with what it takes to read it.
#[derive(Debug, Serialize)]
struct PlatformDetails {
    #[serde(flatten)]
    status: Platform,
    api: &'static str,
    /// The scopes that a consent requests; empty where none is needed.
    scopes: Vec<String>,
    redirect_uri: Option<String>,
}

impl From<&[protocol::PlatformStatus]> for PlatformList {
    fn from(platforms: &[protocol::PlatformStatus]) -> Self {
        let details = |platform: &protocol::PlatformStatus| PlatformDetails {
            status: platform.into(),
            api: platform.api.as_str(),
            scopes: platform.scopes.clone(),
            redirect_uri: platform.redirect_uri.clone(),
        };
        Self { platforms: platforms.iter().map(details).collect() }
    }
}
