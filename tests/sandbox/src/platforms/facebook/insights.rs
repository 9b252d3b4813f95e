//! Insights of Pages and posts. The living metrics are in one table; every other name is refused.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::posts;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{
    Call, Field, Range, Terms, error, item, metrics, newest, range, refused, series_value, unknown_metric,
};
use crate::world::account::Account;
use crate::world::daily::{Day, days};
use crate::world::posts::Post;

/// Two years, renewed once a day: in the morning the newest day is not there yet.
const TERMS: Terms = Terms { usual_days: 2, most_days: 90, kept_days: 730, late_hours: 6 };
const LEAST_LIKES: u64 = 100;

/// One metric of a Page.
struct Metric {
    name: &'static str,
    value: MetricValue,
    periods: &'static [&'static str],
}

/// What a Page's metric is made of.
enum MetricValue {
    /// Adds up over days.
    Sum(fn(&Day) -> u64),
    /// Followers at the end of the day.
    Followers,
    /// Reactions of the day by kind.
    Reactions,
    /// Followers by country or city.
    Locations(&'static [&'static str]),
}

const fn sum(name: &'static str, of: fn(&Day) -> u64, periods: &'static [&'static str]) -> Metric {
    Metric { name, value: MetricValue::Sum(of), periods }
}

const DAY: &[&str] = &["day"];
const SPANS: &[&str] = &["day", "week", "days_28"];

const OF_PAGES: &[Metric] = &[
    sum("page_media_view", |day| day.views, SPANS),
    sum("page_total_media_view_unique", |day| day.reach, SPANS),
    sum("page_post_engagements", |day| day.engagements(), SPANS),
    Metric { name: "page_follows", value: MetricValue::Followers, periods: DAY },
    sum("page_daily_follows", |day| day.gained, DAY),
    sum("page_daily_follows_unique", |day| day.gained, DAY),
    sum("page_daily_unfollows_unique", |day| day.lost, DAY),
    sum("page_views_total", |day| day.profile_views, SPANS),
    sum("page_total_actions", |day| day.profile_views / 20, DAY),
    Metric { name: "page_actions_post_reactions_total", value: MetricValue::Reactions, periods: DAY },
    sum("page_actions_post_reactions_like_total", |day| day.likes * 70 / 100, DAY),
    sum("page_actions_post_reactions_love_total", |day| day.likes * 20 / 100, DAY),
    sum("page_actions_post_reactions_wow_total", |day| day.likes * 4 / 100, DAY),
    sum("page_actions_post_reactions_haha_total", |day| day.likes * 4 / 100, DAY),
    sum("page_actions_post_reactions_sorry_total", |day| day.likes / 100, DAY),
    sum("page_actions_post_reactions_anger_total", |day| day.likes / 100, DAY),
    sum("page_video_views", |day| day.views / 3, DAY),
    sum("page_video_view_time", |day| day.views * 2000, DAY),
    sum("page_video_complete_views_30s", |day| day.views / 12, DAY),
    Metric {
        name: "page_follows_country",
        value: MetricValue::Locations(&["GR", "DE", "FR"]),
        periods: &["day", "lifetime"],
    },
    Metric {
        name: "page_follows_city",
        value: MetricValue::Locations(&["Athens", "Berlin", "Paris"]),
        periods: &["day", "lifetime"],
    },
];

const OF_POSTS: &[&str] = &[
    "post_media_view",
    "post_total_media_view_unique",
    "post_clicks",
    "post_clicks_by_type",
    "post_reactions_by_type_total",
    "post_video_views",
];

pub fn of_page(call: &Call<'_>, page: &Arc<Account>) -> Result<ApiResponse, ApiResponse> {
    let requested = metrics(call.request.param("metric").unwrap_or_default());
    report_page(call, page, &requested, call.request.param("period")).map(|data| ApiResponse::ok(json!({"data": data})))
}

/// `insights.metric(page_follows).period(day)` among a Page's fields.
pub fn nested_of_page(call: &Call<'_>, page: &Arc<Account>, field: &Field) -> Result<Value, ApiResponse> {
    let requested = metrics(field.argument("metric").unwrap_or_default());
    report_page(call, page, &requested, field.argument("period")).map(|data| json!({"data": data}))
}

pub fn of_post(call: &Call<'_>, page: &Arc<Account>, post: &Post) -> Result<ApiResponse, ApiResponse> {
    let requested = metrics(call.request.param("metric").unwrap_or_default());
    report_post(call, page, post, &requested).map(|data| ApiResponse::ok(json!({"data": data})))
}

/// `insights.metric(post_media_view)` among a post's fields.
pub fn nested_of_post(call: &Call<'_>, page: &Arc<Account>, post: &Post, field: &Field) -> Result<Value, ApiResponse> {
    let requested = metrics(field.argument("metric").unwrap_or_default());
    report_post(call, page, post, &requested).map(|data| json!({"data": data}))
}

/// Names are checked before permissions: that is how an unknown one is distinguished from an empty one.
fn report_page(
    call: &Call<'_>,
    page: &Account,
    requested: &[String],
    period: Option<&str>,
) -> Result<Vec<Value>, ApiResponse> {
    check_token(call)?;
    let known: Vec<&Metric> = requested.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
    if known.is_empty() {
        return Err(error(
            3001,
            Some(1504028),
            "(#3001) No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.",
        ));
    }
    let period = period.unwrap_or("day");
    for metric in &known {
        if !metric.periods.contains(&period) {
            let message = format!("(#100) The metric {} does not support the period {period}", metric.name);
            return Err(error(100, None, &message));
        }
    }
    let range = match call.request.param("date_preset") {
        Some(preset) => preset_range(call, preset)?,
        None => range(call, TERMS)?,
    };
    if let Some(code) = known.iter().find_map(|metric| page.refused(metric.name, 0)) {
        return Err(refused(code));
    }
    let Some(range) = range.filter(|_| is_reported(call, page)) else { return Ok(Vec::new()) };
    Ok(known.iter().map(|metric| page_item(page, metric, period, range)).collect())
}

fn find(name: &str) -> Result<&'static Metric, ApiResponse> {
    OF_PAGES.iter().find(|metric| metric.name == name).ok_or_else(unknown_metric)
}

