//! The JSON that scripts rely on: names and order of fields change only with a line in the changelog.
//!
//! Apart from `protocol`'s types, so that the wire can change without a script noticing.
//! Times are RFC 3339, dates ISO, rates ratios; what is not known is `null`, never 0.

pub mod access;
pub mod consent;
pub mod deliveries;
pub mod events;
pub mod held;
pub mod keys;
pub mod movers;
pub mod reported;
pub mod retention;
pub mod rules;
pub mod silences;
pub mod status;

pub(crate) use roster_protocol::json::rounded;
use roster_protocol::{self as protocol, Mean, Metric, Ratio, RosterError, Unit};
use serde::Serialize;
use serde_json::{Map, Number, Value};

/// Any failure.
#[derive(Debug, Serialize)]
pub struct Failed {
    error: FailedBody,
}

/// What failed, and what to do now.
#[derive(Debug, Serialize)]
pub struct FailedBody {
    kind: &'static str,
    message: String,
    hint: Option<String>,
}

impl From<&RosterError> for Failed {
    fn from(error: &RosterError) -> Self {
        Self { error: error.into() }
    }
}

impl From<&RosterError> for FailedBody {
    fn from(error: &RosterError) -> Self {
        Self { kind: error.kind.as_str(), message: error.message.clone(), hint: error.hint.clone() }
    }
}

/// One influencer; without connections in lists.
#[derive(Debug, Serialize)]
pub struct Influencer {
    id: String,
    name: String,
    tags: Vec<String>,
    note: Option<String>,
    followers: Option<u64>,
    followers_total: Option<u64>,
    growth_7d: Option<Number>,
    growth_30d: Option<Number>,
    /// The slugs of its connections' platforms.
    platforms: Vec<String>,
    open_alerts: u32,
    engagement_rate: Option<Number>,
    sync_enabled: bool,
    auto_synced_at: Option<String>,
    last_sync_platform: Option<String>,
    /// No platform that can be read says it yet.
    verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<Vec<Connection>>,
}

impl From<&protocol::InfluencerRow> for Influencer {
    fn from(row: &protocol::InfluencerRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.clone(),
            tags: row.tags.clone(),
            note: row.note.clone(),
            followers: row.followers,
            followers_total: row.followers_total,
            growth_7d: row.growth_7d.map(ratio),
            growth_30d: row.growth_30d.map(ratio),
            platforms: row.platforms.iter().map(|on| on.platform.clone()).collect(),
            open_alerts: row.open_alerts,
            engagement_rate: row.engagement_rate.map(ratio),
            sync_enabled: row.sync_enabled,
            auto_synced_at: time(row.synced_at),
            last_sync_platform: row.last_sync_platform.clone(),
            verified: None,
            connections: None,
        }
    }
}

impl From<&protocol::Influencer> for Influencer {
    fn from(influencer: &protocol::Influencer) -> Self {
        Self {
            note: influencer.note.clone(),
            connections: Some(influencer.connections.iter().map(Connection::from).collect()),
            ..Self::from(&influencer.row)
        }
    }
}

/// What `list` gives.
#[derive(Debug, Serialize)]
pub struct InfluencerList {
    /// How many match, however many of them are given.
    pub total: u64,
    pub influencers: Vec<Influencer>,
}

/// One of `connections`.
#[derive(Debug, Serialize)]
pub struct Connection {
    id: String,
    platform: String,
    handle: String,
    platform_user_id: Option<String>,
    status: &'static str,
    badge: &'static str,
    last_synced_at: Option<String>,
    last_error: Option<String>,
    blocked_by: Option<String>,
    outage: Option<Outage>,
    next_due_at: Option<String>,
    token_expires_at: Option<String>,
    not_given: Vec<String>,
    connected_at: String,
    moved_to: Option<String>,
    profile: Option<Profile>,
    by_hand: Vec<ByHand>,
    latest: Option<Snapshot>,
}

/// What is down, and since when.
#[derive(Debug, Serialize)]
pub struct Outage {
    what: String,
    since: String,
}

impl From<&protocol::connection::Outage> for Outage {
    fn from(outage: &protocol::connection::Outage) -> Self {
        Self { what: outage.what.clone(), since: outage.since.to_string() }
    }
}

/// A number of the newest snapshot that a user recorded, and whether later syncs of the day leave it.
#[derive(Debug, Serialize)]
pub struct ByHand {
    metric: &'static str,
    kept: bool,
}

impl From<&protocol::ByHand> for ByHand {
    fn from(number: &protocol::ByHand) -> Self {
        Self { metric: number.metric.as_str(), kept: number.kept }
    }
}

impl From<&protocol::Connection> for Connection {
    fn from(connection: &protocol::Connection) -> Self {
        Self {
            id: connection.id.to_string(),
            platform: connection.platform.clone(),
            handle: connection.handle.clone(),
            platform_user_id: connection.platform_user_id.clone(),
            status: connection.status.as_str(),
            badge: connection.badge.as_str(),
            last_synced_at: time(connection.last_synced_at),
            last_error: connection.last_error.clone(),
            blocked_by: connection.blocked_by.clone(),
            outage: connection.outage.as_ref().map(Outage::from),
            next_due_at: time(connection.next_due_at),
            token_expires_at: time(connection.token_expires_at),
            not_given: connection.not_given.clone(),
            connected_at: connection.connected_at.to_string(),
            moved_to: connection.moved_to.clone(),
            profile: connection.profile.as_ref().map(Profile::from),
            by_hand: connection.by_hand.iter().map(ByHand::from).collect(),
            latest: connection.latest.as_ref().map(Snapshot::from),
        }
    }
}

