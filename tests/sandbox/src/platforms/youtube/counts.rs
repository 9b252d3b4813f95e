//! Where a response holds counts.

use serde_json::{Value, json};

use crate::spoil::{Counts, Hides, Names, text};

const NAMES: Names = Names {
    followers: "subscriberCount",
    following: "",
    posts: "videoCount",
    likes: "likeCount",
    hides: Hides::Flag("hiddenSubscriberCount"),
    are_texts: true,
};

pub fn counts(body: &mut Value) -> Counts<'_> {
    let is_report = body.get("columnHeaders").is_some();
    let items = body.get_mut("items").and_then(Value::as_array_mut);
    let (mut profiles, mut posts) = (Vec::new(), Vec::new());
    for object in items.into_iter().flatten().filter_map(Value::as_object_mut) {
        let (id, is_channel) = (text(object, "id"), object.get("kind") == Some(&json!("youtube#channel")));
        let Some(counts) = object.get_mut("statistics").and_then(Value::as_object_mut) else { continue };
        if is_channel { profiles.push((id, counts)) } else { posts.push(counts) }
    }
    Counts { names: NAMES, profiles, posts, is_report }
}
