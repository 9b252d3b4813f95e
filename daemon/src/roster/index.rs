//! Indexes by name, by prefix of an id, and by owner: lookups without a scan. Pure.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use roster_protocol::ids::{AlertId, ConnectionId, Id, InfluencerId};

/// Many values under each key, in the order of insertion.
#[derive(Clone, Debug)]
pub struct Groups<K, V>(HashMap<K, Vec<V>>);

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash, V: Copy + PartialEq> Groups<K, V> {
    /// Makes room for this many keys at once.
    fn expect(&mut self, keys: usize) {
        self.0.reserve(keys);
    }

    /// Puts a value under a key, once.
    pub fn put(&mut self, key: K, value: V) {
        let values = self.0.entry(key).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
    }

    /// Takes a value away from a key.
    pub fn remove(&mut self, key: &K, value: V) {
        if let Some(values) = self.0.get_mut(key) {
            values.retain(|other| *other != value);
            if values.is_empty() {
                self.0.remove(key);
            }
        }
    }

    /// The keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.keys()
    }

    /// What is under a key.
    pub fn of(&self, key: &K) -> &[V] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }
}

/// What texts may name.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Influencers by their name as [`bare`](roster_protocol::folding::bare) has it.
    pub by_name: Groups<String, InfluencerId>,
    pub influencers: BTreeSet<InfluencerId>,
    /// Those that are connected.
    pub connections: BTreeSet<ConnectionId>,
    /// Every connection of an influencer, disconnected ones included.
    pub of_influencer: Groups<InfluencerId, ConnectionId>,
    /// Open and acknowledged alerts.
    pub alerts: BTreeSet<(AlertId, u64)>,
    /// The numbers of a connection's open and acknowledged alerts.
    pub alerts_of: Groups<ConnectionId, u64>,
}

impl Index {
    /// Makes room for this many influencers at once.
    pub fn expect(&mut self, influencers: usize) {
        self.by_name.expect(influencers);
        self.of_influencer.expect(influencers);
    }
}

/// The length of the shortest prefix of an id that names it.
pub const SHORTEST_PREFIX: usize = 3;

/// The ids of a set that begin with `text`, which has three characters at least.
pub fn by_prefix<Of>(ids: &BTreeSet<Id<Of>>, text: &str) -> Vec<Id<Of>> {
    let range = Some(text).filter(|text| text.len() >= SHORTEST_PREFIX).and_then(Id::starting_with);
    range.map_or_else(Vec::new, |range| ids.range(range).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_an_id_has_three_characters_at_least() {
        let ids = ["abcd2345", "abce2345", "xyz22345"];
        let ids: BTreeSet<InfluencerId> = ids.iter().map(|id| id.parse().expect("an id")).collect();
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = by_prefix(&ids, text).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("", &[]);
        check("ab", &[]);
        check("abc", &["abcd2345", "abce2345"]);
        check("ABCD", &["abcd2345"]);
        check("bcd2", &[]);
        check("abcd2345", &["abcd2345"]);
        check("abcd23456", &[]);
    }

    #[test]
    fn a_group_holds_each_value_once_and_forgets_empty_keys() {
        let mut groups = Groups::default();
        groups.put("a", 1);
        groups.put("a", 1);
        groups.put("a", 2);
        assert_eq!(groups.of(&"a"), [1, 2]);
        groups.remove(&"a", 1);
        groups.remove(&"a", 2);
        assert_eq!((groups.of(&"a"), groups.0.len()), (&[][..], 0));
    }
}
