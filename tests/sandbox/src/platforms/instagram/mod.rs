//! Instagram's professional accounts, by both of its sign-ins: media, insights, and looking others up.
//!
//! Oddities kept: Instagram Login wraps some of its responses in `data` and not others, and has an error form of its
//! own at the token endpoint; its long token renews itself without a refresh token once it is a day old; likes that the
//! owner hides are absent from others' views; demographics are counts, not shares, in columns that change position;
//! below 100 followers nothing is reported; one unknown metric spoils the whole list.
//! Left out: stories (there are none), hashtags, mentions, children of albums.

mod account;
mod demographics;
mod insights;
mod login;
mod media;
mod media_insights;

use std::sync::Arc;

use http::{Method, StatusCode};

use super::meta::{Call, Node};
use super::{ApiRequest, ApiResponse};
use crate::consent::notice;
use crate::world::World;
use crate::world::account::Account;
use crate::world::ids::{digits_id, read_digits_id};
pub use account::{edge as account_edge, field as account_field};
pub use media::field as media_field;
pub use media_insights::insights as media_insights;

/// What ids of media begin with; 16 digits follow.
const MEDIA_PREFIX: &str = "1";

/// Instagram Login: its consent page and its tokens.
pub fn login(world: &World, request: &ApiRequest, path: &[&str]) -> ApiResponse {
    match (request.host.as_str(), &request.method, path) {
        ("www.instagram.com", _, ["oauth", "authorize"]) => login::page(world, request),
        ("api.instagram.com", &Method::POST, ["oauth", "access_token"]) => login::exchange(world, request),
        ("graph.instagram.com", &Method::GET, ["access_token"]) => login::lengthen(world, request),
        ("graph.instagram.com", &Method::GET, ["refresh_access_token"]) => login::renew(world, request),
        ("graph.instagram.com", ..) => super::meta::error(100, None, "Unsupported request - method type: post"),
        _ => notice(StatusCode::NOT_FOUND, "Instagram", "Sorry, this page isn't available."),
    }
}

/// The account's id within our app, which only Instagram Login reports.
pub fn app_scoped_id(account: &Account) -> String {
    digits_id("2", &account.id, 0)
}

/// A post of the account as media, by its id.
pub fn media(call: &Call<'_>, account: &Arc<Account>, id: &str) -> Option<Node> {
    let number = read_digits_id(MEDIA_PREFIX, &account.id, id)?;
    let post = account.post(number, call.now)?;
    Some(Node::Media(account.clone(), post))
}
