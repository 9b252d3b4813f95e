//! What a stored value looks like: own structs, so that a renamed field elsewhere never touches a disk.
//!
//! Values are postcard. What the key says is not repeated. Enums are stored as their place in the lists below: append
//! to those, never reorder. A changed struct is another version of the store.

use postcard::{from_bytes, to_stdvec};
use roster_protocol::alert::{AlertState, ChangeCause, Severity};
use roster_protocol::connection::{Profile, Snapshot, Source};
use roster_protocol::ids::{AlertId, ConnectionId, DeliveryId, InfluencerId, RunId};
use roster_protocol::metric::{AgeRange, Mean, Metric, Numbers, Ratio};
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::{Date, Seconds, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::tables::{Records, split_timed_key, timed_key};
use crate::model::{
    Alert, AuditLine, Change, Connection, Delivery, DeliveryState, Hold, Influencer, Run, Settings, Trouble,
    TroubleKind,
};

/// The places of enum variants on disk.
mod places {
    use super::*;

    pub(super) const SOURCES: &[Source] = &[Source::Api, Source::Manual, Source::Import];
    pub(super) const OUTCOMES: &[Outcome] = &[Outcome::Ok, Outcome::Partial, Outcome::Failed, Outcome::Skipped];
    pub(super) const CAUSES: &[Cause] = &[Cause::Schedule, Cause::Person, Cause::CatchUp, Cause::Push];
    pub(super) const CHANGE_CAUSES: &[ChangeCause] = &[ChangeCause::Sync, ChangeCause::Manual, ChangeCause::Import];
    pub(super) const ALERT_STATES: &[AlertState] = &[AlertState::Open, AlertState::Acknowledged, AlertState::Resolved];
    pub(super) const SEVERITIES: &[Severity] = &[Severity::Info, Severity::Warning, Severity::Critical];
    pub(super) const DELIVERY_STATES: &[DeliveryState] =
        &[DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead];
    pub(super) const TROUBLES: &[TroubleKind] = &[
        TroubleKind::Unauthorized,
        TroubleKind::MissingScope,
        TroubleKind::RateLimited,
        TroubleKind::Unavailable,
        TroubleKind::Network,
        TroubleKind::AccountGone,
        TroubleKind::Unconfigured,
        TroubleKind::Unexpected,
        TroubleKind::Partial,
    ];
    pub(super) const METRICS: &[Metric] = &Metric::ALL;
    pub(super) const AGES: &[AgeRange] = &AgeRange::ALL;
}

/// A variant's place; 255 for one that was forgotten in `places`, which no reader accepts.
fn place<T: PartialEq>(all: &[T], one: T) -> u8 {
    all.iter().position(|each| *each == one).map_or(u8::MAX, |place| place as u8)
}

fn at<T: Copy>(all: &[T], place: u8) -> Option<T> {
    all.get(usize::from(place)).copied()
}

/// `Some(None)` for none, `None` for what is no place.
fn maybe_at<T: Copy>(all: &[T], place: Option<u8>) -> Option<Option<T>> {
    match place {
        None => Some(None),
        Some(place) => at(all, place).map(Some),
    }
}

/// Something that is stored as one record.
pub(super) trait Record: Sized {
    /// Its table.
    const TABLE: Records;

    /// Where it stands.
    fn key(&self) -> Vec<u8>;

    /// Its payload.
    fn encode(&self) -> Result<Vec<u8>, postcard::Error>;

    /// What `encode` wrote under `key`; `None` when it is something else.
    fn decode(key: &[u8], payload: &[u8]) -> Option<Self>;

    /// `encode` with our error.
    fn payload(&self) -> Result<Vec<u8>, StoreError> {
        let invalid = |what: &dyn std::fmt::Display| StoreError::Invalid {
            what: format!("a record of {}: {what}", Self::TABLE.name()),
        };
        self.encode().map_err(|error| invalid(&error))
    }
}

#[derive(Serialize, Deserialize)]
struct InfluencerRecord<'a> {
    name: &'a str,
    #[serde(borrow)]
    tags: Vec<&'a str>,
    #[serde(borrow)]
    note: Option<&'a str>,
    paused: bool,
    main: Option<[u8; 5]>,
    added_at: i64,
}

