//! Everything that can be read, as values: each query is a struct with the type of its result. Nothing outside the
//! store sees a transaction, a table or an error of redb.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Bound, RangeInclusive};

use roster_protocol::alert::AlertState;
use roster_protocol::connection::Snapshot;
use roster_protocol::delivery::DeliveryState;
use roster_protocol::ids::{AlertId, ConnectionId, DeliveryId, InfluencerId};
use roster_protocol::metric::Metric;
use roster_protocol::reported::{Audience, ReportedDay};
use roster_protocol::request::{ProviderRequest, RequestOutcome};
use roster_protocol::status::DayFigures;
use roster_protocol::sync::Outcome;
use roster_protocol::time::{Date, Timestamp};

use super::error::StoreError;
use super::lists::{Mark, Page};
use super::reader::Reader;
use super::records;
use super::tables::{Records, day_key, time_key};
use crate::history::rollup::{Origin, Week, monday_of};
use crate::model::{Alert, AuditLine, Change, Connection, Delivery, Loaded, Run, RunsOfDay};

/// A read in one transaction.
pub trait Query: Send + 'static {
    /// What it returns.
    type Output: Send + 'static;

    /// Runs the query.
    ///
    /// # Errors
    /// `Degraded`, `Io` or `Damaged` when the file cannot be read; `NewerRecord` for a record that only a newer rosterd
    /// can read. A damaged row is left out, and is no error.
    fn read(self, reader: &Reader<'_>) -> Result<Self::Output, StoreError>;
}

/// Runs, newest first.
#[derive(Clone, Debug)]
pub struct RunsQuery {
    /// Those that started then or later.
    pub since: Timestamp,
    /// Those of these connections; `None`: of all.
    pub of: Option<HashSet<ConnectionId>>,
    /// Those that ended so; `None`: however they ended.
    pub outcome: Option<Outcome>,
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for RunsQuery {
    type Output = Page<Run>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<Run>, StoreError> {
        let is_wanted = |run: &Run| self.outcome.is_none_or(|outcome| run.outcome == outcome);
        reader.timed(self.since, self.before.as_ref(), self.limit, is_of(self.of.as_ref()), is_wanted)
    }
}

/// Requests to providers, newest first.
#[derive(Clone, Debug)]
pub struct RequestsQuery {
    /// Those that ended then or later.
    pub since: Timestamp,
    pub platform: Option<String>,
    /// Those about one of these connections; `None`: about any, or none.
    pub of: Option<HashSet<ConnectionId>>,
    pub outcome: Option<RequestOutcome>,
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for RequestsQuery {
    type Output = Page<ProviderRequest>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<ProviderRequest>, StoreError> {
        reader.requests(&self)
    }
}

/// Changes, newest first.
#[derive(Clone, Debug)]
pub struct ChangesQuery {
    /// Those of then or later.
    pub since: Timestamp,
    /// Those of these connections; `None`: of all.
    pub of: Option<HashSet<ConnectionId>>,
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for ChangesQuery {
    type Output = Page<Change>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<Change>, StoreError> {
        reader.timed(self.since, self.before.as_ref(), self.limit, is_of(self.of.as_ref()), |_| true)
    }
}

fn is_of(of: Option<&HashSet<ConnectionId>>) -> impl Fn(ConnectionId) -> bool {
    move |connection| of.is_none_or(|of| of.contains(&connection))
}

/// Runs, oldest first, for replaying them in order.
#[derive(Clone, Debug)]
pub struct RunsInOrder {
    /// Those that started then or later.
    pub since: Timestamp,
    /// Where the page begins: the `next` of the page before.
    pub after: Option<Mark>,
    pub limit: usize,
}

impl Query for RunsInOrder {
    type Output = Page<Run>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<Run>, StoreError> {
        let since = time_key(self.since);
        let from = match &self.after {
            Some(Mark(key)) => Bound::Excluded(key.as_slice()),
            None => Bound::Included(since.as_slice()),
        };
        reader.oldest_first(from, self.limit)
    }
}

/// The figures of this day and later ones, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct FiguresSince(pub Date);

impl Query for FiguresSince {
    type Output = Vec<DayFigures>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<DayFigures>, StoreError> {
        let since = day_key(self.0);
        Ok(reader.oldest_first(Bound::Included(&since), usize::MAX)?.rows)
    }
}

/// How many alerts of each rule opened since then, by the rule's name.
#[derive(Clone, Copy, Debug)]
pub struct AlertCounts {
    pub since: Timestamp,
}

impl Query for AlertCounts {
    type Output = HashMap<String, u64>;

