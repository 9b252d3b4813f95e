//! Where a response holds counts.

use serde_json::Value;

use crate::spoil::{Counts, Hides, Names, text};

const NAMES: Names = Names {
    followers: "followers_count",
    following: "following_count",
    posts: "statuses_count",
    likes: "favourites_count",
    hides: Hides::Zero,
    are_texts: false,
};

pub fn counts(body: &mut Value) -> Counts<'_> {
    let objects = match body {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).collect(),
        Value::Object(object) => vec![object],
        _ => Vec::new(),
    };
    let (profiles, posts): (Vec<_>, Vec<_>) =
        objects.into_iter().partition(|object| object.contains_key("followers_count"));
    let profiles = profiles.into_iter().map(|object| (text(object, "id"), object)).collect();
    Counts { names: NAMES, profiles, posts, is_report: false }
}
