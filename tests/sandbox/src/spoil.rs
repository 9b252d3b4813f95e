//! Spoiling counts in an otherwise proper answer, whatever the platform calls them.

use serde_json::{Map, Value, json};

use crate::faults::{Fault, FaultKind, Variant};
use crate::platforms::{Answer, Content, Platform};

type Object = Map<String, Value>;

/// How one platform names its counts.
struct Names {
    followers: &'static str,
    following: &'static str,
    posts: &'static str,
    likes: &'static str,
}

fn names(platform: Platform) -> Names {
    let (followers, following, posts, likes) = match platform {
        Platform::Bluesky => ("followersCount", "followsCount", "postsCount", "likeCount"),
        Platform::Mastodon => ("followers_count", "following_count", "statuses_count", "favourites_count"),
        Platform::Youtube => ("subscriberCount", "", "videoCount", "likeCount"),
    };
    Names { followers, following, posts, likes }
}

/// Whether the answer has counts that this fault could spoil.
pub fn can_spoil(platform: Platform, fault: &Fault, answer: &Answer) -> bool {
    answer.status.is_success() && spoil(platform, fault, &mut answer.clone())
}

/// Spoils the counts; tells whether there were any.
pub fn spoil(platform: Platform, fault: &Fault, answer: &mut Answer) -> bool {
    let only = fault.handle.as_deref().and_then(|handle| answer.account(platform, handle)).map(|one| one.id.clone());
    let Content::Json(body) = &mut answer.content else { return false };
    let names = names(platform);
    let mut found = false;
    for (id, counts) in profiles(platform, body) {
        if only.as_ref().is_none_or(|only| *only == id) {
            spoil_profile(platform, fault, &names, counts);
            found = true;
        }
    }
    if fault.kind == FaultKind::WithdrawnMetric {
        for counts in posts(platform, body) {
            found |= counts.shift_remove(names.likes).is_some();
        }
    }
    found
}

fn spoil_profile(platform: Platform, fault: &Fault, names: &Names, counts: &mut Object) {
    match fault.kind {
        FaultKind::WrongTypes => {
            let wrong = wrong(platform, fault.variant.unwrap_or(Variant::String), counts.get(names.followers));
            match wrong {
                Some(value) => drop(counts.insert(names.followers.into(), value)),
                None => drop(counts.shift_remove(names.followers)),
            }
        }
        FaultKind::HiddenCounts => hide(platform, names, counts),
        _ => drop(counts.shift_remove(names.posts)),
    }
}

/// `None` = left out. YouTube's proper counts are texts already.
fn wrong(platform: Platform, variant: Variant, proper: Option<&Value>) -> Option<Value> {
    let text = |value: &str| if platform == Platform::Youtube { json!(value) } else { Value::Null };
    let number = |value: Value, as_text: &str| match text(as_text) {
        Value::Null => Some(value),
        text => Some(text),
    };
    match variant {
        Variant::String if platform == Platform::Youtube => Some(json!("1.23M")),
        Variant::String => Some(json!(proper.and_then(Value::as_u64).unwrap_or(12_345).to_string())),
        Variant::Float => number(json!(12_345.5), "12345.5"),
        Variant::Negative => number(json!(-1), "-1"),
        Variant::Null => Some(Value::Null),
        Variant::TooBig => number(json!(1u64 << 63), "9223372036854775808"),
        Variant::Missing => None,
    }
}

/// As each platform tells of an owner who hides the counts.
fn hide(platform: Platform, names: &Names, counts: &mut Object) {
    match platform {
        Platform::Bluesky => {
            [names.followers, names.following, names.posts].iter().for_each(|name| drop(counts.shift_remove(*name)))
        }
        Platform::Mastodon => [names.followers, names.following, names.posts]
            .iter()
            .for_each(|name| drop(counts.insert((*name).into(), json!(0)))),
        Platform::Youtube => {
            counts.shift_remove(names.followers);
            counts.insert("hiddenSubscriberCount".into(), json!(true));
        }
    }
}

/// Each profile in the body: the account's id, and the object with its counts.
fn profiles(platform: Platform, body: &mut Value) -> Vec<(String, &mut Object)> {
    let entry = |object: &'_ Object, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let all = objects(platform, body, "profiles");
    let found = all.into_iter().filter_map(|object| match platform {
        Platform::Bluesky if object.contains_key("associated") => Some((entry(object, "did")?, object)),
        Platform::Mastodon if object.contains_key("followers_count") => Some((entry(object, "id")?, object)),
        Platform::Youtube if object.get("kind") == Some(&json!("youtube#channel")) => {
            Some((entry(object, "id")?, object.get_mut("statistics")?.as_object_mut()?))
        }
        _ => None,
    });
    found.collect()
}

/// Each post in the body: the object with its counts.
fn posts(platform: Platform, body: &mut Value) -> Vec<&mut Object> {
    let list = if body.get("feed").is_some() { "feed" } else { "posts" };
    let all = objects(platform, body, list);
    let found = all.into_iter().filter_map(|object| match platform {
        Platform::Bluesky if object.contains_key("post") => object.get_mut("post")?.as_object_mut(),
        Platform::Youtube => object.get_mut("statistics")?.as_object_mut(),
        _ => Some(object),
    });
    found.collect()
}

/// The objects a body consists of: itself, or those in its list.
fn objects<'a>(platform: Platform, body: &'a mut Value, bluesky_list: &str) -> Vec<&'a mut Object> {
    let list = match platform {
        Platform::Bluesky => bluesky_list,
        Platform::Mastodon => "",
        Platform::Youtube => "items",
    };
    if body.get(list).is_some() {
        let items = body.get_mut(list).and_then(Value::as_array_mut);
        return items.into_iter().flatten().filter_map(Value::as_object_mut).collect();
    }
    match body {
        Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).collect(),
        Value::Object(object) => vec![object],
        _ => Vec::new(),
    }
}
