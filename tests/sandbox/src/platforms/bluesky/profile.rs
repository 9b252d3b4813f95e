//! Profiles, one and many.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{error, find, invalid, params, server_error};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::{Account, State};

pub fn get_profile(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let actor = params::actor(request, "app.bsky.actor.getProfile", "actor")?;
    let account = find(world, actor).ok_or_else(|| invalid("Profile not found"))?;
    let refused = |name, message| Ok(error(StatusCode::BAD_REQUEST, name, message).about(&account));
    match account.state {
        State::Deactivated => refused("AccountDeactivated", "Account is deactivated"),
        State::Suspended => refused("AccountTakedown", "Account has been suspended"),
        State::Failing => Ok(server_error().about(&account)),
        State::Active | State::Gone => Ok(ApiResponse::ok(detailed(&account, world.now())).about(&account)),
    }
}

/// Accounts that cannot be served are left out silently; now and then one fails the whole request.
pub fn get_profiles(world: &World, request: &ApiRequest) -> Result<ApiResponse, ApiResponse> {
    let actors = params::actors(request, "app.bsky.actor.getProfiles", "actors")?;
    let found: Vec<_> = actors.into_iter().filter_map(|actor| find(world, actor)).collect();
    if let Some(failing) = found.iter().find(|account| account.fails_batches) {
        return Ok(server_error().about(failing));
    }
    let shown = found.iter().filter(|account| account.state == State::Active);
    let profiles: Vec<Value> = shown.map(|account| detailed(account, world.now())).collect();
    Ok(found.iter().fold(ApiResponse::ok(json!({"profiles": profiles})), ApiResponse::about))
}

/// `profileViewDetailed`. Counts are optional in the lexicon; an account that hides them has none.
fn detailed(account: &Account, now: Timestamp) -> Value {
    let mut profile = json!({
        "did": account.id,
        "handle": account.handle,
        "displayName": account.display_name,
        "avatar": avatar(account),
        "associated": {"lists": 0, "feedgens": 0, "starterPacks": 0, "labeler": false},
        "labels": [],
        "createdAt": format!("{:.3}", account.created_at),
        "description": account.description,
        "indexedAt": format!("{:.3}", account.created_at),
    });
    if !account.hidden {
        profile["followersCount"] = json!(account.followers.at(now));
        profile["followsCount"] = json!(account.following.at(now));
        profile["postsCount"] = json!(account.posting.count_at(now));
    }
    profile
}

/// `profileViewBasic`, as posts contain it: without counts.
pub fn basic(account: &Account) -> Value {
    json!({
        "did": account.id,
        "handle": account.handle,
        "displayName": account.display_name,
        "avatar": avatar(account),
        "labels": [],
        "createdAt": format!("{:.3}", account.created_at),
    })
}

fn avatar(account: &Account) -> String {
    format!("https://cdn.sky.test/img/avatar/plain/{}", account.id)
}
