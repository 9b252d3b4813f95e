//! From where a channel is watched, from a report of the Analytics API. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use roster_protocol::metric::Ratio;
use roster_protocol::reported::{Country, DayMetric, ReportedDay};
use roster_protocol::time::Date;
use serde_json::Value;

use super::report::{Report, count};
use crate::platforms::PlatformError;

/// The most countries that are requested, as the API takes it.
pub(super) const MOST: &str = "25";

/// The most countries that are kept, whatever is returned.
const MOST_KEPT: usize = 25;

/// The code of views whose country YouTube does not know.
const UNKNOWN: &str = "ZZ";

/// All views of these days, as the report of days has them; `None` where it has none of them.
pub(super) fn views(days: &[ReportedDay], (first, last): (Date, Date)) -> Option<u64> {
    let of_day = |day: &ReportedDay| day.numbers.get(DayMetric::Views);
    days.iter().filter(|day| (first..=last).contains(&day.date)).filter_map(of_day).reduce(u64::saturating_add)
}

/// Each country's share of the views whose country is known, the most frequent first. These are `all` views without
/// those of [`UNKNOWN`]: the report has the first countries only, and their sum is less. The sum is the whole only where
/// `all` is unknown, or less than it. A row that cannot be read, or is of a country that an earlier row was about, is left
/// out.
pub(super) fn countries(report: &Report, all: Option<u64>) -> Result<Vec<(Country, Ratio)>, PlatformError> {
    let (country, views) = (report.needed_column("country")?, report.needed_column("views")?);
    let mut reported = BTreeMap::<Country, u64>::new();
    for cells in report.rows().flatten() {
        let code = cells.get(country).and_then(Value::as_str).and_then(|code| code.parse().ok());
        let (Some(code), Some(views)) = (code, cells.get(views).and_then(count)) else { continue };
        reported.entry(code).or_insert(views);
    }
    let unknown = UNKNOWN.parse().ok().and_then(|code: Country| reported.remove(&code)).unwrap_or_default();
    let whole = reported.values().sum::<u64>().max(all.unwrap_or_default().saturating_sub(unknown));
    let mut countries: Vec<(Country, u64)> = reported.into_iter().filter(|(_, views)| *views > 0).collect();
    countries.sort_by_key(|(_, views)| Reverse(*views));
    let share = |(code, views): (Country, u64)| Some((code, Ratio::from_f64(views as f64 / whole as f64)?));
    Ok(countries.into_iter().take(MOST_KEPT).filter_map(share).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, all: Option<u64>) -> Result<String, PlatformError> {
        let countries = countries(&serde_json::from_str(text).expect(text), all)?;
        let text = |(code, share): &(Country, Ratio)| format!("{code} {}", share.0);
        Ok(countries.iter().map(text).collect::<Vec<_>>().join(", "))
    }

    fn with_rows(rows: &str, all: Option<u64>) -> String {
        read(&format!(r#"{{"columnHeaders":[{{"name":"views"}},{{"name":"country"}}],"rows":{rows}}}"#), all)
            .expect(rows)
    }

    #[test]
    fn shares_are_of_all_views() {
        let fixture = include_str!("fixtures/countries.json");
        let of = |all| read(fixture, all).expect("a report");
        // 1 030 000 without the 30 000 of unknown countries.
        assert_eq!(of(Some(1_030_000)), "DE 412000, AT 103000, CH 51500, GR 1000");
        assert_eq!(of(None), "DE 725991, AT 181498, CH 90749, GR 1762", "of 567 500 views");
        assert_eq!(of(Some(100)), of(None), "a share is never more than the whole");
    }

    #[test]
    fn a_bad_row_costs_itself_alone() {
        let good = r#"[3,"DE"]"#;
        for bad in [
            "7",
            "null",
            "{}",
            "[]",
            r#"[1]"#,
            r#"[1,"de"]"#,
            r#"[1,"DEU"]"#,
            r#"[1,"\u001b["]"#,
            r#"[1,7]"#,
            r#"[-1,"FR"]"#,
            r#"["1","FR"]"#,
            r#"[1e16,"FR"]"#,
            r#"[1e999,"FR"]"#,
            r#"[0.0,"FR"]"#,
            r#"[9,"DE"]"#,
        ] {
            assert_eq!(with_rows(&format!("[{good},{bad}]"), Some(4)), "DE 750000", "{bad}");
        }
        assert_eq!(with_rows("[]", Some(4)), "");
        assert_eq!(with_rows("null", None), "");
        assert_eq!(with_rows(r#"[[0,"DE"]]"#, Some(0)), "");
        assert!(read(r#"{"columnHeaders":[{"name":"country"}]}"#, None).is_err());
    }

    #[test]
    fn the_most_frequent_are_first_and_no_more_than_were_requested() {
        assert_eq!(with_rows(r#"[[1,"DE"],[2,"FR"],[1,"AT"]]"#, None), "FR 500000, AT 250000, DE 250000");
        let letters = || (b'A'..=b'Z').map(char::from);
        let rows: Vec<String> = letters().flat_map(|a| letters().map(move |b| format!(r#"[1,"{a}{b}"]"#))).collect();
        let reported = with_rows(&format!("[{}]", rows.join(",")), Some(1001));
        assert_eq!(reported.split(", ").count().to_string(), MOST);
        assert!(reported.starts_with("AA 1000, AB 1000"), "{reported}");
    }

    #[test]
    fn all_views_are_those_of_the_same_days() {
        let day = |date: i32, views: Option<u64>| {
            let numbers = views.map(|views| (DayMetric::Views, views));
            ReportedDay { date: Date(date), numbers: numbers.into_iter().collect() }
        };
        let days = [day(1, Some(100)), day(2, Some(20)), day(3, None), day(4, Some(3)), day(5, Some(9))];
        assert_eq!(views(&days, (Date(2), Date(4))), Some(23));
        assert_eq!(views(&days, (Date(3), Date(3))), None);
        assert_eq!(views(&[day(1, Some(u64::MAX)), day(1, Some(1))], (Date(1), Date(1))), Some(u64::MAX));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(rows in crate::platforms::tests::json(), all: Option<u64>) {
            let text = format!(r#"{{"columnHeaders":[{{"name":"country"}},{{"name":"views"}}],"rows":[{rows}]}}"#);
            if let Ok(report) = serde_json::from_str::<Report>(&text) {
                let _ = countries(&report, all);
            }
        }
    }
}
