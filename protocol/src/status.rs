//! The state of the daemon, its platforms and its store.

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::access::Role;
use crate::metric::Metric;
use crate::rule::Happening;
pub use crate::sync::Coverage;
use crate::sync::{EndedBatch, RunningBatch};
use crate::time::{Date, Seconds, Timestamp};

/// The daemon at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What the caller may do; `None`: no user requested this.
    pub role: Option<Role>,
    /// The daemon's version.
    pub version: String,
    pub protocol: u16,
    pub uptime_s: u64,
    pub influencers: u64,
    pub open_alerts: u64,
    /// How many alerts the caller has not read.
    pub unread_alerts: u64,
    /// When the next request is sent: the earliest due time of what is not held or down, or the end of that; `None` when
    /// nothing is scheduled.
    pub next_due_at: Option<Timestamp>,
    /// What keeps all that is due waiting until then, in words; `None` when it does not wait.
    pub waits_for: Option<String>,
    pub connections: ConnectionCounts,
    pub coverage_24h: Coverage,
    pub adoption: Adoption,
    pub data: DataQuality,
    pub platforms: Vec<PlatformStatus>,
    pub store: StoreStatus,
    pub backup: BackupStatus,
    /// Requests to platforms that are under way, oldest first.
    pub running: Vec<RunningBatch>,
    /// The last ones that ended since the start, newest first.
    pub batches: Vec<EndedBatch>,
    /// How many connections are due and wait for their turn.
    pub waiting: u64,
    /// Whether a person paused everything.
    pub paused: bool,
    /// The IANA name of the zone whose days are meant everywhere.
    pub timezone: String,
    /// Whether what is not kept is deleted; `false`: this store is older than that, and a choice waits.
    pub retention_chosen: bool,
    /// How many secrets are still to be sealed with the newest master key; 0 when no rotation is under way.
    pub to_reseal: u64,
    /// Why nothing is synced or stored at present, in a sentence; `None` when all works. Reads go on.
    pub not_ready: Option<String>,
    /// Why HTTP is not served where the config says, in a sentence; `None` when it is, or when it is switched off.
    pub listener_lost: Option<String>,
    /// What the daemon lacks at present: its disk, network, clock, desktop.
    pub troubles: Vec<DaemonTrouble>,
    /// When the config was read last, whether it was taken or not.
    pub config_loaded_at: Timestamp,
    /// Why the config in the file is not the one in use, with its line; `None` when it is.
    pub config_refused: Option<String>,
}

/// Something that the daemon lacks; it goes on without, and this is over when its cause is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonTrouble {
    /// What it is about.
    pub event: Happening,
    /// What is wrong and what to do, in a sentence.
    pub why: String,
}

/// Connections by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCounts {
    pub total: u64,
    pub fresh: u64,
    pub stale: u64,
    pub never: u64,
    pub error: u64,
    pub reauthorize: u64,
    pub paused: u64,
}

impl std::iter::Sum for ConnectionCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, it| Self {
            total: sum.total + it.total,
            fresh: sum.fresh + it.fresh,
            stale: sum.stale + it.stale,
            never: sum.never + it.never,
            error: sum.error + it.error,
            reauthorize: sum.reauthorize + it.reauthorize,
            paused: sum.paused + it.paused,
        })
    }
}

/// How far the roster is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// Influencers with at least one account that is connected.
    pub connected: u64,
    /// Those with one on every platform that is switched on and set up.
    pub on_all_platforms: u64,
}

/// What the numbers are that clients show: the newest of each connected account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataQuality {
    /// Numbers that are known: ten at most for each account.
    pub numbers: u64,
    /// Those of them that a user recorded, in place of the platform.
    pub by_hand: u64,
    /// When the oldest of them was observed; `None` when none is known.
    pub oldest_at: Option<Timestamp>,
}

/// The figures of one day, as they were at its end; of today, as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFigures {
    /// In the daemon's zone.
    pub date: Date,
    pub influencers: u64,
    pub adoption: Adoption,
    pub data: DataQuality,
    /// How old the oldest shown number was, in seconds; `None` when none was known.
    pub oldest_s: Option<u64>,
    /// How the slots of the 24 hours before ended, by platform's slug; those without any are left out.
    pub platforms: Vec<(String, Coverage)>,
}

impl DayFigures {
    /// How the slots of all platforms ended; `None` when nothing was due.
    pub fn coverage(&self) -> Option<Coverage> {
        let mut all = Coverage::default();
        self.platforms.iter().for_each(|(_, coverage)| all.add_all(*coverage));
        (all.expected > 0).then_some(all)
    }
}

