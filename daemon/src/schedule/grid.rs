//! When slots are: a fixed grid with a constant offset for each connection. Pure.
//!
//! The grid is anchored at the daily slot (`daily_snapshot`) of each local day; with a shorter interval it continues
//! from there in whole intervals until the next day's anchor. Days of 23 or 25 hours have as many slots as any other.
//! Each connection has its own constant offset from the grid, so that not all are requested in the same second.

use jiff::civil;
use jiff::tz::TimeZone;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::{Date, Day, Seconds, Since, Timestamp};

use super::pace::Pace;

/// When slots are.
///
/// ```
/// use jiff::{civil, tz::TimeZone};
/// use roster_protocol::ids::ConnectionId;
/// use roster_protocol::time::Seconds;
/// use rosterd::schedule::Grid;
///
/// let grid = Grid {
///     zone: TimeZone::get("Europe/Berlin")?,
///     daily: Some(civil::time(2, 0, 0, 0)),
///     interval: Seconds(6 * 3600),
/// };
/// let next = |id, now: &str| grid.next(ConnectionId::from_bytes(id), None, now.parse().expect("a time")).to_string();
/// assert_eq!(next([0; 5], "2026-10-24T19:00:00Z"), "2026-10-25T00:00:00Z"); // 02:00, the night before clocks go back
/// assert_eq!(next([0; 5], "2026-10-25T19:00:00Z"), "2026-10-26T01:00:00Z"); // 02:00 again, 25 hours later
/// assert_eq!(next([255; 5], "2026-10-25T19:00:00Z"), "2026-10-26T01:15:00Z"); // Others: a bit later.
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The time zone whose days are meant.
    pub zone: TimeZone,
    /// The slot every day has; `None`: the grid is counted from 1970.
    pub daily: Option<civil::Time>,
    /// The interval of connections that have none of their own.
    pub interval: Seconds,
}

/// Slots in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    pub count: u64,
    pub last: Timestamp,
}

/// So many days are counted one by one; of a longer time the rest is reckoned with days of 24 hours.
const COUNTED_DAYS: u32 = 40;
/// How slots follow one another.
struct Course {
    /// Milliseconds.
    interval: i64,
    /// From the grid, in milliseconds.
    offset: i64,
    daily: Option<civil::Time>,
}

/// The widest offset from the grid.
pub(super) const WIDEST_OFFSET_MS: i64 = 15 * 60 * 1000;
/// Offsets are in whole steps, so that connections share batches.
const OFFSET_STEP_MS: i64 = 60 * 1000;
pub(super) const DAY_MS: i64 = 24 * 3600 * 1000;

impl Grid {
    /// Whether `slot` is one of the connection's.
    pub fn has(&self, connection: ConnectionId, pace: impl Into<Pace>, slot: Timestamp) -> bool {
        self.next(connection, pace, Timestamp(slot.0.saturating_sub(1))) == slot
    }

    /// The local day of a point in time.
    pub fn date_of(&self, at: Timestamp) -> Date {
        at.to_jiff().to_zoned(self.zone.clone()).date().into()
    }

    /// A quarter past the next midnight: by then the past day has no runs under way.
    pub fn next_night(&self, now: Timestamp) -> Timestamp {
        let day = self.date_of(now).plus_days(1).to_jiff();
        let at = day.to_datetime(civil::time(0, 15, 0, 0)).to_zoned(self.zone.clone());
        at.map_or(now.plus_seconds(DAY_MS / 1000), |at| at.timestamp().into()).max(now.plus_seconds(60))
    }

    /// The date of a day that a user named.
    pub fn day(&self, day: Day, now: Timestamp) -> Date {
        match day {
            Day::On(date) => date,
            Day::Ago(days) => self.date_of(now).plus_days(i32::try_from(days).unwrap_or(i32::MAX).saturating_neg()),
            Day::Of(at) => self.date_of(at),
        }
    }

    /// The moment that a user named; a day begins at its midnight here.
    pub fn since(&self, since: Since, now: Timestamp) -> Timestamp {
        match since {
            Since::At(at) => at,
            Since::Day(day) => {
                let midnight = self.day(day, now).to_jiff().to_zoned(self.zone.clone());
                midnight.map_or(Timestamp(i64::MIN), |midnight| midnight.timestamp().into())
            }
        }
    }

    /// The first slot of `connection` after `now`.
    pub fn next(&self, connection: ConnectionId, pace: impl Into<Pace>, now: Timestamp) -> Timestamp {
        let Course { interval, offset, daily } = self.course(connection, pace.into());
        let after = Timestamp(now.0.saturating_sub(offset));
        let slot = match daily {
            Some(daily) => self.next_anchored(daily, interval, after),
            None => Timestamp(after.0.div_euclid(interval).saturating_add(1).saturating_mul(interval)),
        };
        Timestamp(slot.0.saturating_add(offset))
    }

    /// How the slots of a connection follow one another.
    fn course(&self, connection: ConnectionId, pace: Pace) -> Course {
        let interval = pace.interval(self.interval).millis().max(1000);
        // Where a budget stretches intervals, groups are spread over the whole of them, and there is no daily burst.
        match pace.stretch.is_none() {
            true => Course { interval, offset: offset(connection, interval), daily: self.daily },
            false => {
                let offset = offset_of_group(connection, pace.stretch.groups, interval);
                Course { interval, offset, daily: None }
            }
        }
    }

