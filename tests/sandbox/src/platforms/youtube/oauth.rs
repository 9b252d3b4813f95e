//! Google's consent page.

use std::time::Duration;

use http::StatusCode;

use super::access::{ANALYTICS, MONEY, READ, WRITE};
use crate::Platform;
use crate::consent::{self, ConsentRequest, Visit, notice, redirect};
use crate::grants::{Door, NewGrant, Secret, SecretKind, secret};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

const SCOPES: &[&str] = &[
    READ,
    WRITE,
    ANALYTICS,
    MONEY,
    "openid",
    "email",
    "profile",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
];

const CODE_LIVES: Duration = Duration::from_secs(600);

pub fn page(world: &World, request: &ApiRequest) -> ApiResponse {
    let refused = |error: &str| {
        let text = format!("Access blocked: authorization error. Error 400: {error}");
        notice(StatusCode::BAD_REQUEST, "Google", &text)
    };
    match request.one("client_id") {
        None => return refused("invalid_request: missing required parameter: client_id"),
        Some(id) if id != Platform::Youtube.client_id() => {
            return notice(
                StatusCode::UNAUTHORIZED,
                "Google",
                "The OAuth client was not found. Error 401: invalid_client",
            );
        }
        Some(_) => {}
    }
    let Some(redirect_uri) = request.one("redirect_uri").filter(|uri| redirect::is_allowed(uri)) else {
        return refused("redirect_uri_mismatch");
    };
    if request.one("response_type") != Some("code") {
        return refused("invalid_request: response_type");
    }
    let scopes = match scopes(world, request.one("scope").unwrap_or_default(), SCOPES) {
        Ok(scopes) => scopes,
        Err(unknown) => return refused(&format!("invalid_scope: some requested scopes were invalid: {unknown}")),
    };
    let challenge = match (request.one("code_challenge"), request.one("code_challenge_method")) {
        (None, _) => None,
        (Some(challenge), Some("S256")) if challenge.len() == 43 => Some(challenge.to_owned()),
        _ => return refused("invalid_request: invalid code_challenge"),
    };
    let state = request.one("state");
    match consent::visit(world, request, &consent_request(scopes, request)) {
        Visit::Page(page) => page,
        Visit::Denied => sent_back(redirect_uri, state, &[("error", "access_denied")]),
        Visit::Approved(grant) => {
            let (code, scope) = approved(world, request, redirect_uri, challenge, grant);
            sent_back(redirect_uri, state, &[("code", &code), ("scope", &scope)])
        }
    }
}

/// What Google's page requests for these scopes.
pub fn consent_request(scopes: Vec<String>, request: &ApiRequest) -> ConsentRequest {
    ConsentRequest {
        platform: Platform::Youtube,
        door: Door::Google,
        provider: "Google",
        scopes,
        fixed: &["openid"],
        keeps_scopes: request.one("include_granted_scopes") == Some("true"),
        login_hint: request.one("login_hint").map(str::to_owned),
        opens: &[Platform::Youtube],
    }
}

/// Scopes parted by blanks, each known and the app's; otherwise the first that is not.
pub fn scopes(world: &World, text: &str, known: &[&str]) -> Result<Vec<String>, String> {
    let scopes: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let is_refused = |scope: &&String| !known.contains(&scope.as_str()) || world.grants.lacks(Platform::Youtube, scope);
    match scopes.iter().find(is_refused) {
        Some(unknown) => Err(unknown.clone()),
        None if scopes.is_empty() => Err(String::new()),
        None => Ok(scopes),
    }
}

/// Only the first consent returns a refresh token, unless the page was forced upon the person again.
fn approved(
    world: &World,
    request: &ApiRequest,
    redirect_uri: &str,
    challenge: Option<String>,
    new: NewGrant,
) -> (String, String) {
    let before = world.grants().len();
    let grant = world.grants.give(new);
    let is_first = world.grants().len() > before;
    let is_forced = request.one("prompt").is_some_and(|prompt| prompt.split_whitespace().any(|word| word == "consent"));
    let with_refresh = request.one("access_type") == Some("offline") && (is_first || is_forced);
    let kind = SecretKind::Code { redirect_uri: redirect_uri.to_owned(), challenge, with_refresh };
    let code = secret::with_prefix("4/0A");
    world.grants.add_secret(code.clone(), Secret::new(kind, &grant, world.clock.shown(), Some(CODE_LIVES)));
    (code, grant.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
}

fn sent_back(redirect_uri: &str, state: Option<&str>, pairs: &[(&str, &str)]) -> ApiResponse {
    let state = state.map(|state| ("state", state));
    let pairs: Vec<_> = state.into_iter().chain(pairs.iter().copied()).collect();
    redirect::back(redirect_uri, &pairs, "")
}
