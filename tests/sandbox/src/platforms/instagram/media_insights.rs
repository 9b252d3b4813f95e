//! Insights of media: for their whole life, in a list that one wrong name spoils.

use std::sync::Arc;

use serde_json::{Value, json};

use super::account::check_insights_scope;
use super::media::{self, Kind, kind};
use crate::grants::Door;
use crate::platforms::ApiResponse;
use crate::platforms::meta::{Call, Field, error, item, metrics, refused};
use crate::world::account::Account;
use crate::world::posts::Post;

/// For pictures and albums only.
const FEED: &[&str] = &["follows", "profile_visits", "profile_activity"];

const REELS: &[&str] = &[
    "ig_reels_avg_watch_time",
    "ig_reels_video_view_total_time",
    "reels_skip_rate",
    "crossposted_views",
    "facebook_views",
];

const BOTH: &[&str] = &["views", "reach", "shares", "reposts", "total_interactions", "likes", "comments", "saved"];

/// Of Facebook Login only.
const WITH_ADS: &[&str] = &["total_likes", "total_comments", "total_views"];

pub fn insights(call: &Call<'_>, account: &Arc<Account>, post: &Post) -> Result<ApiResponse, ApiResponse> {
    let requested =
        call.request.param("metric").ok_or_else(|| error(100, None, "(#100) The parameter metric is required"))?;
    let data = report(call, account, post, &metrics(requested))?;
    Ok(ApiResponse::ok(json!({"data": data})))
}

/// `insights.metric(views,reach)` among a media's fields.
pub fn nested(call: &Call<'_>, account: &Arc<Account>, post: &Post, field: &Field) -> Result<Value, ApiResponse> {
    let data = report(call, account, post, &metrics(field.argument("metric").unwrap_or_default()))?;
    Ok(json!({"data": data}))
}

fn report(
    call: &Call<'_>,
    account: &Arc<Account>,
    post: &Post,
    requested: &[String],
) -> Result<Vec<Value>, ApiResponse> {
    check_insights_scope(call)?;
    let (kind, id) = (kind(post), media::id(account, post));
    for (index, name) in requested.iter().enumerate() {
        check(call, kind, index, name)?;
        let code = [name, "insights"].iter().find_map(|what| account.refused(what, post.number));
        code.map_or(Ok(()), |code| Err(refused(code)))?;
    }
    let one = |name: &String| item(&id, name, "lifetime", ("values", json!([{"value": value(post, name)}])));
    Ok(requested.iter().map(one).collect())
}

fn check(call: &Call<'_>, kind: Kind, index: usize, name: &str) -> Result<(), ApiResponse> {
    let by_facebook = call.held.grant.door == Door::Facebook;
    let is_known = BOTH.contains(&name)
        || FEED.contains(&name)
        || REELS.contains(&name)
        || (by_facebook && WITH_ADS.contains(&name));
    if !is_known {
        let message = format!("(#100) metric[{index}] must be one of the following values: {}", BOTH.join(", "));
        return Err(error(100, None, &message));
    }
    // Thrown for whatever was not shared to Facebook, and nothing here was.
    if matches!(name, "facebook_views" | "crossposted_views") {
        return Err(error(100, Some(2207086), "(#100) The metric is not available for media that is not crossposted"));
    }
    let fits = match kind {
        Kind::Reel => !FEED.contains(&name),
        Kind::Image | Kind::Album => !REELS.contains(&name),
    };
    match fits {
        true => Ok(()),
        false => Err(error(
            100,
            None,
            &format!("(#100) The Media Insights API does not support the {name} metric for this media product type."),
        )),
    }
}

fn value(post: &Post, name: &str) -> u64 {
    let numbers = post.numbers;
    let count = |count: Option<u64>| count.unwrap_or(0);
    let (likes, comments, saves, shares) =
        (count(numbers.likes), count(numbers.comments), count(numbers.saves), count(numbers.reposts));
    match name {
        "views" | "total_views" => count(numbers.views),
        "reach" => count(numbers.reach),
        "likes" | "total_likes" => likes,
        "comments" | "total_comments" => comments,
        "saved" => saves,
        "shares" => shares,
        "reposts" => shares / 5,
        "total_interactions" => likes + comments + saves + shares,
        "profile_visits" => count(numbers.reach) / 50,
        "ig_reels_avg_watch_time" => 4200,
        "ig_reels_video_view_total_time" => count(numbers.views) * 4200,
        _ => 0,
    }
}
