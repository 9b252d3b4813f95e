//! A number that was just measured, what is known of it, and which rules it meets. Pure.

use roster_protocol::metric::Metric;
use roster_protocol::rule::{Direction, Rule, Test, Window};
use roster_protocol::time::Timestamp;

use super::path::Point;
use super::usual::Usual;

/// The share of its move that an alert must lose to be resolved.
const TAKEN_BACK: f64 = 0.5;

/// An alert about a number, as far as later ones depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub rule: String,
    pub metric: Metric,
    pub opened_at: Timestamp,
    pub from: f64,
    pub from_at: Timestamp,
    pub to: f64,
    /// It was about a level that was crossed: no move depends on it.
    pub is_crossing: bool,
}

impl Mark {
    pub fn is_fall(&self) -> bool {
        self.to < self.from
    }

    /// Whether a value has come back so far that the move is over.
    pub fn is_taken_back_by(&self, value: f64) -> bool {
        let left = if self.is_fall() { self.from - value } else { value - self.from };
        left <= (self.to - self.from).abs() * (1.0 - TAKEN_BACK)
    }
}

/// A number as it was just measured, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    pub metric: Metric,
    pub now: Point,
    /// How finely the platform reports it, in the metric's own unit; `None`: not known.
    pub step: Option<f64>,
    /// Where it was before.
    pub points: &'a [Point],
    /// A move begins with the last point until then, or later: what moved before is no news.
    pub since: Timestamp,
    /// The account's alerts about this metric of the last month, oldest first.
    pub marks: &'a [Mark],
}

/// A rule that is met, and by which move.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'r> {
    pub rule: &'r Rule,
    pub from: Point,
    pub to: Point,
    pub window: Option<Window>,
    /// How unusual it is, where the rule depends on it.
    pub score: Option<f64>,
    pub usual: Option<Usual>,
    /// The level that was crossed.
    pub level: Option<u64>,
}

impl Measured<'_> {
    /// What it meets of these rules, which are the gravest first: of those about moves and of those about levels the first
    /// each, since a milestone is no move.
    pub fn found<'r>(&self, rules: impl Iterator<Item = &'r Rule>) -> Vec<Found<'r>> {
        let mut usual = None;
        let mut usual = || *usual.get_or_insert_with(|| Usual::of(self.points, self.now.at));
        let (mut moved, mut crossed) = (None, None);
        for rule in rules {
            match &rule.test {
                Test::Moved(test) if moved.is_none() => {
                    let mut directions = both(test.direction).into_iter().flatten();
                    moved = directions.find_map(|is_fall| self.moved(rule, test, is_fall, &mut usual));
                }
                Test::Crossed { direction, levels, .. } if crossed.is_none() => {
                    crossed = self.crossed(rule, *direction, levels);
                }
                _ => {}
            }
        }
        moved.into_iter().chain(crossed).map(|found| Found { usual: usual(), ..found }).collect()
    }
}

/// Whether it is a fall, for each direction that a rule includes.
fn both(direction: Direction) -> [Option<bool>; 2] {
    [direction.is_down().then_some(true), direction.is_up().then_some(false)]
}
