//! Where a response holds counts.

use serde_json::Value;

use crate::spoil::{Counts, Hides, Names, text};

const NAMES: Names = Names {
    followers: "follower_count",
    following: "following_count",
    posts: "video_count",
    likes: "like_count",
    hides: Hides::LeftOut,
    are_texts: false,
};

/// The Accounts API's.
const BUSINESS: Names = Names { followers: "followers_count", posts: "videos_count", likes: "likes", ..NAMES };

pub fn counts(body: &mut Value) -> Counts<'_> {
    if body.get("code").is_some() {
        return business(body);
    }
    let (mut profiles, mut posts) = (Vec::new(), Vec::new());
    for (_, value) in body.get_mut("data").and_then(Value::as_object_mut).into_iter().flatten() {
        match value {
            Value::Object(user) => profiles.push((text(user, "open_id"), user)),
            Value::Array(videos) => posts.extend(videos.iter_mut().filter_map(Value::as_object_mut)),
            _ => {}
        }
    }
    profiles.retain(|(_, user)| user.contains_key("follower_count"));
    Counts { names: NAMES, profiles, posts, is_report: false }
}

/// A profile is the data itself; figures of days are no counts of now.
fn business(body: &mut Value) -> Counts<'_> {
    let (mut profiles, mut posts) = (Vec::new(), Vec::new());
    if let Some(Value::Object(data)) = body.get_mut("data") {
        if data.contains_key("followers_count") {
            profiles.push((None, data));
        } else if let Some(Value::Array(videos)) = data.get_mut("videos") {
            posts.extend(videos.iter_mut().filter_map(Value::as_object_mut));
        }
    }
    Counts { names: BUSINESS, profiles, posts, is_report: false }
}
