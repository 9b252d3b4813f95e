//! Mastodon: any host is an instance, and an account is known by other ids on each.
//!
//! Shapes as of Mastodon 4.5, without log-in. A host without accounts responds `Record not found` to everything.
//! Rate-limit windows are reported as the real thing reports them but never run out by themselves.

mod accounts;
mod counts;
mod instance;
mod statuses;

use std::sync::Arc;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, Software, State};
use crate::{Fault, Platform};
pub use counts::counts;

/// An account as one instance sees it.
pub struct Seen {
    pub account: Arc<Account>,
    /// The instance that the request addresses.
    pub host: String,
    pub origin: String,
}

impl Seen {
    fn new(request: &ApiRequest, account: Arc<Account>) -> Seen {
        Seen { account, host: request.host.clone(), origin: request.origin.clone() }
    }

    /// Whether the instance addressed is the account's home. Elsewhere counts are partial.
    pub fn at_home(&self) -> bool {
        self.account.served_by() == self.host
    }
}

/// Responds to one request.
pub fn respond(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = if world.has_host(&request.host) { route(world, request) } else { Err(not_found()) };
    with_window(world, request, response.unwrap_or_else(|error| error))
}

fn route(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let path = request.path();
    // Rails does not mind a slash at the end, and some clients send one.
    let path = path.strip_suffix(&[""]).unwrap_or(&path);
    if request.method != Method::GET {
        return Err(not_found());
    }
    if let Some(elsewhere) = moved_server(world, request) {
        let to = format!("https://{elsewhere}/{}", request.segments.join("/"));
        return Err(ApiResponse::text(StatusCode::MOVED_PERMANENTLY, "text/html", "").header("location", to));
    }
    match (software(world, request), path) {
        (Software::Gotosocial, ["api", ..]) => {
            return Err(error(StatusCode::UNAUTHORIZED, "Unauthorized: token not supplied"));
        }
        (Software::Pixelfed, ["api", ..]) => {
            let to = format!("{}/login", request.origin);
            return Err(ApiResponse::text(StatusCode::FOUND, "text/html", "").header("location", to));
        }
        _ => {}
    }
    match path {
        ["api", "v1", "accounts", "lookup"] => accounts::lookup(world, request),
        ["api", "v1", "accounts"] => accounts::several(world, request),
        ["api", "v1", "accounts", id] => accounts::show(world, request, id),
        ["api", "v1", "accounts", id, "statuses"] => statuses::of_account(world, request, id),
        ["api", "v1", "statuses", id] => statuses::show(world, request, id),
        ["api", "v2", "instance"] => Ok(instance::v2(world, request)),
        ["api", "v1", "instance"] => Ok(instance::v1(world, request)),
        [".well-known", "webfinger"] => instance::webfinger(world, request),
        _ => Err(not_found()),
    }
}

/// What the server runs: that of its first account.
fn software(world: &World, request: &ApiRequest) -> Software {
    let all = world.on_platform(Platform::Mastodon);
    all.iter().find(|account| account.served_by() == request.host).map(|account| account.software).unwrap_or_default()
}

/// Where the server is now that had this address; WebFinger is redirected as everything is.
fn moved_server(world: &World, request: &ApiRequest) -> Option<String> {
    let all = world.on_platform(Platform::Mastodon);
    if all.iter().any(|account| account.served_by() == request.host) {
        return None;
    }
    all.iter().find(|account| account.host() == request.host).and_then(|account| account.web_host.clone())
}

/// Every response says how much of its window is left: reading further pages has a window of its own.
fn with_window(world: &World, request: &ApiRequest, response: ApiResponse) -> ApiResponse {
    let paging = ["max_id", "min_id", "since_id", "page"].iter().any(|name| request.one(name).is_some());
    let window = if paging { 900 } else { 300 };
    window_headers(response, 299, end_of_window(world.clock.shown(), window))
}

fn window_headers(response: ApiResponse, remaining: u32, reset: Timestamp) -> ApiResponse {
    response
        .header("x-ratelimit-limit", 300)
        .header("x-ratelimit-remaining", remaining)
        .header("x-ratelimit-reset", format!("{reset:.6}"))
}

/// Windows are aligned to the clock, not to the first request.
fn end_of_window(now: Timestamp, seconds: i64) -> Timestamp {
    let end = (now.as_second().div_euclid(seconds) + 1) * seconds;
    Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
}

pub fn rate_limited(world: &World, fault: &Fault) -> ApiResponse {
    let response = error(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    if !fault.headers {
        return response;
    }
    let now = world.clock.shown();
    let reset = match fault.retry_after {
        Some(seconds) => {
            Timestamp::from_second(now.as_second().saturating_add_unsigned(seconds)).unwrap_or(Timestamp::MAX)
        }
        None => end_of_window(now, 300),
    };
    window_headers(response, 0, reset)
}

pub fn server_error() -> ApiResponse {
    let text = "There was a temporary problem serving your request, please try again";
    error(StatusCode::SERVICE_UNAVAILABLE, text)
}

/// The error of the proxy in front of a server that is down.
fn down() -> ApiResponse {
    const PAGE: &str = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n\
        <body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n";
    ApiResponse::text(StatusCode::SERVICE_UNAVAILABLE, "text/html", PAGE)
}

fn not_found() -> ApiResponse {
    error(StatusCode::NOT_FOUND, "Record not found")
}

fn error(status: StatusCode, text: &str) -> ApiResponse {
    ApiResponse::json(status, json!({"error": text}))
}

/// The account under an instance's own id for it.
fn by_id(world: &World, request: &ApiRequest, id: &str) -> Result<Seen, ApiResponse> {
    let local = world.account_by_id(Platform::Mastodon, id).filter(|account| account.served_by() == request.host);
    let copy = || {
        let all = world.on_platform(Platform::Mastodon);
        all.iter()
            .find(|account| account.served_by() != request.host && accounts::copy_id(account, &request.host) == id)
            .cloned()
    };
    there(request, local.or_else(copy))
}

/// Deleted accounts do not exist; those of a server that is down cannot be requested.
fn there(request: &ApiRequest, account: Option<Arc<Account>>) -> Result<Seen, ApiResponse> {
    let account = account.ok_or_else(not_found)?;
    match account.state {
        State::Gone | State::Deactivated => Err(not_found().about(&account)),
        State::Failing => Err(down().about(&account)),
        State::Active | State::Suspended => Ok(Seen::new(request, account)),
    }
}
