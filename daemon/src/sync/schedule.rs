//! When a connection is due: a fixed grid, retries, and the queue of what is due. Pure.
//!
//! The grid is anchored at the daily slot (`daily_snapshot`) of each local day; with a shorter interval it goes on
//! from there in whole intervals until the next day's anchor. Days of 23 or 25 hours have as many slots as any other.
//! Each connection has its own constant offset from the grid, so that not everybody is asked in one second.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::civil;
use jiff::tz::TimeZone;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Seconds, Timestamp};

use super::batch::platform_of;

/// Where slots lie.
///
/// ```
/// use jiff::{civil, tz::TimeZone};
/// use roster_protocol::ids::ConnectionId;
/// use roster_protocol::time::Seconds;
/// use rosterd::sync::schedule::Grid;
///
/// let grid = Grid {
///     zone: TimeZone::get("Europe/Berlin")?,
///     daily: Some(civil::time(2, 0, 0, 0)),
///     interval: Seconds(6 * 3600),
/// };
/// let next = |id, now: &str| grid.next(ConnectionId::from_bytes(id), None, now.parse().expect("a time")).to_string();
/// assert_eq!(next([0; 5], "2026-10-24T19:00:00Z"), "2026-10-25T00:00:00Z"); // 02:00, the night before clocks go back
/// assert_eq!(next([0; 5], "2026-10-25T19:00:00Z"), "2026-10-26T01:00:00Z"); // 02:00 again, 25 hours later
/// assert_eq!(next([255; 5], "2026-10-25T19:00:00Z"), "2026-10-26T01:15:00Z"); // Others follow within a quarter of an hour.
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Grid {
    /// Whose days are meant.
    pub zone: TimeZone,
    /// The slot every day has; `None`: the grid is counted from 1970.
    pub daily: Option<civil::Time>,
    /// The interval of connections that have none of their own.
    pub interval: Seconds,
}

/// The widest offset from the grid.
const WIDEST_OFFSET_MS: i64 = 15 * 60 * 1000;
/// Offsets are in whole steps, so that connections share batches.
const OFFSET_STEP_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 3600 * 1000;

impl Grid {
    /// Whether `slot` is one of the connection's.
    pub fn has(&self, connection: ConnectionId, own: Option<Seconds>, slot: Timestamp) -> bool {
        self.next(connection, own, Timestamp(slot.0.saturating_sub(1))) == slot
    }

    /// The local day of a point in time.
    pub fn date_of(&self, at: Timestamp) -> Date {
        at.to_jiff().to_zoned(self.zone.clone()).date().into()
    }

    /// The first slot of `connection` after `now`.
    pub fn next(&self, connection: ConnectionId, own: Option<Seconds>, now: Timestamp) -> Timestamp {
        let interval = own.unwrap_or(self.interval).millis().max(1000);
        let offset = offset(connection, interval);
        let after = Timestamp(now.0.saturating_sub(offset));
        let slot = match self.daily {
            Some(daily) => self.next_anchored(daily, interval, after),
            None => Timestamp(after.0.div_euclid(interval).saturating_add(1).saturating_mul(interval)),
        };
        Timestamp(slot.0.saturating_add(offset))
    }

    /// The first slot after `after`: this day's anchor plus whole intervals, or the next day's anchor.
    fn next_anchored(&self, daily: civil::Time, interval: i64, after: Timestamp) -> Timestamp {
        let today = after.to_jiff().to_zoned(self.zone.clone()).date();
        let days = [today.yesterday().unwrap_or(today), today, today.tomorrow().unwrap_or(today)];
        let anchors = days.map(|day| self.anchor(day, daily));
        let begun = anchors.iter().rposition(|anchor| *anchor <= after);
        let (Some(begun), Some(end)) = (begun, anchors.iter().find(|anchor| **anchor > after)) else {
            return Timestamp(after.0.saturating_add(interval));
        };
        let begin = anchors[begun];
        let slot = Timestamp(begin.0 + (after.since(begin) / interval + 1) * interval);
        // A slot closer to the next anchor than half an interval is that anchor: a day of 25 hours has no extra one.
        if slot.0.saturating_add(interval / 2) > end.0 { *end } else { slot }
    }

