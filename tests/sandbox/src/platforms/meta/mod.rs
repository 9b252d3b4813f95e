//! What Instagram and Facebook share: the Graph API's versions, tokens, errors, fields, pages of lists, batches.
//!
//! Two hosts respond: graph.facebook.com to tokens of persons and Pages of Facebook Login, and graph.instagram.com
//! to tokens of Instagram Login. Both apps, `facebook-client-id` and `instagram-client-id`, are valid at the first;
//! a request belongs to the platform of the app that sends it.
//!
//! Kept: any version from v19.0 to v27.0 or none, all alike; a slash before the query; the app secret's proof, which
//! graph.facebook.com wants with every token of a person or Page; usage headers; `paging.next` with the token in it.
//! Left out: webhooks, system users, Pages of others, stories, everything that writes.

mod access;
mod batch;
mod counts;
mod debug;
mod dialog;
mod edges;
mod errors;
mod fields;
mod insights;
mod me;
mod nodes;
mod tokens;
mod usage;

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{ApiRequest, ApiResponse, instagram};
use crate::consent::notice;
use crate::world::World;
use crate::{Fault, FaultKind, Platform, Stage};
pub use access::Call;
pub use counts::counts;
pub use edges::{Edge, edge, list, when};
pub use errors::{error, missing_permission, refused, unknown_field, unknown_metric};
pub use fields::Field;
pub use insights::{Range, Terms, item, metrics, newest, range, series_value};
pub use me::person_id;
pub use nodes::Node;
pub use tokens::page_token;
pub use usage::Usage;

/// The platform whose app sends a request: by its id, else by the token it carries.
pub fn app_of(world: &World, request: &ApiRequest) -> Platform {
    let by_id = |id: &str| [Platform::Instagram, Platform::Facebook].into_iter().find(|app| app.client_id() == id);
    let token = request.bearer().or_else(|| request.param("access_token"));
    let by_token = |text: &str| match text.split_once('|') {
        Some((id, _)) => by_id(id),
        None => world.grants.held(text).map(|held| held.grant.platform),
    };
    let app = request.client_id().as_deref().and_then(by_id).or_else(|| token.and_then(by_token));
    app.filter(|app| matches!(app, Platform::Instagram | Platform::Facebook)).unwrap_or(Platform::Facebook)
}

pub fn stage(request: &ApiRequest) -> Option<Stage> {
    if matches!(request.host.as_str(), "www.facebook.com" | "www.instagram.com") {
        return None;
    }
    match (&request.method, path(request).unwrap_or_default().as_slice()) {
        (_, ["oauth", "access_token"] | ["access_token"] | ["refresh_access_token"]) => Some(Stage::Token),
        (&Method::DELETE, [_, "permissions", ..]) => Some(Stage::Token),
        _ => Some(Stage::Api),
    }
}

/// Responds to one request.
pub fn respond(world: &World, request: &ApiRequest) -> ApiResponse {
    let Some(path) = path(request) else {
        let unknown = format!("Unknown path components: /{}", request.segments.join("/"));
        return error(2500, None, &unknown);
    };
    let response = match (request.host.as_str(), path.as_slice()) {
        ("www.facebook.com", ["dialog", "oauth"]) => return dialog::page(world, request),
        ("www.facebook.com" | "www.instagram.com", []) => {
            return notice(StatusCode::OK, "Meta", "Nobody is signed in.");
        }
        ("www.instagram.com" | "api.instagram.com", _) => return instagram::login(world, request, &path),
        ("graph.facebook.com", ["oauth", "access_token"]) => return tokens::token(world, request),
        ("graph.facebook.com", ["debug_token"]) => debug::debug_token(world, request),
        ("graph.instagram.com", ["access_token" | "refresh_access_token"]) => {
            return instagram::login(world, request, &path);
        }
        ("graph.facebook.com", []) if request.method == Method::POST && request.param("batch").is_some() => {
            batch::respond(world, request)
        }
        ("graph.facebook.com" | "graph.instagram.com", _) => graph(world, request, &path),
        _ => return notice(StatusCode::NOT_FOUND, "Meta", "This page isn't available right now."),
    };
    usage::add(response.unwrap_or_else(|error| error), usage::of(world, request), 1, 0)
}

