//! What an account's numbers were lately, and what alerts said of them: deciding about an alert never reads the disk. Pure.

use roster_protocol::alert::About;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::Metric;
use roster_protocol::time::Timestamp;

use crate::alerts::measured::Mark;
use crate::alerts::path::{Path, Point};
use crate::alerts::rules::Rules;
use crate::model::Alert;

/// How long an alert counts for later moves: longer than the longest cooldown of the usual rules.
pub const MARKS_KEPT_S: i64 = 60 * 24 * 3600;

/// The numbers of one account that rules are about.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// Of the newest snapshot: numbers of another definition are not compared.
    definition: u16,
    lines: Vec<Line>,
}

/// One metric.
#[derive(Clone, Debug)]
pub struct Line {
    pub metric: Metric,
    pub path: Path,
    /// Oldest first.
    pub marks: Vec<Mark>,
}

impl Baseline {
    /// What is known of a metric; `None` before the first number.
    pub fn of(&self, metric: Metric) -> Option<&Line> {
        self.lines.iter().find(|line| line.metric == metric)
    }

    /// Adds a value that was measured.
    pub fn put(&mut self, metric: Metric, point: Point) {
        self.line(metric).path.put(point);
    }

    /// Adds values that were measured, oldest first.
    pub fn extend(&mut self, metric: Metric, points: impl IntoIterator<Item = Point>) {
        let mut points = points.into_iter().peekable();
        if points.peek().is_some() {
            self.line(metric).path.extend(points);
        }
    }

    /// Adds what a snapshot measured of the metrics that rules are about. Numbers by hand and imported ones were not
    /// measured.
    pub fn learn(&mut self, rules: &Rules, snapshot: &Snapshot) {
        if snapshot.source == Source::Import {
            return;
        }
        if self.definition != snapshot.definition {
            self.definition = snapshot.definition;
            // Followers are counted as before, whatever became of the others.
            self.lines.retain(|line| line.metric == Metric::Followers);
        }
        for metric in rules.metrics().filter(|metric| !snapshot.by_hand.contains(*metric)) {
            if let Some(value) = metric.of(&snapshot.numbers) {
                self.put(metric, Point { at: snapshot.observed_at, value });
            }
        }
    }

    /// Adds what an alert said, once.
    pub fn mark(&mut self, mark: Mark) {
        let marks = &mut self.line(mark.metric).marks;
        if marks.iter().any(|known| known.opened_at == mark.opened_at && known.rule == mark.rule) {
            return;
        }
        let oldest = mark.opened_at.plus_seconds(-MARKS_KEPT_S);
        marks.retain(|known| known.opened_at >= oldest);
        let at = marks.partition_point(|known| known.opened_at <= mark.opened_at);
        marks.insert(at, mark);
    }

    /// Forgets what was measured before.
    pub fn forget_before(&mut self, from: Timestamp) {
        self.lines.iter_mut().for_each(|line| line.path.forget_before(from));
    }

    fn line(&mut self, metric: Metric) -> &mut Line {
        let at = self.lines.iter().position(|line| line.metric == metric);
        let at = at.unwrap_or_else(|| {
            self.lines.push(Line { metric, path: Path::default(), marks: Vec::new() });
            self.lines.len() - 1
        });
        &mut self.lines[at]
    }
}

/// What later moves of a connection depend on of an alert; `None` where it is about no move of one.
pub fn mark_of(alert: &Alert) -> Option<(ConnectionId, Mark)> {
    let About::Connection { connection, .. } = alert.about else { return None };
    let mark = Mark {
        rule: alert.rule.clone(),
        metric: alert.metric?,
        opened_at: alert.opened_at,
        from: alert.from?,
        from_at: alert.explained.from_at.unwrap_or(alert.opened_at),
        to: alert.to?,
        is_crossing: alert.explained.window.is_none() && alert.explained.from_at.is_some(),
    };
    Some((connection, mark))
}

#[cfg(test)]
mod tests {
    use roster_protocol::alert::AlertState;
    use roster_protocol::metric::MetricSet;

    use super::*;
    use crate::roster::samples::{self, MARA, NOON, SKY};

    #[test]
    fn what_is_by_hand_or_imported_was_not_measured() {
        let rules = Rules::default();
        let check = |source, by_hand: MetricSet, expected: Option<f64>| {
            let mut baseline = Baseline::default();
            baseline.learn(&rules, &Snapshot { source, by_hand, ..samples::measured(Some(10), None) });
            let last = baseline.of(Metric::Followers).and_then(|line| line.path.last());
            assert_eq!(last.map(|point| point.value), expected);
        };
        check(Source::Api, MetricSet::default(), Some(10.0));
        check(Source::Import, MetricSet::default(), None);
        check(Source::Manual, MetricSet::from_iter([Metric::Followers]), None);
    }

    #[test]
    fn numbers_of_another_definition_are_not_compared_but_followers_are() {
        let rules = Rules::default();
        let mut baseline = Baseline::default();
        baseline.learn(&rules, &samples::measured(Some(10), Some(50_000)));
        let changed =
            Snapshot { definition: 2, observed_at: NOON.plus_seconds(9), ..samples::measured(Some(11), None) };
        baseline.learn(&rules, &changed);
        assert!(baseline.of(Metric::EngagementRate).is_none());
        assert_eq!(baseline.of(Metric::Followers).map(|line| line.path.points().len()), Some(2));
    }

    #[test]
    fn an_alert_is_one_mark_whatever_becomes_of_it() {
        let alert = samples::alert(1, AlertState::Open, samples::about(SKY, MARA));
        let (connection, mark) = mark_of(&alert).expect("a mark");
        assert_eq!((connection, mark.from, mark.to), (SKY, 10.0, 5.0));
        let mut baseline = Baseline::default();
        baseline.mark(mark.clone());
        baseline.mark(mark.clone());
        let later = Mark { opened_at: mark.opened_at.plus_seconds(MARKS_KEPT_S + 1), ..mark };
        let marks = |baseline: &Baseline| baseline.of(Metric::Followers).map(|line| line.marks.len());
        assert_eq!(marks(&baseline), Some(1));
        baseline.mark(later);
        assert_eq!(marks(&baseline), Some(1), "the old one no longer counts");
        assert!(mark_of(&Alert { metric: None, ..alert.clone() }).is_none());
        assert!(mark_of(&Alert { about: About::Daemon, ..alert }).is_none());
    }
}
