//! A history in the making: a path, what is injected into it, and at the end the reported counts and the labels.

use fastrand::Rng;

use crate::dice::{chance, log_between};
use crate::generate::{CALM_START, Options};
use crate::history::{DAY, Direction, History, Kind, Move, Platform, Point, Verdict};
use crate::inject::{REAL, Shape, drawn};
use crate::quiet::{Account, path, sync_times};
use crate::wanted::{during, line, verdict};

/// Between two real moves, and at the end.
const MARGIN: i64 = 8 * DAY;
/// Between a real move and what only seems to happen.
const APART: i64 = 3 * DAY;

pub struct Draft {
    account: Account,
    times: Vec<i64>,
    /// Counts without rounding and without moves.
    path: Vec<f64>,
    shapes: Vec<Shape>,
    seeming: Vec<Seeming>,
    history: History,
}

/// Syncs in a row that got another count than the account has.
struct Seeming {
    kind: Kind,
    /// The first of these syncs, and the first with the right count again.
    first: usize,
    end: usize,
    counts: Wrong,
}

enum Wrong {
    /// A share of the right count.
    Share(f64),
    /// At these of the syncs, a step too many.
    StepAt(Vec<bool>),
}

impl Draft {
    pub fn drawn(dice: &mut Rng, options: &Options) -> Self {
        let platform = options.platform.unwrap_or_else(|| Platform::ALL[dice.usize(..Platform::ALL.len())]);
        let size = log_between(dice, options.sizes.0, options.sizes.1);
        let history = History {
            platform,
            interval: options.interval,
            points: Vec::new(),
            moves: Vec::new(),
            normal_day: 0.0,
            normal_month_fall: 0.0,
        };
        let account = Account::drawn(dice, size);
        let times = sync_times(dice, options.days, options.interval);
        Self { account, times, path: Vec::new(), shapes: Vec::new(), seeming: Vec::new(), history }
    }

    /// One account in eight grows steadily, and one in eight has a weekly rhythm of its own.
    pub fn habits(&mut self, dice: &mut Rng) {
        let kind = match dice.u32(0..8) {
            0 => Kind::Growth,
            1 => Kind::Rhythm,
            _ => return,
        };
        match kind {
            Kind::Growth => self.account.grow_steadily(dice),
            _ => self.account.have_a_rhythm(dice),
        }
        if let (Some(first), Some(last)) = (self.times.first(), self.times.last()) {
            self.history.moves.push(label(kind, *first, *last, Direction::Up));
        }
    }

    /// Draws the path of the quiet account, and measures what is normal on it.
    pub fn walk(&mut self, dice: &mut Rng) {
        self.path = path(dice, &self.account, &self.times);
        let changes = |window| changes(&self.times, &self.path, window);
        self.history.normal_day = most_stay_below(changes(DAY).map(f64::abs).collect());
        self.history.normal_month_fall = most_stay_below(changes(30 * DAY).map(|change| (-change).max(0.0)).collect());
    }

    /// One to four moves, each in its own part of the time after the calm start.
    pub fn real_moves(&mut self, dice: &mut Rng, days: i64) {
        let parts = dice.i64(1..=4);
        let length = (days * DAY - CALM_START) / parts;
        for part in 0..parts {
            let from = CALM_START + part * length;
            let kind = REAL[dice.usize(..REAL.len())];
            let takes = match kind {
                Kind::Drain => 45 * DAY,
                Kind::Bought => 67 * DAY,
                _ => 3 * DAY,
            };
            let latest = from + length - MARGIN - takes;
            if latest > from {
                let starts_at = dice.i64(from..latest);
                self.real_move(dice, kind, starts_at);
            }
        }
    }

    fn real_move(&mut self, dice: &mut Rng, kind: Kind, starts_at: i64) {
        let place = self.times.partition_point(|at| *at <= starts_at).saturating_sub(1);
        let Some(count) = self.path.get(place) else { return };
        let count = count * self.factor(starts_at);
        let line = line(&self.history, kind.is_slow(), count as u64);
        self.shapes.push(drawn(dice, kind, starts_at, line, &self.times));
    }

    /// How large the account is at the start.
    pub fn size(&self) -> f64 {
        self.account.size
    }

