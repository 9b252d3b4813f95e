//! Where a response holds counts.

use serde_json::Value;

use crate::spoil::{Counts, Hides, Names, Object, text};

const NAMES: Names = Names {
    followers: "followersCount",
    following: "followsCount",
    posts: "postsCount",
    likes: "likeCount",
    hides: Hides::LeftOut,
    are_texts: false,
};

/// Profiles are known by what they are associated with; lists of posts are no profiles.
pub fn counts(body: &mut Value) -> Counts<'_> {
    let (mut profiles, mut posts) = (Vec::new(), Vec::new());
    for object in objects(body) {
        if object.contains_key("associated") {
            profiles.push((text(object, "did"), object));
        } else if object.contains_key("post") {
            posts.extend(object.get_mut("post").and_then(Value::as_object_mut));
        } else {
            posts.push(object);
        }
    }
    Counts { names: NAMES, profiles, posts, is_report: false }
}

fn objects(body: &mut Value) -> Vec<&mut Object> {
    match ["profiles", "feed", "posts"].into_iter().find(|list| body.get(list).is_some()) {
        Some(list) => {
            let items = body.get_mut(list).and_then(Value::as_array_mut);
            items.into_iter().flatten().filter_map(Value::as_object_mut).collect()
        }
        None => body.as_object_mut().into_iter().collect(),
    }
}
