//! Google's token endpoint. `error` is a text here, not the object of the APIs.

use data_encoding::BASE64URL_NOPAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::device;
use crate::Platform;
use crate::grants::{Grant, Held, Secret, SecretKind, secret};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::{Fault, FaultKind};

pub fn token(world: &World, request: &ApiRequest) -> ApiResponse {
    if request.method != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "Only POST is allowed");
    }
    let response = check_app(request).and_then(|()| match request.field("grant_type") {
        Some("authorization_code") => exchange(world, request),
        Some("refresh_token") => refresh(world, request),
        Some("urn:ietf:params:oauth:grant-type:device_code") => device::poll(world, request),
        Some(_) => Err(bad("unsupported_grant_type", "Invalid grant_type")),
        None => Err(bad("invalid_request", "Missing required parameter: grant_type")),
    });
    response.unwrap_or_else(|error| error)
}

/// Either token ends the grant.
pub fn revoke(world: &World, request: &ApiRequest) -> ApiResponse {
    let token = request.param("token").unwrap_or_default();
    match world.grants.held(token).filter(|held| held.grant.platform == Platform::Youtube) {
        Some(held) if held.check(world.clock.shown()).is_ok() => {
            world.grants.revoke(held.secret.grant);
            ApiResponse::ok(json!({}))
        }
        _ => bad("invalid_token", "Token expired or revoked"),
    }
}

/// How the token endpoint words a fault.
pub fn token_refusal(fault: &Fault) -> Option<ApiResponse> {
    Some(match fault.kind {
        FaultKind::RateLimited => {
            let response = refused(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "Too many requests");
            match fault.retry_after.filter(|_| fault.headers) {
                Some(seconds) => response.header("retry-after", seconds),
                None => response,
            }
        }
        FaultKind::QuotaExceeded => refused(StatusCode::FORBIDDEN, "rate_limit_exceeded", "Quota exceeded"),
        FaultKind::ServerError => refused(StatusCode::INTERNAL_SERVER_ERROR, "internal_failure", "Internal error"),
        FaultKind::MissingScope => bad("invalid_scope", "Some requested scopes were invalid."),
        _ => return None,
    })
}

/// An access token for a grant, and what else the response says.
pub fn granted(world: &World, grant: &Grant, with_refresh: bool) -> ApiResponse {
    let now = world.clock.shown();
    let lifetimes = world.lifetimes(Platform::Youtube);
    let access = secret::with_prefix("sandbox.a0");
    world.grants.add_secret(
        access.clone(),
        Secret::new(SecretKind::Access { long: false }, grant, now, Some(lifetimes.access)),
    );
    let mut body = json!({
        "access_token": access,
        "expires_in": lifetimes.access.as_secs(),
        "scope": grant.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        "token_type": "Bearer",
    });
    if with_refresh {
        let refresh = secret::with_prefix("1//0");
        world.grants.add_secret(refresh.clone(), Secret::new(SecretKind::Refresh, grant, now, lifetimes.refresh));
        body["refresh_token"] = json!(refresh);
        if let Some(lives) = lifetimes.refresh {
            body["refresh_token_expires_in"] = json!(lives.as_secs());
        }
    }
    ApiResponse::ok(body).header("cache-control", "no-cache, no-store, max-age=0, must-revalidate")
}

fn check_app(request: &ApiRequest) -> Result<(), ApiResponse> {
    let (id, secret) = (request.client_id(), request.client_secret());
    let (id, secret) = (id.as_deref(), secret.as_deref());
    let unauthorized = |description: &str| refused(StatusCode::UNAUTHORIZED, "invalid_client", description);
    match (id, secret) {
        (None, _) => Err(bad("invalid_request", "Could not determine client ID from request.")),
        (Some(id), _) if id != Platform::Youtube.client_id() => Err(unauthorized("The OAuth client was not found.")),
        (_, None) => Err(bad("invalid_request", "client_secret is missing.")),
        (_, Some(secret)) if secret != Platform::Youtube.client_secret() => Err(unauthorized("Unauthorized")),
        _ => Ok(()),
    }
}

fn exchange(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let malformed = || bad("invalid_grant", "Malformed auth code.");
    let code = request.field("code").ok_or_else(|| bad("invalid_request", "Missing required parameter: code"))?;
    let held = held(world, code).ok_or_else(malformed)?;
    let SecretKind::Code { redirect_uri, challenge, with_refresh } = &held.secret.kind else { return Err(malformed()) };
    held.check(world.clock.shown()).map_err(|_| bad("invalid_grant", "Bad Request"))?;
    if request.field("redirect_uri") != Some(redirect_uri) {
        return Err(bad("redirect_uri_mismatch", "Bad Request"));
    }
    match (challenge, request.field("code_verifier")) {
        (None, _) => {}
        (Some(_), None) => return Err(bad("invalid_grant", "Missing code verifier.")),
        (Some(challenge), Some(verifier)) if is_verifier(verifier) && base64_challenge(verifier) == *challenge => {}
        _ => return Err(bad("invalid_grant", "Invalid code verifier.")),
    }
    if !world.grants.spend(code) {
        return Err(bad("invalid_grant", "Bad Request"));
    }
    Ok(granted(world, &held.grant, *with_refresh))
}

/// The refresh token stays as it is, and is not returned again.
fn refresh(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let dead = || bad("invalid_grant", "Token has been expired or revoked.");
    let token = request
        .field("refresh_token")
        .ok_or_else(|| bad("invalid_request", "Missing required parameter: refresh_token"))?;
    let held = held(world, token).filter(|held| held.secret.kind == SecretKind::Refresh).ok_or_else(dead)?;
    held.check(world.clock.shown()).map_err(|_| dead())?;
    world.grants.count_refresh(held.secret.grant);
    Ok(granted(world, &held.grant, false))
}

fn held(world: &World, text: &str) -> Option<Held> {
    world.grants.held(text).filter(|held| held.grant.platform == Platform::Youtube)
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn base64_challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(verifier))
}

pub fn bad(error: &str, description: &str) -> ApiResponse {
    refused(StatusCode::BAD_REQUEST, error, description)
}

pub fn refused(status: StatusCode, error: &str, description: &str) -> ApiResponse {
    let body: Value = json!({"error": error, "error_description": description});
    ApiResponse::json(status, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_as_in_the_rfc() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(base64_challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_verifier(verifier) && !is_verifier("short") && !is_verifier(&format!("{verifier}*")));
    }
}