/// What `pause` and `resume` give.
#[derive(Debug, Serialize)]
pub struct ConnectionList {
    pub connections: Vec<Connection>,
}

/// The numbers a team works with.
#[derive(Debug, Serialize)]
pub struct Profile {
    followers: Option<u64>,
    engagement_rate: Option<Number>,
    avg_likes: Option<Number>,
    as_of: String,
    source: &'static str,
}

impl From<&protocol::Profile> for Profile {
    fn from(profile: &protocol::Profile) -> Self {
        Self {
            followers: profile.followers,
            engagement_rate: profile.engagement_rate.map(ratio),
            avg_likes: profile.avg_likes.map(mean),
            as_of: profile.as_of.to_string(),
            source: profile.source.as_str(),
        }
    }
}

/// One day of one connection.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    date: String,
    observed_at: String,
    source: &'static str,
    /// How what was measured was read.
    read_with: Option<&'static str>,
    /// Which of the numbers a person recorded, where that is known.
    by_hand: Vec<&'static str>,
    #[serde(flatten)]
    numbers: Map<String, Value>,
}

impl From<&protocol::Snapshot> for Snapshot {
    fn from(snapshot: &protocol::Snapshot) -> Self {
        Self {
            date: snapshot.date.to_string(),
            observed_at: snapshot.observed_at.to_string(),
            source: snapshot.source.as_str(),
            read_with: snapshot.read_with.map(protocol::ReadWith::as_str),
            by_hand: snapshot.by_hand.iter().map(Metric::as_str).collect(),
            numbers: numbers(&snapshot.numbers, snapshot.followers_step),
        }
    }
}

/// What `record` gives: the day as it is now, and whether later syncs leave the given numbers.
#[derive(Debug, Serialize)]
pub struct Recorded {
    #[serde(flatten)]
    snapshot: Snapshot,
    kept: bool,
}

impl From<&protocol::Recorded> for Recorded {
    fn from(recorded: &protocol::Recorded) -> Self {
        Self { snapshot: Snapshot::from(&recorded.snapshot), kept: recorded.kept }
    }
}

/// Every metric by its name; those of the audience are an object of their own, with the age range behind them.
fn numbers(given: &protocol::Numbers, step: Option<u64>) -> Map<String, Value> {
    let (mut numbers, mut audience) = (Map::new(), Map::new());
    for metric in Metric::ALL {
        let value = given.get(metric).map(|raw| number(metric.unit(), raw)).into();
        match metric.as_str().strip_prefix("audience_") {
            Some(name) => audience.insert(name.to_owned(), value),
            None => numbers.insert(metric.to_string(), value),
        };
        if metric == Metric::Followers {
            numbers.insert("followers_step".to_owned(), step.into());
        }
    }
    let range = given.top_age_range.map(|range| range.as_str());
    audience.insert("top_age_range".to_owned(), range.into());
    numbers.insert("audience".to_owned(), audience.into());
    numbers
}

/// A row of a history: a day, or a week of days that are long past.
#[derive(Debug, Serialize)]
#[serde(tag = "period", rename_all = "lowercase")]
pub enum HistoryRow {
    Day(Snapshot),
    Week(Box<Week>),
}

/// A week of one connection. Its numbers are those of the last day, as a day's are.
#[derive(Debug, Serialize)]
pub struct Week {
    /// Its Monday.
    date: String,
    /// How many of its days had numbers.
    days: u8,
    source: &'static str,
    read_with: Option<&'static str>,
    #[serde(flatten)]
    last: Map<String, Value>,
    first: Map<String, Value>,
    min: Map<String, Value>,
    max: Map<String, Value>,
}

impl From<&protocol::Week> for Week {
    fn from(week: &protocol::Week) -> Self {
        Self {
            date: week.date.to_string(),
            days: week.days,
            source: week.source.as_str(),
            read_with: week.read_with.map(protocol::ReadWith::as_str),
            last: numbers(&week.last, week.followers_step),
            first: plain(&week.first),
            min: plain(&week.least),
            max: plain(&week.most),
        }
    }
}

/// The metrics that are known, by their names.
fn plain(numbers: &protocol::Numbers) -> Map<String, Value> {
    let known = |metric: Metric| Some((metric.to_string(), number(metric.unit(), numbers.get(metric)?).into()));
    Metric::ALL.into_iter().filter_map(known).collect()
}

/// What `history` gives.
#[derive(Debug, Serialize)]
pub struct History {
    pub connection: String,
    /// Oldest first, the weeks before the days.
    pub snapshots: Vec<HistoryRow>,
    /// What the platform reported of days that are over, oldest first.
    pub days: Vec<reported::Day>,
    /// What these figures mean; null where the platform reports none.
    pub day_terms: Option<reported::Terms>,
}

/// A time, or none.
pub(crate) fn time(at: Option<protocol::Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

/// A metric's raw number in its form: counts whole, averages with two decimals, rates as ratios.
fn number(unit: Unit, raw: u64) -> Number {
    match unit {
        Unit::Count => raw.into(),
        Unit::Mean => mean(Mean(raw)),
        Unit::Ratio => ratio(Ratio(raw as i64)),
    }
}

/// An average with up to two decimals.
pub(crate) fn mean(mean: Mean) -> Number {
    rounded(mean.as_f64(), 2)
}

/// A rate as ratio.
pub(crate) fn ratio(ratio: Ratio) -> Number {
    rounded(ratio.as_f64(), 6)
}
