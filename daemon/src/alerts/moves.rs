//! Which move of a measured number meets a rule: how far it moved within the rule's window, and whether that was already
//! said. Pure.
//!
//! A move is measured from the window's highest value for a fall, and from its lowest for a rise, so that no path through
//! the window hides it. What an earlier alert of the same direction said is not said again: the window begins anew at that
//! alert, and only a clearly larger move opens another one before. What takes back an earlier alert is no news either.

use roster_protocol::metric::Unit;
use roster_protocol::rule::{Moved, Rule, Window};
use roster_protocol::time::Timestamp;

use super::measured::{Found, Mark, Measured};
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

impl Measured<'_> {
    /// The move in a direction that meets a rule.
    pub(super) fn moved<'r>(
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
        let said = self.marks_of(is_fall).next_back();
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

    /// What alerts said of moves in that direction, oldest first.
    fn marks_of(&self, is_fall: bool) -> impl DoubleEndedIterator<Item = &Mark> {
        self.marks.iter().filter(move |mark| !mark.is_crossing && mark.is_fall() == is_fall)
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
        let opposite = self.marks_of(!is_fall).filter(is_lately);
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
}

#[cfg(test)]
mod tests;