    /// The daily slot of a day. In a gap of the local clock it is right after the gap, in a fold the first one.
    fn anchor(&self, day: civil::Date, daily: civil::Time) -> Timestamp {
        let zoned = day.to_datetime(daily).to_zoned(self.zone.clone());
        zoned.map_or(Timestamp(i64::MAX), |zoned| zoned.timestamp().into())
    }

    /// Whether at least one whole slot went by between `slot` and `now`.
    pub fn missed(&self, connection: ConnectionId, own: Option<Seconds>, slot: Timestamp, now: Timestamp) -> bool {
        self.next(connection, own, slot) <= now
    }

    /// A due time that no grid and no back-off can have made: the clock was far ahead when it was written.
    pub fn is_beyond_reach(&self, own: Option<Seconds>, due: Timestamp, now: Timestamp) -> bool {
        let interval = own.unwrap_or(self.interval).millis();
        due.since(now) > interval.saturating_mul(2).saturating_add(2 * DAY_MS)
    }
}

/// A connection's constant offset from the grid: whole minutes, up to a tenth of the interval or 15 minutes.
///
/// Ids are random, so their first bytes spread as well as any hash of them; and as offsets grow with ids, snapshots
/// come in the order of the store's keys, which makes appending them cheap.
fn offset(connection: ConnectionId, interval: i64) -> i64 {
    let widest = (interval / 10).min(WIDEST_OFFSET_MS);
    let steps = (widest / OFFSET_STEP_MS) as u64;
    let [first, second, ..] = connection.0;
    let place = u64::from(u16::from_be_bytes([first, second]));
    ((place * (steps + 1)) >> 16) as i64 * OFFSET_STEP_MS
}

/// When to try again after the `failures`-th failure in a row (from 1): 30 s, doubled each time up to an hour,
/// of which the later half is left to `dice` (0 to 1), so that those who failed together do not return together.
pub fn back_off(failures: u32, dice: f64) -> Seconds {
    let full = 30u64.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(3600);
    Seconds(full / 2 + (full as f64 / 2.0 * dice.clamp(0.0, 1.0)) as u64)
}

/// A clock before this is plainly wrong: nothing is asked, and no day is written, until it is set.
pub const EARLIEST_PLAUSIBLE: Timestamp = Timestamp(1_577_836_800_000); // 2020-01-01

/// What is due when, by scope: accounts of one scope are asked together.
#[derive(Debug, Default)]
pub struct Queue {
    scopes: BTreeMap<Arc<str>, Waiting>,
    /// Each platform's scopes by the first of their due times: one platform may have thousands of homes.
    firsts: BTreeMap<String, BTreeSet<(Timestamp, Arc<str>)>>,
    places: HashMap<ConnectionId, (Arc<str>, Timestamp)>,
}

/// Those of one scope, by when they are due.
type Waiting = BTreeSet<(Timestamp, ConnectionId)>;

impl Queue {
    /// Makes room for so many more.
    pub fn expect(&mut self, connections: usize) {
        self.places.reserve(connections);
    }

    /// Puts a connection into the queue, or moves it.
    pub fn put(&mut self, scope: &str, connection: ConnectionId, due: Timestamp) {
        self.remove(connection);
        let known = self.scopes.get_key_value(scope).map(|(scope, _)| scope.clone());
        let scope = known.unwrap_or_else(|| scope.into());
        self.change(&scope, |waiting| waiting.insert((due, connection)));
        self.places.insert(connection, (scope, due));
    }

    /// Takes a connection out.
    pub fn remove(&mut self, connection: ConnectionId) {
        let Some((scope, due)) = self.places.remove(&connection) else { return };
        self.change(&scope, |waiting| waiting.remove(&(due, connection)));
    }

