//! Reading parameters.

use data_encoding::BASE64URL_NOPAD;

use super::errors;
use crate::platforms::{ApiRequest, ApiResponse};

/// What every method takes.
const STANDARD: &[&str] = &[
    "key",
    "alt",
    "fields",
    "prettyPrint",
    "quotaUser",
    "userIp",
    "callback",
    "access_token",
    "oauth_token",
    "$.xgafv",
    "uploadType",
    "upload_protocol",
    "part",
    "hl",
    "maxResults",
    "pageToken",
    "onBehalfOfContentOwner",
    "onBehalfOfContentOwnerChannel",
];

/// Ids a request may name at once.
const MOST_IDS: usize = 50;

/// The parts requested, each known to the method.
pub fn parts<'a>(request: &'a ApiRequest, known: &[&str]) -> Result<Vec<&'a str>, ApiResponse> {
    let parts = listed(request, "part");
    if parts.is_empty() {
        return Err(errors::required("part"));
    }
    match parts.iter().find(|part| !known.contains(part)) {
        Some(part) => Err(errors::unknown_part(part)),
        None => Ok(parts),
    }
}

/// The one filter of a request: its name and value.
pub fn filter<'a>(
    request: &'a ApiRequest,
    filters: &'static [&'static str],
) -> Result<(&'static str, &'a str), ApiResponse> {
    if let Some((name, _)) =
        request.query.iter().find(|(name, _)| !STANDARD.contains(&&**name) && !filters.contains(&&**name))
    {
        return Err(errors::unknown_name(name));
    }
    let given: Vec<_> = filters.iter().filter_map(|name| Some((*name, request.one(name)?))).collect();
    match given.as_slice() {
        [] => Err(errors::no_filter(&filters.join(", "))),
        [one] => Ok(*one),
        several => Err(errors::incompatible(&several.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))),
    }
}

/// Ids, given as a list or repeatedly.
pub fn ids(request: &ApiRequest) -> Result<Vec<&str>, ApiResponse> {
    let ids = listed(request, "id");
    if ids.is_empty() || ids.len() > MOST_IDS { Err(errors::invalid_filters("id")) } else { Ok(ids) }
}

/// How many items a page has: 5 by default, 50 at most.
pub fn max_results(request: &ApiRequest) -> Result<usize, ApiResponse> {
    let Some(text) = request.one("maxResults") else { return Ok(5) };
    match text.parse() {
        Ok(count @ 0..=50) => Ok(count),
        _ => Err(errors::out_of_range("maxResults", text, "[0, 50]")),
    }
}

/// Where the page begins.
pub fn offset(request: &ApiRequest) -> Result<usize, ApiResponse> {
    let Some(token) = request.one("pageToken").filter(|token| !token.is_empty()) else { return Ok(0) };
    let read = |token: &str| {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let index: [u8; 4] = bytes.strip_prefix(b"\x08\x05")?.strip_suffix(b"\x10\x00")?.try_into().ok()?;
        Some(u32::from_be_bytes(index) as usize)
    };
    read(token).ok_or_else(errors::bad_page_token)
}

/// The token of the page that begins there.
pub fn page_token(offset: usize) -> String {
    let index = (offset as u32).to_be_bytes();
    BASE64URL_NOPAD.encode(&[&b"\x08\x05"[..], &index, b"\x10\x00"].concat())
}

fn listed<'a>(request: &'a ApiRequest, name: &str) -> Vec<&'a str> {
    request
        .all(name)
        .into_iter()
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect()
}
