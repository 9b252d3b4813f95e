//! Refusals, each with the reason that clients go by.

use http::StatusCode;
use serde_json::{Value, json};

use crate::Fault;
use crate::platforms::ApiResponse;

/// One refusal: `error.errors[0]` with what surrounds it.
struct Refusal<'a> {
    status: StatusCode,
    rpc_status: &'a str,
    domain: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl Refusal<'_> {
    fn response(self) -> ApiResponse {
        self.with(Value::Null, Value::Null)
    }

    fn at(self, location: &str) -> ApiResponse {
        self.with(json!({"location": location, "locationType": "parameter"}), Value::Null)
    }

    fn with(self, location: Value, details: Value) -> ApiResponse {
        let mut first = json!({"message": self.message, "domain": self.domain, "reason": self.reason});
        for (name, value) in location.as_object().into_iter().flatten() {
            first[name] = value.clone();
        }
        let mut error = json!({
            "code": self.status.as_u16(), "message": self.message, "errors": [first], "status": self.rpc_status,
        });
        if !details.is_null() {
            error["details"] = details;
        }
        ApiResponse::json(self.status, json!({"error": error}))
    }
}

fn bad_request<'a>(domain: &'a str, reason: &'a str, message: &'a str) -> Refusal<'a> {
    Refusal { status: StatusCode::BAD_REQUEST, rpc_status: "INVALID_ARGUMENT", domain, reason, message }
}

fn forbidden<'a>(domain: &'a str, reason: &'a str, message: &'a str) -> Refusal<'a> {
    Refusal { status: StatusCode::FORBIDDEN, rpc_status: "PERMISSION_DENIED", domain, reason, message }
}

fn unauthorized<'a>(domain: &'a str, reason: &'a str, message: &'a str) -> Refusal<'a> {
    Refusal { status: StatusCode::UNAUTHORIZED, rpc_status: "UNAUTHENTICATED", domain, reason, message }
}

fn not_found<'a>(domain: &'a str, reason: &'a str, message: &'a str) -> Refusal<'a> {
    Refusal { status: StatusCode::NOT_FOUND, rpc_status: "NOT_FOUND", domain, reason, message }
}

pub fn no_key() -> ApiResponse {
    let message = "Method doesn't allow unregistered callers (callers without established identity). \
        Please use API Key or other form of API consumer identity to call this API.";
    forbidden("global", "forbidden", message).response()
}

pub fn bad_key() -> ApiResponse {
    let message = "API key not valid. Please pass a valid API key.";
    let info = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com"},
    }]);
    bad_request("usageLimits", "keyInvalid", message).with(Value::Null, info)
}

pub fn bad_credentials() -> ApiResponse {
    unauthorized("global", "authError", "Invalid Credentials")
        .with(json!({"location": "Authorization", "locationType": "header"}), Value::Null)
}

/// A token whose owner did not allow this.
pub fn missing_scope() -> ApiResponse {
    let message = "Request had insufficient authentication scopes.";
    let info = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com"},
    }]);
    forbidden("global", "insufficientPermissions", message).with(Value::Null, info)
}

/// A report about another owner's channel.
pub fn not_your_channel() -> ApiResponse {
    forbidden("global", "forbidden", "Forbidden").response()
}

pub fn not_supported() -> ApiResponse {
    let message = "The query is not supported. Check the documentation at \
        https://developers.google.com/youtube/analytics/v2/available_reports for supported queries.";
    bad_request("global", "badRequest", message).response()
}

pub fn bad_value(name: &str, value: &str) -> ApiResponse {
    bad_request("global", "badRequest", &format!("Invalid value '{value}' for {name}.")).at(name)
}

pub fn mine_needs_consent() -> ApiResponse {
    let message = "The request uses the <code>mine</code> parameter but is not properly authorized.";
    unauthorized("youtube.parameter", "authorizationRequired", message).at("mine")
}