    /// Changes who waits in a scope, and with it the scope's place among its platform's.
    fn change<T>(&mut self, scope: &Arc<str>, change: impl FnOnce(&mut Waiting) -> T) -> T {
        let waiting = self.scopes.entry(scope.clone()).or_default();
        let before = waiting.first().map(|(due, _)| *due);
        let changed = change(waiting);
        let after = waiting.first().map(|(due, _)| *due);
        if waiting.is_empty() {
            self.scopes.remove(scope);
        }
        if before != after {
            let firsts = self.firsts.entry(platform_of(scope).to_owned()).or_default();
            before.map(|due| firsts.remove(&(due, scope.clone())));
            after.map(|due| firsts.insert((due, scope.clone())));
        }
        changed
    }

    /// The longest waiting of the scopes that have something due and `may` be asked, on platforms that have a place.
    pub fn longest_waiting(
        &self,
        now: Timestamp,
        has_place: impl Fn(&str) -> bool,
        may: impl Fn(&str) -> bool,
    ) -> Option<&str> {
        let of_platforms = self.firsts.iter().filter(|(platform, _)| has_place(platform));
        let first = of_platforms
            .filter_map(|(_, scopes)| scopes.iter().take_while(|(due, _)| *due <= now).find(|(_, scope)| may(scope)));
        first.min().map(|(_, scope)| &**scope)
    }

    /// Takes up to `most` due connections of a scope out, the longest waiting first.
    pub fn take_due(&mut self, scope: &str, now: Timestamp, most: usize) -> Vec<ConnectionId> {
        let Some((scope, _)) = self.scopes.get_key_value(scope) else { return Vec::new() };
        let taken: Vec<ConnectionId> = self.change(&scope.clone(), |waiting| {
            let is_due = |waiting: &Waiting| waiting.first().is_some_and(|(at, _)| *at <= now);
            let due = || is_due(waiting).then(|| waiting.pop_first()).flatten();
            std::iter::from_fn(due).take(most).map(|(_, connection)| connection).collect()
        });
        taken.iter().for_each(|connection| drop(self.places.remove(connection)));
        taken
    }

    /// Whether something is due in a scope, or anywhere on a platform.
    pub fn is_due(&self, scope: &str, now: Timestamp) -> bool {
        self.first_due_in(scope).or_else(|| self.next_due_of(scope)).is_some_and(|due| due <= now)
    }

    /// The first due time of a scope.
    pub fn first_due_in(&self, scope: &str) -> Option<Timestamp> {
        self.scopes.get(scope)?.first().map(|(due, _)| *due)
    }

    /// The first due time of a platform.
    pub fn next_due_of(&self, platform: &str) -> Option<Timestamp> {
        self.firsts.get(platform)?.first().map(|(due, _)| *due)
    }

    /// The first due time of all.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.firsts.keys().filter_map(|platform| self.next_due_of(platform)).min()
    }

    /// When the next scope becomes due that has nothing due now.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let later = (Timestamp(now.0.saturating_add(1)), Arc::from(""));
        self.firsts.values().filter_map(|scopes| scopes.range(&later..).next()).map(|(due, _)| *due).min()
    }

    /// How many connections are due.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.scopes.values().map(|waiting| waiting.iter().take_while(|(at, _)| *at <= now).count()).sum()
    }

    /// Whose turn has come, everywhere.
    pub fn all_due(&self, now: Timestamp) -> Vec<ConnectionId> {
        let due = |waiting: &BTreeSet<(Timestamp, ConnectionId)>| {
            waiting.iter().take_while(|(at, _)| *at <= now).map(|(_, connection)| *connection).collect::<Vec<_>>()
        };
        self.scopes.values().flat_map(due).collect()
    }

    /// When a connection in the queue is due.
    pub fn due_at(&self, connection: ConnectionId) -> Option<Timestamp> {
        self.places.get(&connection).map(|(_, due)| *due)
    }
}

#[cfg(test)]
mod tests;
