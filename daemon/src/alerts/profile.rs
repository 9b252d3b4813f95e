//! The profile numbers: those a team works with. Each follows its measured number when that changed significantly.
//! Pure.
//!
//! A difference is significant when it is more than the configured share (10 % by default) of the profile number and
//! at least two steps of the count's precision, so that a rounded count cannot flap. A profile number that was unknown
//! follows at once; one that is no longer reported stays.

use roster_protocol::connection::{Profile, Snapshot, Source};
use roster_protocol::metric::{Mean, Metric, Ratio};

use super::change::Difference;

/// The profile after a snapshot, and the moves of the numbers that followed; no moves when none did.
pub fn follow(
    profile: Option<&Profile>,
    snapshot: &Snapshot,
    significant: Ratio,
) -> (Option<Profile>, Vec<Difference>) {
    let old = profile.cloned().unwrap_or(empty(snapshot.source));
    let numbers = &snapshot.numbers;
    let step = snapshot.followers_step.unwrap_or(1);
    let mut new = old.clone();
    let mut moves = Vec::new();
    let mut moved = |metric, from: Option<f64>, to: Option<f64>| moves.push(Difference { metric, from, to });

    if is_significant(old.followers, numbers.followers, step, significant) {
        new.followers = numbers.followers;
        moved(Metric::Followers, old.followers.map(|n| n as f64), new.followers.map(|n| n as f64));
    }
    let millionths = |rate: Option<Ratio>| rate.map(|rate| rate.0.max(0) as u64);
    if is_significant(millionths(old.engagement_rate), millionths(numbers.engagement_rate), 1, significant) {
        new.engagement_rate = numbers.engagement_rate;
        moved(Metric::EngagementRate, old.engagement_rate.map(Ratio::as_f64), new.engagement_rate.map(Ratio::as_f64));
    }
    let hundredths = |mean: Option<Mean>| mean.map(|mean| mean.0);
    if is_significant(hundredths(old.avg_likes), hundredths(numbers.avg_likes), 1, significant) {
        new.avg_likes = numbers.avg_likes;
        moved(Metric::AvgLikes, old.avg_likes.map(Mean::as_f64), new.avg_likes.map(Mean::as_f64));
    }
    if moves.is_empty() {
        return (profile.cloned(), moves);
    }
    (Some(Profile { as_of: snapshot.observed_at, source: snapshot.source, ..new }), moves)
}

fn empty(source: Source) -> Profile {
    Profile { followers: None, engagement_rate: None, avg_likes: None, as_of: Default::default(), source }
}

/// Whether `to` is so far from `from` that the profile follows; both in the same whole unit.
fn is_significant(from: Option<u64>, to: Option<u64>, step: u64, significant: Ratio) -> bool {
    match (from, to) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(from), Some(to)) => {
            let distance = u128::from(from.abs_diff(to));
            let bound = u128::from(from) * significant.0.max(0) as u128;
            distance >= 2 * u128::from(step) && distance * 1_000_000 > bound
        }
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::metric::{MetricSet, Numbers};
    use roster_protocol::time::{Date, Timestamp};

    use super::*;

    const TEN_PERCENT: Ratio = Ratio(100_000);

    #[test]
    fn more_than_a_tenth_and_two_steps_is_significant() {
        let check = |from: Option<u64>, to: Option<u64>, step, expected| {
            assert_eq!(is_significant(from, to, step, TEN_PERCENT), expected, "{from:?} {to:?} {step}");
        };
        check(None, Some(5), 1, true);
        check(Some(5), None, 1, false);
        check(Some(1000), Some(1100), 1, false);
        check(Some(1000), Some(1101), 1, true);
        check(Some(1000), Some(899), 1, true);
        check(Some(1000), Some(900), 1, false);
        check(Some(5), Some(6), 1, false);
        check(Some(5), Some(7), 1, true);
        check(Some(0), Some(1), 1, false);
        check(Some(0), Some(2), 1, true);
        check(Some(1_000_000), Some(1_150_000), 100_000, false);
        check(Some(1_000_000), Some(1_200_000), 100_000, true);
        check(Some(u64::MAX), Some(0), u64::MAX, false);
        check(Some(u64::MAX), Some(0), 1, true);
    }

    #[test]
    fn each_number_follows_on_its_own_and_creeping_is_noticed_in_the_end() {
        let snapshot = |followers, likes, at| Snapshot {
            date: Date(0),
            observed_at: Timestamp(at),
            source: Source::Api,
            followers_step: None,
            definition: 0,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers { followers: Some(followers), avg_likes: Some(Mean(likes)), ..Numbers::default() },
        };
        let (first, moves) = follow(None, &snapshot(1000, 500, 1), TEN_PERCENT);
        assert_eq!(moves.len(), 2);
        let (second, moves) = follow(first.as_ref(), &snapshot(1060, 800, 2), TEN_PERCENT);
        assert_eq!(moves, [Difference { metric: Metric::AvgLikes, from: Some(5.0), to: Some(8.0) }]);
        let second = second.expect("a profile");
        assert_eq!((second.followers, second.as_of), (Some(1000), Timestamp(2)));
        let (third, moves) = follow(Some(&second), &snapshot(1120, 800, 3), TEN_PERCENT);
        assert_eq!(moves, [Difference { metric: Metric::Followers, from: Some(1000.0), to: Some(1120.0) }]);
        let (fourth, moves) = follow(third.as_ref(), &snapshot(1121, 800, 4), TEN_PERCENT);
        assert_eq!((fourth, moves), (third.clone(), vec![]));
        let by_hand = Snapshot { source: Source::Manual, ..snapshot(2000, 800, 5) };
        let (fifth, _) = follow(third.as_ref(), &by_hand, TEN_PERCENT);
        assert_eq!(fifth.map(|profile| (profile.source, profile.as_of)), Some((Source::Manual, Timestamp(5))));
    }
}
