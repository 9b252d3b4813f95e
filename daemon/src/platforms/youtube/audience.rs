//! Who watches a channel, from a report of the Analytics API. Pure.

use std::collections::BTreeMap;

use jiff::ToSpan;
use roster_protocol::metric::{AgeRange, Ratio};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::SLUG;
use crate::platforms::reading::Items;
use crate::platforms::{Observation, PlatformError};
use crate::schedule::budget::Place;

/// The newest days are reported up to three days late.
const LATE_DAYS: i32 = 3;

/// Long enough that channels of some size have rows left.
const DAYS: i32 = 90;

/// Rounding may bring the sum of all shares this far over the whole.
const MOST_PERCENT: f64 = 101.0;

/// The first and the last day of the report, in Los Angeles, as the API writes them.
pub(super) fn period(now: Timestamp) -> (String, String) {
    let today = Place::LosAngeles.local(now).date();
    let day = |back: i32| today.saturating_sub(back.days()).to_string();
    (day(LATE_DAYS + DAYS - 1), day(LATE_DAYS))
}

/// A report: rows under headers. Without data there are no rows at all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    column_headers: Vec<Header>,
    rows: Option<Items>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
}

/// What a report says about the viewers. `None`: too few for Google to report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Audience {
    pub(super) male: Option<Ratio>,
    pub(super) female: Option<Ratio>,
    pub(super) top_age_range: Option<AgeRange>,
}

impl Audience {
    pub(super) fn add_to(self, observation: &mut Observation) {
        observation.numbers.audience_male = self.male;
        observation.numbers.audience_female = self.female;
        observation.numbers.top_age_range = self.top_age_range;
    }
}

/// Sums the shares by gender and by age: each row is the percentage of one gender at one age among all.
pub(super) fn audience(report: &Report) -> Result<Audience, PlatformError> {
    let column = |name: &str| report.column_headers.iter().position(|header| header.name == name);
    let columns = (column("ageGroup"), column("gender"), column("viewerPercentage"));
    let (Some(age), Some(gender), Some(share)) = columns else { return Err(unreadable("lacks a column")) };
    let (mut genders, mut ages) = (BTreeMap::<String, f64>::new(), BTreeMap::<AgeRange, f64>::new());
    for row in report.rows.iter().flatten() {
        let cells = cells(row)?;
        let text = |index: usize| cells.get(index).and_then(Value::as_str);
        let share = cells.get(share).and_then(Value::as_f64).filter(|share| (0.0..=MOST_PERCENT).contains(share));
        let (Some(age), Some(gender), Some(share)) = (text(age), text(gender), share) else {
            return Err(unreadable("has a row that is none"));
        };
        *genders.entry(gender.to_owned()).or_default() += share;
        if let Some(range) = age_range(age) {
            *ages.entry(range).or_default() += share;
        }
    }
    if genders.values().sum::<f64>() > MOST_PERCENT {
        return Err(unreadable("has shares of more than the whole"));
    }
    let of = |gender: &str| genders.get(gender).and_then(|percent| Ratio::from_f64(percent / 100.0));
    // Of two equal ranges the younger one is reported, so that the result does not waver.
    let top = ages.iter().rev().max_by(|left, right| left.1.total_cmp(right.1)).map(|(range, _)| *range);
    Ok(Audience { male: of("male"), female: of("female"), top_age_range: top })
}

fn cells(row: &RawValue) -> Result<Vec<Value>, PlatformError> {
    serde_json::from_str(row.get()).map_err(|_| unreadable("has a row that is none"))
}

/// `age18-24`, and `age65-` for the last.
fn age_range(text: &str) -> Option<AgeRange> {
    let range = text.strip_prefix("age")?;
    if range == "65-" { Some(AgeRange::From65) } else { range.parse().ok() }
}

fn unreadable(what: &str) -> PlatformError {
    PlatformError::Unexpected { what: format!("{SLUG}: the report {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Audience, PlatformError> {
        audience(&serde_json::from_str(text).expect(text))
    }

    fn with_rows(rows: &str) -> Result<Audience, PlatformError> {
        let headers = r#"[{"name":"ageGroup"},{"name":"gender"},{"name":"viewerPercentage"}]"#;
        read(&format!(r#"{{"columnHeaders":{headers},"rows":{rows}}}"#))
    }

    #[test]
    fn shares_are_summed_by_gender_and_by_age() {
        let reported = read(include_str!("fixtures/demographics.json")).expect("a report");
        assert_eq!((reported.male, reported.female), (Some(Ratio(560_000)), Some(Ratio(430_000))));
        assert_eq!(reported.top_age_range, Some(AgeRange::From25To34));
    }

    #[test]
    fn without_rows_nothing_is_reported() {
        let headers = r#"{"columnHeaders":[{"name":"ageGroup"},{"name":"gender"},{"name":"viewerPercentage"}]}"#;
        for none in [read(headers), with_rows("null"), with_rows("[]")] {
            assert_eq!(none, Ok(Audience::default()));
        }
        let one = with_rows(r#"[["age65-","female",100]]"#).expect("a report");
        let whole = Audience { male: None, female: Some(Ratio(1_000_000)), top_age_range: Some(AgeRange::From65) };
        assert_eq!(one, whole);
        let tie = with_rows(r#"[["age35-44","male",40],["age18-24","male",40],["age9-9","male",20]]"#);
        assert_eq!(tie.expect("a report").top_age_range, Some(AgeRange::From18To24));
    }

    #[test]
    fn odd_reports_are_errors() {
        for rows in [
            r#"[["age18-24","male",-1]]"#,
            r#"[["age18-24","male",60],["age25-34","male",60]]"#,
            r#"[["age18-24","male","7"]]"#,
            r#"[["age18-24",7,7]]"#,
            r#"[["age18-24","male"]]"#,
            r#"[{"ageGroup":"age18-24"}]"#,
            "[7]",
        ] {
            assert!(matches!(with_rows(rows), Err(PlatformError::Unexpected { .. })), "{rows}");
        }
        assert!(read(r#"{"columnHeaders":[],"rows":[]}"#).is_err());
    }

    #[test]
    fn the_report_is_of_ninety_days_that_are_over() {
        let check = |now: &str, expected: (&str, &str)| {
            let (first, last) = period(now.parse().expect(now));
            assert_eq!((first.as_str(), last.as_str()), expected, "{now}");
        };
        check("2026-11-21T12:00:00Z", ("2026-08-21", "2026-11-18"));
        check("2026-11-21T07:59:59Z", ("2026-08-20", "2026-11-17"));
        for extreme in [i64::MIN, i64::MAX] {
            let _ = period(Timestamp(extreme));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(rows in crate::platforms::tests::json()) {
            let headers = r#"[{"name":"ageGroup"},{"name":"gender"},{"name":"viewerPercentage"}]"#;
            let text = format!(r#"{{"columnHeaders":{headers},"rows":[{rows}]}}"#);
            if let Ok(report) = serde_json::from_str::<Report>(&text) {
                let _ = audience(&report);
            }
        }
    }
}
