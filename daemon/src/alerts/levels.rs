//! Levels that a number crosses: milestones. Pure.

use roster_protocol::rule::{Direction, Rule};

use super::measured::{Found, Measured};

impl Measured<'_> {
    /// A level is crossed when no value of the last weeks was beyond it: one that is crossed to and fro is crossed once.
    pub(super) fn crossed<'r>(&self, rule: &'r Rule, direction: Direction, levels: &[u64]) -> Option<Found<'r>> {
        let values = || self.points.iter().map(|point| point.value);
        let last = *self.points.last()?;
        let (lowest, highest) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
        let now = self.now.value;
        let is_up = |level: &&u64| direction.is_up() && highest < **level as f64 && **level as f64 <= now;
        let is_down = |level: &&u64| direction.is_down() && now < **level as f64 && **level as f64 <= lowest;
        let level = levels.iter().rfind(is_up).or_else(|| levels.iter().find(is_down))?;
        let said = self.marks.iter().rfind(|mark| mark.rule == rule.name);
        if said.is_some_and(|mark| self.now.at.since(mark.opened_at) < rule.cooldown.millis()) {
            return None;
        }
        Some(Found { rule, from: last, to: self.now, window: None, score: None, usual: None, level: Some(*level) })
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::rule::RuleParts;

    use crate::alerts::measured::Mark;
    use crate::alerts::rules::made_of;
    use crate::alerts::samples::{all_found, found, mark, rule, some};

    use super::*;

    #[test]
    fn a_level_is_crossed_once() {
        let parts = RuleParts { crosses: Some(vec![10_000, 100_000]), ..RuleParts::default() };
        let up = [made_of("r", None, &parts).expect("a rule")];
        let check = |values: &[(i64, f64)], expected| assert_eq!(found(&up, values, &[], 1.0), expected, "{values:?}");
        check(&[(0, 9_990.0), (6, 10_000.0)], some(0, 9_990.0));
        check(&[(0, 9_990.0), (6, 200_000.0)], some(0, 9_990.0));
        check(&[(0, 9_990.0), (6, 10_010.0), (12, 9_980.0), (18, 10_020.0)], None);
        check(&[(0, 10_010.0), (6, 9_990.0)], None);
        check(&[(0, 10_010.0)], None);
    }

    #[test]
    fn a_level_and_the_move_that_crosses_it_are_both_news() {
        let parts = RuleParts { crosses: Some(vec![10_000]), ..RuleParts::default() };
        let rules = [made_of("level", None, &parts).expect("a rule"), rule(10.0, 1.0, Direction::Both)];
        let check = |values: &[(i64, f64)], marks: &[Mark], expected: &[(&str, i64)]| {
            let found = all_found(&rules, values, marks, 1.0);
            let found: Vec<(&str, i64)> = found.iter().map(|(rule, from, _)| (rule.as_str(), *from)).collect();
            assert_eq!(found, expected, "{values:?}");
        };
        check(&[(0, 9_000.0), (6, 12_600.0)], &[], &[("r", 0), ("level", 0)]);
        // Neither hides the other later, and the fall back from a level is a fall.
        let crossed = [Mark { is_crossing: true, ..mark("level", (6, 10_010.0), (0, 9_990.0)) }];
        check(&[(0, 9_990.0), (6, 10_010.0), (12, 12_000.0)], &crossed, &[("r", 0)]);
        check(&[(0, 8_500.0), (6, 10_010.0), (12, 8_500.0)], &crossed, &[("r", 6)]);
        let rose = [mark("r", (6, 9_500.0), (0, 8_000.0))];
        check(&[(0, 8_000.0), (6, 9_500.0), (12, 10_400.0)], &rose, &[("level", 6)]);
    }
}
