//! `playlistItems.list`, for the one playlist every channel has: its uploads.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::list::{self, Page};
use super::{channels, errors, params, videos};
use crate::Platform;
use crate::grants::Held;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};
use crate::world::posts::Post;

const PARTS: &[&str] = &["id", "snippet", "contentDetails", "status"];
const FILTERS: &[&str] = &["id", "playlistId"];

pub fn list(world: &World, request: &ApiRequest, _: Option<&Held>) -> Result<ApiResponse, ApiResponse> {
    let parts = params::parts(request, PARTS)?;
    let (per_page, offset) = (params::max_results(request)?, params::offset(request)?);
    let account = match params::filter(request, FILTERS)? {
        ("playlistId", id) => owner(world, id).ok_or_else(errors::no_such_playlist)?,
        _ => return Ok(list::respond(page(Vec::new(), 0, per_page), false)),
    };
    let now = world.now();
    match account.state {
        State::Active if account.posting.count_at(now) > 0 => {}
        State::Failing => return Ok(errors::server_error().about(&account)),
        // A channel without videos reports its playlist, and a request for the playlist says that there is none.
        _ => return Ok(errors::no_such_playlist().about(&account)),
    }
    let newest = account.posting.count_at(now);
    let numbers: Vec<u64> =
        (newest + 1..=newest + account.announced).rev().chain(account.numbers_served(now)).collect();
    let shown = numbers.iter().enumerate().skip(offset).take(per_page);
    let posts = shown.filter_map(|(index, number)| Some((index, account.upload(*number, now)?)));
    let items: Vec<Value> = posts.map(|(index, post)| item(&account, &post, index, &parts)).collect();
    let mut page = page(items, account.posting.count_at(now), per_page);
    page.next = (offset + per_page < numbers.len() && per_page > 0).then_some(offset + per_page);
    page.prev = (offset > 0).then(|| offset.saturating_sub(per_page));
    Ok(list::respond(page, false).about(&account))
}

fn page(items: Vec<Value>, total: u64, per_page: usize) -> Page {
    Page { kind: "youtube#playlistItemListResponse", items, next: None, prev: None, total, per_page }
}

fn owner(world: &World, playlist: &str) -> Option<Arc<Account>> {
    world.account_by_id(Platform::Youtube, &format!("UC{}", playlist.strip_prefix("UU")?))
}

fn item(account: &Account, post: &Post, index: usize, parts: &[&str]) -> Value {
    let (video, playlist) = (videos::id(account, post.number), channels::uploads(account));
    list::item("youtube#playlistItem", &format!("{playlist}.{video}"), parts, |part| match part {
        "snippet" => Some(json!({
            "publishedAt": published(post.published),
            "channelId": account.id,
            "title": videos::title(account, post),
            "description": account.description,
            "thumbnails": {},
            "channelTitle": account.display_name,
            "playlistId": playlist,
            "position": index,
            "resourceId": {"kind": "youtube#video", "videoId": video},
            "videoOwnerChannelTitle": account.display_name,
            "videoOwnerChannelId": account.id,
        })),
        "contentDetails" => Some(json!({"videoId": video, "videoPublishedAt": published(post.published)})),
        "status" => Some(json!({"privacyStatus": "public"})),
        _ => None,
    })
}

fn published(at: Timestamp) -> String {
    format!("{at:.0}")
}
