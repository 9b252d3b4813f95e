//! Figures of days that are over: which days are requested, and what a series reports of them. Pure.
//!
//! A day is Meta's, in California. A value is under the end of its day, at midnight there: it is of the day before.

use std::collections::BTreeMap;

use roster_protocol::reported::{DayMetric, DayNumbers, ReportedDay};
use roster_protocol::time::{Date, Timestamp};
use serde::Deserialize;

use super::ask::List;
use crate::platforms::reading::{Items, count, item, time};
use crate::platforms::{Figure, PlatformError};
use crate::schedule::budget::Place;

/// Meta's days, by the IANA name of their zone.
pub(in crate::platforms) const ZONE: &str = "America/Los_Angeles";

const DAY_MS: i64 = 24 * 3_600_000;

/// Days in a row, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platforms) struct Days {
    pub(in crate::platforms) first: Date,
    pub(in crate::platforms) last: Date,
}

impl Days {
    /// `since` and `until` in Unix seconds: when the first day begins, and when the last one ends.
    pub(in crate::platforms) fn bounds(self) -> [String; 2] {
        [self.first, self.last.plus_days(1)].map(|day| begin(day).0.div_euclid(1000).to_string())
    }

    fn contains(self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

/// The newest day that is over.
pub(in crate::platforms) fn newest_over(now: Timestamp) -> Date {
    Date::from(Place::LosAngeles.local(now).date()).plus_days(-1)
}

/// The days from `first` to `last` by so many at once, the newest first; none when they are in the wrong order.
pub(in crate::platforms) fn windows(first: Date, last: Date, length: i32) -> impl Iterator<Item = Days> {
    let ends = std::iter::successors(Some(last), move |last| Some(last.plus_days(-length)));
    let ends = ends.take_while(move |last| *last >= first && *last > Date(i32::MIN));
    ends.map(move |last| Days { first: first.max(last.plus_days(1 - length)), last })
}

/// The midnight in California with which a day begins: midnight in UTC is in the afternoon or evening before.
fn begin(day: Date) -> Timestamp {
    Place::LosAngeles.midnight_after(Timestamp(i64::from(day.0).saturating_mul(DAY_MS)))
}

/// The day that ends at this moment, or within half a day of it.
fn ended_at(end: Timestamp) -> Date {
    Place::LosAngeles.local(end.plus_seconds(-12 * 3600)).date().into()
}

/// What was reported so far. Days of which nothing was reported are absent.
#[derive(Debug, Default)]
pub(in crate::platforms) struct ByDay(BTreeMap<Date, DayNumbers>);

#[derive(Deserialize)]
struct Series {
    name: String,
    #[serde(default)]
    values: Items,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default, deserialize_with = "count")]
    value: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    end_time: Option<Timestamp>,
}

impl ByDay {
    pub(in crate::platforms) fn set(&mut self, day: Date, metric: DayMetric, value: u64) {
        self.0.entry(day).or_default().set(metric, Some(value));
    }

    /// Adds what a response reports of these days and `figures`; of two values of a day the later one counts. What
    /// cannot be read, was not requested or has no value costs itself. Returns how many values were added.
    ///
    /// # Errors
    /// When nothing in the response can be read.
    pub(in crate::platforms) fn add(
        &mut self,
        platform: &str,
        list: &List,
        days: Days,
        figures: &[Figure],
    ) -> Result<usize, PlatformError> {
        let (mut added, mut unread) = (0, Vec::new());
        for text in &list.data {
            match item::<Series>(platform, text) {
                Ok(series) => {
                    let figure = figures.iter().find(|figure| figure.source == series.name);
                    added += figure.map_or(0, |figure| self.add_values(platform, &series.values, days, figure.metric));
                }
                Err(error) => unread.push(error),
            }
        }
        match unread.pop() {
            Some(error) if unread.len() + 1 == list.data.len() => Err(error),
            _ => Ok(added),
        }
    }

    fn add_values(&mut self, platform: &str, values: &Items, days: Days, metric: DayMetric) -> usize {
        let rows = values.iter().filter_map(|text| item::<Row>(platform, text).ok());
        let known = rows.filter_map(|row| Some((ended_at(row.end_time?), row.value?)));
        let wanted = known.filter(|(day, _)| days.contains(*day));
        wanted.map(|(day, value)| self.set(day, metric, value)).count()
    }

