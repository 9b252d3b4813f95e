//! `business/get`: totals, figures of days, the audience.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};

use super::{BASIC, INSIGHTS, PROFILE, STATS, TYPE, USERNAME, access, error, fields, ok};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::Account;
use crate::world::audience::AGES;
use crate::world::daily::{days, utc_end};

/// Each field and the scope it needs. `followers_count` is a figure of days, too.
const FIELDS: &[(&str, &str)] = &[
    ("is_business_account", TYPE),
    ("profile_image", BASIC),
    ("username", USERNAME),
    ("profile_deep_link", PROFILE),
    ("display_name", BASIC),
    ("bio_description", PROFILE),
    ("is_verified", PROFILE),
    ("following_count", STATS),
    ("followers_count", STATS),
    ("total_likes", STATS),
    ("videos_count", STATS),
    ("video_views", INSIGHTS),
    ("unique_video_views", INSIGHTS),
    ("profile_views", INSIGHTS),
    ("likes", INSIGHTS),
    ("comments", INSIGHTS),
    ("shares", INSIGHTS),
    ("daily_total_followers", INSIGHTS),
    ("daily_new_followers", INSIGHTS),
    ("daily_lost_followers", INSIGHTS),
    ("engaged_audience", INSIGHTS),
    ("audience_ages", INSIGHTS),
    ("audience_genders", INSIGHTS),
    ("audience_countries", INSIGHTS),
];

const USUAL: &[&str] = &["display_name", "profile_image"];

/// How far back days are reported.
const LOOK_BACK_DAYS: i64 = 60;
/// How long after its end a day arrives: 24 to 48 hours.
const LATE_HOURS: i64 = 36;
/// Below that many followers there is no audience.
const LEAST_FOLLOWERS: u64 = 100;

/// How the audience is spread; the rest is elsewhere.
const COUNTRIES: [(&str, f64); 4] = [("DE", 0.4102), ("AT", 0.1993), ("CH", 0.1007), ("US", 0.0501)];

pub fn get(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let (held, account) = access(world, request)?;
    let requested = fields::requested(request, &held, FIELDS, USUAL)?;
    let (first, last) = range(request, world.now())?;
    let mut data = Map::new();
    for name in &requested {
        data.extend(total(world, &account, name).map(|value| (name.clone(), value)));
    }
    let daily: Vec<&str> = requested.iter().map(String::as_str).filter(|name| is_daily(name)).collect();
    // The total of followers needs less than the same of days does.
    if !daily.is_empty() && held.grant.has(INSIGHTS) {
        data.insert("metrics".to_owned(), metrics(world, &account, &daily, first, last));
    }
    Ok(ok(Value::Object(data)).about(&account))
}

/// Both included: the last seven days until yesterday where nothing is said.
fn range(request: &ApiRequest, now: Timestamp) -> Result<(Date, Date), ApiResponse> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let back = |days: i64| today.saturating_sub(days.days());
    let date = |name: &str, usual: Date| match request.one(name) {
        Some(text) => text.parse().map_err(|_| error(40_002, &format!("{name}: Not a valid date."))),
        None => Ok(usual),
    };
    let (first, last) = (date("start_date", back(7))?, date("end_date", back(1))?);
    match () {
        () if first < back(LOOK_BACK_DAYS) => {
            Err(error(40_002, "start_date: The maximum supported look-back period is 60 days."))
        }
        () if first > last => Err(error(40_002, "start_date: Must not be later than end_date.")),
        () => Ok((first, last)),
    }
}

fn total(world: &World, account: &Account, name: &str) -> Option<Value> {
    let now = world.now();
    let has_audience = account.followers.at(now) >= LEAST_FOLLOWERS;
    let audience = |list: Vec<Value>| if has_audience { json!(list) } else { json!([]) };
    Some(match name {
        "is_business_account" => json!(is_business(account)),
        "profile_image" => json!(format!("https://p16-sign.tiktokcdn.test/{}.webp", account.id)),
        "username" => json!(account.handle),
        "profile_deep_link" => json!(format!("https://vm.tiktok.test/{}", account.handle)),
        "display_name" => json!(account.display_name),
        "bio_description" => json!(account.description),
        "is_verified" => json!(account.seed.is_multiple_of(5)),
        "following_count" => json!(account.following.at(now)),
        "followers_count" => json!(account.followers.at(now)),
        "total_likes" => json!(account.posting.count_at(now) * account.followers.at(now) / 20),
        "videos_count" => json!(account.posting.count_at(now)),
        "audience_ages" => audience(ages(account)),
        "audience_genders" => audience(genders(account)),
        "audience_countries" => {
            audience(COUNTRIES.iter().map(|(code, share)| json!({"country": code, "percentage": share})).collect())
        }
        _ => return None,
    })
}

fn is_business(account: &Account) -> bool {
    !account.seed.is_multiple_of(3)
}

/// Ages begin at 18, and the last two of ours are one.
fn ages(account: &Account) -> Vec<Value> {
    let audience = account.audience();
    let grown: f64 = 1.0 - audience.age(0);
    let age = |index: usize| audience.age(index) / grown;
    let mut list: Vec<Value> = (1..5).map(|index| json!({"age": AGES[index], "percentage": age(index)})).collect();
    list.push(json!({"age": "55+", "percentage": age(5) + age(6)}));
    list
}

fn genders(account: &Account) -> Vec<Value> {
    let audience = account.audience();
    let named = ["Female", "Male", "Other"].into_iter().enumerate();
    named.map(|(index, name)| json!({"gender": name, "percentage": audience.gender(index)})).collect()
}

fn is_daily(name: &str) -> bool {
    name == "followers_count" || FIELDS[11..21].iter().any(|(known, _)| *known == name)
}

/// The days that have arrived, since the account exists.
fn metrics(world: &World, account: &Account, fields: &[&str], first: Date, last: Date) -> Value {
    let has_arrived = |date: &Date| utc_end(*date) + LATE_HOURS.hours() <= world.now();
    let exists = |date: &Date| utc_end(*date) > account.created_at;
    let row = |date: Date| {
        let figures = fields.iter().filter_map(|name| Some(((*name).to_owned(), figure(account, date, name)?)));
        let date = [("date".to_owned(), json!(date.to_string()))];
        Value::Object(date.into_iter().chain(figures).collect())
    };
    days(first, last).filter(exists).filter(has_arrived).map(row).collect()
}

/// `None` for what is reported of business accounts only.
fn figure(account: &Account, date: Date, name: &str) -> Option<Value> {
    let day = account.utc_day(date);
    let of_business = |figure: Value| is_business(account).then_some(figure);
    match name {
        "followers_count" => Some(json!(account.followers.at(utc_end(date)))),
        "video_views" => Some(json!(day.views)),
        "profile_views" => Some(json!(day.profile_views)),
        "likes" => Some(json!(day.likes)),
        "comments" => Some(json!(day.comments)),
        "shares" => Some(json!(day.shares)),
        "unique_video_views" => of_business(json!(day.reach)),
        "daily_new_followers" => of_business(json!(day.gained)),
        "daily_lost_followers" => of_business(json!(day.lost)),
        "daily_total_followers" => of_business(json!(day.gained as i64 - day.lost as i64)),
        "engaged_audience" => of_business(json!(day.engagements() / 2)),
        _ => None,
    }
}