    /// The slots of `connection` after `after` and up to `until`; `None` when there is none.
    pub fn between(
        &self,
        connection: ConnectionId,
        pace: impl Into<Pace>,
        after: Timestamp,
        until: Timestamp,
    ) -> Option<Slots> {
        let pace = pace.into();
        let first = self.next(connection, pace, after);
        if first > until {
            return None;
        }
        let Course { interval, offset, daily } = self.course(connection, pace);
        let [first, until] = [first, until].map(|at| Timestamp(at.0.saturating_sub(offset)));
        let slots = match daily {
            Some(daily) => self.count_anchored(daily, interval, first, until),
            None => count_in_row(interval, first, until),
        };
        Some(Slots { last: Timestamp(slots.last.0.saturating_add(offset)), ..slots })
    }

    /// The slots from `slot`, which is one, up to `until`: day by day.
    fn count_anchored(&self, daily: civil::Time, interval: i64, mut slot: Timestamp, until: Timestamp) -> Slots {
        let mut count = 0;
        for day in 1.. {
            let Some((_, end)) = self.day_around(daily, slot) else { break };
            let last = Timestamp((end.0 - interval / 2).clamp(slot.0, until.0));
            let of_day = count_in_row(interval, slot, last);
            count += of_day.count;
            if end > until {
                return Slots { count, last: of_day.last };
            }
            slot = end;
            let whole_days = (until.since(slot) / DAY_MS).saturating_sub(1);
            if day == COUNTED_DAYS && whole_days > 0 {
                let of_any_day = count_in_row(interval, Timestamp(0), Timestamp((DAY_MS - interval / 2).max(0)));
                count = count.saturating_add(of_any_day.count.saturating_mul(whole_days as u64));
                let date = Date::from(slot.to_jiff().to_zoned(self.zone.clone()).date());
                slot = self.anchor(date.plus_days(whole_days.try_into().unwrap_or(i32::MAX)).to_jiff(), daily);
            }
        }
        Slots { count, last: slot }
    }

    /// The first slot after `after`: this day's anchor plus whole intervals, or the next day's anchor.
    fn next_anchored(&self, daily: civil::Time, interval: i64, after: Timestamp) -> Timestamp {
        let Some((begin, end)) = self.day_around(daily, after) else {
            return Timestamp(after.0.saturating_add(interval));
        };
        let slot = Timestamp(begin.0 + (after.since(begin) / interval + 1) * interval);
        // A slot closer to the next anchor than half an interval is that anchor: a day of 25 hours has no extra one.
        if slot.0.saturating_add(interval / 2) > end.0 { end } else { slot }
    }

    /// The anchors around a point in time: the last one up to it, and the first one after it.
    fn day_around(&self, daily: civil::Time, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let today = at.to_jiff().to_zoned(self.zone.clone()).date();
        let days = [today.yesterday().unwrap_or(today), today, today.tomorrow().unwrap_or(today)];
        let anchors = days.map(|day| self.anchor(day, daily));
        let begun = anchors.iter().rposition(|anchor| *anchor <= at)?;
        let end = anchors.iter().find(|anchor| **anchor > at)?;
        Some((anchors[begun], *end))
    }

    /// The daily slot of a day. In a gap of the local clock it is right after the gap, in a fold the first one.
    pub(super) fn anchor(&self, day: civil::Date, daily: civil::Time) -> Timestamp {
        let zoned = day.to_datetime(daily).to_zoned(self.zone.clone());
        zoned.map_or(Timestamp(i64::MAX), |zoned| zoned.timestamp().into())
    }

    /// Whether at least one whole slot passed between `slot` and `now`.
    pub fn missed(&self, connection: ConnectionId, pace: impl Into<Pace>, slot: Timestamp, now: Timestamp) -> bool {
        self.next(connection, pace, slot) <= now
    }

    /// A due time that no grid and no back-off can have made: the clock was far ahead when it was written.
    pub fn is_beyond_reach(&self, pace: impl Into<Pace>, due: Timestamp, now: Timestamp) -> bool {
        let interval = pace.into().interval(self.interval).millis();
        due.since(now) > interval.saturating_mul(2).saturating_add(2 * DAY_MS)
    }
}

/// `first`, and whole intervals from there on up to `until`.
fn count_in_row(interval: i64, first: Timestamp, until: Timestamp) -> Slots {
    let more = until.since(first).max(0) / interval;
    Slots { count: more as u64 + 1, last: Timestamp(first.0.saturating_add(more.saturating_mul(interval))) }
}

/// A connection's constant offset from the grid: whole minutes, up to a tenth of the interval or 15 minutes.
pub(super) fn offset(connection: ConnectionId, interval: i64) -> i64 {
    let widest = (interval / 10).min(WIDEST_OFFSET_MS);
    let steps = (widest / OFFSET_STEP_MS) as u64 + 1;
    number_of(connection, steps) as i64 * OFFSET_STEP_MS
}

/// The offset of a connection's group, of so many that share an interval evenly.
fn offset_of_group(connection: ConnectionId, groups: u32, interval: i64) -> i64 {
    let groups = groups.max(1);
    interval / i64::from(groups) * number_of(connection, groups.into()) as i64
}

/// Which of so many parts a connection belongs to, from 0.
///
/// Ids are random, so their first bytes spread as well as any hash of them; and as offsets grow with ids, snapshots
/// arrive in the order of the store's keys, which makes appending them cheap.
fn number_of(connection: ConnectionId, parts: u64) -> u64 {
    let [first, second, ..] = connection.0;
    let fraction = u64::from(u16::from_be_bytes([first, second]));
    (fraction * parts) >> 16
}

/// A clock before this is plainly wrong: nothing is requested, and no day is written, until it is set.
pub const EARLIEST_PLAUSIBLE: Timestamp = Timestamp(1_577_836_800_000); // 2020-01-01
