//! Where a response holds counts: in the object itself, in a list, or under ids.

use serde_json::Value;

use crate::Platform;
use crate::spoil::{Counts, Hides, Names, Object, text};

const FACEBOOK: Names = Names {
    followers: "followers_count",
    following: "",
    posts: "",
    likes: "reactions",
    hides: Hides::LeftOut,
    are_texts: false,
};

const INSTAGRAM: Names = Names {
    followers: "followers_count",
    following: "follows_count",
    posts: "media_count",
    likes: "like_count",
    hides: Hides::Likes,
    are_texts: false,
};

pub fn counts(platform: Platform, body: &mut Value) -> Counts<'_> {
    let names = if platform == Platform::Instagram { INSTAGRAM } else { FACEBOOK };
    let mut counts = Counts { names, profiles: Vec::new(), posts: Vec::new(), is_report: false };
    add(&mut counts, body);
    counts
}

fn add<'a>(counts: &mut Counts<'a>, value: &'a mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| add(counts, item)),
        Value::Object(object) => {
            if object.contains_key("followers_count") {
                counts.profiles.push((text(object, "id"), object));
            } else if object.contains_key(counts.names.likes) {
                counts.posts.push(object);
            } else if is_metric(object) {
                counts.is_report = true;
            } else {
                object.values_mut().for_each(|inner| add(counts, inner));
            }
        }
        _ => {}
    }
}

fn is_metric(object: &Object) -> bool {
    object.contains_key("period") && (object.contains_key("values") || object.contains_key("total_value"))
}