    /// A move that is drawn elsewhere.
    pub fn add(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    /// A fault every two years on average, and on every second rounded account days of flapping.
    pub fn seeming_moves(&mut self, dice: &mut Rng, days: i64) {
        if chance(dice, days as f64 / 730.0) {
            let share = if chance(dice, 0.25) { 0.0 } else { log_between(dice, 0.2, 0.98) };
            self.seem(dice, Kind::Fault, 1, |_| Wrong::Share(share));
        }
        let is_rounded = self.history.platform == Platform::Youtube && self.account.size >= 1_000.0;
        if is_rounded && chance(dice, 0.5) {
            let syncs = dice.i64(2 * DAY..10 * DAY) / self.history.interval + 2;
            let syncs = syncs as usize;
            self.seem(dice, Kind::Flap, syncs, |dice| Wrong::StepAt((0..syncs).map(|_| dice.bool()).collect()));
        }
    }

    /// Wrong counts at so many syncs after the calm start, apart from all else that happens; none when no room is found.
    fn seem(&mut self, dice: &mut Rng, kind: Kind, syncs: usize, counts: impl FnOnce(&mut Rng) -> Wrong) {
        let earliest = self.times.partition_point(|at| *at < CALM_START).max(1);
        let Some(latest) = self.times.len().checked_sub(syncs + 1).filter(|latest| *latest > earliest) else { return };
        let tries = (0..20).map(|_| dice.usize(earliest..latest));
        let room = tries.into_iter().find(|first| self.is_free(self.times[*first], self.times[first + syncs]));
        if let Some(first) = room {
            self.seeming.push(Seeming { kind, first, end: first + syncs, counts: counts(dice) });
        }
    }

    fn is_free(&self, from: i64, until: i64) -> bool {
        let apart = |starts_at: i64, ends_at: i64| until + APART < starts_at || ends_at + APART < from;
        self.shapes.iter().all(|shape| apart(shape.starts_at, shape.over_at()))
            && self.seeming.iter().all(|it| apart(self.times[it.first], self.times[it.end]))
    }

    fn factor(&self, at: i64) -> f64 {
        self.shapes.iter().map(|shape| shape.factor(at)).product()
    }

    /// The counts as reported, and the labels.
    pub fn finish(mut self) -> History {
        self.history.points = self.points();
        let mut moves = std::mem::take(&mut self.history.moves);
        moves.extend(self.shapes.iter().flat_map(labels));
        let seeming = self.seeming.iter();
        // A second earlier, so that the sync before it is the last with the right count.
        moves.extend(
            seeming.map(|it| label(it.kind, self.times[it.first] - 1, self.times[it.end], it.counts.direction())),
        );
        for it in &mut moves {
            let span = during(&self.history.points, it);
            it.from = span.first().map_or(0, |point| point.followers);
            let counts = span.iter().map(|point| point.followers);
            let farthest = if it.direction == Direction::Up { counts.max() } else { counts.min() };
            it.to = farthest.unwrap_or(0);
            it.verdict = verdict(&self.history, it);
        }
        moves.sort_by_key(|it| (it.starts_at, it.kind));
        self.history.moves = moves;
        self.history
    }

    fn points(&self) -> Vec<Point> {
        let platform = self.history.platform;
        let of = |(&at, &count): (&i64, &f64)| (at, (count * self.factor(at)).round() as u64);
        let mut counts: Vec<(i64, u64)> = self.times.iter().zip(&self.path).map(of).collect();
        for it in &self.seeming {
            for (place, (_, count)) in counts[it.first..it.end].iter_mut().enumerate() {
                *count = match &it.counts {
                    Wrong::Share(share) => (*count as f64 * share) as u64,
                    Wrong::StepAt(syncs) => *count + platform.step(*count) * u64::from(syncs[place]),
                };
            }
        }
        let point = |(at, count)| {
            let followers = platform.rounded(count);
            Point { at, followers, step: platform.step(followers) }
        };
        counts.into_iter().map(point).collect()
    }
}

impl Wrong {
    fn direction(&self) -> Direction {
        match self {
            Wrong::Share(_) => Direction::Down,
            Wrong::StepAt(_) => Direction::Up,
        }
    }
}

/// The labels of a real move: one, or two for a purchase and its decay.
fn labels(shape: &Shape) -> impl Iterator<Item = Move> {
    let ends_at = match shape.kind {
        Kind::Spike | Kind::NightFall => shape.over_at(),
        _ => shape.peaks_at(),
    };
    let decay = (shape.kind == Kind::Bought)
        .then(|| label(Kind::BoughtDecay, shape.peaks_at() + shape.hold, shape.over_at(), Direction::Down));
    [label(shape.kind, shape.starts_at, ends_at, shape.direction())].into_iter().chain(decay)
}

fn label(kind: Kind, starts_at: i64, ends_at: i64, direction: Direction) -> Move {
    Move { kind, starts_at, ends_at, direction, from: 0, to: 0, verdict: Verdict::Unwanted }
}

/// What changed within each window, as a share; windows that a gap makes much longer are left out.
fn changes(times: &[i64], path: &[f64], window: i64) -> impl Iterator<Item = f64> {
    let mut later = 0;
    times.iter().zip(path).filter_map(move |(at, from)| {
        while times.get(later).is_some_and(|other| *other < at + window) {
            later += 1;
        }
        let is_near = times.get(later)? - at <= window + window / 4;
        is_near.then(|| path[later] / from - 1.0)
    })
}

/// What 19 of 20 stay below; 0 without any.
fn most_stay_below(mut changes: Vec<f64>) -> f64 {
    let place = changes.len() * 19 / 20;
    if place >= changes.len() {
        return 0.0;
    }
    *changes.select_nth_unstable_by(place, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_normal_is_what_19_of_20_stay_below() {
        assert_eq!(most_stay_below((1..=20).map(f64::from).collect()), 20.0);
        assert_eq!(most_stay_below((1..=100).rev().map(f64::from).collect()), 96.0);
        assert_eq!(most_stay_below(vec![]), 0.0);
    }

    #[test]
    fn changes_are_of_windows_that_were_measured() {
        let times: Vec<i64> = [0, 12, 24, 36, 96].map(|hours| hours * DAY / 24).to_vec();
        let found: Vec<f64> = changes(&times, &[100.0, 100.0, 110.0, 90.0, 50.0], DAY).collect();
        assert_eq!(found.len(), 2);
        assert!((found[0] - 0.1).abs() < 1e-9 && (found[1] + 0.1).abs() < 1e-9, "{found:?}");
    }
}
