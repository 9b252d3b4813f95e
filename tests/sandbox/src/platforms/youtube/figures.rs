//! What a channel gathers: figures of days, of all days together, and of countries.

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::world::account::Account;
use crate::world::daily::{Day, days, pacific_date, pacific_end};
use crate::world::noise::draw;

/// What can be requested of them.
pub const COUNTS: &[&str] = &[
    "views",
    "engagedViews",
    "likes",
    "comments",
    "shares",
    "estimatedMinutesWatched",
    "averageViewDuration",
    "subscribersGained",
    "subscribersLost",
];

/// A day is counted between 48 and 72 hours after its end.
const LATE_HOURS: std::ops::RangeInclusive<u64> = 48..=72;

/// From this day on a view is counted when it starts.
const COUNTED_FROM_START: Date = date(2026, 8, 24);

/// Where viewers are, the first the most frequent; `ZZ` is where that is not known.
const COUNTRIES: [&str; 30] = [
    "DE", "AT", "CH", "US", "GB", "FR", "GR", "ZZ", "IT", "ES", "NL", "PL", "TR", "BR", "IN", "CY", "SE", "DK", "NO",
    "BE", "CZ", "PT", "RO", "HU", "JP", "CA", "AU", "MX", "AR", "IE",
];

/// The newest day that is counted by now.
pub fn last_counted(account: &Account, now: Timestamp) -> Date {
    let hours = LATE_HOURS.start() + draw(account.seed, 50) % (LATE_HOURS.end() - LATE_HOURS.start() + 1);
    let is_counted = |day: &Date| pacific_end(*day).saturating_add((hours as i64).hours()).is_ok_and(|at| at <= now);
    let back = |days: i64| pacific_date(now).saturating_sub(days.days());
    (1..=4).map(back).find(is_counted).unwrap_or_else(|| back(5))
}

/// A row for each day.
pub fn of_days(account: &Account, metrics: &[&str], first: Date, last: Date) -> Vec<Vec<Value>> {
    let row = |date: Date| {
        let figures = metrics.iter().map(|metric| figure(account, metric, &[date]));
        [json!(date.to_string())].into_iter().chain(figures).collect()
    };
    days(first, last).map(row).collect()
}

/// One row; none without days.
pub fn in_all(account: &Account, metrics: &[&str], first: Date, last: Date) -> Vec<Vec<Value>> {
    let dates: Vec<Date> = days(first, last).collect();
    if dates.is_empty() {
        return Vec::new();
    }
    vec![metrics.iter().map(|metric| figure(account, metric, &dates)).collect()]
}

/// A row for each country from which anything was watched.
pub fn of_countries(account: &Account, metrics: &[&str], first: Date, last: Date) -> Vec<Vec<Value>> {
    let dates: Vec<Date> = days(first, last).collect();
    let all: Vec<Value> = metrics.iter().map(|metric| figure(account, metric, &dates)).collect();
    let row = |(country, share): (&str, f64)| {
        let part = |all: &Value| number((all.as_f64().unwrap_or_default() * share) as u64);
        [json!(country)].into_iter().chain(all.iter().map(part)).collect::<Vec<_>>()
    };
    let rows = shares(account).into_iter().map(row);
    rows.filter(|row| row[1..].iter().any(|figure| figure.as_f64() != Some(0.0))).collect()
}

/// The first are drawn for each account; all together are 1.
fn shares(account: &Account) -> Vec<(&'static str, f64)> {
    let first = draw(account.seed, 51) as usize % 7;
    let weight = |index: usize| 1.0 / ((1 + index) as f64).powf(1.5);
    let sum: f64 = (0..COUNTRIES.len()).map(weight).sum();
    (0..COUNTRIES.len()).map(|index| (COUNTRIES[(first + index) % COUNTRIES.len()], weight(index) / sum)).collect()
}

fn figure(account: &Account, metric: &str, dates: &[Date]) -> Value {
    let sum = |part: fn(Date, Day) -> u64| number(dates.iter().map(|date| part(*date, account.day(*date))).sum());
    match metric {
        "views" => sum(|date, day| if date < COUNTED_FROM_START { engaged(day) } else { day.views }),
        "engagedViews" => sum(|_, day| engaged(day)),
        "likes" => sum(|_, day| day.likes),
        "comments" => sum(|_, day| day.comments),
        "shares" => sum(|_, day| day.shares),
        "estimatedMinutesWatched" => sum(|_, day| day.views * 2),
        "subscribersGained" => sum(|_, day| day.gained),
        "subscribersLost" => sum(|_, day| day.lost),
        // Whole seconds, and yet sent as a fraction, as Google does at times.
        _ => json!(120.0),
    }
}

/// Views that lasted.
fn engaged(day: Day) -> u64 {
    day.views * 4 / 5
}

/// Nothing is sent as a fraction, as Google does at times.
fn number(count: u64) -> Value {
    if count == 0 { json!(0.0) } else { json!(count) }
}
