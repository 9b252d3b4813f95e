//! What an account's normal day looks like, from its own daily changes: robust, so that a few bad days do not hide the
//! next. Pure.
//!
//! The score of a change is its distance from the median of the daily changes, in units of 1.4826 times their median
//! absolute deviation, which for normally distributed changes is their standard deviation (Rousseeuw and Croux 1993).
//! Rounded counts stay on most days, and of such days that deviation is 0: so it is at least what nine of ten days' distance
//! would be of. And it has a floor, so that an account that never moved does not fire at its first follower.

use roster_protocol::time::Timestamp;

use super::path::{Point, closes};

/// How many daily changes there must be.
pub const FEWEST: usize = 10;
/// Between a median absolute deviation and a standard deviation.
const TO_SIGMA: f64 = 1.4826;
/// Between a standard deviation and what nine of ten days stay within.
const NINE_OF_TEN: f64 = 1.644_854;
/// The least deviation that is believed, as a share.
const FLOOR: f64 = 0.0005;

/// The daily changes of one account, as shares of the day before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    median: f64,
    deviation: f64,
    /// What nine of ten days stay within, up or down.
    pub nine_of_ten: f64,
}

impl Usual {
    /// The normal day before `now`; `None` while too few days are known.
    pub fn of(points: &[Point], now: Timestamp) -> Option<Self> {
        let closes: Vec<(i64, f64)> = closes(points, now).collect();
        let change = |pair: &[(i64, f64)]| match pair {
            [(before, from), (day, to)] if day - before == 1 && *from > 0.0 => Some(to / from - 1.0),
            _ => None,
        };
        let changes: Vec<f64> = closes.windows(2).filter_map(change).collect();
        if changes.len() < FEWEST {
            return None;
        }
        let median = quantile(changes.clone(), 0.5);
        let distances: Vec<f64> = changes.iter().map(|change| (change - median).abs()).collect();
        let sizes = changes.iter().map(|change| change.abs()).collect();
        let far = quantile(distances.clone(), 0.9) / NINE_OF_TEN;
        Some(Self {
            median,
            deviation: far.max(TO_SIGMA * quantile(distances, 0.5)),
            nine_of_ten: quantile(sizes, 0.9),
        })
    }

    /// One of whose days nine of ten stay within this.
    #[cfg(test)]
    pub fn known(nine_of_ten: f64) -> Self {
        Self { median: 0.0, deviation: 0.0, nine_of_ten }
    }

    /// How unusual a change of `share` within `days` is, where the number is reported in steps of `step` (a share too).
    /// Changes of several days add up, and their deviation grows as that of a random walk. A change against the usual
    /// direction is measured from no change, since growth that pauses is no fall; and so is one of several days, since a
    /// slow move would soon be what is usual.
    pub fn score(&self, share: f64, days: f64, step: f64) -> f64 {
        let is_usual = self.median.signum() == share.signum() && days < 2.0;
        let expected = if is_usual { self.median * days } else { 0.0 };
        (share - expected).abs() / (self.deviation.max(FLOOR) * days.sqrt()).max(step)
    }
}

/// The value below which a share of the values is; the middle one of an odd number for 0.5.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    let at = ((values.len() - 1) as f64 * share).round() as usize;
    let (_, value, _) = values.select_nth_unstable_by(at, f64::total_cmp);
    *value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::path::Path;

    const DAY_MS: i64 = 24 * 3_600_000;

    fn usual(closes: &[f64]) -> Option<Usual> {
        let mut path = Path::default();
        let at = |day: usize| Timestamp(day as i64 * DAY_MS + 5);
        closes.iter().enumerate().for_each(|(day, value)| path.put(Point { at: at(day), value: *value }));
        Usual::of(path.points(), at(closes.len()))
    }

    #[test]
    fn too_few_days_say_nothing() {
        assert_eq!(usual(&[100.0; 10]), None);
        assert!(usual(&[100.0; 11]).is_some());
    }

    #[test]
    fn an_account_that_never_moved_has_a_floor() {
        let still = usual(&[1000.0; 30]).expect("enough days");
        assert_eq!(still.nine_of_ten, 0.0);
        // One follower of a thousand is two floors; rounded to ten it is a tenth of a step.
        assert!((still.score(0.001, 1.0, 0.0) - 2.0).abs() < 1e-9);
        assert!((still.score(0.001, 1.0, 0.01) - 0.1).abs() < 1e-9);
    }

    #[test]
    fn a_score_counts_from_the_usual_growth_and_falls_from_none() {
        // By one, two and three in a hundred in turn: the median is 2 %, the median distance from it 1 %.
        let mut closes = vec![1000.0];
        for day in 0..30 {
            let last = closes[closes.len() - 1];
            closes.push(last * (1.01 + f64::from(day % 3) * 0.01));
        }
        let usual = usual(&closes).expect("enough days");
        assert!((usual.nine_of_ten - 0.03).abs() < 1e-9);
        assert!((usual.score(0.02 + 5.0 * 0.014_826, 1.0, 0.0) - 5.0).abs() < 1e-6);
        assert!((usual.score(-5.0 * 0.014_826, 1.0, 0.0) - 5.0).abs() < 1e-6);
        // In four days twice as much is as unusual.
        assert!((usual.score(-10.0 * 0.014_826, 4.0, 0.0) - 5.0).abs() < 1e-6);
    }
}