impl Record for Influencer {
    const TABLE: Records = Records::Influencers;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&InfluencerRecord {
            name: &self.name,
            tags: self.tags.iter().map(String::as_str).collect(),
            note: self.note.as_deref(),
            paused: self.paused,
            main: self.main.map(|id| id.0),
            added_at: self.added_at.0,
        })
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: InfluencerRecord<'_> = from_bytes(payload).ok()?;
        Some(Influencer {
            id: InfluencerId::from_bytes(key.try_into().ok()?),
            name: record.name.to_owned(),
            tags: record.tags.into_iter().map(str::to_owned).collect(),
            note: record.note.map(str::to_owned),
            paused: record.paused,
            main: record.main.map(ConnectionId::from_bytes),
            added_at: Timestamp(record.added_at),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ConnectionRecord<'a> {
    influencer: [u8; 5],
    platform: &'a str,
    handle: &'a str,
    #[serde(borrow)]
    platform_user_id: Option<&'a str>,
    connected_at: i64,
    disconnected_at: Option<i64>,
    paused: bool,
    interval_seconds: Option<u64>,
    next_due_at: i64,
    slot_at: i64,
    last_synced_at: Option<i64>,
    failures: u32,
    #[serde(borrow)]
    trouble: Option<TroubleRecord<'a>>,
    profile: Option<ProfileRecord>,
    latest: Option<(i32, SnapshotRecord)>,
    first_day: Option<i32>,
}

#[derive(Serialize, Deserialize)]
struct TroubleRecord<'a> {
    kind: u8,
    message: &'a str,
    since: i64,
    retry_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct ProfileRecord {
    followers: Option<u64>,
    engagement_rate: Option<i64>,
    avg_likes: Option<u64>,
    as_of: i64,
    source: u8,
}

impl Record for Connection {
    const TABLE: Records = Records::Connections;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&ConnectionRecord {
            influencer: self.influencer.0,
            platform: &self.platform,
            handle: &self.handle,
            platform_user_id: self.platform_user_id.as_deref(),
            connected_at: self.connected_at.0,
            disconnected_at: self.disconnected_at.map(|at| at.0),
            paused: self.paused,
            interval_seconds: self.interval.map(|interval| interval.0),
            next_due_at: self.next_due_at.0,
            slot_at: self.slot_at.0,
            last_synced_at: self.last_synced_at.map(|at| at.0),
            failures: self.failures,
            trouble: self.trouble.as_ref().map(|trouble| TroubleRecord {
                kind: place(places::TROUBLES, trouble.kind),
                message: &trouble.message,
                since: trouble.since.0,
                retry_at: trouble.retry_at.map(|at| at.0),
            }),
            profile: self.profile.as_ref().map(|profile| ProfileRecord {
                followers: profile.followers,
                engagement_rate: profile.engagement_rate.map(|rate| rate.0),
                avg_likes: profile.avg_likes.map(|likes| likes.0),
                as_of: profile.as_of.0,
                source: place(places::SOURCES, profile.source),
            }),
            latest: self.latest.as_ref().map(|latest| (latest.date.0, SnapshotRecord::from(latest))),
            first_day: self.first_day.map(|day| day.0),
        })
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: ConnectionRecord<'_> = from_bytes(payload).ok()?;
        let trouble = match record.trouble {
            None => None,
            Some(trouble) => Some(Trouble {
                kind: at(places::TROUBLES, trouble.kind)?,
                message: trouble.message.to_owned(),
                since: Timestamp(trouble.since),
                retry_at: trouble.retry_at.map(Timestamp),
            }),
        };
        let profile = match record.profile {
            None => None,
            Some(profile) => Some(Profile {
                followers: profile.followers,
                engagement_rate: profile.engagement_rate.map(Ratio),
                avg_likes: profile.avg_likes.map(Mean),
                as_of: Timestamp(profile.as_of),
                source: at(places::SOURCES, profile.source)?,
            }),
        };
        let latest = match record.latest {
            None => None,
            Some((date, snapshot)) => Some(snapshot.on(Date(date))?),
        };
        Some(Connection {
            id: ConnectionId::from_bytes(key.try_into().ok()?),
            influencer: InfluencerId::from_bytes(record.influencer),
            platform: record.platform.to_owned(),
            handle: record.handle.to_owned(),
            platform_user_id: record.platform_user_id.map(str::to_owned),
            connected_at: Timestamp(record.connected_at),
            disconnected_at: record.disconnected_at.map(Timestamp),
            paused: record.paused,
            interval: record.interval_seconds.map(Seconds),
            next_due_at: Timestamp(record.next_due_at),
            slot_at: Timestamp(record.slot_at),
            last_synced_at: record.last_synced_at.map(Timestamp),
            failures: record.failures,
            trouble,
            profile,
            latest,
            first_day: record.first_day.map(Date),
        })
    }
}

