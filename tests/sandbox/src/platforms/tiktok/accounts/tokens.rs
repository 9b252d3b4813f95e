//! Tokens in JSON: codes exchanged, pairs rotated, grants revoked, and whose a token is.

use serde_json::json;

use super::{APP, business_id, error, incorrect, ok};
use crate::grants::{Refreshed, SecretKind, SecretProblem};
use crate::platforms::tiktok::tokens::{first, renewed};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

type Response = Result<ApiResponse, ApiResponse>;

pub fn token(world: &World, request: &ApiRequest) -> Response {
    check_app(request, "authorization_code")?;
    let code = needed(request, "auth_code")?;
    let invalid = || error(40_110, "Invalid authorization code.");
    let held = APP.held(world, code).ok_or_else(invalid)?;
    let SecretKind::Code { redirect_uri, .. } = &held.secret.kind else { return Err(invalid()) };
    let expired = || error(40_131, "Authorization code is expired.");
    held.check(world.clock.shown()).map_err(|_| expired())?;
    if request.field("redirect_uri") != Some(redirect_uri) {
        return Err(error(40_002, "redirect_uri: Not the one that the code was requested with."));
    }
    if !world.grants.spend(code) {
        return Err(expired());
    }
    Ok(pair(world, &first(world, &held)))
}

pub fn refresh(world: &World, request: &ApiRequest) -> Response {
    check_app(request, "refresh_token")?;
    let old = needed(request, "refresh_token")?;
    let invalid = || error(40_107, "The refresh token is incorrect.");
    let held = APP.held(world, old).filter(|held| held.secret.kind == SecretKind::Refresh).ok_or_else(invalid)?;
    renewed(world, held).map(|given| pair(world, &given)).map_err(|problem| match problem {
        SecretProblem::Expired => error(40_103, "The refresh token has expired."),
        SecretProblem::Spent | SecretProblem::Revoked | SecretProblem::Unknown => invalid(),
    })
}

/// Takes the access token while it lives.
pub fn revoke(world: &World, request: &ApiRequest) -> Response {
    check_credentials(request)?;
    let held = super::token(world, Some(needed(request, "access_token")?))?;
    world.grants.revoke(held.secret.grant);
    Ok(ok(json!({})))
}

pub fn info(world: &World, request: &ApiRequest) -> Response {
    if needed(request, "app_id")? != APP.id {
        return Err(error(40_002, "app_id: Not the app of the access token."));
    }
    let held = super::token(world, Some(needed(request, "access_token")?))?;
    let account = world.opened(&held.grant).into_iter().next().ok_or_else(incorrect)?;
    let scopes: Vec<&str> = held.grant.scopes.iter().map(String::as_str).collect();
    let data = json!({"app_id": APP.id, "creator_id": business_id(&account), "scope": scopes.join(",")});
    Ok(ok(data).about(&account))
}

fn check_app(request: &ApiRequest, grant_type: &str) -> Result<(), ApiResponse> {
    check_credentials(request)?;
    match needed(request, "grant_type")? == grant_type {
        true => Ok(()),
        false => Err(error(40_002, "grant_type: Invalid value.")),
    }
}

fn check_credentials(request: &ApiRequest) -> Result<(), ApiResponse> {
    if request.is_form() {
        return Err(error(40_002, "The request body is not in JSON."));
    }
    match needed(request, "client_id")? == APP.id && needed(request, "client_secret")? == APP.secret {
        true => Ok(()),
        false => Err(error(40_101, "Invalid App ID or secret.")),
    }
}

fn needed<'a>(request: &'a ApiRequest, name: &str) -> Result<&'a str, ApiResponse> {
    request.field(name).ok_or_else(|| error(40_002, &format!("{name}: Missing data for required field.")))
}

fn pair(world: &World, given: &Refreshed) -> ApiResponse {
    let account = world.opened(&given.grant).into_iter().next();
    ok(json!({
        "access_token": given.access,
        "expires_in": given.access_seconds,
        "open_id": account.as_deref().map(business_id),
        "refresh_token": given.refresh,
        "refresh_token_expires_in": given.refresh_seconds,
        "scope": given.grant.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(","),
        "token_type": "Bearer",
    }))
    .header("cache-control", "no-store")
}
