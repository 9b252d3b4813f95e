//! Bluesky's AppView, and what of AT Protocol leads to it: the PLC directory and handles as hosts.
//!
//! Shapes and words as an AppView of 2026-11 gives them. There is no log-in, so nothing depends on the caller. Posts
//! have no media; of likes, follows and the other records only the counts exist.

mod counts;
mod feed;
mod identity;
mod params;
mod profile;

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::json;

use super::{ApiRequest, ApiResponse};
use crate::Fault;
use crate::world::World;
use crate::world::account::{Account, State};
pub use counts::counts;

/// Responds to one request.
pub fn respond(world: &World, request: &ApiRequest) -> ApiResponse {
    match request.path().as_slice() {
        ["xrpc", nsid] => xrpc(world, request, nsid),
        [".well-known", "atproto-did"] => identity::well_known(world, request),
        [did] if request.host == "plc.directory" => identity::document(world, did),
        _ => error(StatusCode::NOT_FOUND, "NotFound", "Not Found"),
    }
}

fn xrpc(world: &World, request: &ApiRequest, nsid: &str) -> ApiResponse {
    let query = match nsid {
        "com.atproto.identity.resolveHandle" => identity::resolve_handle,
        "app.bsky.actor.getProfile" => profile::get_profile,
        "app.bsky.actor.getProfiles" => profile::get_profiles,
        "app.bsky.feed.getAuthorFeed" => feed::get_author_feed,
        "app.bsky.feed.getPosts" => feed::get_posts,
        _ => return error(StatusCode::NOT_IMPLEMENTED, "MethodNotImplemented", "Method Not Implemented"),
    };
    if request.method != Method::GET {
        return invalid(format!("Incorrect HTTP method ({}) expected GET", request.method));
    }
    query(world, request).unwrap_or_else(|error| error)
}

/// An actor's account, by DID or handle, whatever its state; deleted ones are not there.
fn find(world: &World, actor: &str) -> Option<Arc<Account>> {
    let found = match actor.starts_with("did:") {
        true => world.account_by_id(crate::Platform::Bluesky, actor),
        false => world.account(crate::Platform::Bluesky, actor),
    };
    found.filter(|account| account.state != State::Gone)
}

pub fn rate_limited(world: &World, fault: &Fault) -> ApiResponse {
    let response = error(StatusCode::TOO_MANY_REQUESTS, "RateLimitExceeded", "Rate Limit Exceeded");
    if !fault.headers {
        return response;
    }
    let wait = fault.retry_after.unwrap_or(290);
    response
        .header("ratelimit-limit", 3000)
        .header("ratelimit-remaining", 0)
        .header("ratelimit-reset", world.clock.shown().as_second() + wait as i64)
        .header("ratelimit-policy", "3000;w=300")
        .header("retry-after", wait)
}

pub fn server_error() -> ApiResponse {
    error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "Internal Server Error")
}

fn error(status: StatusCode, name: &str, message: impl Into<String>) -> ApiResponse {
    ApiResponse::json(status, json!({"error": name, "message": message.into()}))
}

fn invalid(message: impl Into<String>) -> ApiResponse {
    error(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}
