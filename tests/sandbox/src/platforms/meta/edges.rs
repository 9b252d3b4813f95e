//! Lists: cursors, limits and the address of the next page.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::access::{Call, token_of};
use super::errors::error;
use super::fields::Field;
use crate::platforms::ApiResponse;

const USUAL: usize = 25;
const MOST: usize = 100;

/// Which part of a list is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    pub start: usize,
    pub limit: usize,
}

/// The part that a request selects by `limit` and `after`.
pub fn edge(call: &Call<'_>) -> Result<Edge, ApiResponse> {
    read(call.request.param("limit"), call.request.param("after"))
}

impl Edge {
    /// The part that a nested field selects.
    pub fn of(field: &Field) -> Result<Edge, ApiResponse> {
        read(field.argument("limit"), field.argument("after"))
    }
}

fn read(limit: Option<&str>, after: Option<&str>) -> Result<Edge, ApiResponse> {
    let limit = match limit.map(str::parse::<usize>) {
        None => USUAL,
        Some(Ok(limit)) => limit.min(MOST),
        Some(Err(_)) => return Err(error(100, None, "(#100) Param limit must be a non-negative integer")),
    };
    let start = match after.filter(|after| !after.is_empty()) {
        None => 0,
        Some(after) => index(after).ok_or_else(|| error(100, None, "(#100) Invalid cursor"))? + 1,
    };
    Ok(Edge { start, limit })
}

/// The list as it is served: `items` are those from the edge's start on, made only as far as they are served.
/// `has_next`: whether the next page's address is included, which lists inside other objects leave out.
pub fn list(
    call: &Call<'_>,
    edge: Edge,
    total: usize,
    items: impl FnMut(usize) -> Result<Value, ApiResponse>,
    has_next: bool,
) -> Result<Value, ApiResponse> {
    let end = edge.start.saturating_add(edge.limit).min(total);
    let data: Vec<Value> = (edge.start..end).map(items).collect::<Result<_, _>>()?;
    if data.is_empty() {
        return Ok(json!({"data": []}));
    }
    let mut paging = json!({"cursors": {"before": cursor(edge.start), "after": cursor(end - 1)}});
    if end < total && has_next {
        paging["next"] = json!(next(call, &cursor(end - 1)));
    }
    Ok(json!({"data": data, "paging": paging}))
}

/// The address of the next page, token and all.
fn next(call: &Call<'_>, after: &str) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in
        call.request.query.iter().filter(|(name, _)| !matches!(name.as_str(), "after" | "access_token"))
    {
        query.append_pair(name, value);
    }
    query.append_pair("access_token", token_of(call.request).unwrap_or_default()).append_pair("after", after);
    format!("{}/{}?{}", call.request.origin, call.request.segments.join("/"), query.finish())
}

fn cursor(index: usize) -> String {
    BASE64URL_NOPAD.encode(format!("QVFI{index:08}").as_bytes())
}

fn index(cursor: &str) -> Option<usize> {
    let text = String::from_utf8(BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?).ok()?;
    text.strip_prefix("QVFI")?.parse().ok()
}

/// A time as the Graph API writes it: without a colon in the offset.
pub fn when(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_lead_behind_the_last_item() {
        let check = |limit, after: Option<&str>, expected: Option<(usize, usize)>| {
            let found = read(limit, after).ok().map(|edge| (edge.start, edge.limit));
            assert_eq!(found, expected, "{limit:?} {after:?}");
        };
        check(None, None, Some((0, 25)));
        check(Some("500"), None, Some((0, 100)));
        check(Some("5"), Some(&cursor(24)), Some((25, 5)));
        check(Some("x"), None, None);
        check(None, Some("rubbish"), None);
        assert_eq!(when("2026-11-21T12:00:00Z".parse().unwrap()), "2026-11-21T12:00:00+0000");
    }
}