/// Whether a platform can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PlatformState {
    Ok,
    /// It limits us until a time it named.
    Limited,
    /// It does not respond, or not sensibly.
    Down,
    /// Something it needs is missing from the config.
    Unconfigured,
}

impl PlatformState {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["ok", "limited", "down", "unconfigured"][self as usize]
    }
}

/// One of a platform's limits, and what is spent of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The slug.
    pub platform: String,
    /// What shares the limit: the slug, or `platform/host` where each host has its own.
    pub lane: String,
    /// What is counted: `units`, `requests`, `percent`.
    pub unit: String,
    /// The platform's own id of the account whose limit it is; `None`: the app's or this host's.
    pub account: Option<String>,
    pub used: u64,
    /// `None` where the platform has not reported one yet.
    pub limit: Option<u64>,
    /// When all that is used now is forgotten; `None` when nothing is used.
    pub window_ends_at: Option<Timestamp>,
    /// How much of the limit is kept for what users request themselves.
    pub reserve: u64,
    /// By how much intervals are stretched so that this limit lasts; `None` while it lasts.
    pub stretched: Option<Stretched>,
}

/// Intervals that are longer than the config says, so that a limit lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretched {
    /// The interval of connections that have none of their own, as in the config.
    pub from: Seconds,
    /// The one that they follow.
    pub to: Seconds,
}

impl fmt::Display for Stretched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |Seconds(seconds): Seconds| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        write!(f, "every {:#} instead of {:#}, so that its limit lasts", length(self.to), length(self.from))
    }
}

impl Budget {
    /// The share that is used, from 0; `None` without a limit.
    pub fn share(&self) -> Option<f64> {
        self.limit.filter(|limit| *limit > 0).map(|limit| self.used as f64 / limit as f64)
    }
}

/// What it takes to read a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiAccess {
    /// Nothing but a handle.
    Public,
    /// An API key of the operator.
    Key,
    /// The account owner's consent.
    Consent,
}

impl ApiAccess {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["public", "key", "consent"][self as usize]
    }
}

/// One platform as configured and as it behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformStatus {
    /// The slug.
    pub platform: String,
    /// The display name.
    pub name: String,
    /// Two letters for narrow columns.
    pub short: String,
    /// How a handle looks there, for a form's hint.
    pub handle_example: String,
    pub enabled: bool,
    pub configured: bool,
    pub paused: bool,
    pub api: ApiAccess,
    /// How many days what a consent gave is kept after its end; `None`: without limit.
    pub after_consent_days: Option<u32>,
    /// The scopes a consent requests; empty where there is none.
    pub scopes: Vec<String>,
    /// The redirect URI that the app's settings at the platform must contain; `None` where there is no consent.
    pub redirect_uri: Option<String>,
    /// Whether a consent can be requested: the app's id and secret are set.
    pub consents: bool,
    pub state: PlatformState,
    /// Why the state is not ok, and until when, in a sentence; or that some of its hosts are down, or that it is synced
    /// less often than the config says.
    pub reason: Option<String>,
    /// When the next request may be sent, while limited.
    pub held_until: Option<Timestamp>,
    pub last_ok_at: Option<Timestamp>,
    pub connections: u64,
    /// Of its limits the one that is nearest to its end; `None` where none is known.
    pub budget: Option<Budget>,
    pub coverage_24h: Coverage,
    pub next_due_at: Option<Timestamp>,
    /// The metrics that it reports no more, of any owner, each with since when.
    pub withdrawn: Vec<(Metric, Timestamp)>,
}

/// The store's size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// The file's size.
    pub bytes: u64,
    pub snapshots: u64,
    /// The size from which on there are warnings; `None`: any size is in order.
    pub budget: Option<u64>,
    /// Records whose checksum was found wrong since the start.
    pub damaged: u64,
    /// Whether it can be written. When not, it can still be read, and the daemon tries again.
    pub writable: bool,
}

/// How backups stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupStatus {
    /// What the last one holds that was kept, scheduled or not, is of this time; `None`: there was none.
    pub last_at: Option<Timestamp>,
    pub last_bytes: Option<u64>,
    /// How often the config has one made; `None`: it does not.
    pub every: Option<Seconds>,
    pub next_at: Option<Timestamp>,
    /// Why the last scheduled one was not made, in a sentence; `None` when it was.
    pub failed: Option<String>,
}

impl BackupStatus {
    /// Whether those that the config schedules are missing: none was kept for twice as long as it says.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let Some(every) = self.every else { return false };
        let longest = every.millis().saturating_mul(2);
        self.last_at.map_or(self.failed.is_some(), |at| now.since(at) > longest)
    }
}
