//! The table in which the Analytics API returns every report: rows under headers. Pure.

use roster_protocol::time::{Date, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::SLUG;
use crate::http_client::LARGEST_COUNT;
use crate::platforms::PlatformError;
use crate::platforms::reading::Items;
use crate::schedule::budget::Place;

/// The newest days are reported up to three days late.
const LATE_DAYS: i32 = 3;

/// Long enough that channels of some size have rows left.
const DAYS: i32 = 90;

/// The day in Los Angeles: all days of these reports are days there.
pub(super) fn today(now: Timestamp) -> Date {
    Place::LosAngeles.local(now).date().into()
}

/// The first and the last day of what is reported of the audience.
pub(super) fn period(now: Timestamp) -> (Date, Date) {
    let last = today(now).plus_days(-LATE_DAYS);
    (last.plus_days(1 - DAYS), last)
}

/// A report. Without data there are no rows at all.
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

impl Report {
    /// Where this column is in a row; its place is not documented.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.column_headers.iter().position(|header| header.name == name)
    }

    /// # Errors
    /// When there is no such column.
    pub(super) fn needed_column(&self, name: &str) -> Result<usize, PlatformError> {
        self.column(name).ok_or_else(|| unreadable("lacks a column"))
    }

    /// The cells of each row; `None` for a row that is none.
    pub(super) fn rows(&self) -> impl Iterator<Item = Option<Vec<Value>>> {
        self.rows.iter().flatten().map(|row| serde_json::from_str(row.get()).ok())
    }
}

/// A cell's count. Whole numbers arrive as fractions at times, such as 0.0.
pub(super) fn count(cell: &Value) -> Option<u64> {
    let count = cell.as_f64().filter(|count| (0.0..=LARGEST_COUNT as f64).contains(count))?;
    Some(count.round() as u64)
}

pub(super) fn unreadable(what: &str) -> PlatformError {
    PlatformError::Unexpected { what: format!("{SLUG}: the report {what}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_audience_is_of_ninety_days_that_are_over() {
        let check = |now: &str, (first, last): (&str, &str)| {
            let reported = period(now.parse().expect(now));
            assert_eq!((reported.0.to_string(), reported.1.to_string()), (first.to_owned(), last.to_owned()), "{now}");
        };
        check("2026-11-21T12:00:00Z", ("2026-08-21", "2026-11-18"));
        check("2026-11-21T07:59:59Z", ("2026-08-20", "2026-11-17"));
        for extreme in [i64::MIN, i64::MAX] {
            let _ = period(Timestamp(extreme));
        }
    }

    #[test]
    fn whole_numbers_may_arrive_as_fractions() {
        let check = |cell: Value, expected: Option<u64>| assert_eq!(count(&cell), expected, "{cell}");
        check(json!(0), Some(0));
        check(json!(0.0), Some(0));
        check(json!(12_345), Some(12_345));
        check(json!(12_345.0), Some(12_345));
        check(json!(12_344.999_999), Some(12_345));
        check(json!(1_000_000_000_000_000_u64), Some(LARGEST_COUNT));
        check(json!(1_000_000_000_000_001_u64), None);
        check(json!(1e300), None);
        check(json!(-1), None);
        check(json!(-0.4), None);
        for odd in [json!(null), json!("7"), json!(true), json!([7]), json!({})] {
            check(odd, None);
        }
    }
}