/// A snapshot but for its date, which is in the key.
#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotRecord {
    observed_at: i64,
    source: u8,
    followers_step: Option<u64>,
    definition: u16,
    followers: Option<u64>,
    following: Option<u64>,
    posts: Option<u64>,
    engagement_rate: Option<i64>,
    avg_likes: Option<u64>,
    avg_comments: Option<u64>,
    avg_views: Option<u64>,
    audience_male: Option<i64>,
    audience_female: Option<i64>,
    top_age_range: Option<u8>,
}

impl From<&Snapshot> for SnapshotRecord {
    fn from(snapshot: &Snapshot) -> Self {
        let numbers = &snapshot.numbers;
        Self {
            observed_at: snapshot.observed_at.0,
            source: place(places::SOURCES, snapshot.source),
            followers_step: snapshot.followers_step,
            definition: snapshot.definition,
            followers: numbers.followers,
            following: numbers.following,
            posts: numbers.posts,
            engagement_rate: numbers.engagement_rate.map(|rate| rate.0),
            avg_likes: numbers.avg_likes.map(|mean| mean.0),
            avg_comments: numbers.avg_comments.map(|mean| mean.0),
            avg_views: numbers.avg_views.map(|mean| mean.0),
            audience_male: numbers.audience_male.map(|share| share.0),
            audience_female: numbers.audience_female.map(|share| share.0),
            top_age_range: numbers.top_age_range.map(|range| place(places::AGES, range)),
        }
    }
}

impl SnapshotRecord {
    /// The payload of a snapshot in the log.
    pub(super) fn encode(snapshot: &Snapshot) -> Result<Vec<u8>, StoreError> {
        to_stdvec(&SnapshotRecord::from(snapshot))
            .map_err(|error| StoreError::Invalid { what: format!("a snapshot: {error}") })
    }

    /// What `encode` made of the snapshot of `date`.
    pub(super) fn decode(date: Date, payload: &[u8]) -> Option<Snapshot> {
        from_bytes::<SnapshotRecord>(payload).ok()?.on(date)
    }

    fn on(self, date: Date) -> Option<Snapshot> {
        Some(Snapshot {
            date,
            observed_at: Timestamp(self.observed_at),
            source: at(places::SOURCES, self.source)?,
            followers_step: self.followers_step,
            definition: self.definition,
            numbers: Numbers {
                followers: self.followers,
                following: self.following,
                posts: self.posts,
                engagement_rate: self.engagement_rate.map(Ratio),
                avg_likes: self.avg_likes.map(Mean),
                avg_comments: self.avg_comments.map(Mean),
                avg_views: self.avg_views.map(Mean),
                audience_male: self.audience_male.map(Ratio),
                audience_female: self.audience_female.map(Ratio),
                top_age_range: maybe_at(places::AGES, self.top_age_range)?,
            },
        })
    }
}

