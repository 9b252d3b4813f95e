//! Instagram Login: a consent page for one account, a short token for its code, a long one for the short, and another
//! long one for a long one that is a day old.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::Platform;
use crate::consent::{self, ConsentRequest, Visit, notice, redirect};
use crate::grants::{Door, Grant, Held, Secret, SecretKind, SecretProblem, secret};
use crate::platforms::meta::error;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::Account;

const BASIC: &str = "instagram_business_basic";

const SCOPES: &[&str] = &[
    BASIC,
    "instagram_business_manage_insights",
    "instagram_business_manage_comments",
    "instagram_business_manage_messages",
    "instagram_business_content_publish",
];

const HOUR: Duration = Duration::from_secs(3600);

/// A token must be so old before it can be renewed.
const LEAST_AGE_SECONDS: i64 = 86_400;

pub fn page(world: &World, request: &ApiRequest) -> ApiResponse {
    let refused = |text: &str| notice(StatusCode::BAD_REQUEST, "Instagram", text);
    if request.one("client_id") != Some(&Platform::Instagram.client_id()) {
        return refused("Invalid Request: Request parameters are invalid: Invalid platform app");
    }
    let Some(redirect_uri) = request.one("redirect_uri").filter(|uri| redirect::is_allowed(uri)) else {
        return refused("Invalid Request: Request parameters are invalid: Invalid redirect_uri");
    };
    if request.one("response_type") != Some("code") {
        return refused("Invalid Request: Request parameters are invalid: Invalid response_type");
    }
    let scopes = request.one("scope").unwrap_or_default().split([',', ' ']).filter(|scope| !scope.is_empty());
    let scopes: Vec<String> = scopes.map(str::to_owned).collect();
    let is_refused =
        |scope: &String| !SCOPES.contains(&scope.as_str()) || world.grants.lacks(Platform::Instagram, scope);
    if !scopes.iter().any(|scope| scope == BASIC) || scopes.iter().any(is_refused) {
        return refused("Invalid Request: Request parameters are invalid: Invalid scope");
    }
    let state = request.one("state").map(|state| ("state", state));
    let sent_back = |pairs: &[(&str, &str)], fragment| {
        let pairs: Vec<_> = pairs.iter().copied().chain(state).collect();
        redirect::back(redirect_uri, &pairs, fragment)
    };
    let consent = ConsentRequest {
        platform: Platform::Instagram,
        door: Door::Instagram,
        provider: "Instagram",
        scopes,
        fixed: &[BASIC],
        keeps_scopes: false,
        login_hint: request.one("login_hint").map(str::to_owned),
        opens: &[Platform::Instagram],
    };
    match consent::visit(world, request, &consent) {
        Visit::Page(page) => page,
        Visit::Denied => sent_back(
            &[
                ("error", "access_denied"),
                ("error_reason", "user_denied"),
                ("error_description", "The user denied your request"),
            ],
            "",
        ),
        Visit::Approved(new) => {
            let grant = world.grants.give(new);
            let kind = SecretKind::Code { redirect_uri: redirect_uri.to_owned(), challenge: None, with_refresh: false };
            let code = secret::with_prefix("AQ");
            world.grants.add_secret(code.clone(), Secret::new(kind, &grant, world.clock.shown(), Some(HOUR)));
            sent_back(&[("code", &code)], "#_")
        }
    }
}

/// For some in the documented envelope, for others flat with a number as id, as clients report: both are met.
pub fn exchange(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = check_app(request).and_then(|()| {
        if request.field("grant_type") != Some("authorization_code") {
            return Err(refused("Invalid grant_type"));
        }
        let used = || refused("Matching code was not found or was already used");
        let code = request.field("code").ok_or_else(|| refused("Missing required field code"))?;
        let held = held(world, code).ok_or_else(used)?;
        let SecretKind::Code { redirect_uri, .. } = &held.secret.kind else { return Err(used()) };
        held.check(world.clock.shown()).map_err(|problem| match problem {
            SecretProblem::Expired => refused("This authorization code has expired"),
            _ => used(),
        })?;
        if request.field("redirect_uri") != Some(redirect_uri) {
            let message = "Error validating verification code. Please make sure your redirect_uri is identical to the \
                one you used in the OAuth dialog request";
            return Err(refused(message));
        }
        if !world.grants.spend(code) {
            return Err(used());
        }
        let account = world.opened(&held.grant).into_iter().next().ok_or_else(used)?;
        let token = give(world, &held.grant, false, HOUR);
        Ok(ApiResponse::ok(given(&account, &held.grant, &token)).header("cache-control", "no-store"))
    });
    response.unwrap_or_else(|error| error)
}

