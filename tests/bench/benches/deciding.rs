//! What deciding about alerts takes: the default rules for one finished sync of an account with a year of history, and a
//! rule that is tested over stored histories.
//!
//! **One sync.** A quiet account and one that meets the last rule only after all others. Goal: at most 20 µs. The daemon
//! adds the number to the account's path afterwards, which is measured, too.
//!
//! **A test.** Ten million days of accounts with a year each, by a rule that compares a share and one that is unusual for
//! the account. Goal: ten million a second. The yardstick sums the same numbers.
//!
//! Times are those of the processor; medians of rounds, with the least and the greatest.

use std::hint::black_box;
use std::time::Duration;

use roster_bench::{median, spread};
use roster_protocol::metric::Metric;
use roster_protocol::rule::Rule;
use roster_protocol::time::{Date, Timestamp};
use rosterd::alerts::backtest::{self, Series};
use rosterd::alerts::measured::Measured;
use rosterd::alerts::path::{Path, Point};
use rosterd::alerts::rules::Rules;
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 9;
const SYNCS: usize = 20_000;
const SIX_HOURS_MS: i64 = 6 * 3_600_000;
const YEAR: usize = 365;
const TESTED: usize = 10_000_000;

fn main() {
    let rules = Rules::default();
    let about: Vec<Rule> = rules.about(Metric::Followers).cloned().collect();
    println!(
        "the default rules about followers ({}) for one finished sync, a year synced every six hours",
        about.len()
    );
    let path = year();
    let last = path.last().map_or(Timestamp(0), |point| point.at);
    for (name, factor) in [("quiet", 1.0001), ("a fall of 1.5 %", 0.985), ("a fall of 20 %", 0.8)] {
        let value = path.last().map_or(0.0, |point| point.value) * factor;
        let now = Point { at: Timestamp(last.0 + SIX_HOURS_MS), value };
        let measured = Measured {
            metric: Metric::Followers,
            now,
            step: Some(1.0),
            points: path.points(),
            since: Timestamp(0),
            marks: &[],
        };
        let each = rounds(|| {
            for _ in 0..SYNCS {
                black_box(black_box(&measured).found(about.iter()));
            }
        });
        print_each(name, &each, SYNCS, "decided");
    }
    let each = rounds(|| {
        let mut path = path.clone();
        for sync in 0..SYNCS {
            let at = Timestamp(last.0 + (sync as i64 + 1) * SIX_HOURS_MS);
            path.put(black_box(Point { at, value: (sync % 97) as f64 }));
        }
    });
    print_each("every six hours", &each, SYNCS, "put into the path");

    println!("\ntested over {TESTED} days, accounts of a year");
    let days: Vec<(Date, f64)> = (0..YEAR).map(|day| (Date(20_000 + day as i32), followers(day))).collect();
    let accounts = TESTED / YEAR;
    let sum = rounds(|| {
        for _ in 0..accounts {
            black_box(black_box(&days).iter().map(|(_, value)| value).sum::<f64>());
        }
    });
    print_each("the yardstick", &sum, accounts * YEAR, "summed");
    for name in ["big-drop", "unusual-drop", "slow-drain"] {
        let Some(used) = rules.get(name) else { continue };
        let tested = rounds(|| {
            for _ in 0..accounts {
                let series = Series { metric: Metric::Followers, days: black_box(&days), step: &|_| None };
                black_box(backtest::over(&used.rule, series));
            }
        });
        print_each(name, &tested, accounts * YEAR, "tested");
    }
}

/// An account that grows by some followers a day, as they are noticed every six hours.
fn year() -> Path {
    let mut path = Path::default();
    for sync in 0..YEAR * 4 {
        let at = Timestamp(sync as i64 * SIX_HOURS_MS);
        path.put(Point { at, value: followers(sync / 4) + (sync % 4) as f64 });
    }
    path
}

fn followers(day: usize) -> f64 {
    400_000.0 + (day * 120 + day * day % 53) as f64
}

/// Seconds of each round.
fn rounds(mut work: impl FnMut()) -> Vec<f64> {
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let begun = processor();
        work();
        seconds.push((processor() - begun).as_secs_f64());
    }
    seconds
}

fn print_each(name: &str, seconds: &[f64], count: usize, verb: &str) {
    let each: Vec<f64> = seconds.iter().map(|seconds| seconds * 1e9 / count as f64).collect();
    let (least, most) = spread(&each);
    let middle = median(each);
    println!("  {name:<16} {middle:>8.1} ns {verb} ({least:.1} to {most:.1}), {:.1} million a second", 1e3 / middle);
}

fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