    fn read(self, reader: &Reader<'_>) -> Result<HashMap<String, u64>, StoreError> {
        reader.alert_counts(self.since)
    }
}

/// Alerts, newest first.
#[derive(Clone, Debug, Default)]
pub struct AlertsQuery {
    /// `None`: those that are open or acknowledged.
    pub state: Option<AlertState>,
    /// Those about this influencer; `None`: about anything.
    pub influencer: Option<InfluencerId>,
    /// Those that this alert includes, in any state unless one is given.
    pub group: Option<AlertId>,
    /// Those assigned to this user; `None`: to any or none.
    pub assigned_to: Option<String>,
    /// Those with these numbers; `None`: with any.
    pub among: Option<HashSet<u64>>,
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for AlertsQuery {
    type Output = Page<Alert>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<Alert>, StoreError> {
        let is_wanted = |alert: &Alert| {
            let is_live = || self.group.is_some() || alert.state != AlertState::Resolved;
            let is_in_state = self.state.map_or_else(is_live, |state| alert.state == state);
            let is_member = self.group.is_none_or(|group| alert.group == Some(group));
            let is_users = self.assigned_to.is_none() || alert.assigned_to == self.assigned_to;
            let is_among = self.among.as_ref().is_none_or(|among| among.contains(&alert.number));
            is_in_state
                && is_member
                && is_users
                && is_among
                && self.influencer.is_none_or(|influencer| alert.about.influencer() == Some(influencer))
        };
        reader.newest_first(Records::Alerts, &[], self.before.as_ref(), self.limit, |row| {
            row.read().map(|alert| Some(alert).filter(is_wanted))
        })
    }
}

/// Alerts of every state, newest first.
#[derive(Clone, Debug, Default)]
pub struct LatestAlerts {
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for LatestAlerts {
    type Output = Page<Alert>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<Alert>, StoreError> {
        reader.newest_first(Records::Alerts, &[], self.before.as_ref(), self.limit, |row| row.read().map(Some))
    }
}

/// The alert of an id; `None` when there is none.
#[derive(Clone, Copy, Debug)]
pub struct AlertById(pub AlertId);

impl Query for AlertById {
    type Output = Option<Alert>;

    fn read(self, reader: &Reader<'_>) -> Result<Option<Alert>, StoreError> {
        let number = reader.get_as(Records::AlertIds, &self.0.0, records::read_number)?;
        number.map_or(Ok(None), |number| reader.get(&number.to_be_bytes()))
    }
}

/// The alert of a number; `None` when there is none.
#[derive(Clone, Copy, Debug)]
pub struct AlertNumbered(pub u64);

impl Query for AlertNumbered {
    type Output = Option<Alert>;

    fn read(self, reader: &Reader<'_>) -> Result<Option<Alert>, StoreError> {
        reader.get(&self.0.to_be_bytes())
    }
}

/// The ids of all alerts, resolved ones too.
#[derive(Clone, Copy, Debug)]
pub struct AlertIds;

impl Query for AlertIds {
    type Output = HashSet<AlertId>;

