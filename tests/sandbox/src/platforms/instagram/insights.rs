//! Insights of an account: totals by default of the last whole day, series for reach alone.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value, json};

use super::account::check_insights_scope;
use super::demographics;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{Call, Field, Terms, error, item, metrics, range, series_value};
use crate::world::account::Account;
use crate::world::daily::Day;

/// Three months.
const TERMS: Terms = Terms { usual_days: 1, most_days: 30, kept_days: 90, late_hours: 0 };
/// Who followed and who left is known a day later.
const FOLLOWS: Terms = Terms { late_hours: 24, ..TERMS };

/// Below this many followers these are not reported.
pub const LEAST_FOLLOWERS: u64 = 100;

/// A metric by the day: how it adds up, and by what it can be broken down.
struct Metric {
    name: &'static str,
    of: fn(&Day) -> u64,
    breakdowns: &'static [&'static str],
}

const fn metric(name: &'static str, of: fn(&Day) -> u64, breakdowns: &'static [&'static str]) -> Metric {
    Metric { name, of, breakdowns }
}

const PRODUCT: &[&str] = &["media_product_type"];

const METRICS: &[Metric] = &[
    metric("reach", |day| day.reach, &["media_product_type", "follow_type"]),
    metric("views", |day| day.views, &["follower_type", "media_product_type"]),
    metric("accounts_engaged", |day| day.reach / 20, &[]),
    metric("replies", |day| day.comments / 4, &[]),
    metric("reposts", |day| day.shares / 5, &[]),
    metric("total_interactions", |day| day.engagements(), PRODUCT),
    metric("likes", |day| day.likes, PRODUCT),
    metric("comments", |day| day.comments, PRODUCT),
    metric("shares", |day| day.shares, PRODUCT),
    metric("saves", |day| day.saves, PRODUCT),
    metric("follows_and_unfollows", |day| day.gained + day.lost, &["follow_type"]),
    metric("profile_links_taps", |day| day.profile_views / 30, &["contact_button_type"]),
    metric("profile_views", |day| day.profile_views, &[]),
    metric("website_clicks", |day| day.profile_views / 40, &[]),
];

/// What the parameters or a nested field request.
struct Query<'a> {
    metrics: Vec<String>,
    period: Option<&'a str>,
    metric_type: Option<&'a str>,
    breakdown: Option<&'a str>,
    timeframe: Option<&'a str>,
}

pub fn edge(call: &Call<'_>, account: &Arc<Account>) -> Result<ApiResponse, ApiResponse> {
    let param = |name| call.request.param(name);
    let requested = param("metric").ok_or_else(|| error(100, None, "(#100) The parameter metric is required"))?;
    let query = Query {
        metrics: metrics(requested),
        period: param("period"),
        metric_type: param("metric_type"),
        breakdown: param("breakdown").or_else(|| param("breakdowns")),
        timeframe: param("timeframe"),
    };
    report(call, account, &query).map(|data| ApiResponse::ok(json!({"data": data})))
}

/// `insights.metric(reach).period(day)` among an account's fields.
pub fn nested(call: &Call<'_>, account: &Arc<Account>, field: &Field) -> Result<Value, ApiResponse> {
    let query = Query {
        metrics: metrics(field.argument("metric").unwrap_or_default()),
        period: field.argument("period"),
        metric_type: field.argument("metric_type"),
        breakdown: field.argument("breakdown"),
        timeframe: field.argument("timeframe"),
    };
    report(call, account, &query).map(|data| json!({"data": data}))
}

/// Each metric's object, unless one of them cannot be.
fn report(call: &Call<'_>, account: &Arc<Account>, query: &Query<'_>) -> Result<Vec<Value>, ApiResponse> {
    check_insights_scope(call)?;
    let mut data = Vec::new();
    for (index, name) in query.metrics.iter().enumerate() {
        let known = METRICS.iter().find(|metric| metric.name == name);
        if demographics::is_one(name) {
            lifetime(query, name)?;
            data.extend(demographics::report(account, name, query.timeframe, query.breakdown, call.now)?);
        } else if let Some(metric) = known {
            data.extend(by_day(call, account, metric, query)?);
        } else {
            let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
            let message = format!("(#100) metric[{index}] must be one of the following values: {}", names.join(", "));
            return Err(error(100, None, &message));
        }
    }
    Ok(data)
}

