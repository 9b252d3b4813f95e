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
    /// The numbers of lanes in which something waits.
    pub(super) lanes: BTreeMap<Arc<str>, LaneNumber>,
    by_number: Vec<Lane>,
    /// Numbers of lanes in which nothing waits any more.
    free: Vec<LaneNumber>,
    /// Each platform's lanes by the first of their due times: one platform may have thousands of hosts.
    firsts: BTreeMap<String, BTreeSet<(Timestamp, Arc<str>)>>,
    entries: HashMap<ConnectionId, Entry>,
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

/// One lane.
#[derive(Debug)]
struct Lane {
    name: Arc<str>,
    /// Its connections by when they are due.
    waiting: BTreeSet<Waiting>,
}

/// Instead of a name in each entry.
type LaneNumber = u32;

/// Where a connection is in the queue. Packed, like all that each connection has: a roster may have 100,000.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
struct Entry {
    due: Timestamp,
    lane: LaneNumber,
}

/// A connection of a lane, by when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(Rust, packed)]
struct Waiting {
    due: Timestamp,
    connection: ConnectionId,
}

impl Waiting {
    /// The lowest of a point in time.
    fn first(due: Timestamp) -> Self {
        Self { due, connection: ConnectionId::from_bytes([0; 5]) }
    }

    /// The highest of a point in time.
    fn last(due: Timestamp) -> Self {
        Self { due, connection: ConnectionId::from_bytes([0xff; 5]) }
    }
}

impl Moment {
    /// A moment at which nothing counts as late.
    pub fn at(now: Timestamp) -> Self {
        Self { now, late: Timestamp(i64::MIN) }
    }

    fn on_time(self) -> RangeInclusive<Waiting> {
        Waiting::first(self.late.min(self.now))..=Waiting::last(self.now)
    }

    fn late(self) -> Range<Waiting> {
        Waiting::first(Timestamp(i64::MIN))..Waiting::first(self.late.min(self.now))
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
        let lane = self.lanes.get(lane).copied().unwrap_or_else(|| self.add_lane(lane));
        self.change(lane, |waiting| waiting.insert(Waiting { due, connection }));
        self.entries.insert(connection, Entry { due, lane });
    }

    /// Takes a connection out.
    pub fn remove(&mut self, connection: ConnectionId) {
        let Some(Entry { due, lane }) = self.entries.remove(&connection) else { return };
        self.calm(lane, connection);
        self.change(lane, |waiting| waiting.remove(&Waiting { due, connection }));
    }

    fn add_lane(&mut self, name: &str) -> LaneNumber {
        let name: Arc<str> = name.into();
        let lane = Lane { name: name.clone(), waiting: BTreeSet::new() };
        let number = match self.free.pop() {
            Some(number) => {
                self.by_number[number as usize] = lane;
                number
            }
            None => {
                self.by_number.push(lane);
                self.by_number.len() as LaneNumber - 1
            }
        };
        self.lanes.insert(name, number);
        number
    }

    fn lane(&self, name: &str) -> Option<&Lane> {
        self.lanes.get(name).map(|number| &self.by_number[*number as usize])
    }

    /// Changes what waits in a lane, and with it the lane's position among its platform's.
    fn change<T>(&mut self, number: LaneNumber, change: impl FnOnce(&mut BTreeSet<Waiting>) -> T) {
        let lane = &mut self.by_number[number as usize];
        let before = lane.first_due();
        change(&mut lane.waiting);
        let after = lane.first_due();
        if before != after {
            let name = &lane.name;
            let firsts = self.firsts.entry(platform_of(name).to_owned()).or_default();
            before.map(|due| firsts.remove(&(due, name.clone())));
            after.map(|due| firsts.insert((due, name.clone())));
        }
        if after.is_none() {
            self.lanes.remove(&lane.name);
            self.free.push(number);
        }
    }

    /// Puts a connection that a user waits for before all others, as long as it is in the queue.
    pub fn urge(&mut self, connection: ConnectionId) {
        if let Some(entry) = self.entries.get(&connection) {
            let lane = self.by_number[entry.lane as usize].name.clone();
            self.urgent.entry(lane).or_default().insert(connection);
        }
    }