pub fn quota_exceeded() -> ApiResponse {
    let message = "The request cannot be completed because you have exceeded your \
        <a href=\"/youtube/v3/getting-started#quota\">quota</a>.";
    forbidden("youtube.quota", "quotaExceeded", message).response()
}

/// `Retry-After` is not promised and is sent only when the fault orders it; 403 is the older form of the same.
pub fn rate_limited(fault: &Fault) -> ApiResponse {
    let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service \
        'youtube.googleapis.com' for consumer 'project_number:000000000000'.";
    let refusal = Refusal {
        status: StatusCode::TOO_MANY_REQUESTS,
        rpc_status: "RESOURCE_EXHAUSTED",
        domain: "usageLimits",
        reason: "rateLimitExceeded",
        message,
    };
    match fault.retry_after.filter(|_| fault.headers) {
        Some(seconds) => refusal.response().header("retry-after", seconds),
        None => refusal.response(),
    }
}

/// The project's quota of the day is spent, in the newer form.
pub fn day_limited() -> ApiResponse {
    let message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service \
        'youtube.googleapis.com' for consumer 'project_number:000000000000'.";
    let info = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "RATE_LIMIT_EXCEEDED",
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com", "quota_limit": "defaultPerDayPerProject", "quota_unit": "1/d/{project}"},
    }]);
    Refusal {
        status: StatusCode::TOO_MANY_REQUESTS,
        rpc_status: "RESOURCE_EXHAUSTED",
        domain: "global",
        reason: "rateLimitExceeded",
        message,
    }
    .with(Value::Null, info)
}

pub fn server_error() -> ApiResponse {
    let (message, status) = ("Backend Error", StatusCode::INTERNAL_SERVER_ERROR);
    Refusal { status, rpc_status: "INTERNAL", domain: "global", reason: "backendError", message }.response()
}

pub fn no_such_page() -> ApiResponse {
    let page = "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n\
        <p><b>404.</b> <ins>That's an error.</ins>\n<p>The requested URL was not found on this server.\n";
    ApiResponse::text(StatusCode::NOT_FOUND, "text/html; charset=UTF-8", page)
}

pub fn required(name: &str) -> ApiResponse {
    bad_request("global", "required", &format!("Required parameter: {name}")).at(name)
}

pub fn unknown_part(part: &str) -> ApiResponse {
    bad_request("youtube.part", "unknownPart", &format!("'{part}'")).at("part")
}

pub fn unknown_name(name: &str) -> ApiResponse {
    let message = format!(
        "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' could not be found in request message."
    );
    bad_request("global", "badRequest", &message).response()
}

pub fn no_filter(expected: &str) -> ApiResponse {
    let message = format!("No filter selected. Expected one of: {expected}");
    bad_request("youtube.parameter", "missingRequiredParameter", &message).at("")
}

pub fn incompatible(names: &str) -> ApiResponse {
    let message = format!("Incompatible parameters specified in the request: {names}");
    bad_request("youtube.parameter", "incompatibleParameters", &message).at("parameters.")
}

pub fn invalid_filters(location: &str) -> ApiResponse {
    let message = "The request specifies an invalid filter parameter.";
    bad_request("youtube.parameter", "invalidFilters", message).at(location)
}

pub fn out_of_range(name: &str, value: &str, range: &str) -> ApiResponse {
    let message = format!("Invalid value '{value}'. Values must be within the range: {range}");
    bad_request("global", "invalidParameter", &message).at(name)
}

pub fn bad_page_token() -> ApiResponse {
    let message = "The request specifies an invalid page token.";
    bad_request("youtube.parameter", "invalidPageToken", message).at("pageToken")
}

pub fn bad_fields(text: &str) -> ApiResponse {
    bad_request("global", "invalidParameter", &format!("Invalid field selection {text}")).at("fields")
}

pub fn no_such_playlist() -> ApiResponse {
    let message = "The playlist identified with the request's <code>playlistId</code> parameter cannot be found.";
    not_found("youtube.playlistItem", "playlistNotFound", message).at("playlistId")
}
