//! The moves that are injected: how each kind goes in time, and how large it is drawn.

use fastrand::Rng;

use crate::dice::{between, log_between};
use crate::history::{DAY, Direction, HOUR, Kind};

/// A move as a factor of the count: it changes to `peak`, holds, and returns by a share.
#[derive(Clone, Debug)]
pub struct Shape {
    pub kind: Kind,
    pub starts_at: i64,
    /// Seconds until the peak.
    pub ramp: i64,
    pub peak: f64,
    pub hold: i64,
    /// Which share of the change is undone, and within how many seconds.
    pub back: f64,
    pub back_takes: i64,
}

impl Shape {
    pub fn factor(&self, at: i64) -> f64 {
        let since = at - self.starts_at;
        if since <= 0 {
            return 1.0;
        }
        let begun = (since as f64 / self.ramp.max(1) as f64).min(1.0);
        // What is quick is quickest at its start.
        let reached = if self.kind.is_slow() { begun } else { 1.0 - (1.0 - begun).powi(2) };
        let returning = (since - self.ramp - self.hold).max(0) as f64 / self.back_takes.max(1) as f64;
        1.0 + (self.peak - 1.0) * reached * (1.0 - self.back * returning.min(1.0))
    }

    pub fn peaks_at(&self) -> i64 {
        self.starts_at + self.ramp
    }

    /// When nothing of it happens any more.
    pub fn over_at(&self) -> i64 {
        let returned = if self.back > 0.0 { self.hold + self.back_takes } else { 0 };
        self.peaks_at() + returned
    }

    pub fn direction(&self) -> Direction {
        if self.peak < 1.0 { Direction::Down } else { Direction::Up }
    }
}

/// Real moves of single accounts; a purchase brings its decay.
pub const REAL: [Kind; 7] =
    [Kind::Jump, Kind::Fall, Kind::Drain, Kind::Bought, Kind::Purge, Kind::Spike, Kind::NightFall];

/// From a quarter of what is news to twelve times as much, and never more than the kind has in life.
const LEAST: f64 = 0.25;
const MOST: f64 = 12.0;

/// Draws a move of a kind that starts at some time; `line` is the share at which it would be news, and `syncs` are the
/// times of those around the start.
pub fn drawn(dice: &mut Rng, kind: Kind, starts_at: i64, line: f64, syncs: &[i64]) -> Shape {
    let cap = match kind {
        Kind::Jump | Kind::Bought => 3.0,
        Kind::Spike => 1.0,
        Kind::Purge => 0.15,
        _ => 0.6,
    };
    let share = log_between(dice, LEAST * line, MOST * line).min(cap * between(dice, 0.8, 1.0));
    let peak = match kind {
        Kind::Jump | Kind::Bought | Kind::Spike => 1.0 + share,
        _ => 1.0 - share,
    };
    let mut seconds = |least: i64, most: i64| dice.i64(least..=most);
    let mut shape = Shape { kind, starts_at, ramp: 0, peak, hold: 0, back: 0.0, back_takes: 0 };
    match kind {
        Kind::Jump => shape.ramp = seconds(3 * HOUR, 36 * HOUR),
        Kind::Fall => shape.ramp = seconds(6 * HOUR, 48 * HOUR),
        Kind::Drain => shape.ramp = seconds(21 * DAY, 45 * DAY),
        Kind::Purge => shape.ramp = seconds(HOUR / 4, 12 * HOUR),
        Kind::Bought => {
            shape.ramp = seconds(HOUR, 18 * HOUR);
            shape.hold = seconds(2 * DAY, 6 * DAY);
            shape.back_takes = seconds(30 * DAY, 60 * DAY);
            shape.back = between(dice, 0.3, 0.7);
        }
        Kind::Spike => {
            shape.ramp = seconds(HOUR, 4 * HOUR);
            shape.hold = seconds(3 * HOUR, 14 * HOUR);
            shape.back_takes = seconds(HOUR, 6 * HOUR);
            shape.back = 1.0;
        }
        _ => night_fall(dice, &mut shape, syncs),
    }
    shape
}

/// The whole fall is between two syncs; it returns partly, from some time after the second one.
fn night_fall(dice: &mut Rng, shape: &mut Shape, syncs: &[i64]) {
    let next = syncs.partition_point(|at| *at <= shape.starts_at).clamp(1, syncs.len().saturating_sub(1).max(1));
    let (before, after) = match (syncs.get(next - 1), syncs.get(next)) {
        (Some(before), Some(after)) => (*before, *after),
        _ => (shape.starts_at, shape.starts_at + 6 * HOUR),
    };
    let between_syncs = (after - before).max(4);
    shape.starts_at = before + dice.i64(1..=between_syncs / 2);
    shape.ramp = (after - shape.starts_at).max(2) / 2;
    shape.hold = after - shape.peaks_at() + dice.i64(0..=6 * HOUR);
    shape.back_takes = dice.i64(6 * HOUR..=16 * HOUR);
    shape.back = between(dice, 0.3, 0.7);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(kind: Kind, peak: f64) -> Shape {
        Shape { kind, starts_at: 100, ramp: 100, peak, hold: 50, back: 0.5, back_takes: 100 }
    }

    #[test]
    fn a_move_changes_holds_and_returns() {
        let check = |it: &Shape, at, expected: f64| {
            assert!((it.factor(at) - expected).abs() < 1e-9, "{at}: {}", it.factor(at));
        };
        let bought = shape(Kind::Bought, 1.4);
        check(&bought, 100, 1.0);
        check(&bought, 150, 1.3);
        check(&bought, 200, 1.4);
        check(&bought, 250, 1.4);
        check(&bought, 300, 1.3);
        check(&bought, 350, 1.2);
        check(&bought, 100_000, 1.2);
        let drain = Shape { back: 0.0, ..shape(Kind::Drain, 0.8) };
        check(&drain, 150, 0.9);
        check(&drain, 100_000, 0.8);
        assert_eq!((bought.over_at(), drain.over_at()), (350, 200));
    }

    #[test]
    fn a_night_fall_is_over_before_the_next_sync() {
        for seed in 0..200 {
            let mut dice = Rng::with_seed(seed);
            let syncs: Vec<i64> = (0..40).map(|number| number * 6 * HOUR).collect();
            let fall = drawn(&mut dice, Kind::NightFall, 50 * HOUR, 0.05, &syncs);
            assert!(fall.starts_at > 48 * HOUR && fall.peaks_at() <= 54 * HOUR, "{fall:?}");
            assert!(fall.peaks_at() + fall.hold >= 54 * HOUR, "{fall:?}");
        }
    }
}
