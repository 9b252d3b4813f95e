//! The reports that exist: who watches, by day, by country, by video, and in all.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::analytics::Query;
use super::figures::COUNTS;
use super::{errors, figures, videos};
use crate::platforms::ApiResponse;
use crate::world::account::Account;
use crate::world::audience::AGES;
use crate::world::daily::pacific_date;

const OF_VIDEOS: &[&str] = &["views", "likes", "comments", "shares", "estimatedMinutesWatched"];

/// As Google writes the genders of an audience.
const GENDERS: [&str; 3] = ["female", "male", "user_specified"];

/// Below this many subscribers viewers are not broken down.
const LEAST_AUDIENCE: u64 = 100;

/// The report, or that there is none of this kind.
pub fn report(account: &Account, query: &Query<'_>, now: Timestamp) -> Result<ApiResponse, ApiResponse> {
    let first = query.first.max(pacific_date(account.created_at));
    let last = query.last.min(figures::last_counted(account, now));
    let is_of = |known: &[&str]| query.metrics.iter().all(|metric| known.contains(metric));
    let rows = match query.dimensions.as_slice() {
        dimensions if is_of(&["viewerPercentage"]) && is_demographic(dimensions) => {
            viewers(account, dimensions, now).filter(|_| first <= last)
        }
        ["day"] if is_of(COUNTS) => some(figures::of_days(account, &query.metrics, first, last)),
        ["country"] if is_of(COUNTS) => some(figures::of_countries(account, &query.metrics, first, last)),
        [] if is_of(COUNTS) => some(figures::in_all(account, &query.metrics, first, last)),
        ["video"] if is_of(OF_VIDEOS) && query.sort.is_some() && query.most.is_some_and(|most| most <= 200) => {
            some(top_videos(account, query, now))
        }
        _ => return Err(errors::not_supported()),
    };
    let rows = rows.map(|rows| shown(rows, query)).transpose()?;
    Ok(ApiResponse::ok(table(query, rows)))
}

/// Ages, genders or both, each once.
fn is_demographic(dimensions: &[&str]) -> bool {
    matches!(dimensions, ["ageGroup"] | ["gender"] | ["ageGroup", "gender"] | ["gender", "ageGroup"])
}

/// Percent of all viewers; `None` for groups too small to be reported apart.
fn viewers(account: &Account, dimensions: &[&str], now: Timestamp) -> Option<Vec<Vec<Value>>> {
    if account.followers.at(now) < LEAST_AUDIENCE {
        return None;
    }
    let audience = account.audience();
    let ages = || 0..AGES.len();
    let genders = || 0..GENDERS.len();
    let named = |age: usize, gender: usize| {
        let name = |dimension: &&str| match *dimension {
            "ageGroup" => json!(age_group(AGES[age])),
            _ => json!(GENDERS[gender]),
        };
        dimensions.iter().map(name).collect::<Vec<_>>()
    };
    let cells: Vec<(Vec<Value>, f64)> = match dimensions {
        ["ageGroup"] => ages().map(|age| (named(age, 0), audience.age(age))).collect(),
        ["gender"] => genders().map(|gender| (named(0, gender), audience.gender(gender))).collect(),
        _ => {
            let all = ages().flat_map(|age| genders().map(move |gender| (age, gender)));
            all.map(|(age, gender)| (named(age, gender), audience.shares[age][gender])).collect()
        }
    };
    let percent = |share: f64| (share * 1000.0).round() / 10.0;
    // What rounds to nothing is left out.
    let reported = cells.into_iter().filter(|(_, share)| percent(*share) > 0.0);
    some(reported.map(|(names, share)| names.into_iter().chain([json!(percent(share))]).collect()).collect())
}

/// `age18-24`, `age65-`.
fn age_group(age: &str) -> String {
    format!("age{}", age.replace('+', "-"))
}

fn top_videos(account: &Account, query: &Query<'_>, now: Timestamp) -> Vec<Vec<Value>> {
    let posts = account.numbers_served(now).filter_map(|number| account.post(number, now));
    let row = |post: crate::world::posts::Post| {
        let counts = query.metrics.iter().map(|metric| {
            let numbers = post.numbers;
            let count = match *metric {
                "likes" => numbers.likes,
                "comments" => numbers.comments,
                "views" => numbers.views,
                "shares" => numbers.likes.map(|likes| likes / 20),
                _ => numbers.views.map(|views| views * 2),
            };
            json!(count.unwrap_or(0))
        });
        [json!(videos::id(account, post.number))].into_iter().chain(counts).collect()
    };
    posts.map(row).collect()
}

/// In the order and of the size that were requested.
fn shown(mut rows: Vec<Vec<Value>>, query: &Query<'_>) -> Result<Vec<Vec<Value>>, ApiResponse> {
    if let Some(sort) = query.sort {
        let name = sort.trim_start_matches('-');
        let names = query.dimensions.iter().chain(&query.metrics);
        let column = names.clone().position(|column| *column == name).ok_or_else(|| errors::bad_value("sort", sort))?;
        rows.sort_by(
            |a, b| if sort.starts_with('-') { order(&b[column], &a[column]) } else { order(&a[column], &b[column]) },
        );
    }
    Ok(rows.into_iter().skip(query.start).take(query.most.unwrap_or(usize::MAX)).collect())
}

fn order(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.as_str().cmp(&b.as_str()),
    }
}

/// Without data there are no rows at all.
fn table(query: &Query<'_>, rows: Option<Vec<Vec<Value>>>) -> Value {
    let dimension = |name: &&str| json!({"name": name, "columnType": "DIMENSION", "dataType": "STRING"});
    let metric = |name: &&str| {
        let kind = if matches!(*name, "viewerPercentage") { "FLOAT" } else { "INTEGER" };
        json!({"name": name, "columnType": "METRIC", "dataType": kind})
    };
    let headers: Vec<Value> = query.dimensions.iter().map(dimension).chain(query.metrics.iter().map(metric)).collect();
    let mut table = json!({"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers});
    if let Some(rows) = rows {
        table["rows"] = json!(rows);
    }
    table
}

fn some(rows: Vec<Vec<Value>>) -> Option<Vec<Vec<Value>>> {
    (!rows.is_empty()).then_some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_age_ends_in_a_dash() {
        let check = |age, expected: &str| assert_eq!(age_group(age), expected);
        check("13-17", "age13-17");
        check("65+", "age65-");
    }

    #[test]
    fn demographics_stand_alone() {
        let check = |dimensions: &[&str], expected| assert_eq!(is_demographic(dimensions), expected, "{dimensions:?}");
        check(&["ageGroup", "gender"], true);
        check(&["gender"], true);
        check(&["day", "gender"], false);
        check(&["gender", "gender"], false);
        check(&[], false);
    }
}
