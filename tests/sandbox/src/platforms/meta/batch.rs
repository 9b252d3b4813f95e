//! Several requests in one, the response to each a text within the whole response.

use http::{Method, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{Call, token_of};
use super::errors::error;
use crate::http_io::content;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

const MOST: usize = 50;

#[derive(Deserialize)]
struct Item {
    method: String,
    relative_url: String,
}

/// In the order requested. The whole has status 200 whatever becomes of the parts.
pub fn respond(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    Call::open(world, request)?;
    let text = request.param("batch").unwrap_or_default();
    let items: Vec<Item> =
        serde_json::from_str(text).map_err(|_| error(100, None, "(#100) batch parameter must be a JSON array"))?;
    if items.len() > MOST {
        return Err(error(100, None, "(#100) Too many requests in batch message. Maximum batch size is 50"));
    }
    let with_headers = request.param("include_headers") != Some("false");
    let mut whole = ApiResponse::ok(Value::Null);
    let mut parts = Vec::new();
    for item in items {
        let part = match inner(request, &item) {
            Some(inner) => super::respond(world, &inner),
            None => error(100, None, "Unsupported request"),
        };
        whole = part.about.iter().fold(whole, ApiResponse::about);
        parts.push(shown(&part, with_headers));
    }
    Ok(ApiResponse { content: crate::platforms::Content::Json(Box::new(json!(parts))), ..whole })
}

/// One part as a request of its own; the outer token applies unless the part brings one.
fn inner(request: &ApiRequest, item: &Item) -> Option<ApiRequest> {
    let uri: Uri = format!("/{}/{}", request.host, item.relative_url.trim_start_matches('/')).parse().ok()?;
    let method = Method::from_bytes(item.method.as_bytes()).ok()?;
    let mut headers = request.headers.clone();
    headers.remove("content-type");
    let mut inner = ApiRequest::read(method, &uri, headers, bytes::Bytes::new());
    if inner.one("access_token").is_none() {
        for name in ["access_token", "appsecret_proof", "appsecret_time"] {
            let value = if name == "access_token" { token_of(request) } else { request.param(name) };
            inner.query.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
    }
    // A batch within a batch would never end.
    (!(inner.method == Method::POST && inner.one("batch").is_some())).then_some(inner)
}

fn shown(part: &ApiResponse, with_headers: bool) -> Value {
    let (media, bytes) = content(part);
    let mut shown = json!({"code": part.status.as_u16(), "body": String::from_utf8_lossy(&bytes)});
    if with_headers {
        let own = part.headers.iter().map(|(name, value)| json!({"name": name.as_str(), "value": value}));
        let all: Vec<Value> = std::iter::once(json!({"name": "Content-Type", "value": media})).chain(own).collect();
        shown["headers"] = json!(all);
    }
    shown
}
