//! All influencers in an order, kept sorted: a commit moves only those that it touched. Pure.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Arc;

use roster_protocol::ids::InfluencerId;
use roster_protocol::influencer::SortBy;

use super::Roster;
use super::search_text::{SortKey, sort_key};
use crate::model::Influencer;

/// Largest, or newest, first; unknown last; ties by name, then id, so that pages never overlap.
type Key = (Reverse<Option<i64>>, SortKey, InfluencerId);

/// The orders that were requested, by their position in [`SortBy::ALL`].
#[derive(Debug, Default)]
pub struct Orders([Option<Order>; SortBy::ALL.len()]);

/// All influencers in an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    pub ids: Arc<[InfluencerId]>,
    /// How many of them have a value to sort by: the others are last, from either end.
    pub known: usize,
}

impl Sorted {
    /// From the first, or from the last that has a value.
    pub fn iter(&self, reverse: bool) -> impl Iterator<Item = &InfluencerId> {
        let (known, unknown) = self.ids.split_at(self.known);
        let (forward, backward) = if reverse { (&known[..0], known) } else { (known, &known[..0]) };
        forward.iter().chain(backward.iter().rev()).chain(unknown)
    }
}

#[derive(Debug, Default)]
struct Order {
    keys: Vec<Key>,
    sorted: Sorted,
    /// Influencers that may have moved since.
    touched: HashSet<InfluencerId>,
}

impl Orders {
    /// Records which influencers may have moved.
    pub fn touch(&mut self, influencers: &HashSet<InfluencerId>) {
        self.0.iter_mut().flatten().for_each(|order| order.touched.extend(influencers));
    }

    /// All influencers in an order.
    pub fn of(&mut self, roster: &Roster, by: SortBy) -> Sorted {
        let order = self.0[by as usize]
            .get_or_insert_with(|| Order { touched: roster.influencers.keys().copied().collect(), ..Order::default() });
        if !order.touched.is_empty() {
            order.sort(roster, by);
        }
        order.sorted.clone()
    }
}

impl Order {
    /// Takes out the influencers that may have moved, and merges them in again where they belong now.
    fn sort(&mut self, roster: &Roster, by: SortBy) {
        let touched = std::mem::take(&mut self.touched);
        self.keys.retain(|(.., id)| !touched.contains(id));
        self.keys.extend(touched.iter().filter_map(|id| Some(key(roster, roster.influencers.get(id)?, by))));
        // All but the end is sorted already: the sort merges the two runs.
        self.keys.sort();
        let known = match by {
            SortBy::Name => self.keys.len(),
            _ => self.keys.partition_point(|(Reverse(value), ..)| value.is_some()),
        };
        self.sorted = Sorted { ids: self.keys.iter().map(|(.., id)| *id).collect(), known };
    }
}

fn key(roster: &Roster, influencer: &Influencer, by: SortBy) -> Key {
    let main = || roster.main_of(influencer);
    let compared = || roster.compared_of(influencer);
    let numbers = || main().and_then(|main| main.latest.as_ref()).map(|latest| &latest.numbers);
    let growth = |days: usize| {
        let recent = compared().and_then(|main| roster.recent.get(&main.id));
        recent.and_then(|recent| recent.growth(days)).map(|growth| growth.0)
    };
    let value = match by {
        SortBy::Name => None,
        SortBy::Followers => numbers().and_then(|n| n.followers).map(counted),
        SortBy::Total => roster.followers_of_all(influencer.id).map(counted),
        SortBy::Engagement => {
            let latest = compared().and_then(|main| main.latest.as_ref());
            latest.and_then(|latest| latest.numbers.engagement_rate).map(|rate| rate.0)
        }
        SortBy::Growth1 => growth(1),
        SortBy::Growth7 => growth(7),
        SortBy::Growth => growth(30),
        SortBy::Synced => {
            let newest = roster.connections_of(influencer.id).filter_map(|connection| connection.last_synced_at).max();
            newest.map(|at| at.0)
        }
    };
    let texts = roster.texts.get(&influencer.id);
    let name = texts.map_or_else(|| sort_key(&influencer.name), |texts| texts.sort_key.clone());
    (Reverse(value), name, influencer.id)
}

fn counted(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Timestamp;

    use super::*;
    use crate::model::{Commit, Loaded, RosterCommit};

    fn influencer(number: u8, name: String) -> Influencer {
        let id = InfluencerId::from_bytes([number; 5]);
        let (tags, note, main, paused, added_at) = (Vec::new(), None, None, false, Timestamp(0));
        Influencer { id, name, tags, note, main, paused, added_at }
    }

    #[test]
    fn the_unknown_are_last_from_either_end() {
        let ids: Vec<InfluencerId> = (0..5).map(|number| InfluencerId::from_bytes([number; 5])).collect();
        let sorted = Sorted { ids: ids.into(), known: 3 };
        let numbers = |reverse: bool| sorted.iter(reverse).map(|id| id.0[0]).collect::<Vec<u8>>();
        assert_eq!(numbers(false), [0, 1, 2, 3, 4]);
        assert_eq!(numbers(true), [2, 1, 0, 3, 4]);
    }

    #[test]
    fn an_order_that_was_kept_is_the_one_made_anew() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut kept = Roster::new(Loaded::default(), Default::default());
        for _ in 0..300 {
            let mut commit = RosterCommit::default();
            let number = random.u8(0..40);
            match random.u8(0..4) {
                0 => commit.removed_influencers.push(InfluencerId::from_bytes([number; 5])),
                _ => commit.influencers.push(influencer(number, format!("Name {}", random.u8(0..9)))),
            }
            kept.apply(&Commit::from(commit));
            if random.bool() {
                continue;
            }
            let influencers = kept.influencers.values().cloned().collect();
            let anew = Roster::new(Loaded { influencers, ..Loaded::default() }, Default::default());
            assert_eq!(kept.order(SortBy::Name), anew.order(SortBy::Name));
        }
    }
}
