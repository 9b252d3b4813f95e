//! Everything the daemon knows of each entity, as it is stored; and what one commit writes.
//!
//! `store/records/` turns these values into bytes; `roster` keeps them in memory, and `browse` reads them from there.

mod commit;
mod audit;
mod consent;
mod erased;
mod keys;
mod personal;
mod removal;
mod routing;
#[cfg(test)]
pub mod samples;
mod undo;
mod webhook;

use std::collections::BTreeMap;

use roster_protocol::ProviderRequest;
use roster_protocol::alert::{About, AlertState, ChangeCause, Explained, Severity};
use roster_protocol::connection::{ByHand, Profile, Snapshot};
use roster_protocol::ids::{AlertId, ConnectionId, DeliveryId, InfluencerId, RunId};
use roster_protocol::metric::Metric;
use roster_protocol::reported::Audience;
use roster_protocol::rule::Rule;
use roster_protocol::silence::Silence;
use roster_protocol::status::Coverage;
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Seconds, Timestamp};

pub use roster_protocol::delivery::{DeliveryKind, DeliveryState};

pub use audit::{AuditFault, AuditLine, ChainEnd, On};
pub use commit::{AlertingCommit, AuditCommit, Commit, ConsentsCommit, RosterCommit, SyncCommit, WebhooksCommit};
pub use consent::{Attempt, Choice, Consent, ConsentStep, Device, Grant, GrantState, GrantTokens, GrantUse, Sealed};
pub use erased::{RevokedGrant, Tombstone, hashed};
pub use keys::{KeptBackup, SealedWith, StoreKey};
pub use personal::DataKey;
pub use removal::{Removable, Removal};
pub use routing::{ChannelInfo, Digest, Escalation, LogName, Quiet, Route, Routing};
pub use undo::{Edited, Pausable, UndoLog, Undoable, UndoableChange, Was};
pub use webhook::{Deletion, Lease, Receipt};

/// The person or brand persona.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Influencer {
    pub id: InfluencerId,
    /// Clean, as `roster_protocol::text::is_clean` says.
    pub name: String,
    /// Alphabetical, without doubles.
    pub tags: Vec<String>,
    pub note: Option<String>,
    pub paused: bool,
    /// The main connection that a user chose; `None`: the one with the most followers.
    pub main: Option<ConnectionId>,
    pub added_at: Timestamp,
}

/// One influencer's account on one platform: its identity, its settings and the state of its syncing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: ConnectionId,
    pub influencer: InfluencerId,
    /// The platform's slug.
    pub platform: String,
    /// Canonical and clean.
    pub handle: String,
    /// The platform's own id; `None` before the first response.
    pub platform_user_id: Option<String>,
    pub connected_at: Timestamp,
    /// When a user disconnected it; its history is kept. Such a connection is in no list and never due.
    pub disconnected_at: Option<Timestamp>,
    pub paused: bool,
    /// Its own interval.
    pub interval: Option<Seconds>,
    /// When it is due; meaningless while something pauses it.
    pub next_due_at: Timestamp,
    /// The slot that `next_due_at` belongs to; earlier than `next_due_at` when that is a retry.
    pub slot_at: Timestamp,
    /// When a run last observed something.
    pub last_synced_at: Option<Timestamp>,
    /// Consecutive attempts that observed nothing.
    pub failures: u32,
    /// What is wrong, and since when; `None` after a good run.
    pub trouble: Option<Trouble>,
    pub profile: Option<Profile>,
    /// The newest snapshot by date.
    pub latest: Option<Snapshot>,
    /// The date of the oldest snapshot, where reading the history begins.
    pub first_day: Option<Date>,
    /// What a user recorded of the newest day; `None` when nothing.
    pub by_hand: Option<HandDay>,
    /// The metrics that were reported before and are not any more, though nothing went wrong; each once.
    pub absent: Vec<Absence>,
    /// How far what the platform reports of days that are over was read; `None`: not at all.
    pub read_until: Option<ReadUntil>,
}

/// A metric that is not reported any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    pub metric: Metric,
    /// The first run without it.
    pub since: Timestamp,
}

impl Connection {
    /// Which numbers of a day a user recorded, as far as that is the newest day.
    pub fn by_hand_on(&self, date: Date) -> &[ByHand] {
        self.by_hand.as_ref().filter(|day| day.date == date).map(|day| day.numbers.as_slice()).unwrap_or_default()
    }
}

/// Which numbers of a day a user recorded; their values are the snapshot's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandDay {
    pub date: Date,
    /// Each metric once, in their order.
    pub numbers: Vec<ByHand>,
}

/// How far reading the figures of days has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadUntil {
    /// When they were last read.
    pub at: Timestamp,
    /// The newest day of which the platform reported any; `None`: none yet.
    pub day: Option<Date>,
}

/// Who the audience of a connection was on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudienceOn {
    pub connection: ConnectionId,
    pub date: Date,
    pub audience: Audience,
}

