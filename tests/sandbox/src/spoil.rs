//! Spoiling counts in an otherwise proper response, whatever the platform calls them.

use serde_json::{Map, Value, json};

use crate::faults::{Fault, FaultKind, Variant};
use crate::platforms::{ApiResponse, Content, find};

pub type Object = Map<String, Value>;

/// Where a platform's response reports counts, and what it calls them. An empty name = it reports no such count.
pub struct Counts<'a> {
    pub names: Names,
    /// Each profile: the account's id (none: the one the response is about), and the object with its counts.
    pub profiles: Vec<(Option<String>, &'a mut Object)>,
    /// Each post's object with its counts.
    pub posts: Vec<&'a mut Object>,
    /// Whether it is a report, which one withdrawn metric spoils whole.
    pub is_report: bool,
}

#[derive(Clone, Copy)]
pub struct Names {
    pub followers: &'static str,
    pub following: &'static str,
    pub posts: &'static str,
    pub likes: &'static str,
    /// How the platform reports an owner who hides the counts.
    pub hides: Hides,
    /// Whether its proper counts are texts.
    pub are_texts: bool,
}

/// What hidden counts look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hides {
    /// They are not there.
    LeftOut,
    /// They are 0.
    Zero,
    /// Followers are not there, and this says so.
    Flag(&'static str),
    /// The likes of posts are not there; followers stay.
    Likes,
}

/// Whether the response has counts that this fault could spoil.
pub fn can_spoil(fault: &Fault, response: &ApiResponse) -> bool {
    response.status.is_success() && spoil(fault, &mut response.clone())
}

/// Spoils the counts; returns whether there were any.
pub fn spoil(fault: &Fault, response: &mut ApiResponse) -> bool {
    let platform = fault.platform;
    let only =
        fault.handle.as_deref().and_then(|handle| find(&response.about, platform, handle)).map(|one| one.id.clone());
    let Content::Json(body) = &mut response.content else { return false };
    let Counts { names, profiles, posts, is_report } = platform.counts(body);
    if is_report && fault.kind == FaultKind::WithdrawnMetric {
        let about = std::mem::take(&mut response.about);
        *response = ApiResponse { about, ..platform.withdrawn() };
        return true;
    }
    let is_about_likes = match fault.kind {
        FaultKind::WithdrawnMetric => true,
        FaultKind::HiddenCounts => names.hides == Hides::Likes,
        _ => false,
    };
    let mut found = false;
    for (id, counts) in profiles {
        if only.is_none() || id.is_none() || only == id {
            found |= spoil_profile(fault, &names, counts);
            if is_about_likes {
                counts.values_mut().for_each(|inner| found |= remove_deep(inner, names.likes));
            }
        }
    }
    if is_about_likes {
        for counts in posts {
            found |= counts.shift_remove(names.likes).is_some();
        }
    }
    found
}

fn spoil_profile(fault: &Fault, names: &Names, counts: &mut Object) -> bool {
    match fault.kind {
        FaultKind::WrongTypes => {
            let variant = fault.variant.unwrap_or(Variant::String);
            match wrong(names.are_texts, variant, counts.get(names.followers)) {
                Some(value) => drop(counts.insert(names.followers.into(), value)),
                None => drop(counts.shift_remove(names.followers)),
            }
            true
        }
        FaultKind::HiddenCounts => hide(names, counts),
        FaultKind::ZeroCounts => {
            let zero = if names.are_texts { json!("0") } else { json!(0) };
            let all = [names.followers, names.following, names.posts].into_iter().filter(|name| !name.is_empty());
            all.for_each(|name| drop(counts.insert(name.into(), zero.clone())));
            true
        }
        _ => counts.shift_remove(names.posts).is_some(),
    }
}

/// `None` = left out.
fn wrong(are_texts: bool, variant: Variant, proper: Option<&Value>) -> Option<Value> {
    let either = |number: Value, text: &str| Some(if are_texts { json!(text) } else { number });
    match variant {
        Variant::String if are_texts => Some(json!("1.23M")),
        Variant::String => Some(json!(proper.and_then(Value::as_u64).unwrap_or(12_345).to_string())),
        Variant::Float => either(json!(12_345.5), "12345.5"),
        Variant::Negative => either(json!(-1), "-1"),
        Variant::Null => Some(Value::Null),
        Variant::TooBig => either(json!(1u64 << 63), "9223372036854775808"),
        Variant::Missing => None,
    }
}

/// Marks the counts as each platform does for an owner who hides them; returns whether it does so in a profile.
fn hide(names: &Names, counts: &mut Object) -> bool {
    let all = [names.followers, names.following, names.posts].into_iter().filter(|name| !name.is_empty());
    match names.hides {
        Hides::LeftOut => all.for_each(|name| drop(counts.shift_remove(name))),
        Hides::Zero => all.for_each(|name| drop(counts.insert(name.into(), json!(0)))),
        Hides::Flag(flag) => {
            counts.shift_remove(names.followers);
            counts.insert(flag.into(), json!(true));
        }
        Hides::Likes => return false,
    }
    true
}

/// Removes a key wherever it occurs; returns whether it did.
fn remove_deep(value: &mut Value, key: &str) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().map(|item| remove_deep(item, key)).filter(|found| *found).count() > 0,
        Value::Object(object) => {
            let found = object.shift_remove(key).is_some();
            let below = object.values_mut().map(|inner| remove_deep(inner, key)).filter(|found| *found).count();
            found || below > 0
        }
        _ => false,
    }
}

/// The text under a key.
pub fn text(object: &Object, key: &str) -> Option<String> {
    object.get(key).and_then(Value::as_str).map(str::to_owned)
}
