//! Histories from a seed: a quiet account, what only seems to happen to it, and real moves, labelled.

use fastrand::Rng;

use crate::dice::chance;
use crate::draft::Draft;
use crate::history::{DAY, HOUR, History, Platform};

/// Nothing is injected earlier, so that a detector has seen the account's days.
pub const CALM_START: i64 = 60 * DAY;

/// What is generated.
#[derive(Clone, Debug)]
pub struct Options {
    pub days: i64,
    /// Seconds between two syncs.
    pub interval: i64,
    /// Any of the six when none is given.
    pub platform: Option<Platform>,
    /// Sizes are drawn between these, each factor as likely as any other.
    pub sizes: (f64, f64),
    /// How many histories in a hundred have real moves, one to four each.
    pub eventful: u32,
    /// Whether some accounts have faults, flaps, steady growth and a weekly rhythm.
    pub nuisances: bool,
}

impl Default for Options {
    fn default() -> Self {
        let sizes = (500.0, 50_000_000.0);
        Self { days: 400, interval: 6 * HOUR, platform: None, sizes, eventful: 50, nuisances: true }
    }
}

/// Some histories; the same for equal seeds and options, and the first of many are the same as the first of few.
pub fn histories(seed: u64, count: usize, options: &Options) -> Vec<History> {
    let mut dice = Rng::with_seed(seed);
    (0..count).map(|_| history(&mut Rng::with_seed(dice.u64(..)), options)).collect()
}

/// One history.
pub fn history(dice: &mut Rng, options: &Options) -> History {
    let mut draft = Draft::drawn(dice, options);
    if options.nuisances {
        draft.habits(dice);
    }
    draft.walk(dice);
    if chance(dice, f64::from(options.eventful) / 100.0) {
        draft.real_moves(dice, options.days);
    }
    if options.nuisances {
        draft.seeming_moves(dice, options.days);
    }
    draft.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::history::{Kind, Verdict};

    fn any_options() -> impl Strategy<Value = Options> {
        let platform = proptest::option::of(proptest::sample::select(Platform::ALL.to_vec()));
        (0..450i64, 1..26i64, platform, 1.0..1e8f64, 0..=100u32, any::<bool>()).prop_map(
            |(days, hours, platform, size, eventful, nuisances)| {
                let (interval, sizes) = (hours * HOUR, (size, size * 3.0));
                Options { days, interval, platform, sizes, eventful, nuisances }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn any_seed_gives_a_sane_history(seed: u64, options in any_options()) {
            let history = history(&mut Rng::with_seed(seed), &options);
            prop_assert!(history.points.windows(2).all(|pair| pair[0].at < pair[1].at));
            for point in &history.points {
                prop_assert!((0..=options.days * DAY + options.interval).contains(&point.at));
                prop_assert_eq!(point.step, history.platform.step(point.followers));
                prop_assert_eq!(point.followers % point.step, 0);
            }
            prop_assert!(history.moves.windows(2).all(|pair| pair[0].starts_at <= pair[1].starts_at));
            for it in &history.moves {
                // Some end with the last sync, which may be late.
                let latest = options.days * DAY + options.interval;
                prop_assert!(0 <= it.starts_at && it.starts_at <= it.ends_at && it.ends_at <= latest, "{it:?}");
                let is_nuisance = matches!(it.kind, Kind::Fault | Kind::Flap | Kind::Growth | Kind::Rhythm);
                prop_assert!(!is_nuisance || it.verdict == Verdict::Unwanted);
                prop_assert!(is_nuisance || it.starts_at >= CALM_START - 5 * DAY);
            }
            let again = super::history(&mut Rng::with_seed(seed), &options);
            prop_assert_eq!(again, history);
        }
    }

    #[test]
    fn all_kinds_and_both_verdicts_are_in_a_few_hundred() {
        let all = histories(1, 300, &Options::default());
        let count = |kind: Kind, verdict: Verdict| {
            let moves = all.iter().flat_map(|history| &history.moves);
            moves.filter(|it| it.kind == kind && it.verdict == verdict).count()
        };
        for kind in crate::inject::REAL {
            assert!(count(kind, Verdict::Wanted) >= 10, "{kind:?}");
            assert!(count(kind, Verdict::Unwanted) >= 5, "{kind:?}");
        }
        for kind in [Kind::Fault, Kind::Flap, Kind::Growth, Kind::Rhythm, Kind::BoughtDecay] {
            assert!(count(kind, Verdict::Unwanted) >= 5, "{kind:?}");
            assert_eq!(count(kind, Verdict::Wanted), 0, "{kind:?}");
        }
        let quiet = all.iter().filter(|history| history.is_quiet()).count();
        assert!((120..=210).contains(&quiet), "{quiet}");
    }

    #[test]
    fn steady_growth_ends_with_the_last_sync() {
        let options = Options {
            days: 229,
            interval: 9 * HOUR,
            platform: Some(Platform::Youtube),
            sizes: (1.0, 3.0),
            eventful: 0,
            nuisances: true,
        };
        let history = history(&mut Rng::with_seed(15_325_791_948_254_025_259), &options);
        let last = history.points.last().expect("points").at;
        assert!(history.moves.iter().all(|it| it.ends_at <= last), "{last} {:?}", history.moves);
    }

    #[test]
    fn few_are_the_first_of_many() {
        let options = Options { days: 100, ..Options::default() };
        assert_eq!(histories(5, 3, &options)[..], histories(5, 9, &options)[..3]);
    }
}
