//! Figures of days that are over. Pure.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use roster_protocol::reported::{DayMetric, DayNumbers, ReportedDay};
use roster_protocol::time::{Date, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::SLUG;
use crate::platforms::PlatformError;
use crate::platforms::reading::{Count, items, unreadable};

/// How many days are requested at most: one less than TikTok has, since over there a new day may begin first.
const MOST: i32 = 59;

/// How many of the newest days may not have arrived.
const LATE: i32 = 2;

/// The fields of a day.
pub(super) const FIELDS: [&str; 9] = [
    "followers_count",
    "daily_new_followers",
    "daily_lost_followers",
    "unique_video_views",
    "video_views",
    "likes",
    "comments",
    "shares",
    "profile_views",
];

/// Days in UTC, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Days {
    /// Those from `from` until yesterday, as far back as TikTok has them.
    pub(super) fn since(from: Date, now: Timestamp) -> Self {
        let last = Date::from(now.to_jiff().to_zoned(TimeZone::UTC).date()).plus_days(-1);
        Self { first: from.max(last.plus_days(1 - MOST)).min(last), last }
    }

    fn contains(&self, date: Date) -> bool {
        (self.first..=self.last).contains(&date)
    }
}

#[derive(Deserialize)]
struct Row {
    date: String,
    #[serde(default)]
    followers_count: Count,
    #[serde(default)]
    daily_new_followers: Count,
    #[serde(default)]
    daily_lost_followers: Count,
    #[serde(default)]
    unique_video_views: Count,
    #[serde(default)]
    video_views: Count,
    #[serde(default)]
    likes: Count,
    #[serde(default)]
    comments: Count,
    #[serde(default)]
    shares: Count,
    #[serde(default)]
    profile_views: Count,
}

impl Row {
    fn numbers(&self) -> DayNumbers {
        let figures = [
            (DayMetric::Followers, self.followers_count),
            (DayMetric::Gained, self.daily_new_followers),
            (DayMetric::Lost, self.daily_lost_followers),
            (DayMetric::Reach, self.unique_video_views),
            (DayMetric::Views, self.video_views),
            (DayMetric::Likes, self.likes),
            (DayMetric::Comments, self.comments),
            (DayMetric::Shares, self.shares),
            (DayMetric::ProfileViews, self.profile_views),
        ];
        figures.into_iter().filter_map(|(metric, count)| Some((metric, count.known()?))).collect()
    }
}

/// The days of the list `metrics` that were requested, each once, the oldest first. A row that cannot be read is left
/// out, and so is a day of which nothing is known.
///
/// # Errors
/// When it is no list.
pub(super) fn read(metrics: Option<&RawValue>, requested: Days) -> Result<Vec<ReportedDay>, PlatformError> {
    let Some(metrics) = metrics.filter(|text| text.get() != "null") else { return Ok(Vec::new()) };
    let rows = items::<Row>(SLUG, metrics.get().as_bytes()).map_err(|kind| unreadable(SLUG, kind))?;
    let mut days = BTreeMap::new();
    for row in rows.into_iter().flatten() {
        let numbers = row.numbers();
        let date = row.date.parse().ok().filter(|date| requested.contains(*date));
        if let Some(date) = date.filter(|date| has_arrived(*date, &numbers, requested)) {
            days.entry(date).or_insert(numbers);
        }
    }
    Ok(days.into_iter().map(|(date, numbers)| ReportedDay { date, numbers }).collect())
}