fn given(account: &Arc<Account>, grant: &Grant, token: &str) -> Value {
    let permissions: Vec<&str> = grant.scopes.iter().map(String::as_str).collect();
    if account.seed.is_multiple_of(2) {
        let id: u64 = account.id.parse().unwrap_or(0);
        json!({"access_token": token, "user_id": id, "permissions": permissions})
    } else {
        json!({"data": [{"access_token": token, "user_id": account.id, "permissions": permissions.join(",")}]})
    }
}

/// `ig_exchange_token`: the short token, and the app's secret.
pub fn lengthen(world: &World, request: &ApiRequest) -> ApiResponse {
    if request.one("grant_type") != Some("ig_exchange_token") {
        return error(100, None, "Invalid grant_type");
    }
    if request.one("client_secret") != Some(&Platform::Instagram.client_secret()) {
        return error(1, None, "Error validating client secret.").with_status(400);
    }
    let response = good(world, request).map(|held| long(world, &held.grant));
    response.unwrap_or_else(|error| error)
}

/// `ig_refresh_token`: a long token that is at least a day old, without a secret. The old one stays good.
pub fn renew(world: &World, request: &ApiRequest) -> ApiResponse {
    if request.one("grant_type") != Some("ig_refresh_token") {
        return error(100, None, "Invalid grant_type");
    }
    let response = good(world, request).and_then(|held| {
        let age = world.clock.shown().as_second() - held.secret.given_at.as_second();
        if held.secret.kind != (SecretKind::Access { long: true }) || age < LEAST_AGE_SECONDS {
            return Err(error(
                100,
                None,
                "Unsupported request - the token is not a long-lived one of at least 24 hours",
            ));
        }
        world.grants.count_refresh(held.secret.grant);
        Ok(long(world, &held.grant))
    });
    response.unwrap_or_else(|error| error)
}

fn long(world: &World, grant: &Grant) -> ApiResponse {
    let lives = world.lifetimes(Platform::Instagram).access;
    let token = give(world, grant, true, lives);
    let permissions: Vec<&str> = grant.scopes.iter().map(String::as_str).collect();
    ApiResponse::ok(json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": lives.as_secs(),
        "permissions": permissions.join(","),
    }))
    .header("cache-control", "no-store")
}

fn give(world: &World, grant: &Grant, long: bool, lives: Duration) -> String {
    let token = secret::with_prefix("IGAA");
    let secret = Secret::new(SecretKind::Access { long }, grant, world.clock.shown(), Some(lives));
    world.grants.add_secret(token.clone(), secret);
    token
}

/// A token that is still good, from the parameter alone.
fn good(world: &World, request: &ApiRequest) -> Result<Held, ApiResponse> {
    let unreadable = || error(190, None, "Invalid OAuth access token - Cannot parse access token");
    let held = request.one("access_token").and_then(|token| held(world, token)).ok_or_else(unreadable)?;
    let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
    match held.check(world.clock.shown()) {
        Ok(()) if is_access => Ok(held),
        Err(SecretProblem::Expired) => Err(error(190, Some(463), "Error validating access token: Session has expired")),
        Err(SecretProblem::Revoked) => {
            Err(error(190, Some(458), "Error validating access token: The user has not authorized the application"))
        }
        _ => Err(unreadable()),
    }
}

fn held(world: &World, text: &str) -> Option<Held> {
    world.grants.held(text).filter(|held| held.grant.door == Door::Instagram)
}

fn check_app(request: &ApiRequest) -> Result<(), ApiResponse> {
    if request.field("client_id") != Some(&Platform::Instagram.client_id()) {
        return Err(refused("Invalid platform app"));
    }
    match request.field("client_secret") {
        Some(secret) if secret == Platform::Instagram.client_secret() => Ok(()),
        _ => Err(refused("Error validating client secret.")),
    }
}

/// A form of errors that only this endpoint has.
fn refused(message: &str) -> ApiResponse {
    ApiResponse::json(
        StatusCode::BAD_REQUEST,
        json!({"error_type": "OAuthException", "code": 400, "error_message": message}),
    )
}
