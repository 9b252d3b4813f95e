//! Which rule a measured number meets: how far it moved within the rule's window, and whether that was already said. Pure.
//!
//! A move is measured from the window's highest value for a fall, and from its lowest for a rise, so that no path through
//! the window hides it. What an earlier alert of the same direction said is not said again: the window begins anew at that
//! alert, and only a clearly larger move opens another one before. What takes back an earlier alert is no news either.

use roster_protocol::metric::{Metric, Unit};
use roster_protocol::rule::{Direction, Moved, Rule, Test, Window};
use roster_protocol::time::Timestamp;

use super::path::{Point, closes};
use super::usual::Usual;

const DAY_MS: f64 = 24.0 * 3_600_000.0;
/// Where nothing was measured within the window, the value before counts when it is no older than this.
const OLDEST_BEFORE_MS: i64 = 4 * 24 * 3_600_000;
/// A move below so many steps of the platform's rounding never opens an alert.
const FEWEST_STEPS: f64 = 2.0;
/// How many times as large as an alert a move must be that opens another one before its cooldown ends.
const CLEARLY_LARGER: f64 = 4.0;
/// For so long after an alert a move of the other direction only takes it back, as far as it does.
const TAKEN_BACK_WITHIN_MS: i64 = 3 * 24 * 3_600_000;
/// The days before today whose middle value is where a number was.
const LAST_DAYS: usize = 3;
/// The share of a move that must be left between there and now.
const LEFT_OF_MOVE: f64 = 0.25;
/// The share of a slow move that the last third of its time must have: half of what it has of an even one.
const LEAST_LATELY: f64 = 1.0 / 6.0;
/// The share of its move that an alert must lose to be resolved.
const TAKEN_BACK: f64 = 0.5;

/// An alert about a move, as far as later moves depend on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub rule: String,
    pub metric: Metric,
    pub opened_at: Timestamp,
    pub from: f64,
    pub from_at: Timestamp,
    pub to: f64,
}

