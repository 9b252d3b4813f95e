//! The caller: an app with its key, or with a token that a channel's owner allowed.

use super::errors;
use crate::Platform;
use crate::grants::{Held, SecretKind};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;

pub const KEY: &str = "youtube-api-key";

pub const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
pub const WRITE: &str = "https://www.googleapis.com/auth/youtube";
pub const ANALYTICS: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";
pub const MONEY: &str = "https://www.googleapis.com/auth/yt-analytics-monetary.readonly";

/// The grant whose token it is; `None` for a key. With both, the key only determines whose quota is counted.
pub fn check(world: &World, request: &ApiRequest) -> Result<Option<Held>, ApiResponse> {
    if token_of(request).is_some() {
        return with_scope(world, request, &[READ, WRITE]).map(Some);
    }
    match request.one("key").or_else(|| request.header("x-goog-api-key")) {
        Some(KEY) => Ok(None),
        Some(_) => Err(errors::bad_key()),
        None => Err(errors::no_key()),
    }
}

/// A valid token whose owner allowed one of these.
pub fn with_scope(world: &World, request: &ApiRequest, scopes: &[&str]) -> Result<Held, ApiResponse> {
    let token = token_of(request).ok_or_else(errors::no_key)?;
    let held = world.grants.held(token).ok_or_else(errors::bad_credentials)?;
    let is_access = matches!(held.secret.kind, SecretKind::Access { .. });
    let is_good = held.check(world.clock.shown()).is_ok() && is_access && held.grant.platform == Platform::Youtube;
    match () {
        () if !is_good => Err(errors::bad_credentials()),
        () if !scopes.iter().any(|scope| held.grant.has(scope)) => Err(errors::missing_scope()),
        () => Ok(held),
    }
}

/// Anything in `Authorization` counts as a try.
fn token_of(request: &ApiRequest) -> Option<&str> {
    request.bearer().or_else(|| request.header("authorization")).or_else(|| request.one("access_token"))
}
