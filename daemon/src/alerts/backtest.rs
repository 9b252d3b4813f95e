//! What a rule would have said of a history that is stored. Pure.
//!
//! A day has one number there, its last: a move within a day that was taken back is not found, and a fall that was noticed
//! in the evening is one of that day.

use roster_protocol::metric::Metric;
use roster_protocol::rule::Rule;
use roster_protocol::time::{Date, Timestamp};

use super::measured::{Found, Mark, Measured};
use super::path::{DAYS, Point};

const DAY_MS: i64 = 24 * 3_600_000;

/// One account's numbers by day, oldest first.
#[derive(Clone, Copy)]
pub struct Series<'a> {
    pub metric: Metric,
    pub days: &'a [(Date, f64)],
    /// How finely the platform reports a number of this size; `None`: not known.
    pub step: &'a dyn Fn(f64) -> Option<f64>,
}

/// When the rule would have applied, oldest first.
pub fn over<'r>(rule: &'r Rule, series: Series<'_>) -> Vec<Found<'r>> {
    // The end of the day, since it is the day's last number.
    let point =
        |(date, value): &(Date, f64)| Point { at: Timestamp((i64::from(date.0) + 1) * DAY_MS - 1000), value: *value };
    let points: Vec<Point> = series.days.iter().map(point).collect();
    let (mut found, mut marks, mut oldest) = (Vec::new(), Vec::new(), 0);
    for (at, now) in points.iter().copied().enumerate() {
        while now.at.since(points[oldest].at) > DAYS * DAY_MS {
            oldest += 1;
        }
        let metric = series.metric;
        let measured = Measured {
            metric,
            now,
            step: (series.step)(now.value),
            points: &points[oldest..at],
            since: points[0].at,
            marks: &marks,
        };
        let Some(one) = measured.found(std::iter::once(rule)).pop() else { continue };
        marks.push(Mark {
            rule: rule.name.clone(),
            metric,
            opened_at: now.at,
            from: one.from.value,
            from_at: one.from.at,
            to: one.to.value,
            is_crossing: one.level.is_some(),
        });
        found.push(one);
    }
    found
}

#[cfg(test)]
mod tests {
    use roster_protocol::rule::{Direction, RuleParts};

    use super::*;
    use crate::alerts::rules::made_of;

    #[test]
    fn a_rule_says_of_a_history_what_it_would_have_said_day_by_day() {
        let parts = RuleParts { percent: Some(10.0), direction: Some(Direction::Down), ..RuleParts::default() };
        let rule = made_of("r", None, &parts).expect("a rule");
        let values = [1000.0, 1001.0, 880.0, 879.0, 1000.0, 1001.0, 1002.0, 850.0];
        let days: Vec<(Date, f64)> = (100..).map(Date).zip(values).collect();
        let found = over(&rule, Series { metric: Metric::Followers, days: &days, step: &|_| None });
        let moves: Vec<(f64, f64)> = found.iter().map(|one| (one.from.value, one.to.value)).collect();
        assert_eq!(moves, [(1001.0, 880.0), (1002.0, 850.0)]);
        assert!(over(&rule, Series { metric: Metric::Followers, days: &[], step: &|_| None }).is_empty());
    }
}
