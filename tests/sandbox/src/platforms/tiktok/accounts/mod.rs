//! TikTok's Accounts API, a part of its API for Business, for an app of its own.
//!
//! Oddities kept: every response has HTTP 200 and a `code`; the token is in `Access-Token` without `Bearer`; tokens are
//! requested in JSON and returned under `data`; the owner's id is another one than at the Display API; days are those
//! of UTC, at most 60 back, and arrive a day and a half after their end; `daily_total_followers` is a difference; half
//! of the figures are of business accounts only; below 100 followers the lists of the audience are empty.
//! The numbers of errors are as far as clients have seen them.
//! Left out: cities, active hours, clicks, retention and other insights of videos, comments, publishing.

mod fields;
mod profile;
mod tokens;
mod videos;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{App, BASIC, STATS, VIDEOS};
use crate::consent::HTML;
use crate::grants::{Door, Held, SecretKind, SecretProblem};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::ids::uuid;
use crate::{Account, Fault, FaultKind, Stage, State};

pub const HOST: &str = "business-api.tiktok.com";

const USERNAME: &str = "user.info.username";
const PROFILE: &str = "user.info.profile";
const TYPE: &str = "user.account.type";
const INSIGHTS: &str = "user.insights";
const VIDEO_INSIGHTS: &str = "video.insights";

pub const APP: App = App {
    id: "tiktok-accounts-client-id",
    secret: "tiktok-accounts-client-secret",
    door: Door::TiktokAccounts,
    scopes: &[BASIC, USERNAME, PROFILE, STATS, TYPE, INSIGHTS, VIDEOS, VIDEO_INSIGHTS],
    code_lives: Duration::from_secs(3600),
    has_desktop: false,
};

/// The app's secret.
pub fn secret() -> &'static str {
    APP.secret
}

pub fn stage(path: &[&str]) -> Stage {
    match path {
        ["open_api", _, "tt_user", "oauth2", ..] => Stage::Token,
        _ => Stage::Api,
    }
}

pub fn respond(world: &World, request: &ApiRequest, path: &[&str]) -> ApiResponse {
    let response = match (&request.method, path.strip_prefix(&["open_api", "v1.3"]).unwrap_or_default()) {
        (&Method::POST, ["tt_user", "oauth2", "token"]) => tokens::token(world, request),
        (&Method::POST, ["tt_user", "oauth2", "refresh_token"]) => tokens::refresh(world, request),
        (&Method::POST, ["tt_user", "oauth2", "revoke"]) => tokens::revoke(world, request),
        (&Method::POST, ["tt_user", "token_info", "get"]) => tokens::info(world, request),
        (&Method::GET, ["business", "get"]) => profile::get(world, request),
        (&Method::GET, ["business", "video", "list"]) => videos::list(world, request),
        _ => Err(ApiResponse::text(StatusCode::NOT_FOUND, HTML, "404 page not found")),
    };
    response.unwrap_or_else(|error| error)
}

/// How it words a fault.
pub fn refusal(fault: &Fault) -> Option<ApiResponse> {
    Some(match fault.kind {
        FaultKind::RateLimited => {
            error(40_100, "Due to too many requests, requests from App are temporarily restricted.")
        }
        FaultKind::ServerError => error(50_000, "System error."),
        FaultKind::MissingScope => no_permission(),
        _ => return None,
    })
}

/// The id under which this app knows an account.
fn business_id(account: &Account) -> String {
    uuid(&format!("business {}", account.id))
}

/// The token of a request, and the account that it names, if the token opens it.
fn access(world: &World, request: &ApiRequest) -> Result<(Held, Arc<Account>), ApiResponse> {
    let held = token(world, request.access_token())?;
    let account = world.opened(&held.grant).into_iter().next().ok_or_else(incorrect)?;
    if request.one("business_id") != Some(&business_id(&account)) {
        return Err(error(40_001, "No permission to operate the business account.").about(&account));
    }
    match account.state {
        State::Active => Ok((held, account)),
        State::Failing => Err(error(50_000, "System error.").about(&account)),
        _ => Err(incorrect().about(&account)),
    }
}

/// An access token, if it is good.
fn token(world: &World, text: Option<&str>) -> Result<Held, ApiResponse> {
    let held = text.and_then(|token| APP.held(world, token)).ok_or_else(incorrect)?;
    let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
    match held.check(world.clock.shown()) {
        Ok(()) if is_access => Ok(held),
        Err(SecretProblem::Expired) => Err(error(40_102, "The access token has expired.")),
        _ => Err(incorrect()),
    }
}

fn ok(data: Value) -> ApiResponse {
    ApiResponse::ok(json!({"code": 0, "message": "OK", "request_id": request_id(), "data": data}))
}

/// Also with HTTP 200.
fn error(code: u32, message: &str) -> ApiResponse {
    ApiResponse::ok(json!({"code": code, "message": message, "request_id": request_id(), "data": {}}))
}

fn incorrect() -> ApiResponse {
    error(40_105, "Access token is incorrect or has been revoked.")
}

fn no_permission() -> ApiResponse {
    error(40_001, "Permission error: The access token lacks the required scope for endpoint.")
}

fn request_id() -> String {
    format!("20261121{}", crate::grants::secret::random(24).to_uppercase())
}