impl Mark {
    fn is_fall(&self) -> bool {
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

/// A move that meets a rule.
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

/// The first of these rules, which are the gravest first, that the number meets.
pub fn first<'r>(rules: impl Iterator<Item = &'r Rule>, measured: &Measured<'_>) -> Option<Found<'r>> {
    let mut usual = None;
    let mut usual = || *usual.get_or_insert_with(|| Usual::of(measured.points, measured.now.at));
    for rule in rules {
        let found = match &rule.test {
            Test::Moved(moved) => both(moved.direction)
                .into_iter()
                .flatten()
                .find_map(|is_fall| measured.moved(rule, moved, is_fall, &mut usual)),
            Test::Crossed { direction, levels, .. } => measured.crossed(rule, *direction, levels),
            Test::Happened { .. } => None,
        };
        if let Some(found) = found {
            return Some(Found { usual: usual(), ..found });
        }
    }
    None
}

/// Whether it is a fall, for each direction that a rule includes.
fn both(direction: Direction) -> [Option<bool>; 2] {
    [direction.is_down().then_some(true), direction.is_up().then_some(false)]
}

impl Measured<'_> {
    fn moved<'r>(
        &self,
        rule: &'r Rule,
        moved: &Moved,
        is_fall: bool,
        usual: &mut impl FnMut() -> Option<Usual>,
    ) -> Option<Found<'r>> {
        let mut opens = |from: Point| {
            let score = self.passes(moved, from, is_fall, usual)?;
            Some(Found { rule, from, to: self.now, window: Some(moved.over), score, usual: None, level: None })
        };
        let since = self.now.at.plus_seconds(-moved.over.seconds());
        let said = self.marks.iter().rfind(|mark| mark.is_fall() == is_fall);
        // A slow move is said once until its cooldown ends: it grows by being slow.
        let quick = said.filter(|_| moved.over == Window::Day);
        if let Some(larger) = quick.and_then(|mark| self.clearly_larger(mark, since)) {
            return opens(larger);
        }
        // Whichever rule said it: the same move is not said by one rule after the other.
        if said.is_some_and(|mark| self.now.at.since(mark.opened_at) < rule.cooldown.millis()) {
            return None;
        }
        let from = self.start(since, said.filter(|mark| mark.opened_at > since), is_fall)?;
        opens(from)
    }

    /// Where the move of an earlier alert began, when it went on so far that it is news again.
    fn clearly_larger(&self, mark: &Mark, since: Timestamp) -> Option<Point> {
        let (size, said) = (self.now.value - mark.from, mark.to - mark.from);
        let is_larger = size * said > 0.0 && size.abs() >= CLEARLY_LARGER * said.abs();
        (is_larger && mark.from_at >= since).then_some(Point { at: mark.from_at, value: mark.from })
    }

    /// The highest value (for a fall) or lowest since then, of equal ones the last.
    fn start(&self, since: Timestamp, said: Option<&Mark>, is_fall: bool) -> Option<Point> {
        let since = said.map_or(since, |mark| mark.opened_at);
        let said = said.map(|mark| Point { at: mark.opened_at, value: mark.to });
        let first = self.points.partition_point(|point| point.at < since);
        let inside = &self.points[first.max(self.first_known())..];
        let is_better = |one: f64, best: f64| if is_fall { one >= best } else { one <= best };
        let better = |best: Point, one: Point| if is_better(one.value, best.value) { one } else { best };
        let found = said.into_iter().chain(inside.iter().copied()).reduce(better);
        let before = || self.points.last().copied().filter(|last| self.now.at.since(last.at) <= OLDEST_BEFORE_MS);
        let found = found.or_else(before)?;
        Some(self.not_taken_back(found, is_fall))
    }

    /// The index of the last point until [`Measured::since`].
    fn first_known(&self) -> usize {
        self.points.partition_point(|point| point.at <= self.since).saturating_sub(1)
    }

    /// The same, without what only takes back an alert of the other direction.
    fn not_taken_back(&self, found: Point, is_fall: bool) -> Point {
        let is_lately = |mark: &&Mark| self.now.at.since(mark.opened_at) <= TAKEN_BACK_WITHIN_MS;
        let opposite = self.marks.iter().filter(|mark| mark.is_fall() != is_fall).filter(is_lately);
        let nearer = |best: Point, mark: &Mark| {
            let is_nearer = if is_fall { mark.from < best.value } else { mark.from > best.value };
            if is_nearer { Point { at: mark.from_at, value: mark.from } } else { best }
        };
        opposite.fold(found, nearer)
    }

    /// How unusual a move from there is when it passes every bound; the inner value is `None` where no bound needs it.
    fn passes(
        &self,
        moved: &Moved,
        from: Point,
        is_fall: bool,
        usual: &mut impl FnMut() -> Option<Usual>,
    ) -> Option<Option<f64>> {
        let distance = if is_fall { from.value - self.now.value } else { self.now.value - from.value };
        let whole = if self.metric.unit() == Unit::Count { 1.0 } else { 0.0 };
        let step = self.step.unwrap_or(whole);
        if distance <= 0.0 || distance < FEWEST_STEPS * step {
            return None;
        }
        // A value from before the window counts as far as its move would have come within the window.
        let window_ms = moved.over.seconds() as f64 * 1000.0;
        let part = (window_ms / self.now.at.since(from.at).max(1) as f64).min(1.0);
        if moved.absolute.is_some_and(|least| distance * part < least) {
            return None;
        }
        let share = (from.value > 0.0).then(|| distance / from.value);
        if moved.share.is_some_and(|least| share.is_none_or(|share| share * part < least.as_f64())) {
            return None;
        }
        let Some(least) = moved.unusual else { return Some(None) };
        let is_over = match moved.over {
            Window::Day => self.is_where_it_was(distance, is_fall),
            Window::Week | Window::Month => !self.goes_on(from, distance, is_fall),
        };
        if is_over {
            return None;
        }
        let (share, usual) = (share?, usual()?);
        let days = (self.now.at.since(from.at) as f64 / DAY_MS).max(1.0);
        let score = usual.score(if is_fall { -share } else { share }, days, step / from.value);
        (score >= least).then_some(Some(score))
    }

    /// Whether a move only comes back from a short one that was too small to be said: what is where it was is not unusual.
    fn is_where_it_was(&self, distance: f64, is_fall: bool) -> bool {
        let mut closes: Vec<f64> = closes(self.points, self.now.at).map(|(_, value)| value).collect();
        let mut last = closes.split_off(closes.len().saturating_sub(LAST_DAYS));
        if last.len() < LAST_DAYS {
            return false;
        }
        last.sort_by(f64::total_cmp);
        let settled = last[LAST_DAYS / 2];
        let moved = if is_fall { settled - self.now.value } else { self.now.value - settled };
        moved < distance * LEFT_OF_MOVE
    }

    /// Whether a slow move still goes on: one that ended days ago is no news, and a fall from a short peak ended with it.
    fn goes_on(&self, from: Point, distance: f64, is_fall: bool) -> bool {
        let lately = self.now.at.0 - self.now.at.since(from.at) / 3;
        let before = &self.points[..self.points.partition_point(|point| point.at.0 <= lately)];
        let then = before.last().filter(|then| then.at > from.at).map_or(from.value, |then| then.value);
        let moved = if is_fall { then - self.now.value } else { self.now.value - then };
        moved >= distance * LEAST_LATELY
    }

    /// A level is crossed when no value of the last weeks was beyond it: one that is crossed to and fro is crossed once.
    fn crossed<'r>(&self, rule: &'r Rule, direction: Direction, levels: &[u64]) -> Option<Found<'r>> {
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
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::alerts::path::Path;
    use crate::alerts::rules::{Rules, made_of};

    const HOUR_MS: i64 = 3_600_000;

    fn point((hours, value): (i64, f64)) -> Point {
        Point { at: Timestamp(hours * HOUR_MS), value }
    }

    fn path(values: &[(i64, f64)]) -> Path {
        let mut path = Path::default();
        values.iter().for_each(|value| path.put(point(*value)));
        path
    }

    /// The rule that is met, and from where, when the last of the values is measured.
    fn found(rules: &[Rule], values: &[(i64, f64)], marks: &[Mark], step: f64) -> Option<(String, i64, f64)> {
        let (now, before) = values.split_last().expect("a value");
        let path = path(before);
        let measured = Measured {
            metric: Metric::Followers,
            now: point(*now),
            step: Some(step),
            points: path.points(),
            since: Timestamp(0),
            marks,
        };
        let found = first(rules.iter(), &measured)?;
        Some((found.rule.name.clone(), found.from.at.0 / HOUR_MS, found.from.value))
    }

    fn rule(percent: f64, absolute: f64, direction: Direction) -> Rule {
        let parts = RuleParts {
            percent: Some(percent),
            absolute: Some(absolute),
            direction: Some(direction),
            ..RuleParts::default()
        };
        made_of("r", None, &parts).expect("a rule")
    }

    fn mark(rule: &str, (opened, to): (i64, f64), (began, from): (i64, f64)) -> Mark {
        let at = |hours: i64| Timestamp(hours * HOUR_MS);
        let metric = Metric::Followers;
        Mark { rule: rule.to_owned(), metric, opened_at: at(opened), from, from_at: at(began), to }
    }

    fn some(from: i64, value: f64) -> Option<(String, i64, f64)> {
        Some(("r".to_owned(), from, value))
    }

    #[test]
    fn a_move_is_measured_from_the_windows_highest_or_lowest_value() {
        let rules = [rule(10.0, 1.0, Direction::Both)];
        let check =
            |values: &[(i64, f64)], expected| assert_eq!(found(&rules, values, &[], 1.0), expected, "{values:?}");
        // Up by 9 % and down by 16.5 % in a night: what a person works with is not what it is measured from.
        check(&[(0, 10_000.0), (6, 10_900.0), (12, 9_100.0)], some(6, 10_900.0));
        check(&[(0, 10_000.0), (6, 9_500.0), (12, 10_600.0)], some(6, 9_500.0));
        check(&[(0, 10_000.0), (6, 10_900.0)], None);
        // What was higher before the window is not seen, and the value before it counts where there is no other.
        check(&[(0, 10_000.0), (23, 9_000.0), (46, 8_900.0)], None);
        check(&[(0, 10_000.0), (25, 8_000.0)], some(0, 10_000.0));
        check(&[(0, 10_000.0), (48, 8_100.0)], None);
        check(&[(0, 10_000.0), (48, 7_900.0)], some(0, 10_000.0));
        check(&[(0, 10_000.0), (24 * 5, 5_000.0)], None);
        check(&[(0, 10_000.0)], None);
    }

    #[test]
    fn a_move_begins_with_the_last_value_before_rules_began_or_later() {
        let month = [(0, 10_000.0), (24, 9_900.0), (48, 9_000.0), (72, 8_950.0)];
        let path = path(&month);
        let check = |since: i64, now: f64, expected: Option<(i64, f64)>| {
            let parts = RuleParts { over: Some(Window::Week), percent: Some(5.0), ..RuleParts::default() };
            let rules = [made_of("r", None, &parts).expect("a rule")];
            let since = Timestamp(since * HOUR_MS);
            let (metric, points, marks) = (Metric::Followers, path.points(), [].as_slice());
            let measured = Measured { metric, now: point((75, now)), step: None, points, since, marks };
            let found = first(rules.iter(), &measured);
            assert_eq!(found.map(|found| (found.from.at.0 / HOUR_MS, found.from.value)), expected, "{since:?} {now}");
        };
        check(0, 8_940.0, Some((0, 10_000.0)));
        check(30, 8_940.0, Some((24, 9_900.0)));
        check(60, 8_940.0, None);
        check(60, 8_500.0, Some((48, 9_000.0)));
        check(74, 8_500.0, Some((72, 8_950.0)));
        check(74, 8_940.0, None);
    }

    #[test]
    fn both_bounds_must_be_passed_and_two_steps() {
        let check = |absolute, step, to, expected| {
            let rules = [rule(2.0, absolute, Direction::Down)];
            assert_eq!(found(&rules, &[(0, 10_000.0), (6, to)], &[], step), expected, "{absolute} {step} {to}");
        };
        check(500.0, 1.0, 9_700.0, None);
        check(500.0, 1.0, 9_500.0, some(0, 10_000.0));
        check(100.0, 1.0, 9_801.0, None);
        check(100.0, 1.0, 9_800.0, some(0, 10_000.0));
        check(100.0, 300.0, 9_500.0, None);
        check(100.0, 100.0, 9_800.0, some(0, 10_000.0));
        check(100.0, 1.0, 10_900.0, None);
    }

    #[test]
    fn what_was_said_is_not_said_again_unless_it_is_clearly_larger() {
        let rules = [rule(10.0, 1.0, Direction::Down)];
        let said = [mark("r", (6, 8_900.0), (0, 10_000.0))];
        let check = |rules: &[Rule], hours: i64, value, expected| {
            let values = [(0, 10_000.0), (6, 8_900.0), (hours, value)];
            assert_eq!(found(rules, &values, &said, 1.0), expected, "{value}");
        };
        check(&rules, 12, 8_900.0, None);
        check(&rules, 12, 5_610.0, None);
        check(&rules, 12, 5_600.0, some(0, 10_000.0));
        // Another rule does not say the same, and says what moves on from there.
        let other = [Rule { name: "other".to_owned(), ..rules[0].clone() }];
        check(&other, 28, 8_000.0, None);
        check(&other, 30, 8_000.0, Some(("other".to_owned(), 6, 8_900.0)));
        // After the cooldown it is measured from what was said.
        check(&rules, 30, 8_000.0, some(6, 8_900.0));
        check(&rules, 30, 8_300.0, None);
    }

    #[test]
    fn what_takes_an_alert_back_is_no_news() {
        let rules = [rule(10.0, 1.0, Direction::Both)];
        let fell = [mark("other", (6, 8_000.0), (0, 10_000.0))];
        let check = |value, expected| {
            assert_eq!(found(&rules, &[(0, 10_000.0), (6, 8_000.0), (12, value)], &fell, 1.0), expected, "{value}");
        };
        check(9_900.0, None);
        check(10_900.0, None);
        check(11_000.0, some(0, 10_000.0));
        let back = |value| fell[0].is_taken_back_by(value);
        assert_eq!([8_000.0, 8_900.0, 9_000.0, 12_000.0].map(back), [false, false, true, true]);
        let rose = mark("r", (6, 12_000.0), (0, 10_000.0));
        assert_eq!(
            [12_000.0, 11_100.0, 11_000.0, 9_000.0].map(|v| rose.is_taken_back_by(v)),
            [false, false, true, true]
        );
    }

    #[test]
    fn a_slow_move_is_said_once_until_its_cooldown_ends() {
        let parts = RuleParts { over: Some(Window::Month), percent: Some(10.0), ..RuleParts::default() };
        let rules = [Rule { cooldown: Seconds(20 * 24 * 3600), ..made_of("r", None, &parts).expect("a rule") }];
        let said = [mark("r", (240, 8_900.0), (0, 10_000.0))];
        let check = |hours: i64, value, expected| {
            let values = [(0, 10_000.0), (240, 8_900.0), (hours, value)];
            assert_eq!(found(&rules, &values, &said, 1.0), expected, "{value}");
        };
        check(480, 4_000.0, None);
        check(720, 8_100.0, None);
        check(720, 8_000.0, some(240, 8_900.0));
    }

    #[test]
    fn what_is_where_it_was_is_not_unusual() {
        let rules = Rules::default();
        let rules: Vec<Rule> =
            rules.about(Metric::Followers).filter(|rule| rule.name.starts_with("unusual")).cloned().collect();
        let mut values: Vec<(i64, f64)> = (0..20).map(|day| (24 * day, 2_000_000.0)).collect();
        // Up by less than what is said, and back within the day.
        values.push((24 * 20, 2_023_000.0));
        assert_eq!(found(&rules, &values, &[], 1.0), None);
        values.push((24 * 20 + 6, 2_000_500.0));
        assert_eq!(found(&rules, &values, &[], 1.0), None);
        values.push((24 * 20 + 12, 1_990_000.0));
        assert_eq!(found(&rules, &values, &[], 1.0), Some(("unusual-drop-large".to_owned(), 480, 2_023_000.0)));
    }

    #[test]
    fn a_slow_fall_is_unusual_while_it_goes_on() {
        let rules = Rules::default();
        let rules = [rules.get("slow-drain").expect("a rule").rule.clone()];
        let still = |days: std::ops::Range<i64>| days.map(|day| (24 * day, 2_000.0)).collect::<Vec<_>>();
        let after = |days: &[(i64, f64)]| {
            let values = [still(0..20), days.iter().map(|(day, value)| (24 * day, *value)).collect()].concat();
            found(&rules, &values, &[], 1.0).map(|(_, from, _)| from / 24)
        };
        // Day by day, from when it was 2,000 last.
        assert_eq!(after(&[(20, 1_960.0), (21, 1_920.0), (22, 1_880.0), (23, 1_840.0)]), None, "8 %");
        assert_eq!(after(&[(20, 1_960.0), (21, 1_900.0), (22, 1_840.0), (23, 1_780.0)]), Some(19), "11 %");
        // Of the 240 that were lost 40 must be of the last third.
        assert_eq!(after(&[(20, 1_900.0), (22, 1_799.0), (25, 1_760.0)]), None);
        assert_eq!(after(&[(20, 1_900.0), (22, 1_800.0), (25, 1_760.0)]), Some(19));
        assert_eq!(after(&[(20, 1_900.0), (22, 1_800.0), (23, 1_800.0), (25, 1_760.0)]), Some(19));
        assert_eq!(after(&[(20, 1_900.0), (22, 1_800.0), (23, 1_790.0), (25, 1_760.0)]), None);
        // One fall is news when it is measured, even after three days without a sync, and none later.
        assert_eq!(after(&[(22, 1_700.0)]), Some(19));
        assert_eq!(after(&[(22, 1_700.0), (23, 1_700.0), (24, 1_700.0)]), None);
        // Up for a day and back.
        assert_eq!(after(&[(20, 2_400.0), (21, 2_000.0), (22, 2_000.0), (25, 2_000.0)]), None);
    }

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
    fn the_usual_rules_know_an_accounts_own_days() {
        let rules = Rules::default();
        let about = |values: &[(i64, f64)], step| {
            let all: Vec<Rule> = rules.about(Metric::Followers).cloned().collect();
            found(&all, values, &[], step).map(|(rule, ..)| rule)
        };
        // Twenty quiet days of a large account, then one day with a per cent less.
        let mut values: Vec<(i64, f64)> = (0..20).map(|day| (24 * day, 2_000_000.0 + 300.0 * day as f64)).collect();
        values.push((24 * 20, 1_980_000.0));
        assert_eq!(about(&values, 1.0).as_deref(), Some("unusual-drop-large"));
        assert_eq!(about(&values, 10_000.0), None, "two of its steps are no more than its floor allows");
        // The same share is a normal day of an account that swings by a per cent.
        let swings = |day: i64| 2_000_000.0 + if day % 2 == 0 { 0.0 } else { 20_000.0 };
        let mut values: Vec<(i64, f64)> = (0..20).map(|day| (24 * day, swings(day))).collect();
        values.push((24 * 20, 1_990_000.0));
        assert_eq!(about(&values, 1.0), None);
    }
}
