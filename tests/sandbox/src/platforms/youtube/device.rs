//! The flow for devices without a browser.

use http::{Method, StatusCode};
use jiff::ToSpan;
use serde_json::json;

use super::access::{READ, WRITE};
use super::oauth;
use super::tokens::{bad, granted, refused};
use crate::Platform;
use crate::consent::{self, Visit, notice};
use crate::grants::device::{Device, DeviceState};
use crate::grants::secret;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

/// Devices may request these only; reports are not among them.
const SCOPES: &[&str] = &["email", "openid", "profile", READ, WRITE];

const LIVES_SECONDS: i64 = 1800;
const INTERVAL_SECONDS: i64 = 5;

/// Gives a device its code.
pub fn begin(world: &World, request: &ApiRequest) -> ApiResponse {
    if request.method != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "Only POST is allowed");
    }
    if request.field("client_id") != Some(&Platform::Youtube.client_id()) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "The OAuth client was not found.");
    }
    let scopes = match oauth::scopes(world, request.field("scope").unwrap_or_default(), SCOPES) {
        Ok(scopes) => scopes,
        Err(scope) => return bad("invalid_scope", &format!("Invalid device flow scope: {scope}")),
    };
    let device = Device {
        code: secret::with_prefix("AH-1Ng"),
        user_code: user_code(),
        scopes,
        expires_at: world.clock.shown().saturating_add(LIVES_SECONDS.seconds()).unwrap_or(jiff::Timestamp::MAX),
        state: DeviceState::Pending,
        requested_at: None,
        interval: INTERVAL_SECONDS,
    };
    let body = json!({
        "device_code": device.code,
        "user_code": device.user_code,
        "expires_in": LIVES_SECONDS,
        "interval": INTERVAL_SECONDS,
        "verification_url": "https://www.google.com/device",
    });
    world.grants.add_stray(device.code.clone());
    world.grants.add_device(device);
    ApiResponse::ok(body)
}

/// The page on which a person types the code, and then decides.
pub fn page(world: &World, request: &ApiRequest) -> ApiResponse {
    let Some(typed) = request.param("user_code") else { return form() };
    let typed = typed.trim().to_uppercase();
    let (now, known) = (world.clock.shown(), |device: &Device| device.user_code == typed);
    let device = world.grants.device(known, |device| device.clone());
    let Some(device) = device.filter(|one| one.state == DeviceState::Pending && one.expires_at > now) else {
        return notice(StatusCode::BAD_REQUEST, "Google", "That code isn't right. Try again with a new one.");
    };
    // The typed code must be in the address, to which the consent page's form is submitted.
    if request.one("user_code").is_none() {
        let location = format!(
            "?{}",
            url::form_urlencoded::Serializer::new(String::new()).append_pair("user_code", &typed).finish()
        );
        return notice(StatusCode::SEE_OTHER, "Google", "Go on").header("location", location);
    }
    let (state, message) = match consent::visit(world, request, &oauth::consent_request(device.scopes, request)) {
        Visit::Page(page) => return page,
        Visit::Denied => (DeviceState::Denied, "You have denied access. You can close this page."),
        Visit::Approved(new) => {
            let grant = world.grants.give(new);
            (DeviceState::Granted(grant.number), "Success! Device connected. You can close this page.")
        }
    };
    world.grants.device(known, |device| device.state = state);
    notice(StatusCode::OK, "Google", message)
}

/// Responds to a device that polls whether its code was typed.
pub fn poll(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let code = request
        .field("device_code")
        .ok_or_else(|| bad("invalid_request", "Missing required parameter: device_code"))?;
    let now = world.clock.shown();
    let looked = world.grants.device(
        |device| device.code == code,
        |device| {
            let since = device.requested_at.map(|at| now.as_second() - at.as_second());
            device.requested_at = Some(now);
            if device.expires_at <= now {
                return Err(bad("expired_token", "The device code has expired."));
            }
            match device.state {
                DeviceState::Denied => Err(refused(StatusCode::FORBIDDEN, "access_denied", "Forbidden")),
                DeviceState::Used => Err(bad("invalid_grant", "Malformed auth code.")),
                DeviceState::Pending if since.is_some_and(|seconds| seconds < device.interval) => {
                    Err(refused(StatusCode::FORBIDDEN, "slow_down", "Forbidden"))
                }
                DeviceState::Pending => {
                    let status = StatusCode::PRECONDITION_REQUIRED;
                    Err(refused(status, "authorization_pending", "Precondition Required"))
                }
                DeviceState::Granted(number) => {
                    device.state = DeviceState::Used;
                    Ok(number)
                }
            }
        },
    );
    let number = looked.unwrap_or_else(|| Err(bad("invalid_grant", "Malformed auth code.")))?;
    let grant = world.grants().into_iter().nth(number).ok_or_else(|| bad("invalid_grant", "Bad Request"))?;
    Ok(granted(world, &grant, true))
}

fn form() -> ApiResponse {
    let page = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Google (sandbox)</title></head>\n\
        <body><h1>Connect a device</h1><form><label>Code <input name=\"user_code\" autofocus></label>\n\
        <button>Continue</button></form></body></html>\n";
    ApiResponse::text(StatusCode::OK, consent::HTML, page)
        .header("content-security-policy", "default-src 'none'")
        .header("cache-control", "no-store")
}

/// Two times four consonants, which form no words.
fn user_code() -> String {
    const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
    let letters: String =
        secret::random(8).bytes().map(|byte| LETTERS[byte as usize % LETTERS.len()] as char).collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}