    fn read(self, reader: &Reader<'_>) -> Result<Self::Output, StoreError> {
        reader.alert_ids()
    }
}

/// All deliveries of the alert with this number, pending ones first.
#[derive(Clone, Copy, Debug)]
pub struct DeliveriesOf(pub u64);

impl Query for DeliveriesOf {
    type Output = Vec<Delivery>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<Delivery>, StoreError> {
        reader.deliveries(self.0)
    }
}

/// Deliveries with the ids of their alerts, those of the newest alerts first. An alert that is damaged has none.
#[derive(Clone, Debug)]
pub struct DeliveriesQuery {
    /// Of this alert only.
    pub alert: Option<AlertId>,
    pub state: Option<DeliveryState>,
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for DeliveriesQuery {
    type Output = Page<(Delivery, Option<AlertId>)>;

    fn read(self, reader: &Reader<'_>) -> Result<Self::Output, StoreError> {
        let number = |id: AlertId| reader.get_as(Records::AlertIds, &id.0, records::read_number);
        let number = match self.alert.map(number).transpose()? {
            // There is no such alert.
            Some(None) => return Ok(Page { rows: Vec::new(), next: None }),
            found => found.flatten(),
        };
        let page = reader.newest_deliveries(number, self.state, self.before.as_ref(), self.limit)?;
        let mut rows = Vec::new();
        for delivery in page.rows {
            let alert: Option<Alert> = reader.get(&delivery.key.alert.to_be_bytes())?;
            rows.push((delivery, alert.map(|alert| alert.id)));
        }
        Ok(Page { rows, next: page.next })
    }
}

/// The deliveries whose ids are within these, by their ids.
#[derive(Clone, Debug)]
pub struct DeliveriesNamed(pub RangeInclusive<DeliveryId>);

impl Query for DeliveriesNamed {
    type Output = Vec<Delivery>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<Delivery>, StoreError> {
        reader.deliveries_named(&self.0)
    }
}

/// Lines of the audit log with their numbers, newest first.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Those of then or later; `None`: all.
    pub since: Option<Timestamp>,
    pub before: Option<Mark>,
    pub limit: usize,
}

impl Query for AuditQuery {
    type Output = Page<(u64, AuditLine)>;

    fn read(self, reader: &Reader<'_>) -> Result<Page<(u64, AuditLine)>, StoreError> {
        let is_wanted = |line: &AuditLine| self.since.is_none_or(|since| line.at >= since);
        reader.newest_first(Records::Audit, &[], self.before.as_ref(), self.limit, |row| {
            row.read_audit().map(|numbered| Some(numbered).filter(|(_, line)| is_wanted(line)))
        })
    }
}

/// A connection's snapshots, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    pub connection: ConnectionId,
    /// The day of its first snapshot, where reading begins; `None`: it has none.
    pub first_day: Option<Date>,
    /// Those of this day or later; `None`: from the first.
    pub since: Option<Date>,
    /// Those of this day or earlier; `None`: to the last.
    pub until: Option<Date>,
}

impl HistoryQuery {
    /// Everything that is stored of a connection.
    pub fn of(connection: &Connection) -> Self {
        Self { connection: connection.id, first_day: connection.first_day, since: None, until: None }
    }

    /// The days that are read.
    fn days(&self) -> Option<RangeInclusive<Date>> {
        let first = self.first_day?.max(self.since.unwrap_or(Date(i32::MIN)));
        Some(first..=self.until.unwrap_or(Date(i32::MAX)))
    }
}

impl Query for HistoryQuery {
    type Output = Vec<Snapshot>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<Snapshot>, StoreError> {
        self.days().map_or(Ok(Vec::new()), |days| reader.history(self.connection, days))
    }
}

/// The weeks that are left of a connection's past days and begin in the query's days, oldest first, with where their
/// numbers are from.
#[derive(Clone, Copy, Debug)]
pub struct WeeksQuery(pub HistoryQuery);

impl Query for WeeksQuery {
    type Output = Vec<(Origin, Week)>;

