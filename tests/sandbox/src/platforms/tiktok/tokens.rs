//! Tokens: codes exchanged, pairs rotated, grants revoked.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{DISPLAY, oauth_error};
use crate::Platform;
use crate::grants::{Grant, Held, Refreshed, Secret, SecretKind, SecretProblem, secret};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

pub fn token(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = check_app(request).and_then(|()| match request.field("grant_type") {
        Some("authorization_code") => exchange(world, request),
        Some("refresh_token") => refresh(world, request),
        Some("client_credentials") => Ok(client_credentials(world)),
        _ => Err(oauth_error("unsupported_grant_type", "The grant type is not supported.")),
    });
    response.unwrap_or_else(|error| error)
}

/// Takes the access token; an expired one is refused.
pub fn revoke(world: &World, request: &ApiRequest) -> ApiResponse {
    let invalid = || oauth_error("invalid_grant", "Access token is invalid or expired.");
    let response = check_app(request).and_then(|()| {
        let token = request.field("token").ok_or_else(|| oauth_error("invalid_request", "Token is required."))?;
        let held = DISPLAY.held(world, token).ok_or_else(invalid)?;
        let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
        held.check(world.clock.shown()).ok().filter(|()| is_access).ok_or_else(invalid)?;
        world.grants.revoke(held.secret.grant);
        Ok(ApiResponse::ok(json!({})))
    });
    response.unwrap_or_else(|error| error)
}

fn check_app(request: &ApiRequest) -> Result<(), ApiResponse> {
    if !request.is_form() {
        return Err(oauth_error("invalid_request", "The request parameters are malformed."));
    }
    if request.field("client_key") != Some(DISPLAY.id) {
        return Err(oauth_error("invalid_client", "Client key is incorrect."));
    }
    if request.field("client_secret") != Some(DISPLAY.secret) {
        return Err(oauth_error("invalid_client", "Client secret is incorrect."));
    }
    Ok(())
}

fn exchange(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let refused = |description: &str| oauth_error("invalid_grant", description);
    let code = request.field("code").ok_or_else(|| oauth_error("invalid_request", "Code is required."))?;
    let held = DISPLAY.held(world, code).ok_or_else(|| refused("Authorization code is invalid."))?;
    let SecretKind::Code { redirect_uri, challenge, .. } = &held.secret.kind else {
        return Err(refused("Authorization code is invalid."));
    };
    held.check(world.clock.shown()).map_err(|_| refused("Authorization code is expired."))?;
    if request.field("redirect_uri") != Some(redirect_uri) {
        return Err(oauth_error("invalid_request", "Redirect_uri is not matched with the uri when requesting code."));
    }
    match (challenge, request.field("code_verifier")) {
        (Some(challenge), Some(verifier)) if hex_challenge(verifier) == *challenge => {}
        (None, _) => {}
        _ => return Err(oauth_error("invalid_request", "Code verifier or code challenge is invalid.")),
    }
    if !world.grants.spend(code) {
        return Err(refused("Authorization code is expired."));
    }
    Ok(pair(&first(world, &held)))
}

fn refresh(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let old =
        request.field("refresh_token").ok_or_else(|| oauth_error("invalid_request", "Refresh token is required."))?;
    let refused = || oauth_error("invalid_grant", "Refresh token is invalid or expired.");
    let held = DISPLAY.held(world, old).filter(|held| held.secret.kind == SecretKind::Refresh).ok_or_else(refused)?;
    renewed(world, held).map(|given| pair(&given)).map_err(|problem| match problem {
        SecretProblem::Spent | SecretProblem::Expired | SecretProblem::Revoked | SecretProblem::Unknown => refused(),
    })
}

/// The pair that a code is exchanged for.
pub fn first(world: &World, held: &Held) -> Refreshed {
    let now = world.clock.shown();
    let lifetimes = world.lifetimes(Platform::Tiktok);
    let access = Secret::new(SecretKind::Access { long: false }, &held.grant, now, Some(lifetimes.access));
    let refresh = Secret::new(SecretKind::Refresh, &held.grant, now, lifetimes.refresh);
    let seconds = |secret: &Secret| secret.lives_seconds(now).unwrap_or(i64::MAX);
    let given = Refreshed {
        grant: held.grant.clone(),
        access: secret::with_prefix("act."),
        access_seconds: seconds(&access),
        refresh: secret::with_prefix("rft."),
        refresh_seconds: seconds(&refresh),
    };
    world.grants.add_secret(given.access.clone(), access);
    world.grants.add_secret(given.refresh.clone(), refresh);
    given
}

/// The next pair. The day on which all ends stays where the first consent put it.
pub fn renewed(world: &World, held: Held) -> Result<Refreshed, SecretProblem> {
    let now = world.clock.shown();
    let lives = world.lifetimes(Platform::Tiktok).access;
    let access = Secret::new(SecretKind::Access { long: false }, &held.grant, now, Some(lives));
    let refresh = Secret { given_at: now, is_spent: false, ..held.secret };
    let new = [(secret::with_prefix("act."), access), (secret::with_prefix("rft."), refresh)];
    world.grants.rotate(&held.text, now, new)
}

/// Flat, without the envelope of the API.
fn pair(given: &Refreshed) -> ApiResponse {
    ApiResponse::ok(json!({
        "access_token": given.access,
        "expires_in": given.access_seconds,
        "open_id": open_id(&given.grant),
        "refresh_expires_in": given.refresh_seconds,
        "refresh_token": given.refresh,
        "scope": given.grant.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(","),
        "token_type": "Bearer",
    }))
    .header("cache-control", "no-store")
}

fn open_id(grant: &Grant) -> &str {
    grant.accounts.first().map_or("", |(_, id)| id)
}

/// An app's own token, with which nothing here can be read.
fn client_credentials(world: &World) -> ApiResponse {
    let token = secret::with_prefix("clt.");
    world.grants.add_stray(token.clone());
    ApiResponse::ok(json!({"access_token": token, "expires_in": 7200, "token_type": "Bearer"}))
}

/// Called S256, and yet in hex.
fn hex_challenge(verifier: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_hex() {
        // The vector of TikTok's own SDK.
        let verifier = "gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns";
        let challenge = "e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef";
        assert_eq!(hex_challenge(verifier), challenge);
    }
}
