//! YouTube's Data API v3, its Analytics API, and Google's consent: channels, their uploads, videos, reports.
//!
//! What everybody may see opens with the key `youtube-api-key` or with any token; `mine=true` and reports need the
//! owner's consent, which is for one channel. The day's quota is not counted; it is spent when a fault says so.

mod access;
mod analytics;
mod channels;
mod counts;
mod device;
mod errors;
mod fields;
mod list;
mod oauth;
mod params;
mod playlist_items;
mod reports;
mod tokens;
mod videos;

use http::Method;

use super::{Answer, Ask, Content};
use crate::Stage;
use crate::world::World;
pub use counts::counts;
pub use errors::{missing_scope, not_supported, quota_exceeded, rate_limited, server_error};
pub use tokens::token_refusal;

pub fn stage(ask: &Ask) -> Option<Stage> {
    match ask.host.as_str() {
        "accounts.google.com" | "www.google.com" => None,
        "oauth2.googleapis.com" => Some(Stage::Token),
        _ => Some(Stage::Api),
    }
}

/// Answers one request.
pub fn answer(world: &World, ask: &Ask) -> Answer {
    match (ask.host.as_str(), ask.path().as_slice()) {
        ("accounts.google.com", ["o", "oauth2", "auth"] | ["o", "oauth2", "v2", "auth"]) => oauth::page(world, ask),
        ("www.google.com", ["device"]) => device::page(world, ask),
        ("oauth2.googleapis.com", ["token"]) => tokens::token(world, ask),
        ("oauth2.googleapis.com", ["revoke"]) => tokens::revoke(world, ask),
        ("oauth2.googleapis.com", ["device", "code"]) => device::begin(world, ask),
        ("youtubeanalytics.googleapis.com", ["v2", "reports"]) if ask.method == Method::GET => {
            analytics::query(world, ask).unwrap_or_else(|error| error)
        }
        ("youtube.googleapis.com" | "www.googleapis.com", ["youtube", "v3", resource]) => data(world, ask, resource),
        _ => errors::no_such_page(),
    }
}

fn data(world: &World, ask: &Ask, resource: &str) -> Answer {
    let list = match resource {
        "channels" => channels::list,
        "playlistItems" => playlist_items::list,
        "videos" => videos::list,
        _ => return errors::no_such_page(),
    };
    if ask.method != Method::GET {
        return errors::no_such_page();
    }
    let answer = access::check(world, ask).and_then(|held| list(world, ask, held.as_ref()));
    answer.and_then(|answer| only_fields(ask, answer)).unwrap_or_else(|error| error)
}

fn only_fields(ask: &Ask, mut answer: Answer) -> Result<Answer, Answer> {
    if let (Some(text), Content::Json(value)) = (ask.one("fields"), &mut answer.content) {
        let fields = fields::read(text).ok_or_else(|| errors::bad_fields(text))?;
        fields::keep(value, &fields);
    }
    Ok(answer)
}
