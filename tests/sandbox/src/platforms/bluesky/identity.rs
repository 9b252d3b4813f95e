//! From handle to DID and back.

use http::StatusCode;
use serde_json::json;

use super::{find, invalid, params};
use crate::Platform;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::State;

pub fn resolve_handle(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let handle = params::actor(request, "com.atproto.identity.resolveHandle", "handle")?;
    let account = find(world, handle).ok_or_else(|| invalid("Unable to resolve handle"))?;
    Ok(ApiResponse::ok(json!({"did": account.id})).about(&account))
}

/// `https://{handle}/.well-known/atproto-did`.
pub fn well_known(world: &World, request: &ApiRequest) -> ApiResponse {
    match find(world, &request.host) {
        Some(account) => {
            ApiResponse::text(StatusCode::OK, "text/plain; charset=utf-8", account.id.clone()).about(&account)
        }
        None => ApiResponse::text(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "User not found"),
    }
}

/// The PLC directory's response: the DID document.
pub fn document(world: &World, did: &str) -> ApiResponse {
    let Some(account) = world.account_by_id(Platform::Bluesky, did) else {
        return ApiResponse::json(StatusCode::NOT_FOUND, json!({"message": format!("DID not registered: {did}")}));
    };
    if account.state == State::Gone {
        return ApiResponse::json(StatusCode::GONE, json!({"message": format!("DID not available: {did}")}))
            .about(&account);
    }
    let document = json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "alsoKnownAs": [format!("at://{}", account.handle)],
        "verificationMethod": [],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.sky.test",
        }],
    });
    ApiResponse::ok(document).about(&account)
}