    fn calm(&mut self, lane: LaneNumber, connection: ConnectionId) {
        let lane = &self.by_number[lane as usize].name;
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
            let Some(Lane { waiting, .. }) = self.lane(lane) else { return false };
            waiting.range(at.on_time()).next().is_some() && may(lane, Priority::Due)
                || waiting.range(at.late()).next().is_some() && may(lane, Priority::CatchUp)
        };
        let first = of_platforms.filter_map(|(_, lanes)| {
            lanes.iter().take_while(|(due, _)| *due <= at.now).find(|(_, lane)| may_be_taken(lane))
        });
        first.min().map(|(_, lane)| &**lane)
    }

    fn has_urgent(&self, lane: &str, now: Timestamp) -> bool {
        let due = |id: &ConnectionId| self.due_at(*id).is_some_and(|due| due <= now);
        self.urgent.get(lane).is_some_and(|urgent| urgent.iter().any(due))
    }

    /// Takes due connections of a lane out: those that users wait for, then those that are due now, then those that
    /// catch up, for which a part is kept; the longest waiting first.
    pub fn take_due(&mut self, lane: &str, at: Moment, room: Room) -> Vec<ConnectionId> {
        let Some(number) = self.lanes.get(lane).copied() else { return Vec::new() };
        let waiting = &self.by_number[number as usize].waiting;
        let is_due = |id: &&ConnectionId| self.due_at(**id).is_some_and(|due| due <= at.now);
        let urgent = self.urgent.get(lane).into_iter().flatten().filter(is_due);
        let urgent: BTreeSet<ConnectionId> = urgent.copied().take(room.person.min(room.all)).collect();
        let other = |entry: &&Waiting| !urgent.contains(&{ entry.connection });
        let left = room.all - urgent.len();
        let late: Vec<_> = waiting.range(at.late()).filter(other).copied().take(left.min(room.catch_up)).collect();
        let now: Vec<_> = waiting.range(at.on_time()).filter(other).copied().take(left.min(room.due)).collect();
        let share = match left / CATCH_UP_SHARE {
            // Too few for a share: every so many batches.
            0 => usize::from(self.batches.is_multiple_of(CATCH_UP_SHARE as u64)),
            share => share,
        };
        let now_taken = now.len().min(left - share.min(late.len()).min(left));
        let late_taken = late.len().min(left - now_taken);
        let urgent = urgent.iter().filter_map(|id| Some(Waiting { due: self.due_at(*id)?, connection: *id }));
        let taken: Vec<Waiting> =
            urgent.chain(now.into_iter().take(now_taken)).chain(late.into_iter().take(late_taken)).collect();
        self.change(number, |waiting| {
            for entry in &taken {
                waiting.remove(entry);
            }
        });
        for Waiting { connection, .. } in taken.iter().copied() {
            self.entries.remove(&connection);
            self.calm(number, connection);
        }
        self.batches += u64::from(!taken.is_empty());
        taken.into_iter().map(|entry| entry.connection).collect()
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
        let Some(Lane { waiting, .. }) = self.lane(lane) else { return Vec::new() };
        let soon = waiting.range(Waiting::last(now.min(until))..=Waiting::last(until));
        let soon = soon.filter(|entry| { entry.due } > now && may(entry.connection, entry.due));
        let taken: Vec<ConnectionId> = soon.take(most).map(|entry| entry.connection).collect();
        taken.iter().for_each(|connection| self.remove(*connection));
        taken
    }

    /// The lanes, each with its first due time.
    pub fn lanes(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.waiting_lanes().filter_map(|lane| Some((&*lane.name, lane.first_due()?)))
    }

    /// How many connections wait in a lane, due or not.
    pub fn in_lane(&self, lane: &str) -> usize {
        self.lane(lane).map_or(0, |lane| lane.waiting.len())
    }

    /// Whether something is due in a lane, or anywhere on a platform.
    pub fn is_due(&self, lane: &str, now: Timestamp) -> bool {
        self.first_due_in(lane).or_else(|| self.next_due_of(lane)).is_some_and(|due| due <= now)
    }

    /// The first due time of a lane.
    pub fn first_due_in(&self, lane: &str) -> Option<Timestamp> {
        self.lane(lane)?.first_due()
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

    /// When the next connection of a lane becomes due that is not due now.
    pub fn next_in(&self, lane: &str, now: Timestamp) -> Option<Timestamp> {
        self.lane(lane)?.waiting.range(Waiting::last(now)..).map(|entry| entry.due).find(|due| *due > now)
    }

    /// How many connections are due.
    pub fn waiting(&self, now: Timestamp) -> usize {
        self.waiting_lanes().map(|lane| lane.due(now).count()).sum()
    }

    /// All connections that are due, of all lanes.
    pub fn all_due(&self, now: Timestamp) -> Vec<ConnectionId> {
        self.waiting_lanes().flat_map(|lane| lane.due(now)).collect()
    }

    /// Those in which something waits, by name.
    fn waiting_lanes(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.values().map(|number| &self.by_number[*number as usize])
    }

    /// When a connection in the queue is due.
    pub fn due_at(&self, connection: ConnectionId) -> Option<Timestamp> {
        self.entries.get(&connection).map(|entry| entry.due)
    }
}

impl Lane {
    fn first_due(&self) -> Option<Timestamp> {
        self.waiting.first().map(|first| first.due)
    }

    fn due(&self, now: Timestamp) -> impl Iterator<Item = ConnectionId> {
        self.waiting.range(..=Waiting::last(now)).map(|entry| entry.connection)
    }
}
