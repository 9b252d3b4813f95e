//! TikTok's Login Kit and Display API: what an account's owner lets an app see. In [`accounts`] its other API, for the
//! apps of businesses.
//!
//! Oddities kept: OAuth refusals have HTTP 200 and `error` as a text, API responses have `error` as an object even
//! when all is well; the PKCE challenge is lower-case hex; scopes are parted by commas and returned as `scopes`;
//! codes hold characters that survive exactly one decoding; each refresh ends the refresh token before it, and never
//! moves the day on which all ends; tokens are taken from forms only.
//! Left out: webhooks, refusals of the app's own review.

mod accounts;
mod authorize;
mod counts;
mod tokens;
mod users;
mod videos;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ApiRequest, ApiResponse};
use crate::consent::{HTML, notice};
use crate::grants::{Door, Held, SecretKind, secret};
use crate::world::World;
use crate::{Account, Fault, FaultKind, Stage, State};
pub use accounts::secret as business_secret;
pub use counts::counts;

const BASIC: &str = "user.info.basic";
const PROFILE: &str = "user.info.profile";
const STATS: &str = "user.info.stats";
const VIDEOS: &str = "video.list";
const SCOPES: &[&str] = &[BASIC, PROFILE, STATS, VIDEOS];

/// An app, and what TikTok allows it.
struct App {
    id: &'static str,
    secret: &'static str,
    door: Door,
    scopes: &'static [&'static str],
    code_lives: Duration,
    /// Whether it may be a desktop app, whose redirects lead to the same machine and need PKCE.
    has_desktop: bool,
}

const DISPLAY: App = App {
    id: "tiktok-client-id",
    secret: "tiktok-client-secret",
    door: Door::Tiktok,
    scopes: SCOPES,
    code_lives: Duration::from_secs(600),
    has_desktop: true,
};

impl App {
    fn of(id: &str) -> Option<&'static App> {
        [&DISPLAY, &accounts::APP].into_iter().find(|app| app.id == id)
    }

    /// A secret that was given for it.
    fn held(&self, world: &World, text: &str) -> Option<Held> {
        world.grants.held(text).filter(|held| held.grant.door == self.door)
    }
}

pub fn stage(request: &ApiRequest) -> Option<Stage> {
    match (request.host.as_str(), path(request).as_slice()) {
        ("www.tiktok.com", _) => None,
        (accounts::HOST, path) => Some(accounts::stage(path)),
        (_, ["v2", "oauth", ..]) => Some(Stage::Token),
        _ => Some(Stage::Api),
    }
}

/// Responds to one request.
pub fn respond(world: &World, request: &ApiRequest) -> ApiResponse {
    let path = path(request);
    match (request.host.as_str(), &request.method, path.as_slice()) {
        ("www.tiktok.com", _, ["v2", "auth", "authorize"]) => authorize::page(world, request),
        (accounts::HOST, ..) => accounts::respond(world, request, path.as_slice()),
        ("www.tiktok.com", ..) => notice(StatusCode::NOT_FOUND, "TikTok", "Couldn't find this page"),
        (_, &Method::POST, ["v2", "oauth", "token"]) => tokens::token(world, request),
        (_, &Method::POST, ["v2", "oauth", "revoke"]) => tokens::revoke(world, request),
        (_, &Method::GET, ["v2", "user", "info"]) => users::info(world, request),
        (_, &Method::POST, ["v2", "video", "list"]) => videos::list(world, request),
        (_, &Method::POST, ["v2", "video", "query"]) => videos::query(world, request),
        _ => ApiResponse::text(StatusCode::NOT_FOUND, HTML, "Unsupported path(Janus)"),
    }
}

