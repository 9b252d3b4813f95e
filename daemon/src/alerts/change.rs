//! Named differences between two snapshots. Pure.

use roster_protocol::connection::Snapshot;
use roster_protocol::metric::Metric;

/// One metric that is not what it was, in the metric's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub metric: Metric,
    /// `None`: it was not reported before.
    pub from: Option<f64>,
    /// `None`: it is no longer reported.
    pub to: Option<f64>,
}

/// The metrics whose differences are kept, each of whatever size, also one below the platform's rounding. The others vary
/// with every post.
const KEPT: [Metric; 1] = [Metric::Followers];

/// The differences worth keeping between a connection's newest snapshot and the one before. None before the first.
pub fn between(previous: Option<&Snapshot>, current: &Snapshot) -> Vec<Difference> {
    let Some(previous) = previous else { return Vec::new() };
    let difference = |metric: Metric| {
        let (from, to) = (metric.of(&previous.numbers), metric.of(&current.numbers));
        (from != to).then_some(Difference { metric, from, to })
    };
    KEPT.into_iter().filter_map(difference).collect()
}

#[cfg(test)]
mod tests {
    use roster_protocol::connection::Source;
    use roster_protocol::metric::{MetricSet, Numbers};
    use roster_protocol::time::{Date, Timestamp};

    use super::*;

    fn snapshot(followers: Option<u64>) -> Snapshot {
        Snapshot {
            date: Date(0),
            observed_at: Timestamp(0),
            source: Source::Api,
            followers_step: None,
            definition: 0,
            read_with: None,
            by_hand: MetricSet::default(),
            numbers: Numbers { followers, ..Numbers::default() },
        }
    }

    #[test]
    fn differences_are_named_and_sameness_is_not() {
        let check = |from: Option<u64>, to: Option<u64>, expected: Option<(Option<f64>, Option<f64>)>| {
            let found = between(Some(&snapshot(from)), &snapshot(to));
            let expected = expected.map(|(from, to)| Difference { metric: Metric::Followers, from, to });
            assert_eq!(found, Vec::from_iter(expected), "{from:?} {to:?}");
        };
        check(Some(5), Some(5), None);
        check(None, None, None);
        check(Some(12_345), Some(11_900), Some((Some(12_345.0), Some(11_900.0))));
        check(Some(5), None, Some((Some(5.0), None)));
        check(None, Some(0), Some((None, Some(0.0))));
        assert_eq!(between(None, &snapshot(Some(5))), []);
    }
}