/// How it words a fault.
pub fn refusal(world: &World, request: &ApiRequest, fault: &Fault) -> Option<ApiResponse> {
    let usage = usage::of(world, request);
    Some(match fault.kind {
        FaultKind::RateLimited => {
            let (code, message) = match &usage {
                Usage::App => (4, "(#4) Application request limit reached"),
                Usage::Pages(_) => {
                    (80001, "(#80001) There have been too many calls to this Page account. Wait a bit and try again.")
                }
                Usage::Instagram(_) => (
                    80002,
                    "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again.",
                ),
            };
            let response = error(code, None, message);
            if !fault.headers {
                return Some(response);
            }
            usage::add(response, usage, 100, fault.retry_after.unwrap_or(3600).div_ceil(60))
        }
        FaultKind::ServerError => error(2, None, "An unexpected error has occurred. Please retry your request later."),
        FaultKind::MissingScope => missing_permission("Application does not have permission for this action"),
        _ => return None,
    })
}

/// The path's parts without version and without slashes at the end; `None` for a version that there is not.
fn path(request: &ApiRequest) -> Option<Vec<&str>> {
    let mut parts: Vec<&str> = request.path().into_iter().filter(|part| !part.is_empty()).collect();
    let version = parts
        .first()
        .and_then(|first| first.strip_prefix('v')?.split_once('.'))
        .map(|(major, minor)| minor == "0" && major.parse::<u32>().is_ok_and(|major| (19..=27).contains(&major)));
    match version {
        Some(true) => drop(parts.remove(0)),
        Some(false) => return None,
        None => {}
    }
    Some(parts)
}

/// A node, an edge of one, or several nodes at once.
fn graph(world: &World, request: &ApiRequest, path: &[&str]) -> Result<ApiResponse, ApiResponse> {
    let call = Call::open(world, request)?;
    match (&request.method, path) {
        (&Method::GET, []) => several(&call),
        (&Method::GET, [id]) => {
            let node = nodes::find(&call, id)?;
            let fields = call.fields()?;
            Ok(call.about(ApiResponse::ok(node.render(&call, &fields)?), &node))
        }
        (&Method::GET, [id, edge]) => {
            let node = nodes::find(&call, id)?;
            let response = node.edge(&call, edge)?;
            Ok(call.about(response, &node))
        }
        (&Method::DELETE, [_, "permissions"]) => Ok(me::revoke(&call, None)),
        (&Method::DELETE, [_, "permissions", name]) => Ok(me::revoke(&call, Some(name))),
        _ => Err(error(100, None, "Unsupported request")),
    }
}

/// `?ids=1,2`: an object by id. One that cannot be had spoils all.
fn several(call: &Call<'_>) -> Result<ApiResponse, ApiResponse> {
    let ids = call.request.param("ids").ok_or_else(|| error(100, None, "Unsupported get request."))?;
    let ids: Vec<&str> = ids.split(',').filter(|id| !id.is_empty()).collect();
    if ids.len() > 50 {
        return Err(error(100, None, "(#100) Too many IDs. Maximum: 50."));
    }
    let fields = call.fields()?;
    let (mut all, mut response) = (Map::new(), ApiResponse::ok(Value::Null));
    for id in ids {
        let node = nodes::find(call, id)?;
        all.insert(id.to_owned(), node.render(call, &fields)?);
        response = call.about(response, &node);
    }
    Ok(ApiResponse { content: super::Content::Json(Box::new(json!(all))), ..response })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    #[test]
    fn versions_and_slashes_say_nothing() {
        let check = |uri: &str, expected: Option<&[&str]>| {
            let request = ApiRequest::read(Method::GET, &uri.parse().unwrap(), HeaderMap::new(), Bytes::new());
            assert_eq!(path(&request).as_deref(), expected, "{uri}");
        };
        check("/graph.facebook.com/v26.0/me/accounts?limit=1", Some(&["me", "accounts"]));
        check("/graph.facebook.com/v19.0/12/?fields=id", Some(&["12"]));
        check("/graph.facebook.com/12", Some(&["12"]));
        check("/graph.facebook.com/v26.0/?ids=1", Some(&[]));
        check("/graph.facebook.com/v28.0/me", None);
        check("/graph.facebook.com/v3.1/me", None);
    }
}
