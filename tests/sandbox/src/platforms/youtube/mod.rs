//! YouTube's Data API v3, its Analytics API, and Google's consent: channels, their uploads, videos, reports.
//!
//! What is public opens with the key `youtube-api-key` or with any token; `mine=true` and reports need the
//! owner's consent, which is for one channel. The day's quota is not counted; a fault declares it spent.

mod access;
mod analytics;
mod channels;
mod counts;
mod device;
mod errors;
mod fields;
mod figures;
mod hub;
mod list;
mod oauth;
mod params;
mod playlist_items;
mod reports;
mod tokens;
mod videos;

use http::Method;

use super::{ApiRequest, ApiResponse, Content};
use crate::Stage;
use crate::world::World;
pub use counts::counts;
pub use errors::{day_limited, missing_scope, not_supported, quota_exceeded, rate_limited, server_error};
pub use hub::topic;
pub use tokens::token_refusal;

pub fn stage(request: &ApiRequest) -> Option<Stage> {
    match request.host.as_str() {
        "accounts.google.com" | "www.google.com" => None,
        "oauth2.googleapis.com" => Some(Stage::Token),
        _ => Some(Stage::Api),
    }
}

/// Responds to one request.
pub fn respond(world: &World, request: &ApiRequest) -> ApiResponse {
    match (request.host.as_str(), request.path().as_slice()) {
        ("accounts.google.com", ["o", "oauth2", "auth"] | ["o", "oauth2", "v2", "auth"]) => oauth::page(world, request),
        ("www.google.com", ["device"]) => device::page(world, request),
        ("oauth2.googleapis.com", ["token"]) => tokens::token(world, request),
        ("oauth2.googleapis.com", ["revoke"]) => tokens::revoke(world, request),
        ("pubsubhubbub.appspot.com", ["subscribe"]) => hub::subscribe(world, request),
        ("oauth2.googleapis.com", ["device", "code"]) => device::begin(world, request),
        ("youtubeanalytics.googleapis.com", ["v2", "reports"]) if request.method == Method::GET => {
            analytics::query(world, request).unwrap_or_else(|error| error)
        }
        ("youtube.googleapis.com" | "www.googleapis.com", ["youtube", "v3", resource]) => {
            data(world, request, resource)
        }
        _ => errors::no_such_page(),
    }
}

fn data(world: &World, request: &ApiRequest, resource: &str) -> ApiResponse {
    let list = match resource {
        "channels" => channels::list,
        "playlistItems" => playlist_items::list,
        "videos" => videos::list,
        "videos:batchGetStats" => videos::stats,
        _ => return errors::no_such_page(),
    };
    if request.method != Method::GET {
        return errors::no_such_page();
    }
    let response = access::check(world, request).and_then(|held| list(world, request, held.as_ref()));
    response.and_then(|response| only_fields(request, response)).unwrap_or_else(|error| error)
}

fn only_fields(request: &ApiRequest, mut response: ApiResponse) -> Result<ApiResponse, ApiResponse> {
    if let (Some(text), Content::Json(value)) = (request.one("fields"), &mut response.content) {
        let fields = fields::read(text).ok_or_else(|| errors::bad_fields(text))?;
        fields::keep(value, &fields);
    }
    Ok(response)
}