    pub(in crate::platforms) fn into_days(self) -> Vec<ReportedDay> {
        self.0.into_iter().map(|(date, numbers)| ReportedDay { date, numbers }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: &[Figure] = &[
        Figure { metric: DayMetric::Followers, source: "page_follows", definition: "", step: 1 },
        Figure { metric: DayMetric::Views, source: "page_media_view", definition: "", step: 1 },
    ];

    fn date(text: &str) -> Date {
        text.parse().expect(text)
    }

    fn days(first: &str, last: &str) -> Days {
        Days { first: date(first), last: date(last) }
    }

    /// A day with its followers and views.
    type Read = (String, [Option<u64>; 2]);

    /// What is reported of 2026-11-17 to 2026-11-20.
    fn reported(text: &str) -> Result<Vec<Read>, PlatformError> {
        let mut by_day = ByDay::default();
        by_day.add("Facebook", &serde_json::from_str(text).expect(text), days("2026-11-17", "2026-11-20"), FIGURES)?;
        let row = |day: ReportedDay| {
            let numbers = [DayMetric::Followers, DayMetric::Views].map(|metric| day.numbers.get(metric));
            (day.date.to_string(), numbers)
        };
        Ok(by_day.into_days().into_iter().map(row).collect())
    }

    #[test]
    fn a_day_ends_at_midnight_in_california() {
        let check = |day: &str, since: &str, until: &str| {
            let expected = [since, until].map(|at| (at.parse::<Timestamp>().expect(at).0 / 1000).to_string());
            assert_eq!(days(day, day).bounds(), expected, "{day}");
        };
        check("2026-11-20", "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z");
        check("2026-07-01", "2026-07-01T07:00:00Z", "2026-07-02T07:00:00Z");
        // The clocks go back: 25 hours; and forward: 23.
        check("2026-11-01", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z");
        check("2026-03-08", "2026-03-08T08:00:00Z", "2026-03-09T07:00:00Z");
        for (now, expected) in [("2026-11-21T12:00:00Z", "2026-11-20"), ("2026-11-21T07:59:59Z", "2026-11-19")] {
            assert_eq!(newest_over(now.parse().expect(now)), date(expected), "{now}");
        }
    }

    #[test]
    fn a_value_is_of_the_day_that_ends() {
        for (end, expected) in [
            ("2017-05-05T07:00:00+0000", "2017-05-04"),
            ("2026-11-21T08:00:00+0000", "2026-11-20"),
            // An hour off, where the end of summer time was not heeded.
            ("2026-11-21T07:00:00+0000", "2026-11-20"),
            ("2026-07-02T08:00:00+0000", "2026-07-01"),
            ("2026-11-02T08:00:00+0000", "2026-11-01"),
        ] {
            assert_eq!(ended_at(end.parse().expect(end)), date(expected), "{end}");
        }
    }

    #[test]
    fn windows_are_short_and_the_newest_is_first() {
        let check = |first: &str, expected: &[(&str, &str)]| {
            let found: Vec<Days> = windows(date(first), date("2026-11-20"), 29).collect();
            let expected: Vec<Days> = expected.iter().map(|(first, last)| days(first, last)).collect();
            assert_eq!(found, expected, "{first}");
        };
        check("2026-11-21", &[]);
        check("2026-11-20", &[("2026-11-20", "2026-11-20")]);
        check("2026-10-23", &[("2026-10-23", "2026-11-20")]);
        check("2026-10-22", &[("2026-10-23", "2026-11-20"), ("2026-10-22", "2026-10-22")]);
    }

    #[test]
    fn a_series_is_read_by_its_days() {
        let expected = [
            ("2026-11-18", [Some(4321), Some(1203)]),
            // Of two values the later one counts, and what is no count is unknown.
            ("2026-11-19", [Some(4330), None]),
            ("2026-11-20", [None, Some(0)]),
        ];
        let expected = expected.map(|(day, numbers)| (day.to_owned(), numbers));
        assert_eq!(reported(include_str!("fixtures/days.json")), Ok(expected.to_vec()));
        for nothing in [
            r#"{"data":[]}"#,
            r#"{"data":[{"name":"page_follows"}]}"#,
            r#"{"data":[{"name":"page_follows","values":[]}]}"#,
            r#"{"data":[{"name":"canary","values":[{"value":1,"end_time":"2026-11-21T08:00:00+0000"}]}]}"#,
            r#"{"data":[7,{"name":"page_follows","values":[{"value":1}]}]}"#,
            r#"{"data":[{"name":"page_follows","values":[{"value":1,"end_time":"-009999-01-02T01:59:59Z"}]}]}"#,
            r#"{"data":[{"name":"page_follows","values":[{"value":1,"end_time":"9999-12-30T22:00:00Z"}]}]}"#,
        ] {
            assert_eq!(reported(nothing), Ok(Vec::new()), "{nothing}");
        }
        for nonsense in [r#"{"data":[7]}"#, r#"{"data":["page_follows",{"name":7}]}"#] {
            assert!(matches!(reported(nonsense), Err(PlatformError::Unexpected { .. })), "{nonsense}");
        }
    }

    #[test]
    fn extremes_do_not_panic() {
        for extreme in [i32::MIN, -1, i32::MAX] {
            let _ = Days { first: Date(extreme), last: Date(extreme) }.bounds();
            assert!(windows(Date(extreme), Date(extreme), 29).take(3).count() <= 1);
        }
        let all = windows(Date(i32::MIN), Date(20_000), 89).take(3).collect::<Vec<_>>();
        assert_eq!(all[2], Days { first: Date(19_734), last: Date(19_822) });
        for extreme in [i64::MIN, i64::MAX] {
            let _ = (newest_over(Timestamp(extreme)), ended_at(Timestamp(extreme)));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(text in crate::platforms::tests::json()) {
            let series = format!(r#"{{"name":"page_follows","values":[{text}]}}"#);
            for text in [text, series] {
                if let Ok(list) = serde_json::from_str::<List>(&format!(r#"{{"data":[{text}]}}"#)) {
                    let mut by_day = ByDay::default();
                    let _ = by_day.add("Facebook", &list, days("2026-11-17", "2026-11-20"), FIGURES);
                    proptest::prop_assert!(by_day.into_days().len() <= 4);
                }
            }
        }
    }
}
