//! `videos.list`.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::list::{self, Page};
use super::{errors, params};
use crate::grants::Held;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};
use crate::world::ids;
use crate::world::posts::Post;

const PARTS: &[&str] = &[
    "id",
    "snippet",
    "contentDetails",
    "statistics",
    "status",
    "topicDetails",
    "liveStreamingDetails",
    "localizations",
];
const FILTERS: &[&str] = &["chart", "id", "myRating"];

/// Deleted and unknown ids are left out without a word.
pub fn list(world: &World, request: &ApiRequest, _: Option<&Held>) -> Result<ApiResponse, ApiResponse> {
    let parts = params::parts(request, PARTS)?;
    let ids = match params::filter(request, FILTERS)? {
        ("id", _) => params::ids(request)?,
        ("myRating", _) => return Err(errors::mine_needs_consent()),
        _ => Vec::new(),
    };
    let found: Vec<_> = ids.into_iter().filter_map(|id| find(world, id)).collect();
    let items: Vec<Value> = found.iter().map(|(account, post)| video(account, post, &parts, world.now())).collect();
    let (total, per_page) = (items.len() as u64, items.len());
    let page = Page { kind: "youtube#videoListResponse", items, next: None, prev: None, total, per_page };
    let mut owners: Vec<Arc<Account>> = found.into_iter().map(|(account, _)| account).collect();
    owners.dedup_by(|a, b| a.id == b.id);
    Ok(owners.iter().fold(list::respond(page, false), ApiResponse::about))
}

/// `videos.batchGetStats`: counts alone, in a bucket of their own. Announced broadcasts are left out, as what is deleted is.
pub fn stats(world: &World, request: &ApiRequest, _: Option<&Held>) -> Result<ApiResponse, ApiResponse> {
    let parts = params::parts(request, &["id", "snippet", "contentDetails", "statistics"])?;
    let ids = match params::filter(request, &["id"])? {
        ("id", _) => params::ids(request)?,
        _ => Vec::new(),
    };
    let found: Vec<_> = ids.into_iter().filter_map(|id| find(world, id)).collect();
    let items: Vec<Value> = found.iter().map(|(account, post)| counted(account, post, &parts)).collect();
    let body = json!({"kind": "youtube#batchGetStatsResponse", "items": items});
    let mut owners: Vec<Arc<Account>> = found.into_iter().map(|(account, _)| account).collect();
    owners.dedup_by(|a, b| a.id == b.id);
    Ok(owners.iter().fold(ApiResponse::json(StatusCode::OK, body), ApiResponse::about))
}

fn counted(account: &Account, post: &Post, parts: &[&str]) -> Value {
    let mut item = Map::from_iter([("id".to_owned(), json!(id(account, post.number)))]);
    for part in parts {
        let value = match *part {
            "snippet" => json!({"publishTime": format!("{:.0}", post.published)}),
            // A protobuf's duration, unlike that of a list.
            "contentDetails" => json!({"duration": format!("{}s", (2 + post.number % 17) * 60 + post.number % 60)}),
            "statistics" => statistics(post),
            _ => continue,
        };
        item.insert((*part).to_owned(), value);
    }
    Value::Object(item)
}

pub fn id(account: &Account, number: u64) -> String {
    ids::video_id(ids::channel_key(&account.id), number)
}

pub fn title(account: &Account, post: &Post) -> String {
    format!("{} #{}", account.description, post.number)
}

fn find(world: &World, id: &str) -> Option<(Arc<Account>, Post)> {
    let (key, number) = ids::read_video_id(id)?;
    let account = world.account_by_channel_key(key).filter(|account| account.state == State::Active)?;
    let post = account.upload(number, world.now())?;
    Some((account, post))
}

fn video(account: &Account, post: &Post, parts: &[&str], now: Timestamp) -> Value {
    let is_announced = post.number > account.posting.count_at(now);
    list::item("youtube#video", &id(account, post.number), parts, |part| match part {
        "snippet" => Some(json!({
            "publishedAt": format!("{:.0}", post.published),
            "channelId": account.id,
            "title": title(account, post),
            "description": account.description,
            "thumbnails": {},
            "channelTitle": account.display_name,
            "categoryId": "22",
            "liveBroadcastContent": if is_announced { "upcoming" } else { "none" },
            "localized": {"title": title(account, post), "description": account.description},
        })),
        "contentDetails" => Some(json!({
            "duration": format!("PT{}M{}S", 2 + post.number % 17, post.number % 60),
            "dimension": "2d",
            "definition": "hd",
            "caption": "false",
            "licensedContent": false,
            "contentRating": {},
            "projection": "rectangular",
        })),
        "statistics" => Some(statistics(post)),
        "status" => Some(json!({
            "uploadStatus": "processed", "privacyStatus": "public", "license": "youtube", "embeddable": true,
            "publicStatsViewable": true, "madeForKids": false,
        })),
        _ => None,
    })
}

/// Counts are texts; what the owner hides is left out.
fn statistics(post: &Post) -> Value {
    let numbers = post.numbers;
    let reported = [
        ("viewCount", numbers.views),
        ("likeCount", numbers.likes),
        ("favoriteCount", Some(0)),
        ("commentCount", numbers.comments),
    ];
    let reported = reported.into_iter().filter_map(|(name, count)| Some((name.to_owned(), json!(count?.to_string()))));
    Value::Object(reported.collect::<Map<_, _>>())
}
