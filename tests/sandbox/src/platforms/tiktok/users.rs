//! `user/info`.

use serde_json::{Map, Value, json};

use super::{BASIC, PROFILE, STATS, access, account, fields, ok};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::World;
use crate::world::account::Account;
use crate::world::ids::uuid;

/// Each field and the scope it needs.
const FIELDS: &[(&str, &str)] = &[
    ("open_id", BASIC),
    ("union_id", BASIC),
    ("avatar_url", BASIC),
    ("avatar_url_100", BASIC),
    ("avatar_large_url", BASIC),
    ("display_name", BASIC),
    ("bio_description", PROFILE),
    ("profile_deep_link", PROFILE),
    ("is_verified", PROFILE),
    ("username", PROFILE),
    ("follower_count", STATS),
    ("following_count", STATS),
    ("likes_count", STATS),
    ("video_count", STATS),
];

pub fn info(world: &World, request: &ApiRequest) -> ApiResponse {
    let response = access(world, request).and_then(|held| {
        let requested = fields(request, &held, FIELDS)?;
        let account = account(world, &held)?;
        let reported = requested.into_iter().map(|name| (name.to_owned(), field(world, &account, name)));
        Ok(ok(json!({"user": Value::Object(reported.collect::<Map<_, _>>())})).about(&account))
    });
    response.unwrap_or_else(|error| error)
}

fn field(world: &World, account: &Account, name: &str) -> Value {
    let now = world.now();
    match name {
        "open_id" => json!(account.id),
        "union_id" => json!(uuid(&format!("union {}", account.id))),
        "display_name" => json!(account.display_name),
        "bio_description" => json!(account.description),
        "profile_deep_link" => json!(format!("https://vm.tiktok.test/{}", account.handle)),
        "is_verified" => json!(account.seed.is_multiple_of(5)),
        "username" => json!(account.handle),
        "follower_count" => json!(account.followers.at(now)),
        "following_count" => json!(account.following.at(now)),
        "likes_count" => json!(account.posting.count_at(now) * account.followers.at(now) / 20),
        "video_count" => json!(account.posting.count_at(now)),
        _ => json!(format!(
            "https://p19-sign.tiktokcdn.test/{}.jpeg?x-expires={}",
            account.id,
            now.as_second() + 172_800
        )),
    }
}
