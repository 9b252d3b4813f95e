//! What insights of accounts, Pages, posts and media have in common: lists of metrics, days, the form of a response.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::access::Call;
use super::edges::when;
use super::errors::error;
use crate::platforms::ApiResponse;
use crate::world::daily::{days, pacific_date, pacific_end};

/// Days in California, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub first: Date,
    pub last: Date,
}

impl Range {
    pub fn days(self) -> impl Iterator<Item = Date> {
        days(self.first, self.last)
    }
}

/// The metrics requested, as a list with commas or as JSON, which the official SDK sends.
pub fn metrics(text: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(metrics) => metrics,
        Err(_) => text.split(',').map(|metric| metric.trim().to_owned()).filter(|metric| !metric.is_empty()).collect(),
    }
}

/// The days between `since` and `until`, by Unix seconds or dates; otherwise the last `usual_days` whole ones.
pub fn range(call: &Call<'_>, usual_days: i64, most_days: i32) -> Result<Range, ApiResponse> {
    let today = pacific_date(call.now);
    let back = |days: i64| today.checked_sub(days.days()).unwrap_or(today);
    let usual = Range { first: back(usual_days), last: back(1) };
    let day = |name: &str| call.request.param(name).map(|text| read_day(text).ok_or_else(|| bad(name))).transpose();
    let range = match (day("since")?, day("until")?) {
        (None, None) => return Ok(usual),
        (Some(since), None) => Range { first: since, last: usual.last },
        (None, Some(until)) => Range { first: until.checked_sub(usual_days.days()).unwrap_or(until), last: until },
        // `until` is a moment: the day that begins there is not in it.
        (Some(since), Some(until)) => Range { first: since, last: until.yesterday().unwrap_or(until).max(since) },
    };
    if (range.last - range.first).get_days() > most_days {
        let message = format!("(#100) There cannot be more than {most_days} days between since and until");
        return Err(error(100, None, &message));
    }
    Ok(range)
}

fn bad(name: &str) -> ApiResponse {
    error(100, None, &format!("(#100) Param {name} must be a valid date or UNIX timestamp"))
}

fn read_day(text: &str) -> Option<Date> {
    match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok().map(pacific_date),
        Err(_) => text.get(..10)?.parse().ok(),
    }
}

/// One metric's object; `reported` is what it says: `values` or `total_value`.
pub fn item(id: &str, name: &str, period: &str, reported: (&str, Value)) -> Value {
    let title = name.replace('_', " ");
    let mut item = json!({"name": name, "period": period});
    item[reported.0] = reported.1;
    item["title"] = json!(title);
    item["description"] = json!(format!("The {title} of this object."));
    item["id"] = json!(format!("{id}/insights/{name}/{period}"));
    item
}

/// A day's value, under the moment at which the day ended.
pub fn series_value(date: Date, value: Value) -> Value {
    json!({"value": value, "end_time": when(pacific_end(date))})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_come_as_a_list_or_as_json() {
        let check = |text, expected: &[&str]| assert_eq!(metrics(text), expected, "{text}");
        check("reach,views", &["reach", "views"]);
        check(r#"["reach", "views"]"#, &["reach", "views"]);
        check("reach", &["reach"]);
        check("", &[]);
    }

    #[test]
    fn days_are_read_in_both_forms() {
        let check =
            |text, expected: Option<&str>| assert_eq!(read_day(text).map(|day| day.to_string()).as_deref(), expected);
        check("2026-11-20", Some("2026-11-20"));
        // 07:00 UTC is still the day before in California.
        check("1795244400", Some("2026-11-20"));
        check("soon", None);
    }
}