/// What keeps a connection from being synced, or kept its last run from being complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// Shown to users; clean.
    pub message: String,
    pub since: Timestamp,
    /// When the platform permits the next request, as it reported.
    pub retry_at: Option<Timestamp>,
    /// The handle of the account to which the owner moved, as the platform reported; clean.
    pub moved_to: Option<String>,
}

/// Troubles, by what is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Request consent again.
    Unauthorized,
    /// Request consent with more scopes.
    MissingScope,
    /// Wait as long as the platform requires.
    RateLimited,
    /// The platform does not respond: back off.
    Unavailable,
    /// No host can be reached from here: our own network is down.
    Network,
    /// The account was deleted, renamed or deactivated: a user must look.
    AccountGone,
    /// The operator must complete the config.
    Unconfigured,
    /// The platform sent a response that Roster does not understand.
    Unexpected,
    /// The platform reported only a part, and that part is correct.
    Partial,
}

/// One attempt to sync a connection, or slots that passed without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub connection: ConnectionId,
    pub influencer: InfluencerId,
    pub platform: String,
    /// When it was due: its slot, or later when it is a retry. Of missed slots the first.
    pub due_at: Timestamp,
    /// The slot that it stands for. Of missed slots the last.
    pub slot_at: Timestamp,
    /// How many slots passed without a run; 0 for a run.
    pub missed: u64,
    /// Of missed slots when they were accounted for.
    pub started_at: Timestamp,
    pub duration_ms: u64,
    pub outcome: Outcome,
    pub cause: Cause,
    /// Whether an earlier run of the same slot failed.
    pub is_retry: bool,
    pub followers: Option<u64>,
    pub error: Option<String>,
    pub retry_at: Option<Timestamp>,
}

/// How the due slots of a day and platform ended, once their runs are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsOfDay {
    pub day: Date,
    pub platform: String,
    pub ended: Coverage,
}

/// A difference between two snapshots that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub at: Timestamp,
    pub influencer: InfluencerId,
    pub connection: ConnectionId,
    pub platform: String,
    pub metric: Metric,
    pub from: Option<f64>,
    pub to: Option<f64>,
    pub cause: ChangeCause,
    pub significant: bool,
}

/// One case in which an alert rule applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its position in the order of opening, from 1; the store's key.
    pub number: u64,
    pub id: AlertId,
    pub state: AlertState,
    pub rule: String,
    pub severity: Severity,
    pub about: About,
    pub metric: Option<Metric>,
    pub from: Option<f64>,
    pub to: Option<f64>,
    pub opened_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Timestamp>,
    pub note: Option<String>,
    pub assigned_to: Option<String>,
    pub assigned_at: Option<Timestamp>,
    /// The alert about many accounts that includes this one.
    pub group: Option<AlertId>,
    /// How many it includes; 0 unless it is such an alert.
    pub members: u64,
    /// Whether it opened in a silence: it is delivered nowhere.
    pub silenced: bool,
    pub explained: Explained,
    pub why: String,
}

/// What a user has read of the alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMarks {
    pub uid: u32,
    /// The number of the newest alert of those that were read together, all of which are read.
    pub up_to: u64,
    /// When that was.
    pub at: Timestamp,
    /// Others that are read by number, each with when; of those that are not over.
    pub read: BTreeMap<u64, Timestamp>,
}

impl ReadMarks {
    /// Those of a user who has read nothing.
    pub fn none(uid: u32) -> Self {
        Self { uid, up_to: 0, at: Timestamp(0), read: BTreeMap::new() }
    }

    /// When an alert was read; `None`: it was not.
    pub fn read_at(&self, number: u64) -> Option<Timestamp> {
        self.read.get(&number).copied().or((number <= self.up_to).then_some(self.at))
    }
}

/// The channel of desktop notifications.
pub const DESKTOP: &str = "desktop";

/// One notice of one alert on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub key: DeliveryKey,
    pub state: DeliveryState,
    pub attempts: u32,
    pub next_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub delivered_at: Option<Timestamp>,
    /// When it was queued, or a user had it sent again.
    pub queued_at: Timestamp,
    /// When it was last sent, or tried to be.
    pub tried_at: Option<Timestamp>,
    /// Whether it was held back, to be sent together with others.
    pub held: bool,
    /// The first delivery of the message of several that it is a part of.
    pub message: Option<DeliveryId>,
    /// What the receiver said when it took it; clean.
    pub receipt: Option<String>,
    /// How many accounts the notice spoke of; 0 unless it was a group's.
    pub members: u64,
}

/// What identifies a delivery. In the order of channels, then alerts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// The channel's name, or [`DESKTOP`].
    pub channel: String,
    /// The alert's number.
    pub alert: u64,
    pub kind: DeliveryKind,
    /// Which notice that a group has grown, from 1; 0 for all others.
    pub update: u8,
}

impl DeliveryKey {
    /// The key of a notice of which an alert has one on a channel.
    pub fn of(alert: u64, channel: &str, kind: DeliveryKind) -> Self {
        Self { channel: channel.to_owned(), alert, kind, update: 0 }
    }

