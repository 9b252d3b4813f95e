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

/// What may be requested of days, and what is reported of them.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// So many whole days where none are named.
    pub usual_days: i64,
    /// The most days between `since` and `until`.
    pub most_days: i64,
    /// Days before these are not kept.
    pub kept_days: i64,
    /// A day is reported so many hours after its end.
    pub late_hours: i64,
}

/// The days between `since` and `until`, by Unix seconds or dates, as far as they are reported; otherwise the last whole
/// ones. `None`: none of them is.
pub fn range(call: &Call<'_>, terms: Terms) -> Result<Option<Range>, ApiResponse> {
    let newest = newest(call.now, terms.late_hours);
    let back = |days: i64| newest.checked_sub(days.days()).unwrap_or(newest);
    let usual = Range { first: back(terms.usual_days - 1), last: newest };
    let edge = |name: &str| call.request.param(name).map(|text| read_edge(text).ok_or_else(|| bad(name))).transpose();
    let before = |until: Edge| until.date.yesterday().unwrap_or(until.date);
    let range = match (edge("since")?, edge("until")?) {
        (None, None) => return Ok(Some(usual)),
        (Some(since), None) => Range { first: since.date, last: usual.last },
        (None, Some(until)) => {
            Range { first: until.date.checked_sub(terms.usual_days.days()).unwrap_or(until.date), last: before(until) }
        }
        // `until` is a moment: the day that begins there is not in it.
        (Some(since), Some(until)) => {
            check_length(since, until, terms.most_days)?;
            Range { first: since.date, last: before(until).max(since.date) }
        }
    };
    let reported = Range { first: range.first.max(back(terms.kept_days)), last: range.last.min(newest) };
    Ok((reported.first <= reported.last).then_some(reported))
}

/// The newest day that is reported.
pub fn newest(now: Timestamp, late_hours: i64) -> Date {
    let shown = pacific_date(now.checked_sub(late_hours.hours()).unwrap_or(now));
    shown.yesterday().unwrap_or(shown)
}

/// Of moments the seconds count: so many days are too long where summer time ends in them.
fn check_length(since: Edge, until: Edge, most_days: i64) -> Result<(), ApiResponse> {
    let is_long = match (since.second, until.second) {
        (Some(since), Some(until)) => until.saturating_sub(since) > most_days * 86_400,
        _ => i64::from((until.date - since.date).get_days()) > most_days,
    };
    match is_long {
        true => {
            let message = format!("(#100) There cannot be more than {most_days} days between since and until");
            Err(error(100, None, &message))
        }
        false => Ok(()),
    }
}

fn bad(name: &str) -> ApiResponse {
    error(100, None, &format!("(#100) Param {name} must be a valid date or UNIX timestamp"))
}

/// One end of what is requested: a Californian day, and the moment where it is one.
#[derive(Clone, Copy)]
struct Edge {
    date: Date,
    second: Option<i64>,
}

fn read_edge(text: &str) -> Option<Edge> {
    match text.parse::<i64>() {
        Ok(second) => {
            let date = pacific_date(Timestamp::from_second(second).ok()?);
            Some(Edge { date, second: Some(second) })
        }
        Err(_) => Some(Edge { date: text.get(..10)?.parse().ok()?, second: None }),
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
        let check = |text, expected: Option<&str>| {
            assert_eq!(read_edge(text).map(|edge| edge.date.to_string()).as_deref(), expected)
        };
        check("2026-11-20", Some("2026-11-20"));
        // 07:00 UTC is still the day before in California.
        check("1795244400", Some("2026-11-20"));
        check("soon", None);
    }
}
