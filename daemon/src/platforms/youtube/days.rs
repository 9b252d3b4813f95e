//! Figures of a channel's days, from a report of the Analytics API. Pure.

use std::collections::BTreeMap;

use roster_protocol::reported::{DayMetric, DayNumbers, ReportedDay};
use roster_protocol::time::{Date, Timestamp};
use serde_json::Value;

use super::report::{Report, count, today};
use crate::platforms::{Figure, FigureBreak, PlatformError, Reports};

/// The request names its metrics as they are named here.
pub(super) const REPORTS: Reports = Reports {
    zone: "America/Los_Angeles",
    figures: &[
        figure(DayMetric::Gained, "subscribersGained", "Times that the channel was subscribed to"),
        figure(DayMetric::Lost, "subscribersLost", "Times that a subscription ended"),
        figure(
            DayMetric::Views,
            "views",
            "Times that videos, live streams and Shorts were started, previews that play by themselves included",
        ),
        figure(DayMetric::EngagedViews, "engagedViews", "Views that lasted, counted as views were before 2026-08-24"),
        figure(DayMetric::WatchMinutes, "estimatedMinutesWatched", "Minutes watched, as YouTube estimates them"),
        figure(DayMetric::Likes, "likes", "Likes given on the day, to videos of any age"),
        figure(DayMetric::Comments, "comments", "Comments written on the day, on videos of any age"),
        figure(DayMetric::Shares, "shares", "Times that a video was shared with YouTube's own button"),
    ],
    breaks: &[
        FigureBreak {
            metric: DayMetric::Views,
            from: "2025-03-31",
            what: "Shorts count each time that they start or start again",
        },
        FigureBreak {
            metric: DayMetric::Views,
            from: "2026-08-24",
            what: "Everything counts from its start; engaged views go on with what was counted until then",
        },
    ],
};

/// All are exact.
const fn figure(metric: DayMetric, source: &'static str, definition: &'static str) -> Figure {
    Figure { metric, source, definition, step: 1 }
}

/// One request has as many days as there are; this is more than is ever wanted, and bounds what is kept.
const MOST_DAYS: i32 = 1100;

/// The days to read: from the first wanted one to the newest that is over. The newest that are reported are older;
/// those between are left out of the response, without an error.
pub(super) fn wanted(from: Date, now: Timestamp) -> (Date, Date) {
    let last = today(now).plus_days(-1);
    (from.clamp(last.plus_days(1 - MOST_DAYS), last), last)
}

/// The metrics to request.
pub(super) fn metrics() -> String {
    REPORTS.figures.iter().map(|figure| figure.source).collect::<Vec<_>>().join(",")
}

/// The figures of each day from the first to the last, the oldest first. A row that cannot be read, that is of another day
/// or of one that an earlier row was about is left out, and so is a figure that can be no count.
pub(super) fn days(report: &Report, (first, last): (Date, Date)) -> Result<Vec<ReportedDay>, PlatformError> {
    let day = report.needed_column("day")?;
    let columns: Vec<(DayMetric, usize)> =
        REPORTS.figures.iter().filter_map(|figure| Some((figure.metric, report.column(figure.source)?))).collect();
    let mut days = BTreeMap::<Date, DayNumbers>::new();
    for cells in report.rows().flatten() {
        let Some(date) = cells.get(day).and_then(date).filter(|date| (first..=last).contains(date)) else { continue };
        let figure = |(metric, column): &(DayMetric, usize)| Some((*metric, count(cells.get(*column)?)?));
        days.entry(date).or_insert_with(|| columns.iter().filter_map(figure).collect());
    }
    let days = days.into_iter().map(|(date, numbers)| ReportedDay { date, numbers });
    Ok(days.filter(|day| !day.numbers.is_empty()).collect())
}

