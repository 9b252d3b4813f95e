//! Yardsticks and figures. Machines are noisy: what counts is the ratio of medians of alternating runs in one process.

pub mod detector;
pub mod process;
pub mod provider;
pub mod roster;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use roster::{Lay, lay, lay_roster};

/// The median, and the 99th percentile, of what `work` takes.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub p50: Duration,
    pub p99: Duration,
}

/// Sorts samples into a figure. Empty samples are zero.
pub fn figure(mut samples: Vec<Duration>) -> Figure {
    samples.sort();
    let at = |share: f64| samples.get(((samples.len() as f64 * share) as usize).min(samples.len().saturating_sub(1)));
    Figure { p50: at(0.5).copied().unwrap_or_default(), p99: at(0.99).copied().unwrap_or_default() }
}

/// Times one call.
pub async fn timed<T>(work: impl Future<Output = T>) -> Duration {
    let begun = Instant::now();
    work.await;
    begun.elapsed()
}

/// Prints a figure beside its yardstick, with the ratio and its goal.
pub fn compare(name: &str, ours: Figure, yardstick: Figure, goal: f64) {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    let ratio = micros(ours.p50) / micros(yardstick.p50).max(0.001);
    let verdict = if ratio <= goal { "met" } else { "MISSED" };
    println!(
        "{name:<34} {:>9.1} µs (p99 {:>9.1})   yardstick {:>9.1} µs   ratio {ratio:>5.2}   goal ≤ {goal} {verdict}",
        micros(ours.p50),
        micros(ours.p99),
        micros(yardstick.p50)
    );
}

/// The middle one of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The least and the greatest of some figures, to show how noisy they are.
pub fn spread(figures: &[f64]) -> (f64, f64) {
    figures.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), one| (least.min(*one), most.max(*one)))
}

/// The bytes of the pages that hold snapshots.
pub fn snapshot_bytes(tables: &BTreeMap<String, u64>) -> u64 {
    tables.iter().filter(|(name, _)| name.starts_with("snapshots.")).map(|(_, bytes)| bytes).sum()
}

/// Whether a goal was met, in a word.
pub fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// A sandbox-free daemon's config.
pub const QUIET_CONFIG: &str = "[http]\nlisten = \"off\"\n[sync]\ngateway = \"http://127.0.0.1:9\"\n";