fn lifetime(query: &Query<'_>, name: &str) -> Result<(), ApiResponse> {
    match (query.period, query.metric_type) {
        (Some("lifetime"), Some("total_value")) => Ok(()),
        (Some("lifetime"), _) => Err(needs_total(name)),
        _ => Err(incompatible(name)),
    }
}

fn by_day(
    call: &Call<'_>,
    account: &Account,
    metric: &Metric,
    query: &Query<'_>,
) -> Result<Option<Value>, ApiResponse> {
    if query.period != Some("day") {
        return Err(incompatible(metric.name));
    }
    let is_follows = metric.name == "follows_and_unfollows";
    let range = range(call, if is_follows { FOLLOWS } else { TERMS })?;
    if is_follows && account.followers.at(call.now) < LEAST_FOLLOWERS {
        return Ok(None);
    }
    let days: Vec<(Date, Day)> =
        range.iter().flat_map(|range| range.days()).map(|date| (date, account.day(date))).collect();
    match query.metric_type {
        None | Some("time_series") if metric.name == "reach" && query.breakdown.is_none() => {
            let values: Vec<Value> =
                days.iter().map(|(date, day)| series_value(*date, json!((metric.of)(day)))).collect();
            Ok((!values.is_empty()).then(|| item(&account.id, metric.name, "day", ("values", json!(values)))))
        }
        Some("total_value") => {
            let breakdown = query.breakdown.map(|breakdown| broken_down(metric, breakdown, &days)).transpose()?;
            // What is not known yet has neither a value nor a breakdown.
            let mut reported = json!({});
            if !days.is_empty() {
                reported["value"] = json!(sum(&days, metric.of));
                breakdown.into_iter().for_each(|breakdown| reported["breakdowns"] = json!([breakdown]));
            }
            Ok(Some(item(&account.id, metric.name, "day", ("total_value", reported))))
        }
        _ => Err(needs_total(metric.name)),
    }
}

fn sum(days: &[(Date, Day)], of: fn(&Day) -> u64) -> u64 {
    days.iter().map(|(_, day)| of(day)).sum()
}

/// A breakdown that a metric does not have is refused without a word of why.
fn broken_down(metric: &Metric, breakdown: &str, days: &[(Date, Day)]) -> Result<Value, ApiResponse> {
    if !metric.breakdowns.contains(&breakdown) {
        return Err(error(1, None, "An unknown error has occurred."));
    }
    let values: &[&str] = match breakdown {
        "media_product_type" => &["POST", "REEL"],
        "contact_button_type" => &["CALL", "EMAIL"],
        _ => &["FOLLOWER", "NON_FOLLOWER"],
    };
    let total = sum(days, metric.of);
    let parts = match metric.name {
        // What they are since then: those who followed, and those who left.
        "follows_and_unfollows" => [sum(days, |day| day.gained), sum(days, |day| day.lost)],
        _ => [total * 3 / 5, total - total * 3 / 5],
    };
    let results: Vec<Value> =
        values.iter().zip(parts).map(|(name, value)| json!({"dimension_values": [name], "value": value})).collect();
    Ok(json!({"dimension_keys": [breakdown], "results": results}))
}

fn needs_total(name: &str) -> ApiResponse {
    let message =
        format!("(#100) The following metrics ({name}) should be specified with parameter metric_type=total_value");
    error(100, None, &message)
}

fn incompatible(name: &str) -> ApiResponse {
    error(100, None, &format!("(#100) The following metrics ({name}) are incompatible with the metric period"))
}
