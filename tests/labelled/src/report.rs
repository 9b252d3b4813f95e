//! The table of what detectors score, side by side on the same histories.

use std::fmt::Write;

use crate::generate::{Options, histories};
use crate::history::{HOUR, History, Kind, Platform};
use crate::purge::purge_world;
use crate::score::{Detection, Figures, Hits, Score};

/// A detector's name and itself.
pub type Named<'a> = (&'a str, &'a dyn Fn(&History) -> Vec<Detection>);

/// What each detector scores on so many histories of each seed, in the order of the detectors.
pub fn figures(detectors: &[Named<'_>], seeds: &[u64], histories_each: usize) -> Vec<Figures> {
    let mut scores = vec![Score::default(); detectors.len()];
    for seed in seeds {
        for history in histories(*seed, histories_each, &Options::default()) {
            for (score, (_, detect)) in scores.iter_mut().zip(detectors) {
                score.add(&history, &detect(&history));
            }
        }
    }
    scores.iter().map(Score::figures).collect()
}

/// The table, a row for each detector, and below it the recall of each kind and the causes of false alarms.
pub fn table(detectors: &[Named<'_>], seeds: &[u64], histories_each: usize) -> String {
    let mut text = String::new();
    let all = figures(detectors, seeds, histories_each);
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a text does not fail.
        let _ = writeln!(text, "{words}");
    };
    line(format_args!(
        "{:<28} {:>7} {:>9} {:>16} {:>21} {:>21}",
        "detector", "recall", "precision", "quiet alerts/yr", "hours to hit, p95", "days (slow), p95"
    ));
    for ((name, _), it) in detectors.iter().zip(&all) {
        line(format_args!(
            "{name:<28} {:>7.3} {:>9.3} {:>16.2} {:>21} {:>21}",
            it.recall,
            it.precision,
            it.quiet_alerts_per_year,
            spans(it.quick, HOUR),
            spans(it.slow, 24 * HOUR),
        ));
    }
    for ((name, _), it) in detectors.iter().zip(&all) {
        line(format_args!(
            "\n{name}: {} of {} wanted moves, {} duplicates, {} false alarms, {} debatable, {} taken back",
            it.hits, it.wanted, it.duplicates, it.false_alarms, it.debatable, it.taken_back
        ));
        let kinds = it.per_kind.iter().map(|(kind, hits)| recall_of(*kind, *hits));
        line(format_args!("  recall: {}", kinds.collect::<Vec<_>>().join(", ")));
        let causes = it.false_per_kind.iter().map(|(kind, count)| match kind {
            Some(kind) => format!("{kind:?} {count}"),
            None => format!("nothing happens {count}"),
        });
        line(format_args!("  false alarms during: {}", causes.collect::<Vec<_>>().join(", ")));
    }
    text
}

/// How many of a platform's accounts each detector alerts about in the days after a purge, before any grouping.
pub fn purge_table(detectors: &[Named<'_>], seed: u64, accounts: usize) -> String {
    let world = purge_world(seed, accounts, Platform::Instagram);
    let wanted = world.histories.iter().filter(|history| history.moves.iter().any(|it| it.is_wanted())).count();
    let mut text = format!("purge of {accounts} accounts, a move to know about for {wanted} of them alone\n");
    for (name, detect) in detectors {
        let after = |history: &&History| detect(history).iter().any(|detection| detection.at >= world.purged_at);
        let alerted = world.histories.iter().filter(after).count();
        let _ = writeln!(text, "{name:<28} {alerted:>6} accounts with an alert, before any grouping");
    }
    text
}

fn recall_of(kind: Kind, hits: Hits) -> String {
    format!("{kind:?} {:.2} of {}", hits.recall(), hits.wanted)
}

fn spans(seconds: Option<(i64, i64)>, unit: i64) -> String {
    let unit = unit as f64;
    seconds.map_or("-".to_owned(), |(median, p95)| format!("{:.1}, {:.1}", median as f64 / unit, p95 as f64 / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TUNING_SEEDS;
    use crate::yardstick::ten_percent;

    /// A detector that reads the labels, to see that the best possible one is possible.
    fn oracle(history: &History) -> Vec<Detection> {
        let wanted = history.moves.iter().filter(|it| it.is_wanted());
        let first = |starts_at: i64| history.points.iter().find(|point| point.at >= starts_at).map(|point| point.at);
        let found = wanted.filter_map(|it| Some((first(it.starts_at)?, it.direction)));
        found.map(|(at, direction)| Detection { at, direction, resolved_at: None }).collect()
    }

    #[test]
    fn who_knows_the_labels_scores_all_and_the_yardstick_less() {
        let detectors: [Named<'_>; 3] =
            [("the labels", &oracle), ("10 % of the profile", &ten_percent), ("nothing", &|_| Vec::new())];
        let found = figures(&detectors, &TUNING_SEEDS[..1], 200);
        let [best, plain, nothing] = &found[..] else { panic!("{} rows", found.len()) };
        assert_eq!((best.recall, best.precision, best.quiet_alerts_per_year), (1.0, 1.0, 0.0));
        assert!(plain.recall > 0.1 && plain.recall < 0.9 && plain.precision < 0.9, "{plain:?}");
        assert_eq!((nothing.hits, nothing.recall, nothing.precision), (0, 0.0, 1.0));
        let table = table(&detectors[..2], &TUNING_SEEDS[..1], 20);
        assert!(table.lines().nth(1).is_some_and(|line| line.starts_with("the labels ") && line.contains(" 1.000 ")));
        let purged = purge_table(&detectors[..1], 1, 40);
        assert!(purged.starts_with("purge of 40 accounts"), "{purged}");
    }
}
