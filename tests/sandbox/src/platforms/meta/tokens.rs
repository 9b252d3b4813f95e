//! Tokens of Facebook Login: short ones for codes, long ones for short ones, Pages' own derived from them.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::access::{Call, check_secret, refused};
use super::errors::error;
use crate::Platform;
use crate::grants::{Door, Grant, Held, Secret, SecretKind, SecretProblem, secret};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

const SHORT_LIVES: Duration = Duration::from_secs(5400);

pub fn token(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = check_secret(request).and_then(|app| match request.param("grant_type") {
        Some("fb_exchange_token") => lengthen(world, request, app),
        Some("client_credentials") => {
            let token = format!("{}|{}", app.client_id(), app.client_secret());
            Ok(ApiResponse::ok(json!({"access_token": token, "token_type": "bearer"})))
        }
        _ => exchange(world, request, app),
    });
    response.unwrap_or_else(|error| error)
}

fn exchange(world: &World, request: &ApiRequest, app: Platform) -> Result<ApiResponse, ApiResponse> {
    let code = request.param("code").ok_or_else(|| error(100, None, "Missing authorization code"))?;
    let invalid = || error(100, None, "Invalid verification code format.");
    let held = world.grants.held(code).filter(|held| held.grant.platform == app).ok_or_else(invalid)?;
    let SecretKind::Code { redirect_uri, challenge, .. } = &held.secret.kind else { return Err(invalid()) };
    let now = world.clock.shown();
    let used = || error(100, Some(36009), "This authorization code has been used.");
    held.check(now).map_err(|problem| match problem {
        SecretProblem::Expired => error(100, Some(36007), "This authorization code has expired."),
        SecretProblem::Revoked => refused(&held, problem, now),
        SecretProblem::Spent | SecretProblem::Unknown => used(),
    })?;
    if request.param("redirect_uri") != Some(redirect_uri) {
        let message = "Error validating verification code. Please make sure your redirect_uri is identical to the one \
            you used in the OAuth dialog request";
        return Err(error(100, Some(36008), message));
    }
    if let Some(challenge) = challenge {
        let verifier = request.param("code_verifier").unwrap_or_default();
        if BASE64URL_NOPAD.encode(&Sha256::digest(verifier)) != *challenge {
            return Err(error(100, None, "Invalid code_verifier parameter."));
        }
    }
    if !world.grants.spend(code) {
        return Err(used());
    }
    Ok(give(world, &held.grant, false, SHORT_LIVES))
}

/// A token that still lives for one that lives two months from now.
fn lengthen(world: &World, request: &ApiRequest, app: Platform) -> Result<ApiResponse, ApiResponse> {
    let unreadable = || error(190, None, "Invalid OAuth access token - Cannot parse access token");
    let token = request
        .param("fb_exchange_token")
        .ok_or_else(|| error(100, None, "fb_exchange_token parameter not specified"))?;
    let held = world.grants.held(token).filter(|held| is_persons(held, app)).ok_or_else(unreadable)?;
    let now = world.clock.shown();
    held.check(now).map_err(|problem| refused(&held, problem, now))?;
    world.grants.count_refresh(held.secret.grant);
    Ok(give(world, &held.grant, true, world.lifetimes(app).access))
}

fn is_persons(held: &Held, app: Platform) -> bool {
    let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
    is_access && held.grant.platform == app && held.grant.door == Door::Facebook
}

fn give(world: &World, grant: &Grant, long: bool, lives: Duration) -> ApiResponse {
    let token = secret::with_prefix("EAA");
    let secret = Secret::new(SecretKind::Access { long }, grant, world.clock.shown(), Some(lives));
    world.grants.add_secret(token.clone(), secret);
    ApiResponse::ok(json!({"access_token": token, "token_type": "bearer", "expires_in": lives.as_secs()}))
        .header("cache-control", "no-store")
}

/// The token of a Page, derived from the one in the request: without end from a long one. The same for equal requests.
pub fn page_token(call: &Call<'_>, page: &str) -> String {
    if call.page_id() == Some(page) {
        return call.held.text.clone();
    }
    let long = call.held.secret.kind == SecretKind::Access { long: true };
    let kind = SecretKind::Page { id: page.to_owned(), long };
    let (grants, now) = (&call.world.grants, call.world.clock.shown());
    if let Some(living) = grants.living(call.held.secret.grant, &kind, now) {
        return living;
    }
    let token = secret::with_prefix("EAA");
    let expires_at = call.held.secret.expires_at.filter(|_| !long);
    let secret = Secret { expires_at, ..Secret::new(kind, &call.held.grant, now, None) };
    grants.add_secret(token.clone(), secret);
    token
}
