//! A platform removes accounts: thousands of its accounts fall together, and their syncs see it one after the other.
//!
//! Each account falls by what is wanted of it alone; together they are one matter, and a person wants to hear of it once.

use fastrand::Rng;

use crate::dice::{between, chance, lognormal};
use crate::draft::Draft;
use crate::generate::Options;
use crate::history::{DAY, HOUR, History, Kind, Platform};
use crate::inject::Shape;
use crate::wanted::day_line;

/// The accounts of one platform over some weeks, with a purge.
pub struct World {
    pub histories: Vec<History>,
    /// When it begins, in seconds since the start; it takes up to three hours.
    pub purged_at: i64,
}

/// Days before the purge, and after it.
const BEFORE: i64 = 90;
const AFTER: i64 = 7;

/// A world with some accounts, all of which fall; slots of their syncs are spread over the interval.
pub fn purge_world(seed: u64, accounts: usize, platform: Platform) -> World {
    let mut dice = Rng::with_seed(seed);
    let purged_at = BEFORE * DAY + dice.i64(0..DAY);
    let options = Options {
        days: BEFORE + AFTER,
        platform: Some(platform),
        sizes: (5_000.0, 5_000_000.0),
        nuisances: false,
        ..Options::default()
    };
    let histories = (0..accounts).map(|_| purged(&mut Rng::with_seed(dice.u64(..)), &options, purged_at)).collect();
    World { histories, purged_at }
}

fn purged(dice: &mut Rng, options: &Options, purged_at: i64) -> History {
    let mut draft = Draft::drawn(dice, options);
    draft.walk(dice);
    let share = (lognormal(dice, 3.0, 0.4) * day_line(draft.size())).min(0.3);
    let starts_at = purged_at + dice.i64(0..HOUR);
    let ramp = if chance(dice, 0.5) { 60 } else { (between(dice, 0.1, 2.0) * HOUR as f64) as i64 };
    draft.add(Shape { kind: Kind::Purge, starts_at, ramp, peak: 1.0 - share, hold: 0, back: 0.0, back_takes: 0 });
    draft.finish()
}

impl World {
    /// Every sync of every account in the order of time: when, the place of the history, the place of the point in it.
    pub fn syncs(&self) -> Vec<(i64, usize, usize)> {
        let of = |(place, history): (usize, &History)| {
            let points = history.points.iter().enumerate();
            points.map(|(point, it)| (it.at, place, point)).collect::<Vec<_>>()
        };
        let mut syncs: Vec<_> = self.histories.iter().enumerate().flat_map(of).collect();
        syncs.sort_unstable();
        syncs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fall_at_once_and_syncs_see_it_over_an_interval() {
        let world = purge_world(3, 300, Platform::Instagram);
        let first_after =
            |history: &History| history.points.iter().find(|it| it.at > world.purged_at + 3 * HOUR).copied();
        let seen: Vec<i64> = world.histories.iter().filter_map(first_after).map(|it| it.at - world.purged_at).collect();
        let within = |from: i64, until: i64| seen.iter().filter(|at| (from * HOUR..until * HOUR).contains(*at)).count();
        assert!(within(3, 5) > 60 && within(5, 7) > 60 && within(7, 9) > 60, "{seen:?}");
        let moves: Vec<_> = world.histories.iter().flat_map(|history| &history.moves).collect();
        assert_eq!(moves.len(), 300);
        assert!(moves.iter().all(|it| it.kind == Kind::Purge && it.to < it.from));
        let wanted = moves.iter().filter(|it| it.is_wanted()).count();
        assert!(wanted > 250, "{wanted}");
    }

    #[test]
    fn syncs_of_a_world_are_in_the_order_of_time() {
        let world = purge_world(3, 20, Platform::Youtube);
        let syncs = world.syncs();
        assert_eq!(syncs.len(), world.histories.iter().map(|history| history.points.len()).sum::<usize>());
        assert!(syncs.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert!(syncs.iter().all(|(at, history, point)| world.histories[*history].points[*point].at == *at));
    }
}
