//! Which connections are due when, by lane. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::lane::platform_of;

/// What is due when, by lane: accounts of one lane are requested together.
#[derive(Debug, Default)]
pub struct Queue {
    pub(super) lanes: BTreeMap<Arc<str>, Waiting>,
    /// Each platform's lanes by the first of their due times: one platform may have thousands of hosts.
    firsts: BTreeMap<String, BTreeSet<(Timestamp, Arc<str>)>>,
    entries: HashMap<ConnectionId, (Arc<str>, Timestamp)>,
}

/// The connections of one lane, by when they are due.
type Waiting = BTreeSet<(Timestamp, ConnectionId)>;

impl Queue {
    /// Reserves memory for this many more.
    pub fn expect(&mut self, connections: usize) {
        self.entries.reserve(connections);
    }

    /// Puts a connection into the queue, or moves it.
    pub fn put(&mut self, lane: &str, connection: ConnectionId, due: Timestamp) {
        self.remove(connection);
        let known = self.lanes.get_key_value(lane).map(|(lane, _)| lane.clone());
        let lane = known.unwrap_or_else(|| lane.into());
        self.change(&lane, |waiting| waiting.insert((due, connection)));
        self.entries.insert(connection, (lane, due));
    }

    /// Takes a connection out.
    pub fn remove(&mut self, connection: ConnectionId) {
        let Some((lane, due)) = self.entries.remove(&connection) else { return };
        self.change(&lane, |waiting| waiting.remove(&(due, connection)));
    }

    /// Changes what waits in a lane, and with it the lane's position among its platform's.
    fn change<T>(&mut self, lane: &Arc<str>, change: impl FnOnce(&mut Waiting) -> T) -> T {
        let waiting = self.lanes.entry(lane.clone()).or_default();
        let before = waiting.first().map(|(due, _)| *due);
        let changed = change(waiting);
        let after = waiting.first().map(|(due, _)| *due);
        if waiting.is_empty() {
            self.lanes.remove(lane);
        }
        if before != after {
            let firsts = self.firsts.entry(platform_of(lane).to_owned()).or_default();
            before.map(|due| firsts.remove(&(due, lane.clone())));
            after.map(|due| firsts.insert((due, lane.clone())));
        }
        changed
    }

    /// The lane that has waited longest, of those that have something due and `may` be requested, on platforms that
    /// have a free permit.
    pub fn longest_waiting(
        &self,
        now: Timestamp,
        has_permit: impl Fn(&str) -> bool,
        may: impl Fn(&str) -> bool,
    ) -> Option<&str> {
        let of_platforms = self.firsts.iter().filter(|(platform, _)| has_permit(platform));
        let first = of_platforms
            .filter_map(|(_, lanes)| lanes.iter().take_while(|(due, _)| *due <= now).find(|(_, lane)| may(lane)));
        first.min().map(|(_, lane)| &**lane)
    }

    /// Takes up to `most` due connections of a lane out, the longest waiting first.
    pub fn take_due(&mut self, lane: &str, now: Timestamp, most: usize) -> Vec<ConnectionId> {
        let Some((lane, _)) = self.lanes.get_key_value(lane) else { return Vec::new() };
        let taken: Vec<ConnectionId> = self.change(&lane.clone(), |waiting| {
            let is_due = |waiting: &Waiting| waiting.first().is_some_and(|(at, _)| *at <= now);
            let due = || is_due(waiting).then(|| waiting.pop_first()).flatten();
            std::iter::from_fn(due).take(most).map(|(_, connection)| connection).collect()
        });
        taken.iter().for_each(|connection| drop(self.entries.remove(connection)));
        taken
    }

    /// Takes up to `most` connections of a lane out that are due up to `until` and that `may` be taken, the first due first.
    pub fn take_soon(
        &mut self,
        lane: &str,
        until: Timestamp,
        most: usize,
        may: impl Fn(ConnectionId, Timestamp) -> bool,
    ) -> Vec<ConnectionId> {
        let Some(waiting) = self.lanes.get(lane) else { return Vec::new() };
        let soon = waiting.iter().take_while(|(at, _)| *at <= until).filter(|(at, connection)| may(*connection, *at));
        let taken: Vec<ConnectionId> = soon.take(most).map(|(_, connection)| *connection).collect();
        taken.iter().for_each(|connection| self.remove(*connection));
        taken
    }

    /// The lanes, each with its first due time.
    pub fn lanes(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.lanes.iter().filter_map(|(lane, waiting)| Some((&**lane, waiting.first()?.0)))
    }

    /// How many connections wait in a lane, due or not.
    pub fn in_lane(&self, lane: &str) -> usize {
        self.lanes.get(lane).map_or(0, BTreeSet::len)
    }

    /// Whether something is due in a lane, or anywhere on a platform.
    pub fn is_due(&self, lane: &str, now: Timestamp) -> bool {
        self.first_due_in(lane).or_else(|| self.next_due_of(lane)).is_some_and(|due| due <= now)
    }

    /// The first due time of a lane.
    pub fn first_due_in(&self, lane: &str) -> Option<Timestamp> {
        self.lanes.get(lane)?.first().map(|(due, _)| *due)
    }

    /// The first due time of a platform.
    pub fn next_due_of(&self, platform: &str) -> Option<Timestamp> {
        self.firsts.get(platform)?.first().map(|(due, _)| *due)
    }

    /// The first due time of all.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.firsts.keys().filter_map(|platform| self.next_due_of(platform)).min()
    }

    /// When the next lane becomes due that has nothing due now.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let later = (Timestamp(now.0.saturating_add(1)), Arc::from(""));
        self.firsts.values().filter_map(|lanes| lanes.range(&later..).next()).map(|(due, _)| *due).min()
    }

    /// How many connections are due.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.lanes.values().map(|waiting| waiting.iter().take_while(|(at, _)| *at <= now).count()).sum()
    }

    /// All connections that are due, of all lanes.
    pub fn all_due(&self, now: Timestamp) -> Vec<ConnectionId> {
        let due = |waiting: &BTreeSet<(Timestamp, ConnectionId)>| {
            waiting.iter().take_while(|(at, _)| *at <= now).map(|(_, connection)| *connection).collect::<Vec<_>>()
        };
        self.lanes.values().flat_map(due).collect()
    }

    /// When a connection in the queue is due.
    pub fn due_at(&self, connection: ConnectionId) -> Option<Timestamp> {
        self.entries.get(&connection).map(|(_, due)| *due)
    }
}