    fn read(self, reader: &Reader<'_>) -> Result<Self::Output, StoreError> {
        let Some(days) = self.0.days() else { return Ok(Vec::new()) };
        // The first day's week begins before it, unless the caller wants none that does.
        let first = if self.0.since.is_some_and(|since| since >= *days.start()) {
            *days.start()
        } else {
            monday_of(*days.start())
        };
        reader.weeks(self.0.connection, &(first..=*days.end()))
    }
}

/// What a platform reported of a connection's days, oldest first, and its newest audience with the day of it.
#[derive(Clone, Debug)]
pub struct ReportedQuery {
    pub connection: ConnectionId,
    pub days: RangeInclusive<Date>,
}

impl Query for ReportedQuery {
    type Output = (Vec<ReportedDay>, Option<(Date, Audience)>);

    fn read(self, reader: &Reader<'_>) -> Result<Self::Output, StoreError> {
        let days = reader.reported_days(self.connection, &self.days)?;
        let newest = reader.audiences(self.connection)?.into_iter().next();
        Ok((days, newest.map(|newest| (newest.date, newest.audience))))
    }
}

/// How the slots of past days ended whose runs are deleted, by day, then platform.
#[derive(Clone, Debug)]
pub struct RunDays(pub RangeInclusive<Date>);

impl Query for RunDays {
    type Output = Vec<RunsOfDay>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<RunsOfDay>, StoreError> {
        reader.run_days(&self.0)
    }
}

/// One metric of a connection's history, oldest first, in the metric's own unit; days on which it was not reported are
/// left out. Much faster than reading whole snapshots.
#[derive(Clone, Copy, Debug)]
pub struct MetricHistory {
    pub of: HistoryQuery,
    pub metric: Metric,
}

impl Query for MetricHistory {
    type Output = Vec<(Date, f64)>;

    fn read(self, reader: &Reader<'_>) -> Result<Vec<(Date, f64)>, StoreError> {
        self.of.days().map_or(Ok(Vec::new()), |days| reader.history_of(self.of.connection, self.metric, days))
    }
}

/// A connection's snapshot of a day; `None` when there is none.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotOn {
    pub connection: ConnectionId,
    pub date: Date,
}

impl Query for SnapshotOn {
    type Output = Option<Snapshot>;

    fn read(self, reader: &Reader<'_>) -> Result<Option<Snapshot>, StoreError> {
        reader.snapshot_on(self.connection, self.date)
    }
}

/// One metric's raw numbers of all connections on these days, each oldest first; connections without any are left out.
/// Reads the whole months that the days touch.
#[derive(Clone, Debug)]
pub struct RecentValues(pub Metric, pub RangeInclusive<Date>);

impl Query for RecentValues {
    type Output = HashMap<ConnectionId, Vec<(Date, u64)>>;

    fn read(self, reader: &Reader<'_>) -> Result<Self::Output, StoreError> {
        reader.recent_values(self.0, self.1)
    }
}

/// Everything that the daemon keeps in memory from its start on.
#[derive(Clone, Copy, Debug)]
pub struct Load;

impl Query for Load {
    type Output = Loaded;

    fn read(self, reader: &Reader<'_>) -> Result<Loaded, StoreError> {
        reader.load()
    }
}

/// How many snapshots are stored.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotCount;

impl Query for SnapshotCount {
    type Output = u64;

    fn read(self, reader: &Reader<'_>) -> Result<u64, StoreError> {
        reader.snapshots()
    }
}

/// The sum of all followers ever reported, and the number of snapshots that report them. Reads everything.
#[derive(Clone, Copy, Debug)]
pub struct FollowerSum;

impl Query for FollowerSum {
    type Output = (u128, u64);

    fn read(self, reader: &Reader<'_>) -> Result<(u128, u64), StoreError> {
        reader.sum_followers_everything()
    }
}

/// The bytes that each table takes in the file, in whole pages, by its name. Walks every tree, so it is for
/// measurements.
#[derive(Clone, Copy, Debug)]
pub struct TableBytes;

impl Query for TableBytes {
    type Output = BTreeMap<String, u64>;

    fn read(self, reader: &Reader<'_>) -> Result<BTreeMap<String, u64>, StoreError> {
        reader.table_bytes()
    }
}
