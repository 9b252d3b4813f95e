//! `business/video/list`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{VIDEO_INSIGHTS, VIDEOS, access, error, fields, ok};
use crate::platforms::tiktok::videos::PREFIX;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::Account;
use crate::world::ids::{digits_id, read_digits_id};
use crate::world::posts::Post;

const FIELDS: &[(&str, &str)] = &[
    ("item_id", VIDEOS),
    ("media_type", VIDEOS),
    ("is_ad", VIDEOS),
    ("create_time", VIDEOS),
    ("thumbnail_url", VIDEOS),
    ("share_url", VIDEOS),
    ("embed_url", VIDEOS),
    ("caption", VIDEOS),
    ("video_duration", VIDEOS),
    ("likes", VIDEOS),
    ("comments", VIDEOS),
    ("shares", VIDEOS),
    ("favorites", VIDEOS),
    ("video_views", VIDEOS),
    ("reach", VIDEO_INSIGHTS),
];

#[derive(Deserialize)]
struct Filters {
    video_ids: Vec<String>,
}

/// Pages after the first are one shorter than requested, as TikTok reserves the right to do.
pub fn list(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let (held, account) = access(world, request)?;
    let requested = fields::requested(request, &held, FIELDS, &["item_id"])?;
    if !requested.iter().any(|name| name == "item_id") {
        return Err(error(40_002, "fields: item_id is required."));
    }
    let number = |name: &str| match request.one(name) {
        Some(text) => text.parse().map(Some).map_err(|_| error(40_002, &format!("{name}: Not a valid integer."))),
        None => Ok(None),
    };
    let (cursor, max_count): (Option<i64>, Option<i64>) = (number("cursor")?, number("max_count")?);
    let count = match max_count.unwrap_or(10) {
        count @ 2..=20 if cursor.is_some() => count as usize - 1,
        count @ 1..=20 => count as usize,
        _ => return Err(error(40_002, "max_count: Must be between 1 and 20.")),
    };
    let (now, before) = (world.now(), cursor.unwrap_or(i64::MAX));
    let only = filtered(request, &account)?;
    let all = account.numbers_served(now).filter(|number| only.as_ref().is_none_or(|only| only.contains(number)));
    let all = all.filter_map(|number| account.post(number, now));
    let rest: Vec<Post> = all.filter(|post| post.published.as_millisecond() < before).collect();
    let shown = &rest[..count.min(rest.len())];
    let videos: Vec<Value> = shown.iter().map(|post| video(&account, post, &requested)).collect();
    let next = shown.last().map_or(before.min(now.as_millisecond()), |post| post.published.as_millisecond());
    let data = json!({"videos": videos, "cursor": next, "has_more": rest.len() > count});
    Ok(ok(data).about(&account))
}

/// The numbers of the posts that the filter names; foreign and deleted ids are left out.
fn filtered(request: &ApiRequest, account: &Account) -> Result<Option<Vec<u64>>, ApiResponse> {
    let Some(text) = request.one("filters") else { return Ok(None) };
    let filters: Filters = serde_json::from_str(text).map_err(|_| error(40_002, "filters: Not a valid object."))?;
    Ok(Some(filters.video_ids.iter().filter_map(|id| read_digits_id(PREFIX, &account.id, id)).collect()))
}

fn video(account: &Account, post: &Post, requested: &[String]) -> Value {
    let reported = requested.iter().map(|name| (name.clone(), field(account, post, name)));
    Value::Object(reported.collect::<Map<_, _>>())
}

fn field(account: &Account, post: &Post, name: &str) -> Value {
    let id = digits_id(PREFIX, &account.id, post.number);
    let count = |count: Option<u64>| json!(count.unwrap_or(0));
    match name {
        "media_type" => json!("VIDEO"),
        "is_ad" => json!(false),
        // A text, here.
        "create_time" => json!(post.published.as_second().to_string()),
        "thumbnail_url" => json!(format!("https://p16-sign.tiktokcdn.test/{id}.jpeg?x-expires=1")),
        "share_url" => {
            json!(format!("https://www.tiktok.com/@{}/video/{id}?utm_campaign=tt4d_open_api", account.handle))
        }
        "embed_url" => json!(format!("https://www.tiktok.com/player/v1/{id}")),
        "caption" => json!(format!("{} #{}", account.description, post.number)),
        "video_duration" => json!((10 + post.number % 50) as f64 + 0.001),
        "likes" => count(post.numbers.likes),
        "comments" => count(post.numbers.comments),
        "shares" => count(post.numbers.reposts),
        "favorites" => count(post.numbers.saves.or(post.numbers.likes.map(|likes| likes / 10))),
        "video_views" => count(post.numbers.views),
        "reach" => count(post.numbers.views.map(|views| views * 4 / 5)),
        _ => json!(id),
    }
}