/// How it words a fault.
pub fn refusal(request: &ApiRequest, fault: &Fault) -> Option<ApiResponse> {
    if request.host == accounts::HOST {
        return accounts::refusal(fault);
    }
    let is_token = stage(request) == Some(Stage::Token);
    let response = match (fault.kind, is_token) {
        (FaultKind::RateLimited, false) => error(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            "The API rate limit was exceeded. Please try again later.",
        ),
        (FaultKind::RateLimited, true) => {
            let refusal = oauth_error("rate_limit_exceeded", "Too many requests.");
            ApiResponse { status: StatusCode::TOO_MANY_REQUESTS, ..refusal }
        }
        (FaultKind::ServerError, false) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong, please try again later.")
        }
        (FaultKind::ServerError, true) => {
            let refusal = oauth_error("server_error", "Something is wrong on the server side.");
            ApiResponse { status: StatusCode::INTERNAL_SERVER_ERROR, ..refusal }
        }
        (FaultKind::MissingScope, false) => not_authorized(),
        (FaultKind::MissingScope, true) => {
            oauth_error("invalid_scope", "The requested scope is not approved for this app.")
        }
        _ => return None,
    };
    // No header is promised; one is sent only when the fault orders it.
    Some(match fault.retry_after.filter(|_| fault.headers && fault.kind == FaultKind::RateLimited) {
        Some(seconds) => response.header("retry-after", seconds),
        None => response,
    })
}

/// The path's parts; a slash at the end says nothing.
fn path(request: &ApiRequest) -> Vec<&str> {
    request.path().into_iter().filter(|part| !part.is_empty()).collect()
}

/// The token of an API request, if it is good.
fn access(world: &World, request: &ApiRequest) -> Result<Held, ApiResponse> {
    let invalid = || {
        let message = "The access token is invalid or not found in the request.";
        error(StatusCode::UNAUTHORIZED, "access_token_invalid", message)
    };
    let held = request.bearer().and_then(|token| DISPLAY.held(world, token)).ok_or_else(invalid)?;
    let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
    match held.check(world.clock.shown()) {
        Ok(()) if is_access => Ok(held),
        _ => Err(invalid()),
    }
}

/// The account that a grant opens, if it is still there.
fn account(world: &World, held: &Held) -> Result<Arc<Account>, ApiResponse> {
    let gone = || error(StatusCode::UNAUTHORIZED, "access_token_invalid", "The user is not available.");
    let account = world.opened(&held.grant).into_iter().next().ok_or_else(gone)?;
    match account.state {
        State::Active => Ok(account),
        State::Failing => {
            Err(error(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong.").about(&account))
        }
        _ => Err(gone().about(&account)),
    }
}

/// The fields requested; one beyond the granted scopes fails all.
fn fields<'a>(request: &'a ApiRequest, held: &Held, known: &[(&str, &str)]) -> Result<Vec<&'a str>, ApiResponse> {
    let requested: Vec<&str> =
        request.all("fields").into_iter().flat_map(|text| text.split(',')).map(str::trim).collect();
    if requested.is_empty() || requested.contains(&"") {
        return Err(invalid_params("Fields is required"));
    }
    for field in &requested {
        match known.iter().find(|(name, _)| name == field) {
            None => return Err(invalid_params(&format!("Invalid fields: {field}"))),
            Some((_, scope)) if !held.grant.has(scope) => return Err(not_authorized()),
            Some(_) => {}
        }
    }
    Ok(requested)
}

fn ok(data: Value) -> ApiResponse {
    ApiResponse::ok(json!({"data": data, "error": {"code": "ok", "message": "", "log_id": log_id()}}))
}

fn error(status: StatusCode, code: &str, message: &str) -> ApiResponse {
    ApiResponse::json(status, json!({"data": {}, "error": {"code": code, "message": message, "log_id": log_id()}}))
}

fn not_authorized() -> ApiResponse {
    let message = "The user did not authorize the scope required for completing this request.";
    error(StatusCode::UNAUTHORIZED, "scope_not_authorized", message)
}

fn invalid_params(message: &str) -> ApiResponse {
    error(StatusCode::BAD_REQUEST, "invalid_params", message)
}

/// Refusals of the token endpoint have status 200.
fn oauth_error(code: &str, description: &str) -> ApiResponse {
    ApiResponse::ok(json!({"error": code, "error_description": description, "log_id": log_id()}))
}

fn log_id() -> String {
    format!("20261121{}", secret::random(24).to_uppercase())
}
