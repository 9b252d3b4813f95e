//! `video/list` and `video/query`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{VIDEOS, access, account, fields, invalid_params, ok};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::Account;
use crate::world::ids::{digits_id, read_digits_id};
use crate::world::posts::Post;

const FIELDS: &[(&str, &str)] = &[
    ("id", VIDEOS),
    ("create_time", VIDEOS),
    ("cover_image_url", VIDEOS),
    ("share_url", VIDEOS),
    ("video_description", VIDEOS),
    ("duration", VIDEOS),
    ("height", VIDEOS),
    ("width", VIDEOS),
    ("title", VIDEOS),
    ("embed_html", VIDEOS),
    ("embed_link", VIDEOS),
    ("like_count", VIDEOS),
    ("comment_count", VIDEOS),
    ("share_count", VIDEOS),
    ("view_count", VIDEOS),
    ("is_aigc", VIDEOS),
];

/// What ids of videos begin with; 16 digits follow.
pub const PREFIX: &str = "710";

/// The most videos a page or a request has.
const MOST: usize = 20;

#[derive(Default, Deserialize)]
struct List {
    max_count: Option<i64>,
    /// Milliseconds: videos before that.
    cursor: Option<i64>,
}

/// Pages after the first are one shorter than requested, as TikTok reserves the right to do.
pub fn list(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = access(world, request).and_then(|held| {
        let requested = fields(request, &held, FIELDS)?;
        let List { max_count, cursor } = body(request)?;
        let count = match max_count.unwrap_or(10) {
            count @ 2..=20 if cursor.is_some() => count as usize - 1,
            count @ 1..=20 => count as usize,
            _ => return Err(invalid_params("max_count must be between 1 and 20")),
        };
        let account = account(world, &held)?;
        let now = world.now();
        let before = cursor.unwrap_or(i64::MAX);
        let all = account.numbers_served(now).filter_map(|number| account.post(number, now));
        let rest: Vec<Post> = all.filter(|post| post.published.as_millisecond() < before).collect();
        let shown = &rest[..count.min(rest.len())];
        let videos: Vec<Value> = shown.iter().map(|post| video(&account, post, &requested)).collect();
        let next = shown.last().map_or(before.min(now.as_millisecond()), |post| post.published.as_millisecond());
        let data = json!({"videos": videos, "cursor": next, "has_more": rest.len() > count});
        Ok(ok(data).about(&account))
    });
    response.unwrap_or_else(|error| error)
}

#[derive(Deserialize)]
struct Query {
    filters: Filters,
}

#[derive(Deserialize)]
struct Filters {
    video_ids: Vec<String>,
}

/// Foreign and deleted ids are left out.
pub fn query(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = access(world, request).and_then(|held| {
        let requested = fields(request, &held, FIELDS)?;
        let query: Query = serde_json::from_slice(&request.body).map_err(|_| invalid_params("filters is required"))?;
        let ids = query.filters.video_ids;
        if ids.is_empty() || ids.len() > MOST {
            return Err(invalid_params("video_ids must have 1 to 20 items"));
        }
        let account = account(world, &held)?;
        let posts = ids.iter().filter_map(|id| {
            let number = read_digits_id(PREFIX, &account.id, id)?;
            account.post(number, world.now())
        });
        let videos: Vec<Value> = posts.map(|post| video(&account, &post, &requested)).collect();
        Ok(ok(json!({"videos": videos})).about(&account))
    });
    response.unwrap_or_else(|error| error)
}

fn body(request: &ApiRequest) -> Result<List, ApiResponse> {
    if request.body.is_empty() {
        return Ok(List::default());
    }
    serde_json::from_slice(&request.body).map_err(|_| invalid_params("The request body is invalid"))
}

fn video(account: &Arc<Account>, post: &Post, requested: &[&str]) -> Value {
    let reported = requested.iter().map(|name| ((*name).to_owned(), field(account, post, name)));
    Value::Object(reported.collect::<Map<_, _>>())
}

fn field(account: &Account, post: &Post, name: &str) -> Value {
    let id = digits_id(PREFIX, &account.id, post.number);
    let count = |count: Option<u64>| json!(count.unwrap_or(0));
    match name {
        "create_time" => json!(post.published.as_second()),
        "cover_image_url" => json!(format!("https://p16-sign.tiktokcdn.test/{id}.jpeg")),
        "share_url" => json!(format!("https://www.tiktok.com/@{}/video/{id}", account.handle)),
        "title" | "video_description" => json!(format!("{} #{}", account.description, post.number)),
        "duration" => json!(10 + post.number % 50),
        "height" => json!(1024),
        "width" => json!(576),
        "embed_html" => json!(""),
        "embed_link" => json!(format!("https://www.tiktok.com/static/profile-video?id={id}")),
        "like_count" => count(post.numbers.likes),
        "comment_count" => count(post.numbers.comments),
        "share_count" => count(post.numbers.reposts),
        "view_count" => count(post.numbers.views),
        "is_aigc" => json!(false),
        _ => json!(id),
    }
}
