//! What a chart can show: a metric that was measured, or a figure that the platform reports of days that are over.

use roster_protocol::reported::DayMetric;
use roster_protocol::service::History;
use roster_protocol::{Date, Metric, Unit};

use crate::shared::histories::points;
use crate::widgets::chart::{WeekPoint, week_points};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charted {
    Measured(Metric),
    OfDay(DayMetric),
}

impl Charted {
    /// The name on the screen.
    pub fn label(self) -> String {
        match self {
            Charted::Measured(metric) => metric.label().to_owned(),
            Charted::OfDay(figure) => format!("{} by day", figure.label()),
        }
    }

    /// What its values are.
    pub fn unit(self) -> Unit {
        match self {
            Charted::Measured(metric) => metric.unit(),
            Charted::OfDay(_) => Unit::Count,
        }
    }

    /// The metric, if it was measured.
    pub fn metric(self) -> Option<Metric> {
        match self {
            Charted::Measured(metric) => Some(metric),
            Charted::OfDay(_) => None,
        }
    }

    /// The days on which it is known, oldest first.
    pub fn points(self, history: &History) -> Vec<(Date, f64)> {
        match self {
            Charted::Measured(metric) => points(&history.snapshots, metric),
            Charted::OfDay(figure) => {
                let days = history.reported.days.iter();
                days.filter_map(|day| Some((day.date, day.numbers.get(figure)? as f64))).collect()
            }
        }
    }

    /// The weeks of days that are long past, oldest first.
    pub fn weeks(self, history: &History) -> Vec<WeekPoint> {
        self.metric().map(|metric| week_points(&history.weeks, metric)).unwrap_or_default()
    }

    /// The days from which on it counts something else, with what is new where that is known.
    pub fn breaks(self, history: &History) -> Vec<(Date, Option<&str>)> {
        match self {
            // Platforms redefine what a view is.
            Charted::Measured(Metric::AvgViews) => {
                let two = history.snapshots.windows(2);
                two.filter(|two| two[0].definition != two[1].definition).map(|two| (two[1].date, None)).collect()
            }
            Charted::Measured(_) => Vec::new(),
            Charted::OfDay(figure) => {
                let all = history.reported.terms.iter().flat_map(|terms| &terms.breaks);
                all.filter(|it| it.metric == figure).map(|it| (it.from, Some(it.what.as_str()))).collect()
            }
        }
    }

    /// The one so many steps further: the metrics, then the figures that the platform of a history reports.
    pub fn further(self, history: Option<&History>, steps: isize) -> Charted {
        let figures = history.and_then(|history| history.reported.terms.as_ref());
        let figures = figures.iter().flat_map(|terms| &terms.figures).map(|figure| Charted::OfDay(figure.metric));
        let all: Vec<Charted> = Metric::ALL.into_iter().map(Charted::Measured).chain(figures).collect();
        let at = all.iter().position(|other| *other == self).unwrap_or_default();
        all[(at as isize + steps).rem_euclid(all.len() as isize) as usize]
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ConnectionId;
    use roster_protocol::reported::{Break, DayTerms, FigureTerms, Reported, ReportedDay};

    use super::*;

    fn history() -> History {
        let figure = |metric| FigureTerms { metric, source: String::new(), definition: String::new(), step: 1 };
        let terms = DayTerms {
            zone: "UTC".into(),
            figures: vec![figure(DayMetric::Gained), figure(DayMetric::Views)],
            breaks: vec![Break { metric: DayMetric::Views, from: Date(3), what: "each start counts".into() }],
        };
        let day =
            |date, views| ReportedDay { date: Date(date), numbers: [(DayMetric::Views, views)].into_iter().collect() };
        let reported = Reported { days: vec![day(1, 7), day(2, 0)], audience: None, terms: Some(terms) };
        let connection = ConnectionId::from_bytes([1; 5]);
        History { connection, weeks: Vec::new(), snapshots: Vec::new(), reported, limit: None, next: None }
    }

    #[test]
    fn figures_of_days_come_after_the_metrics_where_there_are_any() {
        let history = history();
        let first = Charted::Measured(Metric::Followers);
        assert_eq!(first.further(Some(&history), -1), Charted::OfDay(DayMetric::Views));
        assert_eq!(first.further(Some(&history), Metric::ALL.len() as isize), Charted::OfDay(DayMetric::Gained));
        assert_eq!(first.further(None, -1), Charted::Measured(Metric::AvgReposts));
        assert_eq!(
            Charted::OfDay(DayMetric::Views).further(None, 1),
            Charted::Measured(Metric::Following),
            "another account"
        );
        assert_eq!(Charted::OfDay(DayMetric::Views).points(&history), [(Date(1), 7.0), (Date(2), 0.0)]);
        assert!(Charted::OfDay(DayMetric::Gained).points(&history).is_empty());
        assert_eq!(Charted::OfDay(DayMetric::Views).breaks(&history), [(Date(3), Some("each start counts"))]);
        assert!(Charted::OfDay(DayMetric::Gained).breaks(&history).is_empty() && first.breaks(&history).is_empty());
    }
}
