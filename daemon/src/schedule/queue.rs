//! Which connections are due when, by lane. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::lane::platform_of;

/// What is due when, by scope: accounts of one scope are asked together.
#[derive(Debug, Default)]
pub struct Queue {
    pub(super) scopes: BTreeMap<Arc<str>, Waiting>,
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
