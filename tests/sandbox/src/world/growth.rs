//! How a count moves with time, in closed form: any moment can be computed without the moments before it.

use std::f64::consts::TAU;

use jiff::Timestamp;

use super::noise::{draw, wave};

/// 2026-01-01T00:00Z, where invented counts have their base. Fixed, so that a sandbox started tomorrow continues from
/// today's numbers.
pub const EPOCH_MS: i64 = 1_767_225_600_000;

/// Days between two viral posts of one account, and between two purges of a platform. Both less than 90, so that a
/// quarter of history always shows one.
const VIRAL_CYCLE_DAYS: f64 = 83.0;
const PURGE_CYCLE_DAYS: f64 = 79.0;

/// One count over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Growth {
    /// Made up: a trend with a weekly rhythm and small noise.
    Invented {
        seed: u64,
        /// The count at the epoch.
        base: f64,
        /// The trend's share a day: 0.001 = 0.1 %.
        per_day: f64,
        /// What a viral post adds, as a ratio; most of it leaves again. 0.0 for most accounts.
        viral: f64,
        /// The share that a purge of bots takes from every account of the platform on one day. 0.0 where there is none.
        purge: f64,
    },
    /// Set through the control: exactly `count` at `at`, compounding from there.
    Given { count: u64, at: Timestamp, per_day: f64 },
}

impl Growth {
    /// A count that stays.
    pub fn still(count: u64) -> Growth {
        Growth::Given { count, at: Timestamp::UNIX_EPOCH, per_day: 0.0 }
    }

    pub fn at(&self, when: Timestamp) -> u64 {
        match *self {
            Growth::Given { count, per_day: 0.0, .. } => count,
            Growth::Given { count, at, per_day } => {
                (count as f64 * (1.0 + per_day).max(0.0).powf(days_between(at.as_millisecond(), when))).round() as u64
            }
            Growth::Invented { seed, base, per_day, viral, purge } => {
                let days = days_between(EPOCH_MS, when);
                let swing = per_day.abs() * noise(seed, days) + jumps(seed, days, viral) - purges(days, purge);
                (base * trend(per_day * week(days)) * swing.exp()).round() as u64
            }
        }
    }

    /// The trend's share a day.
    pub fn per_day(&self) -> f64 {
        match *self {
            Growth::Invented { per_day, .. } | Growth::Given { per_day, .. } => per_day,
        }
    }
}

fn days_between(from_ms: i64, to: Timestamp) -> f64 {
    (to.as_millisecond() - from_ms) as f64 / 86_400_000.0
}

/// Exponential into the past and linear into the future, so that years ahead stay believable.
fn trend(x: f64) -> f64 {
    if x < 0.0 { x.exp() } else { 1.0 + x }
}

/// Days, stretched so that weekends (the epoch is a Thursday) bring several times what the middle of the week does.
fn week(days: f64) -> f64 {
    days + 0.7 * 7.0 / TAU * (TAU * (days - 3.0) / 7.0).sin()
}

/// In units of a day's growth: slow moods of about two weeks, and a little every day.
fn noise(seed: u64, days: f64) -> f64 {
    5.0 * wave(seed, days / 13.0) + 0.4 * wave(draw(seed, 1), days)
}

/// Steps up within about two days, of which seven tenths drift away until the next.
fn jumps(seed: u64, days: f64, gain: f64) -> f64 {
    if gain == 0.0 {
        return 0.0;
    }
    let cycles = days / VIRAL_CYCLE_DAYS + (seed % 97) as f64 / 97.0;
    gain.ln_1p() * (stairs(cycles, VIRAL_CYCLE_DAYS, 0.5) - 0.7 * cycles)
}

/// Steps down within hours, made good by the time of the next.
fn purges(days: f64, loss: f64) -> f64 {
    let cycles = days / PURGE_CYCLE_DAYS;
    loss * (stairs(cycles, PURGE_CYCLE_DAYS, 0.05) - cycles)
}

/// 1 more with every cycle, the step in the middle of it and a few times `width_days` wide.
fn stairs(cycles: f64, cycle_days: f64, width_days: f64) -> f64 {
    let within = cycles - cycles.floor() - 0.5;
    cycles.floor() + 1.0 / (1.0 + (-within * cycle_days / width_days).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invented(viral: f64, purge: f64) -> Growth {
        Growth::Invented { seed: 11, base: 100_000.0, per_day: 0.001, viral, purge }
    }

    fn daily(growth: &Growth, days: std::ops::Range<i64>) -> Vec<f64> {
        days.map(|day| growth.at(Timestamp::from_millisecond(EPOCH_MS + day * 86_400_000).unwrap()) as f64).collect()
    }

    fn largest_step(counts: &[f64]) -> f64 {
        counts
            .windows(2)
            .map(|pair| pair[1] / pair[0] - 1.0)
            .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a })
    }

    #[test]
    fn ordinary_growth_is_smooth_for_years_either_way() {
        let counts = daily(&invented(0.0, 0.0), -730..730);
        assert!(largest_step(&counts).abs() < 0.005, "{}", largest_step(&counts));
        assert!(counts[0] > 30_000.0 && counts[1459] < 400_000.0, "{} {}", counts[0], counts[1459]);
    }

    #[test]
    fn every_quarter_shows_a_viral_jump() {
        for start in [-700, -100, 0, 250, 600] {
            let step = largest_step(&daily(&invented(0.35, 0.0), start..start + 90));
            assert!(step > 0.08, "from day {start}: {step}");
        }
    }

    #[test]
    fn every_quarter_shows_a_purge_of_two_percent() {
        let step = largest_step(&daily(&invented(0.0, 0.02), 200..290));
        assert!((-0.022..-0.012).contains(&step), "{step}");
    }

    #[test]
    fn given_counts_are_exact_and_compound() {
        let at = Timestamp::from_millisecond(EPOCH_MS).unwrap();
        let check = |per_day, days: i64, expected| {
            let when = Timestamp::from_millisecond(EPOCH_MS + days * 86_400_000).unwrap();
            assert_eq!(Growth::Given { count: 12_345, at, per_day }.at(when), expected);
        };
        check(0.0, 400, 12_345);
        check(0.1, 0, 12_345);
        check(0.1, 2, 14_937);
        check(-1.0, 3, 0);
    }
}
