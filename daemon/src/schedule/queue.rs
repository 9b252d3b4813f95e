//! Which connections are due when, by lane. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::gate::Priority;
use super::lane::platform_of;

/// What is due when, by lane: accounts of one lane are requested together.
#[derive(Debug, Default)]
pub struct Queue {
    pub(super) lanes: BTreeMap<Arc<str>, Waiting>,
    /// Each platform's lanes by the first of their due times: one platform may have thousands of hosts.
    firsts: BTreeMap<String, BTreeSet<(Timestamp, Arc<str>)>>,
    entries: HashMap<ConnectionId, (Arc<str>, Timestamp)>,
    /// Those of the entries that a user waits for, by lane.
    urgent: BTreeMap<Arc<str>, BTreeSet<ConnectionId>>,
    /// How many batches were taken.
    batches: u64,
}

/// A moment, and what counts as late at it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub now: Timestamp,
    /// What was due before this has missed a slot: it catches up.
    pub late: Timestamp,
}

/// How many connections may be taken, of all and for each priority.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub all: usize,
    pub person: usize,
    pub due: usize,
    pub catch_up: usize,
}

/// Of so many connections in a batch one may catch up while others are due now, so that none waits for ever.
const CATCH_UP_SHARE: usize = 4;

/// The connections of one lane, by when they are due.
type Waiting = BTreeSet<(Timestamp, ConnectionId)>;

/// The lowest and the highest key of a point in time.
const FIRST: ConnectionId = ConnectionId::from_bytes([0; 5]);
const LAST: ConnectionId = ConnectionId::from_bytes([0xff; 5]);

impl Moment {
    /// A moment at which nothing counts as late.
    pub fn at(now: Timestamp) -> Self {
        Self { now, late: Timestamp(i64::MIN) }
    }

    fn on_time(self) -> RangeInclusive<(Timestamp, ConnectionId)> {
        (self.late.min(self.now), FIRST)..=(self.now, LAST)
    }

    fn late(self) -> Range<(Timestamp, ConnectionId)> {
        (Timestamp(i64::MIN), FIRST)..(self.late.min(self.now), FIRST)
    }
}

impl Room {
    /// As many as that, whatever their priority.
    pub fn of(all: usize) -> Self {
        Self { all, person: all, due: all, catch_up: all }
    }
}

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
        self.calm(&lane, connection);
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

    /// Puts a connection that a user waits for before all others, as long as it is in the queue.
    pub fn urge(&mut self, connection: ConnectionId) {
        if let Some((lane, _)) = self.entries.get(&connection) {
            self.urgent.entry(lane.clone()).or_default().insert(connection);
        }
    }

    fn calm(&mut self, lane: &Arc<str>, connection: ConnectionId) {
        if let Some(urgent) = self.urgent.get_mut(lane) {
            urgent.remove(&connection);
            if urgent.is_empty() {
                self.urgent.remove(lane);
            }
        }
    }

    /// The lane from which the next batch is taken, on a platform that has a free permit: one for which a user waits,
    /// else the one that has waited longest. `may`: whether something of this priority may be requested in a lane.
    pub fn longest_waiting(
        &self,
        at: Moment,
        has_permit: impl Fn(&str) -> bool,
        may: impl Fn(&str, Priority) -> bool,
    ) -> Option<&str> {
        let mut urgent = self.urgent.keys().filter(|lane| has_permit(platform_of(lane)));
        if let Some(lane) = urgent.find(|lane| self.has_urgent(lane, at.now) && may(lane, Priority::Person)) {
            return Some(lane);
        }
        let of_platforms = self.firsts.iter().filter(|(platform, _)| has_permit(platform));
        let may_be_taken = |lane: &str| {
            let Some(waiting) = self.lanes.get(lane) else { return false };
            waiting.range(at.on_time()).next().is_some() && may(lane, Priority::Due)
                || waiting.range(at.late()).next().is_some() && may(lane, Priority::CatchUp)
        };
        let first = of_platforms.filter_map(|(_, lanes)| {
            lanes.iter().take_while(|(due, _)| *due <= at.now).find(|(_, lane)| may_be_taken(lane))
        });
        first.min().map(|(_, lane)| &**lane)
    }

    fn has_urgent(&self, lane: &str, now: Timestamp) -> bool {
        let due = |id: &ConnectionId| self.entries.get(id).is_some_and(|(_, due)| *due <= now);
        self.urgent.get(lane).is_some_and(|urgent| urgent.iter().any(due))
    }

    /// Takes due connections of a lane out: those that users wait for, then those that are due now, then those that
    /// catch up, for which a part is kept; the longest waiting first.
    pub fn take_due(&mut self, lane: &str, at: Moment, room: Room) -> Vec<ConnectionId> {
        let Some((lane, waiting)) = self.lanes.get_key_value(lane) else { return Vec::new() };
        let lane = lane.clone();
        let is_due = |id: &&ConnectionId| self.entries.get(id).is_some_and(|(_, due)| *due <= at.now);
        let urgent = self.urgent.get(&lane).into_iter().flatten().filter(is_due);
        let urgent: BTreeSet<ConnectionId> = urgent.copied().take(room.person.min(room.all)).collect();
        let other = |(due, id): &(Timestamp, ConnectionId)| (!urgent.contains(id)).then_some((*due, *id));
        let left = room.all - urgent.len();
        let late: Vec<_> = waiting.range(at.late()).filter_map(other).take(left.min(room.catch_up)).collect();
        let now: Vec<_> = waiting.range(at.on_time()).filter_map(other).take(left.min(room.due)).collect();
        let share = match left / CATCH_UP_SHARE {
            // Too few for a share: every so many batches.
            0 => usize::from(self.batches.is_multiple_of(CATCH_UP_SHARE as u64)),
            share => share,
        };
        let now_taken = now.len().min(left - share.min(late.len()).min(left));
        let late_taken = late.len().min(left - now_taken);
        let urgent = urgent.iter().filter_map(|id| Some((self.entries.get(id)?.1, *id)));
        let taken: Vec<_> =
            urgent.chain(now.into_iter().take(now_taken)).chain(late.into_iter().take(late_taken)).collect();
        self.change(&lane, |waiting| {
            for entry in &taken {
                waiting.remove(entry);
            }
        });
        for (_, connection) in &taken {
            self.entries.remove(connection);
            self.calm(&lane, *connection);
        }
        self.batches += u64::from(!taken.is_empty());
        taken.into_iter().map(|(_, connection)| connection).collect()
    }

    /// Takes up to `most` connections of a lane out that become due after `now` and up to `until` and that `may` be taken,
    /// the first due first.
    pub fn take_soon(
        &mut self,
        lane: &str,
        now: Timestamp,
        until: Timestamp,
        most: usize,
        may: impl Fn(ConnectionId, Timestamp) -> bool,
    ) -> Vec<ConnectionId> {
        let Some(waiting) = self.lanes.get(lane) else { return Vec::new() };
        let soon = waiting.range((now.min(until), LAST)..=(until, LAST));
        let soon = soon.filter(|(at, connection)| *at > now && may(*connection, *at));
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
