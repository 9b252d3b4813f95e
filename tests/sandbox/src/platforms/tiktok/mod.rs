//! TikTok's Login Kit and Display API: what an account's owner lets an app see.
//!
//! Oddities kept: OAuth refusals come with HTTP 200 and `error` as a text, API answers with `error` as an object even
//! when all is well; the PKCE challenge is lower-case hex; scopes are parted by commas and come back as `scopes`;
//! codes hold characters that survive exactly one decoding; each refresh ends the refresh token before it, and never
//! moves the day on which all ends; tokens are taken from forms only.
//! Left out: the Accounts API of business apps, webhooks, refusals of the app's own review.

mod authorize;
mod counts;
mod tokens;
mod users;
mod videos;

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Ask};
use crate::consent::{HTML, notice};
use crate::grants::{Held, SecretKind, secret};
use crate::world::World;
use crate::{Account, Fault, FaultKind, Platform, Stage, State};
pub use counts::counts;

const BASIC: &str = "user.info.basic";
const PROFILE: &str = "user.info.profile";
const STATS: &str = "user.info.stats";
const VIDEOS: &str = "video.list";
const SCOPES: &[&str] = &[BASIC, PROFILE, STATS, VIDEOS];

pub fn stage(ask: &Ask) -> Option<Stage> {
    match (ask.host.as_str(), path(ask).as_slice()) {
        ("www.tiktok.com", _) => None,
        (_, ["v2", "oauth", ..]) => Some(Stage::Token),
        _ => Some(Stage::Api),
    }
}

/// Answers one request.
pub fn answer(world: &World, ask: &Ask) -> Answer {
    let path = path(ask);
    match (ask.host.as_str(), &ask.method, path.as_slice()) {
        ("www.tiktok.com", _, ["v2", "auth", "authorize"]) => authorize::page(world, ask),
        ("www.tiktok.com", ..) => notice(StatusCode::NOT_FOUND, "TikTok", "Couldn't find this page"),
        (_, &Method::POST, ["v2", "oauth", "token"]) => tokens::token(world, ask),
        (_, &Method::POST, ["v2", "oauth", "revoke"]) => tokens::revoke(world, ask),
        (_, &Method::GET, ["v2", "user", "info"]) => users::info(world, ask),
        (_, &Method::POST, ["v2", "video", "list"]) => videos::list(world, ask),
        (_, &Method::POST, ["v2", "video", "query"]) => videos::query(world, ask),
        _ => Answer::text(StatusCode::NOT_FOUND, HTML, "Unsupported path(Janus)"),
    }
}

/// How it words a fault.
pub fn refusal(ask: &Ask, fault: &Fault) -> Option<Answer> {
    let is_token = stage(ask) == Some(Stage::Token);
    let answer = match (fault.kind, is_token) {
        (FaultKind::RateLimited, false) => error(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            "The API rate limit was exceeded. Please try again later.",
        ),
        (FaultKind::RateLimited, true) => {
            let refusal = oauth_error("rate_limit_exceeded", "Too many requests.");
            Answer { status: StatusCode::TOO_MANY_REQUESTS, ..refusal }
        }
        (FaultKind::ServerError, false) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Something went wrong, please try again later.")
        }
        (FaultKind::ServerError, true) => {
            let refusal = oauth_error("server_error", "Something is wrong on the server side.");
            Answer { status: StatusCode::INTERNAL_SERVER_ERROR, ..refusal }
        }
        (FaultKind::MissingScope, false) => not_authorized(),
        (FaultKind::MissingScope, true) => {
            oauth_error("invalid_scope", "The requested scope is not approved for this app.")
        }
        _ => return None,
    };
    // No header is promised; one comes only when it was asked for.
    Some(match fault.retry_after.filter(|_| fault.headers && fault.kind == FaultKind::RateLimited) {
        Some(seconds) => answer.header("retry-after", seconds),
        None => answer,
    })
}

/// The path's parts; a slash at the end says nothing.
fn path(ask: &Ask) -> Vec<&str> {
    ask.path().into_iter().filter(|part| !part.is_empty()).collect()
}

/// The token of an API request, if it is good.
fn access(world: &World, ask: &Ask) -> Result<Held, Answer> {
    let invalid = || {
        let message = "The access token is invalid or not found in the request.";
        error(StatusCode::UNAUTHORIZED, "access_token_invalid", message)
    };
    let held = ask.bearer().and_then(|token| world.grants.held(token)).ok_or_else(invalid)?;
    let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
    match held.check(world.clock.shown()) {
        Ok(()) if is_access && held.grant.platform == Platform::Tiktok => Ok(held),
        _ => Err(invalid()),
    }
}

/// The account that a grant opens, if it is still there.
fn account(world: &World, held: &Held) -> Result<Arc<Account>, Answer> {
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

/// The fields asked for; one beyond the granted scopes fails all.
fn fields<'a>(ask: &'a Ask, held: &Held, known: &[(&str, &str)]) -> Result<Vec<&'a str>, Answer> {
    let asked: Vec<&str> = ask.all("fields").into_iter().flat_map(|text| text.split(',')).map(str::trim).collect();
    if asked.is_empty() || asked.contains(&"") {
        return Err(invalid_params("Fields is required"));
    }
    for field in &asked {
        match known.iter().find(|(name, _)| name == field) {
            None => return Err(invalid_params(&format!("Invalid fields: {field}"))),
            Some((_, scope)) if !held.grant.has(scope) => return Err(not_authorized()),
            Some(_) => {}
        }
    }
    Ok(asked)
}

fn ok(data: Value) -> Answer {
    Answer::ok(json!({"data": data, "error": {"code": "ok", "message": "", "log_id": log_id()}}))
}

fn error(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, json!({"data": {}, "error": {"code": code, "message": message, "log_id": log_id()}}))
}

fn not_authorized() -> Answer {
    let message = "The user did not authorize the scope required for completing this request.";
    error(StatusCode::UNAUTHORIZED, "scope_not_authorized", message)
}

fn invalid_params(message: &str) -> Answer {
    error(StatusCode::BAD_REQUEST, "invalid_params", message)
}

/// Refusals of the token endpoint have status 200.
fn oauth_error(code: &str, description: &str) -> Answer {
    Answer::ok(json!({"error": code, "error_description": description, "log_id": log_id()}))
}

fn log_id() -> String {
    format!("20261121{}", secret::random(24).to_uppercase())
}