/// Whether anything is known of a day; of a young one, whether that is more than zeros.
fn has_arrived(date: Date, numbers: &DayNumbers, requested: Days) -> bool {
    let mut known = DayMetric::ALL.into_iter().filter_map(|metric| numbers.get(metric));
    match date > requested.last.plus_days(-LATE) {
        true => known.any(|count| count > 0),
        false => known.next().is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::InsightsResponse;
    use super::*;
    use crate::http_client::read_json;
    use crate::platforms::tests::world::NOW;

    fn date(text: &str) -> Date {
        text.parse().expect(text)
    }

    fn november() -> Days {
        Days::since(date("2026-11-01"), NOW)
    }

    /// The dates that are read of these rows.
    fn dates(rows: &str) -> Vec<String> {
        let text = RawValue::from_string(rows.to_owned()).expect(rows);
        let days = read(Some(&text), november()).expect(rows);
        days.iter().map(|day| day.date.to_string()).collect()
    }

    #[test]
    fn days_are_requested_until_yesterday_and_as_far_back_as_there_are_any() {
        let check = |from: &str, first: &str| {
            let expected = Days { first: date(first), last: date("2026-11-20") };
            assert_eq!(Days::since(date(from), NOW), expected, "{from}");
        };
        check("2026-11-14", "2026-11-14");
        check("2024-11-21", "2026-09-23");
        check("2026-09-22", "2026-09-23");
        check("2026-11-21", "2026-11-20");
        check("2027-03-01", "2026-11-20");
        // The first moment of a day in UTC.
        let midnight = "2026-11-21T00:00:00Z".parse().expect("a time");
        assert_eq!(Days::since(date("2026-11-14"), midnight).last, date("2026-11-20"));
        let end = Days::since(date("2026-11-14"), Timestamp(i64::MAX));
        assert_eq!(end.first, end.last.plus_days(-58));
    }

    #[test]
    fn a_day_has_the_figures_that_were_reported_of_it() {
        let response: InsightsResponse = read_json(include_bytes!("fixtures/insights.json")).expect("a fixture");
        let days = response.days(november()).expect("days");
        let [whole, personal] = days.as_slice() else { panic!("{days:?}") };
        let known = [
            (DayMetric::Followers, 12_460),
            (DayMetric::Gained, 30),
            (DayMetric::Lost, 13),
            (DayMetric::Reach, 900),
            (DayMetric::Views, 1126),
            (DayMetric::Likes, 26),
            (DayMetric::Comments, 4),
            (DayMetric::Shares, 2),
            (DayMetric::ProfileViews, 55),
        ];
        assert_eq!((whole.date, &whole.numbers), (date("2026-11-17"), &known.into_iter().collect()));
        let known = [
            (DayMetric::Followers, 12_480),
            (DayMetric::Views, 312),
            (DayMetric::Likes, 15),
            (DayMetric::Comments, 0),
            (DayMetric::Shares, 0),
            (DayMetric::ProfileViews, 4),
        ];
        assert_eq!((personal.date, &personal.numbers), (date("2026-11-18"), &known.into_iter().collect()));
    }

    #[test]
    fn a_row_that_is_no_day_costs_itself_alone() {
        let good = r#"{"date":"2026-11-10","likes":1}"#;
        for bad in [
            r#"{"date":"2026-11-31","likes":1}"#,
            r#"{"date":"","likes":1}"#,
            r#"{"date":20261110,"likes":1}"#,
            r#"{"date":null,"likes":1}"#,
            r#"{"likes":1}"#,
            r#"{"date":"2026-10-31","likes":1}"#,
            r#"{"date":"2026-11-21","likes":1}"#,
            r#"{"date":"9999-12-31","likes":1}"#,
            r#"{"date":"2026-11-11"}"#,
            r#"{"date":"2026-11-11","likes":-1,"shares":1.5,"video_views":"many","comments":1e999}"#,
            r#"{"date":"2026-11-11","likes":18446744073709551616}"#,
            r#"{"date":"2026-11-11","date":"2026-11-12","likes":1}"#,
            "[]",
            "7",
            "null",
        ] {
            assert_eq!(dates(&format!("[{bad},{good}]")), ["2026-11-10"], "{bad}");
        }
        assert_eq!(dates(&format!("[{good},{good}]")), ["2026-11-10"]);
        let many = vec![good; 5000].join(",");
        assert_eq!(dates(&format!("[{many}]")).len(), 1);
        assert_eq!(dates("[]"), [""; 0]);
        assert_eq!(dates("null"), [""; 0]);
    }

    #[test]
    fn the_first_of_two_rows_of_a_day_counts() {
        let rows = r#"[{"date":"2026-11-10","likes":1},{"date":"2026-11-10","likes":2}]"#;
        let text = RawValue::from_string(rows.to_owned()).expect("JSON");
        let days = read(Some(&text), november()).expect("days");
        assert_eq!(days.iter().map(|day| day.numbers.get(DayMetric::Likes)).collect::<Vec<_>>(), [Some(1)]);
    }

    #[test]
    fn young_days_of_zeros_have_not_arrived() {
        let row = |day: &str, likes: u64| format!(r#"{{"date":"2026-11-{day}","likes":{likes},"shares":0}}"#);
        assert_eq!(dates(&format!("[{}]", row("18", 0))), ["2026-11-18"]);
        assert_eq!(dates(&format!("[{},{}]", row("19", 0), row("20", 0))), [""; 0]);
        assert_eq!(dates(&format!("[{},{}]", row("19", 1), row("20", 1))), ["2026-11-19", "2026-11-20"]);
    }

    #[test]
    fn without_a_list_there_is_an_error_or_nothing() {
        assert_eq!(read(None, november()), Ok(Vec::new()));
        for bad in ["{}", "7", r#""x""#] {
            let text = RawValue::from_string(bad.to_owned()).expect("JSON");
            assert!(matches!(read(Some(&text), november()), Err(PlatformError::Unexpected { .. })), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_rows_are_read_without_panic(rows in proptest::collection::vec(crate::platforms::tests::json(), 0..4)) {
            let text = RawValue::from_string(format!("[{}]", rows.join(","))).expect("made of JSON");
            let days = read(Some(&text), november());
            proptest::prop_assert!(days.is_ok_and(|days| days.iter().all(|day| november().contains(day.date))));
        }
    }
}
