//! The account: its fields, its media, and others by their names.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{app_scoped_id, insights, media};
use crate::Platform;
use crate::grants::Door;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{Call, Edge, Field, edge as edge_of, error, list, missing_permission, unknown_field};
use crate::world::account::{Account, State};
use crate::world::posts::Post;

/// Whose view it is, which decides whether hidden likes are reported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum View {
    Own,
    /// Through business discovery.
    Others,
}

pub fn field(call: &Call<'_>, account: &Arc<Account>, field: &Field) -> Result<Option<Value>, ApiResponse> {
    check_scope(call)?;
    let by_instagram = call.held.grant.door == Door::Instagram;
    Ok(Some(match field.name.as_str() {
        "id" if by_instagram => json!(app_scoped_id(account)),
        "user_id" if by_instagram => json!(account.id),
        "account_type" if by_instagram => {
            json!(if account.seed.is_multiple_of(2) { "Media_Creator" } else { "Business" })
        }
        "business_discovery" if !by_instagram => discovery(call, field)?,
        "insights" => insights::nested(call, account, field)?,
        "media" => media_list(call, account, Edge::of(field)?, &field.below, false)?,
        name => return common(call, account, name).map(Some).ok_or_else(|| unknown_field(name, "IGUser")),
    }))
}

/// What is reported to the owner and to others alike.
fn common(call: &Call<'_>, account: &Account, name: &str) -> Option<Value> {
    Some(match name {
        "id" => json!(account.id),
        "ig_id" => json!(account.seed % 100_000_000_000),
        "username" => json!(account.handle),
        "name" => json!(account.display_name),
        "biography" => json!(account.description),
        "website" => json!(format!("https://{}.example/", account.handle)),
        "profile_picture_url" => json!(format!("https://scontent.cdninstagram.test/{}.jpg", account.id)),
        "followers_count" => json!(account.followers.at(call.now)),
        "follows_count" => json!(account.following.at(call.now)),
        "media_count" => json!(account.posting.count_at(call.now)),
        _ => return None,
    })
}

pub fn edge(call: &Call<'_>, account: &Arc<Account>, name: &str) -> Option<Result<ApiResponse, ApiResponse>> {
    let response = |fields: Vec<Field>| {
        check_scope(call)?;
        media_list(call, account, edge_of(call)?, &fields, true).map(ApiResponse::ok)
    };
    Some(match name {
        "media" => call.fields().and_then(response),
        "stories" => check_scope(call).map(|()| ApiResponse::ok(json!({"data": []}))),
        "insights" => insights::edge(call, account),
        _ => return None,
    })
}

/// The account's media, newest first, between `since` and `until`.
fn media_list(
    call: &Call<'_>,
    account: &Arc<Account>,
    edge: Edge,
    fields: &[Field],
    is_direct: bool,
) -> Result<Value, ApiResponse> {
    let seconds = |name| call.request.param(name).filter(|_| is_direct).and_then(|text| text.parse::<i64>().ok());
    let (since, until) = (seconds("since").unwrap_or(i64::MIN), seconds("until").unwrap_or(i64::MAX));
    let is_within = |post: &Post| (since..=until).contains(&post.published.as_second());
    let posts = account.numbers_served(call.now).filter_map(|number| account.post(number, call.now));
    let posts: Vec<Post> = posts.filter(is_within).collect();
    list(call, edge, posts.len(), |index| media::object(call, account, &posts[index], fields, View::Own), is_direct)
}

/// Any professional account by its name. Only lists inside it have pages, and no addresses of the next.
fn discovery(call: &Call<'_>, field: &Field) -> Result<Value, ApiResponse> {
    if !["instagram_manage_insights", "pages_read_engagement"].iter().all(|scope| call.has(scope)) {
        return Err(missing_permission("Application does not have permission for this action"));
    }
    let name = field.argument("username").unwrap_or_default();
    let found = call.world.account(Platform::Instagram, name).filter(|account| account.state == State::Active);
    let account = found.ok_or_else(|| error(110, Some(2207013), "Invalid user id"))?;
    let mut reported = Map::new();
    for below in &field.below {
        let value = match below.name.as_str() {
            // Whom other accounts follow is not public.
            "follows_count" => None,
            "media" => {
                let numbers: Vec<u64> = account.numbers_served(call.now).collect();
                let one = |index: usize| match account.post(numbers[index], call.now) {
                    Some(post) => media::object(call, &account, &post, &below.below, View::Others),
                    None => Ok(Value::Null),
                };
                Some(list(call, Edge::of(below)?, numbers.len(), one, false)?)
            }
            name => common(call, &account, name),
        };
        let value = value.ok_or_else(|| unknown_field(&below.name, "ShadowIGUser"))?;
        reported.insert(below.name.clone(), value);
    }
    reported.entry("id").or_insert(json!(account.id));
    Ok(Value::Object(reported))
}

/// Whether the account may be read at all.
pub fn check_scope(call: &Call<'_>) -> Result<(), ApiResponse> {
    let scope = match call.held.grant.door {
        Door::Instagram => "instagram_business_basic",
        _ => "instagram_basic",
    };
    if call.has(scope) {
        Ok(())
    } else {
        Err(missing_permission("Application does not have permission for this action"))
    }
}

/// Whether its insights may be.
pub fn check_insights_scope(call: &Call<'_>) -> Result<(), ApiResponse> {
    check_scope(call)?;
    let scope = match call.held.grant.door {
        Door::Instagram => "instagram_business_manage_insights",
        _ => "instagram_manage_insights",
    };
    if call.has(scope) {
        Ok(())
    } else {
        Err(missing_permission("Application does not have permission for this action"))
    }
}