fn page_item(page: &Account, metric: &Metric, period: &str, range: Range) -> Value {
    let values: Vec<Value> =
        range.days().map(|date| series_value(date, page_value(page, metric, period, date))).collect();
    item(&page.id, metric.name, period, ("values", json!(values)))
}

fn page_value(page: &Account, metric: &Metric, period: &str, date: Date) -> Value {
    let followers = || page.followers.at(crate::world::daily::pacific_end(date));
    let length: i64 = match period {
        "week" => 7,
        "days_28" => 28,
        _ => 1,
    };
    match metric.value {
        MetricValue::Sum(of) => {
            let first = date.checked_sub((length - 1).days()).unwrap_or(date);
            json!(days(first, date).map(|date| of(&page.day(date))).sum::<u64>())
        }
        MetricValue::Followers => json!(followers()),
        MetricValue::Reactions => posts::by_kind(page.day(date).likes),
        MetricValue::Locations(locations) => {
            let counts = locations
                .iter()
                .zip([40, 20, 10])
                .map(|(location, share)| ((*location).to_owned(), json!(followers() * share / 100)));
            Value::Object(counts.collect())
        }
    }
}

fn preset_range(call: &Call<'_>, preset: &str) -> Result<Option<Range>, ApiResponse> {
    let length: i64 = match preset {
        "today" => 0,
        "yesterday" => 1,
        "last_3d" => 3,
        "last_7d" => 7,
        "last_14d" => 14,
        "last_28d" => 28,
        "last_30d" => 30,
        "last_90d" => 90,
        _ => return Err(error(100, None, "(#100) Param date_preset is not one of the known presets")),
    };
    // What is over as far as it is reported: early in the day yesterday is the day before.
    let newest = newest(call.now, TERMS.late_hours);
    let back = |days: i64| newest.checked_sub(days.days()).unwrap_or(newest);
    Ok((length > 0).then(|| Range { first: back(length - 1), last: newest }))
}

fn report_post(call: &Call<'_>, page: &Account, post: &Post, requested: &[String]) -> Result<Vec<Value>, ApiResponse> {
    check_token(call)?;
    if requested.iter().any(|name| !OF_POSTS.contains(&name.as_str())) {
        return Err(unknown_metric());
    }
    if requested.is_empty() {
        return Err(error(
            3001,
            Some(1504028),
            "(#3001) No metric was specified to be fetched. Please specify one or more metrics to be fetched and try again.",
        ));
    }
    let refuses = requested.iter().map(String::as_str).chain(["insights"]);
    if let Some(code) = refuses.into_iter().find_map(|what| page.refused(what, post.number)) {
        return Err(refused(code));
    }
    if !is_reported(call, page) {
        return Ok(Vec::new());
    }
    let id = posts::id(page, post);
    let one = |name: &String| item(&id, name, "lifetime", ("values", json!([{"value": post_value(post, name)}])));
    Ok(requested.iter().map(one).collect())
}

fn post_value(post: &Post, name: &str) -> Value {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let views = count(post.numbers.views);
    match name {
        "post_media_view" => json!(views),
        "post_total_media_view_unique" => json!(count(post.numbers.reach)),
        "post_clicks" => json!(views / 30),
        "post_clicks_by_type" => json!({"other clicks": views / 40, "photo view": views / 120}),
        "post_reactions_by_type_total" => posts::by_kind(count(post.numbers.likes)),
        _ => json!(views / 3),
    }
}

/// Insights are for a Page's own token.
fn check_token(call: &Call<'_>) -> Result<(), ApiResponse> {
    match call.page_id() {
        Some(_) => Ok(()),
        None => Err(error(190, Some(2069032), "(#190) This method must be called with a Page Access Token")),
    }
}

/// Without its permission, and for a small Page, nothing is reported, and nothing refused.
fn is_reported(call: &Call<'_>, page: &Account) -> bool {
    let likes = page.followers.at(call.now);
    call.has("read_insights") && call.has("pages_read_engagement") && likes >= LEAST_LIKES
}
