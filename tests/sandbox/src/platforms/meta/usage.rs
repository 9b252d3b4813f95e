//! Limits: which one a request counts for, and the headers that report how much of it is used.

use serde_json::json;

use super::access::token_of;
use super::path;
use crate::grants::SecretKind;
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::{Platform, world};

/// What a request is counted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The app and its users together.
    App,
    /// A Page, by its id.
    Pages(String),
    /// An Instagram account, by its id.
    Instagram(String),
}

/// What a request is counted for: looking an account up counts for the app, whichever account it is.
pub fn of(world: &World, request: &ApiRequest) -> Usage {
    let path = path(request).unwrap_or_default();
    let Some(held) = token_of(request).and_then(|token| world.grants.held(token)) else { return Usage::App };
    if request.param("fields").is_some_and(|fields| fields.contains("business_discovery")) {
        return Usage::App;
    }
    if request.host == "graph.instagram.com" {
        return held.grant.accounts.first().map_or(Usage::App, |(_, id)| Usage::Instagram(id.clone()));
    }
    let first = path.first().copied().unwrap_or_default();
    let accounts = world.opened(&held.grant);
    let is_its = |account: &world::account::Account| {
        account.id == first || world::ids::read_digits_id("1", &account.id, first).is_some()
    };
    let instagram = accounts.iter().find(|account| account.platform == Platform::Instagram && is_its(account));
    match (instagram, &held.secret.kind) {
        (Some(account), _) => Usage::Instagram(account.id.clone()),
        (None, SecretKind::Page { id, .. }) => Usage::Pages(id.clone()),
        _ => Usage::App,
    }
}

/// Adds the header; `wait_minutes` until it would be allowed again.
pub fn add(response: ApiResponse, usage: Usage, percent: u64, wait_minutes: u64) -> ApiResponse {
    let (kind, id) = match usage {
        Usage::App => {
            let used = json!({"call_count": percent, "total_time": percent, "total_cputime": percent});
            return response.header("x-app-usage", used);
        }
        Usage::Pages(id) => ("pages", id),
        Usage::Instagram(id) => ("instagram", id),
    };
    let used = json!([{
        "type": kind,
        "call_count": percent,
        "total_cputime": percent,
        "total_time": percent,
        "estimated_time_to_regain_access": wait_minutes,
    }]);
    response.header("x-business-use-case-usage", json!({id: used}))
}
