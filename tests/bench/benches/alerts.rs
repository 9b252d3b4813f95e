//! What detectors of moves score on labelled histories (`roster-labelled`): recall on moves that a person wants to know,
//! precision, alerts on quiet accounts, time to detection; and how many accounts a purge of 5,000 has alerts about.
//!
//! Histories are of the seeds for reports, which no detector was tuned on; with `tuning` as an argument, of the others. No
//! figure is a time: the machine has no say in them.

use roster_bench::detector;
use roster_labelled::report::{Named, purge_table, table};
use roster_labelled::{REPORT_SEEDS, TUNING_SEEDS, yardstick};

/// All that are measured, one line each; the first is the yardstick.
const DETECTORS: &[Named<'static>] =
    &[("10 % of the profile number", &yardstick::ten_percent), ("default rules", &detector::default_rules)];

const HISTORIES_EACH: usize = 1_000;
const PURGED_ACCOUNTS: usize = 5_000;

fn main() {
    let is_tuning = std::env::args().any(|arg| arg == "tuning");
    let (name, seeds) = if is_tuning { ("tuning", TUNING_SEEDS) } else { ("reports", REPORT_SEEDS) };
    println!("{} histories of 400 days, seeds for {name}\n", HISTORIES_EACH * seeds.len());
    println!("{}", table(DETECTORS, &seeds, HISTORIES_EACH));
    println!("{}", purge_table(DETECTORS, seeds[0], PURGED_ACCOUNTS));
}
