//! What all lists look like.

use serde_json::{Map, Value, json};

use super::params;
use crate::platforms::ApiResponse;
use crate::world::ids::cid;

/// A page of items, with what counts all of them.
pub struct Page {
    /// As in `youtube#channelListResponse`.
    pub kind: &'static str,
    pub items: Vec<Value>,
    /// `Some(offset)` when another page begins there.
    pub next: Option<usize>,
    pub prev: Option<usize>,
    pub total: u64,
    pub per_page: usize,
}

/// One item with the parts that were requested, and an etag over them.
pub fn item(kind: &str, id: &str, parts: &[&str], part: impl Fn(&str) -> Option<Value>) -> Value {
    let mut body = Map::new();
    for name in parts {
        body.extend(part(name).map(|value| ((*name).to_owned(), value)));
    }
    let mut item = Map::new();
    item.insert("kind".into(), json!(kind));
    item.insert("etag".into(), json!(etag(&format!("{id}{}", Value::Object(body.clone())))));
    item.insert("id".into(), json!(id));
    item.extend(body);
    Value::Object(item)
}

/// `leave_out_empty`: whether the list of nothing has no `items` at all.
pub fn respond(page: Page, leave_out_empty: bool) -> ApiResponse {
    let Page { kind, items, next, prev, total, per_page } = page;
    let etag = etag(&format!("{total} {next:?} {}", json!(items)));
    let mut body = json!({"kind": kind, "etag": etag});
    if let Some(offset) = next {
        body["nextPageToken"] = json!(params::page_token(offset));
    }
    if let Some(offset) = prev {
        body["prevPageToken"] = json!(params::page_token(offset));
    }
    if !(items.is_empty() && leave_out_empty) {
        body["items"] = json!(items);
    }
    body["pageInfo"] = json!({"totalResults": total, "resultsPerPage": per_page});
    ApiResponse { etag: Some(etag), ..ApiResponse::ok(body) }
}

fn etag(content: &str) -> String {
    cid(content)[7..34].to_owned()
}