/// `2026-11-18`; not another spelling of it, of which there is none in these reports.
fn date(cell: &Value) -> Option<Date> {
    let text = cell.as_str()?;
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect(text)
    }

    fn read(text: &str) -> Result<Vec<ReportedDay>, PlatformError> {
        days(&serde_json::from_str(text).expect(text), (date("2026-11-12"), date("2026-11-20")))
    }

    fn with_rows(rows: &str) -> Vec<(String, Option<u64>, Option<u64>)> {
        let headers = r#"[{"name":"views"},{"name":"day"},{"name":"likes"},{"name":"anotherOne"}]"#;
        let read = read(&format!(r#"{{"columnHeaders":{headers},"rows":{rows}}}"#)).expect(rows);
        let figures = |day: ReportedDay| {
            (day.date.to_string(), day.numbers.get(DayMetric::Views), day.numbers.get(DayMetric::Likes))
        };
        read.into_iter().map(figures).collect()
    }

    #[test]
    fn each_day_has_its_figures() {
        let reported = read(include_str!("fixtures/days.json")).expect("a report");
        let dates: Vec<String> = reported.iter().map(|day| day.date.to_string()).collect();
        assert_eq!(dates, ["2026-11-16", "2026-11-17", "2026-11-18"]);
        let figures = |index: usize| DayMetric::ALL.map(|metric| reported[index].numbers.get(metric));
        let none = None;
        #[rustfmt::skip]
        let expected = [
            // followers, gained, lost, reach, views, engaged, minutes,
            none, Some(58), Some(12), none, Some(12_400), Some(9_310), Some(31_700),
            // likes, comments, shares, saves, reposts, engagements, profile views
            Some(640), Some(37), Some(0), none, none, none, none,
        ];
        assert_eq!(figures(0), expected);
        assert_eq!(reported[1].numbers.get(DayMetric::Lost), Some(0));
        assert_eq!(reported[2].numbers.get(DayMetric::WatchMinutes), Some(28_900));
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let day = |views, likes| ("2026-11-18".to_owned(), views, likes);
        assert_eq!(with_rows(r#"[[7,"2026-11-18",3,9]]"#), [day(Some(7), Some(3))]);
        assert_eq!(with_rows(r#"[[7,"2026-11-18"]]"#), [day(Some(7), None)]);
        assert!(read(r#"{"columnHeaders":[{"name":"views"}],"rows":[[7]]}"#).is_err());
        let only_days = r#"{"columnHeaders":[{"name":"day"}],"rows":[["2026-11-18"]]}"#;
        assert_eq!(read(only_days), Ok(vec![]));
        for none in ["", r#","rows":null"#, r#","rows":[]"#] {
            assert_eq!(read(&format!(r#"{{"columnHeaders":[{{"name":"day"}}]{none}}}"#)), Ok(vec![]), "{none}");
        }
    }

    #[test]
    fn a_bad_row_costs_itself_alone() {
        let good = r#"[7,"2026-11-18",3]"#;
        for bad in [
            "7",
            "null",
            "{}",
            r#"{"day":"2026-11-17"}"#,
            "[]",
            r#"["2026-11-17",1,1]"#,
            "[1,20261117,1]",
            r#"[1,"20261117",1]"#,
            r#"[1,"2026-11-17T00:00:00",1]"#,
            r#"[1,"2026-11-31",1]"#,
            r#"[1,"0000-00-00",1]"#,
            r#"[1,"2026-11-11",1]"#,
            r#"[1,"2026-11-21",1]"#,
            r#"[1,"9999-12-31",1]"#,
            r#"[1,"-009999-01-01",1]"#,
            r#"[null,"2026-11-17","1"]"#,
            r#"[-1,"2026-11-17",1e16]"#,
            r#"[1e999,"2026-11-17",1]"#,
            r#"[9,"2026-11-18",9]"#,
        ] {
            let expected = [("2026-11-18".to_owned(), Some(7), Some(3))];
            assert_eq!(with_rows(&format!("[{good},{bad}]")), expected, "{bad}");
        }
        let one_figure = [("2026-11-18".to_owned(), None, Some(3))];
        assert_eq!(with_rows(r#"[[-1,"2026-11-18",3]]"#), one_figure);
    }

    #[test]
    fn there_are_no_more_days_than_were_requested() {
        let row = |index: i32| format!(r#"[{index},"{}",0]"#, date("2020-01-01").plus_days(index % 4000));
        let rows: Vec<String> = (0..20_000).map(row).collect();
        assert_eq!(with_rows(&format!("[{}]", rows.join(","))).len(), 9);
    }

    #[test]
    fn what_is_wanted_is_over_and_bounded() {
        let now: Timestamp = "2026-11-21T07:59:59Z".parse().expect("a time");
        let check = |from: Date, first: &str| {
            let (reported, last) = wanted(from, now);
            assert_eq!((reported.to_string().as_str(), last.to_string().as_str()), (first, "2026-11-19"), "{from}");
        };
        check(date("2026-11-12"), "2026-11-12");
        check(date("2026-12-24"), "2026-11-19");
        check(date("2005-02-14"), "2023-11-16");
        check(Date(i32::MIN), "2023-11-16");
        check(Date(i32::MAX), "2026-11-19");
        for extreme in [i64::MIN, i64::MAX] {
            let _ = wanted(date("2026-11-12"), Timestamp(extreme));
        }
    }

    #[test]
    fn each_figure_has_its_name_and_each_break_its_day() {
        let all = "subscribersGained,subscribersLost,views,engagedViews,estimatedMinutesWatched,likes,comments,shares";
        assert_eq!(metrics(), all);
        let terms = REPORTS.terms();
        let breaks: Vec<String> = terms.breaks.iter().map(|it| format!("{} {}", it.metric, it.from)).collect();
        assert_eq!(breaks, ["views 2025-03-31", "views 2026-08-24"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(rows in crate::platforms::tests::json()) {
            let text = format!(r#"{{"columnHeaders":[{{"name":"day"}},{{"name":"views"}}],"rows":[{rows}]}}"#);
            if let Ok(report) = serde_json::from_str::<Report>(&text) {
                let _ = days(&report, (Date(i32::MIN), Date(i32::MAX)));
            }
        }
    }
}
