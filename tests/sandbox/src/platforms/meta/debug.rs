//! `debug_token`: what a token is and whether it is still good.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{data_access_ends, is_app_token, no_token, refused, token_of};
use super::errors::error;
use super::me;
use crate::grants::{Door, Held, SecretKind};
use crate::platforms::{ApiRequest, ApiResponse, Content};
use crate::world::World;

/// Requested with the app's own token, or with a valid token of the same app.
pub fn debug_token(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let token = token_of(request).ok_or_else(no_token)?;
    let now = world.clock.shown();
    let app = token.split_once('|').map(|(id, _)| id.to_owned()).filter(|_| is_app_token(token));
    let caller =
        world.grants.held(token).filter(|held| held.check(now).is_ok()).map(|held| held.grant.platform.client_id());
    let app = app.or(caller).ok_or_else(|| error(190, None, "Invalid OAuth access token."))?;
    let input =
        request.param("input_token").ok_or_else(|| error(100, None, "(#100) The parameter input_token is required"))?;
    let held = world.grants.held(input).filter(|held| held.grant.door == Door::Facebook);
    let Some(held) = held.filter(|held| !matches!(held.secret.kind, SecretKind::Code { .. })) else {
        let problem = json!({"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"});
        return Ok(ApiResponse::ok(json!({"data": {"error": problem, "is_valid": false, "scopes": []}})));
    };
    if held.grant.platform.client_id() != app {
        let message = "(#100) The App_id in the input_token did not match the Viewing App";
        return Err(error(100, None, message));
    }
    let accounts = world.opened(&held.grant);
    Ok(accounts.iter().fold(ApiResponse::ok(json!({"data": described(world, &held, now)})), ApiResponse::about))
}

fn described(world: &World, held: &Held, now: Timestamp) -> Value {
    let grant = &held.grant;
    let validity = held.check(now);
    let page = match &held.secret.kind {
        SecretKind::Page { id, .. } => Some(id),
        _ => None,
    };
    let mut data = json!({
        "app_id": grant.platform.client_id(),
        "type": if page.is_some() { "PAGE" } else { "USER" },
        "application": format!("Roster's sandbox app for {}", grant.platform),
        "data_access_expires_at": data_access_ends(world, held).map_or(0, Timestamp::as_second),
        "expires_at": held.secret.expires_at.map_or(0, Timestamp::as_second),
        "is_valid": validity.is_ok(),
        "issued_at": held.secret.given_at.as_second(),
        "scopes": if validity.is_ok() { json!(grant.scopes) } else { json!([]) },
        "granular_scopes": if validity.is_ok() { json!(me::granular(grant)) } else { json!([]) },
        "user_id": me::person_id(grant),
    });
    if let Some(page) = page {
        data["profile_id"] = json!(page);
    }
    if let Err(problem) = validity
        && let Content::Json(body) = refused(held, problem, now).content
    {
        let error = &body["error"];
        data["error"] = json!({"code": error["code"], "message": error["message"], "subcode": error["error_subcode"]});
    }
    data
}
