//! The Graph API's errors: one object, distinguished by `code` and `error_subcode`.

use http::StatusCode;
use serde_json::json;

use crate::grants::secret;
use crate::platforms::ApiResponse;

/// An error by its number. The status follows from it as far as is known.
pub fn error(code: u32, subcode: Option<u32>, message: &str) -> ApiResponse {
    let status = match code {
        102 | 190 => StatusCode::UNAUTHORIZED,
        4 | 10 | 17 | 32 | 200..=299 => StatusCode::FORBIDDEN,
        1 | 2 => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    };
    let kind = if (code, subcode) == (100, Some(33)) { "GraphMethodException" } else { "OAuthException" };
    let mut error = json!({"message": message, "type": kind, "code": code});
    if let Some(subcode) = subcode {
        error["error_subcode"] = json!(subcode);
    }
    if matches!(code, 1 | 2 | 4) {
        error["is_transient"] = json!(true);
    }
    error["fbtrace_id"] = json!(format!("A{}", secret::random(22)));
    ApiResponse::json(status, json!({"error": error}))
}

/// What the owner did not allow.
pub fn missing_permission(what: &str) -> ApiResponse {
    error(10, None, &format!("(#10) {what}"))
}

/// Refused without a reason: an unknown metric, this post, or a permission.
pub fn refused(code: u32) -> ApiResponse {
    match code {
        10 | 200..=299 => error(code, None, &format!("(#{code}) Application does not have permission for this action")),
        code => error(code, None, &format!("(#{code}) The value must be a valid insights metric")),
    }
}

/// Not there, or not for this token: the platform does not say which.
pub fn no_such_object(id: &str) -> ApiResponse {
    let message = format!(
        "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
         or does not support this operation. Please read the Graph API documentation at \
         https://developers.facebook.com/docs/graph-api"
    );
    error(100, Some(33), &message)
}

pub fn unknown_field(name: &str, node: &str) -> ApiResponse {
    error(100, None, &format!("(#100) Tried accessing nonexisting field ({name}) on node type ({node})"))
}

/// Unknown and withdrawn names look alike, and spoil the whole list.
pub fn unknown_metric() -> ApiResponse {
    error(100, None, "(#100) The value must be a valid insights metric")
}
