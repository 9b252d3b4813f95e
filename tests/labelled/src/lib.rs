//! The labelled benchmark of alerts: generated follower histories, the moves in them, and what a detector scores.
//!
//! It depends on nothing of Roster: neither the generator nor the definition of a wanted move knows a rule of the detector
//! that is measured. Read it in the order of the modules: what a history is, how a quiet account behaves (fitted to real
//! channels), which moves are injected, which of them a person wants to know, how detections are scored, and the plain 10 %
//! rule as a yardstick. Equal seeds give equal histories.
//!
//! A detector is any `Fn(&History) -> Vec<Detection>`. It may read `platform`, `interval` and `points`; the rest is labels.

pub mod history;
mod dice;
mod quiet;
mod inject;
pub mod wanted;
mod draft;
pub mod generate;
pub mod purge;
pub mod score;
pub mod yardstick;
pub mod report;

pub use generate::{Options, histories, history};
pub use history::{Direction, History, Kind, Move, Platform, Point, Verdict};
pub use purge::{World, purge_world};
pub use score::{Detection, Figures, Score, score};

/// For tuning a detector: look at these as often as you like.
pub const TUNING_SEEDS: [u64; 6] = [11, 12, 13, 14, 15, 16];

/// For reported figures only. A detector that was changed after a look at them needs new ones.
pub const REPORT_SEEDS: [u64; 6] = [9_101, 9_102, 9_103, 9_104, 9_105, 9_106];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seed_is_for_tuning_and_for_the_report() {
        assert!(TUNING_SEEDS.iter().all(|seed| !REPORT_SEEDS.contains(seed)));
    }
}