#[derive(Serialize, Deserialize)]
struct RunRecord<'a> {
    influencer: [u8; 5],
    platform: &'a str,
    due_at: i64,
    duration_ms: u64,
    outcome: u8,
    cause: u8,
    is_retry: bool,
    followers: Option<u64>,
    #[serde(borrow)]
    error: Option<&'a str>,
    retry_at: Option<i64>,
}

impl Record for Run {
    const TABLE: Records = Records::Runs;

    fn key(&self) -> Vec<u8> {
        timed_key(self.started_at, &[&self.connection.0, &self.id.0])
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&RunRecord {
            influencer: self.influencer.0,
            platform: &self.platform,
            due_at: self.due_at.0,
            duration_ms: self.duration_ms,
            outcome: place(places::OUTCOMES, self.outcome),
            cause: place(places::CAUSES, self.cause),
            is_retry: self.is_retry,
            followers: self.followers,
            error: self.error.as_deref(),
            retry_at: self.retry_at.map(|at| at.0),
        })
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: RunRecord<'_> = from_bytes(payload).ok()?;
        let (started_at, connection) = split_timed_key(key)?;
        Some(Run {
            id: RunId::from_bytes(key.get(13..)?.try_into().ok()?),
            connection,
            influencer: InfluencerId::from_bytes(record.influencer),
            platform: record.platform.to_owned(),
            due_at: Timestamp(record.due_at),
            started_at,
            duration_ms: record.duration_ms,
            outcome: at(places::OUTCOMES, record.outcome)?,
            cause: at(places::CAUSES, record.cause)?,
            is_retry: record.is_retry,
            followers: record.followers,
            error: record.error.map(str::to_owned),
            retry_at: record.retry_at.map(Timestamp),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ChangeRecord<'a> {
    influencer: [u8; 5],
    platform: &'a str,
    from: Option<f64>,
    to: Option<f64>,
    cause: u8,
    significant: bool,
}

impl Record for Change {
    const TABLE: Records = Records::Changes;

    fn key(&self) -> Vec<u8> {
        timed_key(self.at, &[&self.connection.0, &[place(places::METRICS, self.metric)]])
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&ChangeRecord {
            influencer: self.influencer.0,
            platform: &self.platform,
            from: self.from,
            to: self.to,
            cause: place(places::CHANGE_CAUSES, self.cause),
            significant: self.significant,
        })
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: ChangeRecord<'_> = from_bytes(payload).ok()?;
        let (when, connection) = split_timed_key(key)?;
        Some(Change {
            at: when,
            influencer: InfluencerId::from_bytes(record.influencer),
            connection,
            platform: record.platform.to_owned(),
            metric: at(places::METRICS, *key.get(13)?)?,
            from: record.from,
            to: record.to,
            cause: at(places::CHANGE_CAUSES, record.cause)?,
            significant: record.significant,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct AlertRecord<'a> {
    id: [u8; 5],
    state: u8,
    rule: &'a str,
    severity: u8,
    influencer: [u8; 5],
    connection: [u8; 5],
    platform: &'a str,
    metric: Option<u8>,
    from: Option<f64>,
    to: Option<f64>,
    opened_at: i64,
    ended_at: Option<i64>,
    #[serde(borrow)]
    acknowledged_by: Option<&'a str>,
    why: &'a str,
}

impl Record for Alert {
    const TABLE: Records = Records::Alerts;

    fn key(&self) -> Vec<u8> {
        self.number.to_be_bytes().to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&AlertRecord {
            id: self.id.0,
            state: place(places::ALERT_STATES, self.state),
            rule: &self.rule,
            severity: place(places::SEVERITIES, self.severity),
            influencer: self.influencer.0,
            connection: self.connection.0,
            platform: &self.platform,
            metric: self.metric.map(|metric| place(places::METRICS, metric)),
            from: self.from,
            to: self.to,
            opened_at: self.opened_at.0,
            ended_at: self.ended_at.map(|at| at.0),
            acknowledged_by: self.acknowledged_by.as_deref(),
            why: &self.why,
        })
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: AlertRecord<'_> = from_bytes(payload).ok()?;
        Some(Alert {
            number: number_of(key)?,
            id: AlertId::from_bytes(record.id),
            state: at(places::ALERT_STATES, record.state)?,
            rule: record.rule.to_owned(),
            severity: at(places::SEVERITIES, record.severity)?,
            influencer: InfluencerId::from_bytes(record.influencer),
            connection: ConnectionId::from_bytes(record.connection),
            platform: record.platform.to_owned(),
            metric: maybe_at(places::METRICS, record.metric)?,
            from: record.from,
            to: record.to,
            opened_at: Timestamp(record.opened_at),
            ended_at: record.ended_at.map(Timestamp),
            acknowledged_by: record.acknowledged_by.map(str::to_owned),
            why: record.why.to_owned(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct DeliveryRecord<'a> {
    id: [u8; 5],
    state: u8,
    attempts: u32,
    next_at: Option<i64>,
    #[serde(borrow)]
    last_error: Option<&'a str>,
    delivered_at: Option<i64>,
}

impl Record for Delivery {
    const TABLE: Records = Records::Deliveries;

    fn key(&self) -> Vec<u8> {
        [&self.alert.to_be_bytes()[..], self.channel.as_bytes()].concat()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&DeliveryRecord {
            id: self.id.0,
            state: place(places::DELIVERY_STATES, self.state),
            attempts: self.attempts,
            next_at: self.next_at.map(|at| at.0),
            last_error: self.last_error.as_deref(),
            delivered_at: self.delivered_at.map(|at| at.0),
        })
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: DeliveryRecord<'_> = from_bytes(payload).ok()?;
        let (alert, channel) = key.split_first_chunk::<8>()?;
        Some(Delivery {
            id: DeliveryId::from_bytes(record.id),
            alert: u64::from_be_bytes(*alert),
            channel: std::str::from_utf8(channel).ok()?.to_owned(),
            state: at(places::DELIVERY_STATES, record.state)?,
            attempts: record.attempts,
            next_at: record.next_at.map(Timestamp),
            last_error: record.last_error.map(str::to_owned),
            delivered_at: record.delivered_at.map(Timestamp),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct AuditRecord<'a> {
    at: i64,
    #[serde(borrow)]
    who: Option<(u32, &'a str)>,
    action: &'a str,
    on: &'a str,
    #[serde(borrow)]
    old: Option<&'a str>,
    #[serde(borrow)]
    new: Option<&'a str>,
    cause: &'a str,
}

/// The payload of a line of the audit log; its number is the key.
pub(super) fn encode_audit(line: &AuditLine) -> Result<Vec<u8>, StoreError> {
    let record = AuditRecord {
        at: line.at.0,
        who: line.who.as_ref().map(|who| (who.uid, who.name.as_str())),
        action: &line.action,
        on: &line.on,
        old: line.old.as_deref(),
        new: line.new.as_deref(),
        cause: &line.cause,
    };
    to_stdvec(&record).map_err(|error| StoreError::Invalid { what: format!("a line of the audit log: {error}") })
}

/// What [`encode_audit`] wrote.
pub(super) fn decode_audit(payload: &[u8]) -> Option<AuditLine> {
    let record: AuditRecord<'_> = from_bytes(payload).ok()?;
    Some(AuditLine {
        at: Timestamp(record.at),
        who: record.who.map(|(uid, name)| roster_protocol::audit::Who { uid, name: name.to_owned() }),
        action: record.action.to_owned(),
        on: record.on.to_owned(),
        old: record.old.map(str::to_owned),
        new: record.new.map(str::to_owned),
        cause: record.cause.to_owned(),
    })
}

impl Record for Hold {
    const TABLE: Records = Records::Holds;

    fn key(&self) -> Vec<u8> {
        self.scope.as_bytes().to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&(self.until.0, self.reason.as_str()))
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (until, reason): (i64, &str) = from_bytes(payload).ok()?;
        let scope = std::str::from_utf8(key).ok()?.to_owned();
        Some(Hold { scope, until: Timestamp(until), reason: reason.to_owned() })
    }
}

/// The key of the settings in [`Records::Meta`].
const SETTINGS: &[u8] = b"settings";

impl Record for Settings {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        SETTINGS.to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&(self.paused, &self.paused_platforms))
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (paused, paused_platforms) = from_bytes(payload).ok()?;
        (key == SETTINGS).then_some(Settings { paused, paused_platforms })
    }
}

/// Under which this store was made, for good: the key of [`Stamp`] in [`Records::Meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) id: [u8; 16],
    pub(super) created_at: Timestamp,
}

impl Record for Stamp {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        b"store".to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&(self.id, self.created_at.0))
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let (id, created_at) = from_bytes(payload).ok()?;
        Some(Stamp { id, created_at: Timestamp(created_at) })
    }
}

/// The format of the store, in [`Records::Meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format(pub(super) u32);

impl Record for Format {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        b"format".to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&self.0)
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        from_bytes(payload).ok().map(Format)
    }
}

/// How far folding has come, in [`Records::Meta`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fold {
    /// Snapshots of this epoch and earlier ones are written into chunks; log tables of those that are left are being
    /// folded, and nothing is added to them. `None`: there are no chunks.
    pub(super) newest: Option<i32>,
    /// How many snapshots are in chunks.
    pub(super) snapshots: u64,
}

impl Record for Fold {
    const TABLE: Records = Records::Meta;