    /// The key of a notice that a group has grown.
    pub fn grown(group: u64, channel: &str, update: u8) -> Self {
        Self { update, ..Self::of(group, channel, DeliveryKind::Grown) }
    }
}

/// A lane whose platform has required us to wait: it is not requested until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The lane: `platform` or `platform/group`.
    pub lane: String,
    pub until: Timestamp,
    pub reason: String,
}

/// What was requested within one limit of a platform's, as far back as the limit reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetUse {
    /// Whose limit it is.
    pub key: BudgetKey,
    /// When each part of the window began, and what was spent in it; oldest first.
    pub parts: Vec<(Timestamp, u64)>,
    /// What the platform itself reported last.
    pub reported: Option<ReportedLimit>,
    /// What a sync of one account took on average, in thousandths of a unit; `None` before the first.
    pub per_account: Option<u64>,
}

/// Names a limit: of the app, or of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BudgetKey {
    /// The lane: `platform` or `platform/group`.
    pub lane: String,
    /// What is counted, such as `units`; unique within the platform.
    pub unit: String,
    /// The platform's own id of the account whose limit it is; `None`: the app's, or this host's.
    pub account: Option<String>,
}

impl BudgetKey {
    /// The platform's slug.
    pub fn platform(&self) -> &str {
        self.lane.split_once('/').map_or(&self.lane, |(platform, _)| platform)
    }
}

/// A limit as a platform's response reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedLimit {
    pub limit: u64,
    /// When the use is forgotten.
    pub ends_at: Timestamp,
}

/// What users set for the whole daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub paused: bool,
    /// Slugs, alphabetical.
    pub paused_platforms: Vec<String>,
}

/// That what is deleted was seen and chosen. A new store has chosen by being new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionChoice {
    pub at: Timestamp,
    /// The version of the defaults that were chosen.
    pub defaults: u16,
}

/// Since when moves of measured numbers are alerted about. What moved before, under a version without rules, is no news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertsSince(pub Timestamp);
/// A backup that was kept where it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// What it holds is of this time.
    pub at: Timestamp,
    pub bytes: u64,
    pub rows: u64,
    /// Whether it was due, or a user requested it.
    pub scheduled: bool,
}

/// Requests to providers that ended one after the other, stored as one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestBlock {
    /// When the last of them ended, at the earliest: no two blocks have the same.
    pub at: Timestamp,
    /// Oldest first.
    pub requests: Vec<ProviderRequest>,
}

/// What is read once, when the store is opened.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub influencers: Vec<Influencer>,
    pub data_keys: Vec<DataKey>,
    pub connections: Vec<Connection>,
    /// Alerts that are open or acknowledged, by number.
    pub alerts: Vec<Alert>,
    /// The number of the newest alert ever; 0 for none.
    pub last_alert: u64,
    /// Deliveries that are pending.
    pub deliveries: Vec<Delivery>,
    /// Those of alerts that are open or acknowledged which say that the alert opened or grew, and were delivered.
    pub delivered: Vec<Delivery>,
    pub holds: Vec<Hold>,
    pub budgets: Vec<BudgetUse>,
    pub settings: Settings,
    /// A uid, and the number of the newest alert that this user's desktop has shown.
    pub desktop_shown: Vec<(u32, u64)>,
    pub read_marks: Vec<ReadMarks>,
    /// What users changed lately, as it can be taken back.
    pub undo: Vec<UndoLog>,
    /// What was removed within the last day.
    pub removals: Vec<Removal>,
    /// Rules that users made.
    pub rules: Vec<Rule>,
    pub silences: Vec<Silence>,
    /// `None` before the first run with rules.
    pub alerts_since: Option<AlertsSince>,
    /// What was chosen to be deleted; `None`: nothing yet.
    pub retention: Option<RetentionChoice>,
    /// The last backup that was scheduled, and the last that a user requested.
    pub backups: Vec<Backup>,
    /// The store's own id; it never changes.
    pub store: [u8; 16],
    /// The master keys of its secrets, the one that seals first; empty before there was one.
    pub keys: Vec<StoreKey>,
    pub consents: Vec<Consent>,
    pub grants: Vec<Grant>,
    pub tokens: Vec<GrantTokens>,
    pub grant_uses: Vec<GrantUse>,
    /// Notifications that were taken, the oldest first.
    pub receipts: Vec<Receipt>,
    pub deletions: Vec<Deletion>,
    pub leases: Vec<Lease>,
    pub tombstones: Vec<Tombstone>,
    pub revoked: Vec<RevokedGrant>,
}

impl Loaded {
    /// How many values are sealed with each key.
    pub fn sealed_with(&self) -> SealedWith {
        let mut counts = SealedWith::of(self.consents.iter().flat_map(Consent::sealed));
        counts.add(self.tokens.iter().flat_map(GrantTokens::sealed));
        counts.add(self.leases.iter().map(|lease| &lease.secret));
        counts.add(self.data_keys.iter().map(|key| &key.sealed));
        counts
    }
}
