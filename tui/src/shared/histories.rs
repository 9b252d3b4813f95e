//! Histories of the connections looked at lately, so that moving about requests each only once.

use roster_protocol::service::History;
use roster_protocol::{ConnectionId, Date, Metric, RosterError, Snapshot};

use crate::message::Request;

/// How many are kept.
const MOST: usize = 48;

/// What is known of some connections' days.
#[derive(Debug, Default)]
pub struct Histories {
    /// The one looked at last is the last.
    entries: Vec<Entry>,
    /// One request at a time: moving fast requests only where it stops.
    requested: Option<(ConnectionId, Date)>,
}

#[derive(Debug)]
struct Entry {
    connection: ConnectionId,
    since: Date,
    known: Result<History, RosterError>,
    stale: bool,
}

/// What can be drawn of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    NotYet,
    /// Its days and weeks, oldest first.
    History(&'a History),
    Failed(&'a RosterError),
}

impl Histories {
    /// The days of a connection, as far as known.
    pub fn get(&self, connection: ConnectionId) -> Known<'_> {
        match self.entries.iter().find(|entry| entry.connection == connection).map(|entry| &entry.known) {
            None => Known::NotYet,
            Some(Ok(history)) => Known::History(history),
            Some(Err(error)) => Known::Failed(error),
        }
    }

    /// What to request so that the days from `since` on are known; `None` when they are, or another request is open.
    pub fn want(&mut self, connection: ConnectionId, since: Date) -> Option<Request> {
        let fresh = |entry: &Entry| entry.connection == connection && entry.since <= since && !entry.stale;
        if let Some(at) = self.entries.iter().position(fresh) {
            let entry = self.entries.remove(at);
            self.entries.push(entry);
            return None;
        }
        if self.requested.is_some() {
            return None;
        }
        self.requested = Some((connection, since));
        Some(Request::History { connection, since })
    }

    /// Takes a response.
    pub fn responded(&mut self, connection: ConnectionId, since: Date, result: Result<History, RosterError>) {
        if self.requested == Some((connection, since)) {
            self.requested = None;
        }
        let old = self.entries.iter().position(|entry| entry.connection == connection);
        let old = old.map(|at| self.entries.remove(at));
        let entry = match (old, result) {
            // Better old days than none.
            (Some(old @ Entry { known: Ok(_), .. }), Err(_)) => Entry { stale: false, ..old },
            (_, known) => Entry { connection, since, known, stale: false },
        };
        self.entries.push(entry);
        let over = self.entries.len().saturating_sub(MOST);
        self.entries.drain(..over);
    }

    /// Something new was measured.
    pub fn outdated(&mut self, connection: ConnectionId) {
        for entry in self.entries.iter_mut().filter(|entry| entry.connection == connection) {
            entry.stale = true;
        }
    }

    /// Anything may be new.
    pub fn all_outdated(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.stale = true);
    }
}

/// The days on which a metric was measured, oldest first.
pub fn points(snapshots: &[Snapshot], metric: Metric) -> Vec<(Date, f64)> {
    snapshots.iter().filter_map(|snapshot| metric.of(&snapshot.numbers).map(|value| (snapshot.date, value))).collect()
}

/// The first day that is one: what is before it are weeks. `None` where there are none.
pub fn days_begin(history: &History) -> Option<Date> {
    let last = history.weeks.last()?.date.plus_days(7);
    Some(history.snapshots.first().map_or(last, |first| first.date))
}

/// How many days between the first and the last of the points were not measured, up to yesterday.
pub fn missing_days(points: &[(Date, f64)], from: Date, today: Date) -> u32 {
    let inside: Vec<Date> = points.iter().map(|(day, _)| *day).filter(|day| *day >= from && *day <= today).collect();
    let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return 0 };
    let end = today.plus_days(-1).max(*last);
    let days = i64::from(end.0) - i64::from(first.0) + 1;
    u32::try_from(days - inside.len() as i64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use roster_protocol::reported::Reported;

    use super::*;

    fn history(connection: ConnectionId) -> History {
        History {
            connection,
            weeks: Vec::new(),
            snapshots: Vec::new(),
            reported: Reported::default(),
            limit: None,
            next: None,
        }
    }

    #[test]
    fn each_is_requested_once_and_again_when_outdated() {
        let mut histories = Histories::default();
        let (one, two) = (ConnectionId::from_bytes([1; 5]), ConnectionId::from_bytes([2; 5]));
        assert!(histories.want(one, Date(10)).is_some());
        assert!(histories.want(one, Date(10)).is_none(), "requested already");
        assert!(histories.want(two, Date(10)).is_none(), "one at a time");
        histories.responded(one, Date(10), Ok(history(one)));
        assert!(histories.want(one, Date(10)).is_none(), "known");
        assert!(histories.want(one, Date(5)).is_some(), "more is wanted");
        histories.responded(one, Date(5), Err(RosterError::failed("gone")));
        assert!(matches!(histories.get(one), Known::History(_)), "old days stay");
        histories.outdated(one);
        assert!(histories.want(one, Date(10)).is_some());
    }

    #[test]
    fn missing_days_are_counted_between_first_and_yesterday() {
        let check = |days: &[i32], today: i32, expected: u32| {
            let points: Vec<(Date, f64)> = days.iter().map(|day| (Date(*day), 1.0)).collect();
            assert_eq!(missing_days(&points, Date(0), Date(today)), expected, "{days:?}");
        };
        check(&[], 10, 0);
        check(&[5, 6, 7, 8, 9], 10, 0);
        check(&[5, 6, 7, 8, 9, 10], 10, 0);
        check(&[5, 9], 10, 3);
        check(&[5], 10, 4);
        check(&[10], 10, 0);
    }
}