    fn key(&self) -> Vec<u8> {
        b"fold".to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        to_stdvec(&(self.newest, self.snapshots))
    }

    fn decode(_key: &[u8], payload: &[u8]) -> Option<Self> {
        let (newest, snapshots) = from_bytes(payload).ok()?;
        Some(Fold { newest, snapshots })
    }
}

/// A removed connection whose runs and changes are still to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    pub(super) connection: ConnectionId,
}

impl Record for Sweep {
    const TABLE: Records = Records::Sweeps;

    fn key(&self) -> Vec<u8> {
        self.connection.0.to_vec()
    }

    fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        Ok(Vec::new())
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        payload.is_empty().then_some(Sweep { connection: ConnectionId::from_bytes(key.try_into().ok()?) })
    }
}

/// A number in a key or payload of its own.
pub(super) fn number_of(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// Whether a payload is what its table holds.
pub(super) fn is_readable(table: Records, key: &[u8], payload: &[u8]) -> bool {
    match table {
        Records::Meta => true,
        Records::Influencers => Influencer::decode(key, payload).is_some(),
        Records::Connections => Connection::decode(key, payload).is_some(),
        Records::Runs => Run::decode(key, payload).is_some(),
        Records::Changes => Change::decode(key, payload).is_some(),
        Records::Alerts => Alert::decode(key, payload).is_some(),
        Records::AlertIds | Records::DesktopShown => number_of(payload).is_some(),
        Records::AlertsLive => number_of(key).is_some(),
        Records::Deliveries | Records::DeliveriesPending => Delivery::decode(key, payload).is_some(),
        Records::Audit => number_of(key).is_some() && decode_audit(payload).is_some(),
        Records::Holds => Hold::decode(key, payload).is_some(),
        Records::Sweeps => Sweep::decode(key, payload).is_some(),
        Records::Quarantine => true,
    }
}
