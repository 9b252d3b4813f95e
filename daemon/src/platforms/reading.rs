//! What reading any platform's JSON has in common. Pure.
//!
//! A list is cut into its items' raw texts first and each item is decoded apart, so that a bad value in
//! one account (a number no type can hold, a nesting without end) spoils that account alone.

use std::fmt;
use std::marker::PhantomData;

use percent_encoding::percent_decode_str;
use roster_protocol::folding::composed;
use roster_protocol::metric::Metric;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use url::Url;

pub(super) use super::count::{Count, count};
use super::{Observation, PlatformError};
use crate::history::engagement::{NEWEST_POSTS, Post, PostNumbers, engagement, newest};
use crate::http_client::{HttpErrorKind, decoded, read_json};

/// Items whose texts are decoded one by one.
pub(super) type Items = Vec<Box<RawValue>>;

/// The longest address that is read: a name in a script of three bytes a letter is long in percent-encoding.
pub(super) const ADDRESS_CHARACTERS: usize = 2000;

/// The longest name any platform has, and much more: which names there are is for the platform to say.
const HANDLE_CODE_POINTS: usize = 200;

/// The longest id any platform has.
const ID_CHARACTERS: usize = 256;

/// An object. A struct alone would be read from a list as well, field by field.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnObject(PhantomData))
    }
}

struct AnObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnObject<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// Decodes one item of `platform`'s response; the error names the field.
pub(super) fn item<'a, T: Deserialize<'a>>(platform: &str, text: &'a RawValue) -> Result<T, PlatformError> {
    let read = read_json(text.get().as_bytes()).map(|Object(item)| item);
    read.map_err(|kind| unreadable(platform, kind))
}

/// Decodes a list, each item separately.
///
/// # Errors
/// When the text is no list.
pub(super) fn items<'a, T: Deserialize<'a>>(
    platform: &str,
    text: &'a [u8],
) -> Result<Vec<Result<T, PlatformError>>, HttpErrorKind> {
    // Mostly nothing is wrong with any of them: then once is enough.
    if let Some(all) = decoded::<Vec<Object<T>>>(text) {
        return Ok(all.into_iter().map(|Object(item)| Ok(item)).collect());
    }
    let texts: Vec<&RawValue> = read_json(text)?;
    Ok(texts.into_iter().map(|text| item(platform, text)).collect())
}

/// The error for an item that cannot be read.
pub(super) fn unreadable(platform: &str, kind: HttpErrorKind) -> PlatformError {
    let what = match kind {
        HttpErrorKind::Shape { at, what } => format!("{platform}: {at} {what}"),
        _ => format!("{platform}: a part of the response cannot be read"),
    };
    PlatformError::Unexpected { what }
}

/// An id, which some servers write as a number.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?.get();
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => serde_json::from_str(text).map_err(D::Error::custom),
    }
}

/// A time as text; an absent, null or unreadable one is `None`. Other types are errors.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    deserializer.deserialize_any(Time)
}

struct Time;

impl Visitor<'_> for Time {
    type Value = Option<Timestamp>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(text.parse().ok())
    }
}

/// The posts that could be read, and how many could not.
#[derive(Debug, Default)]
pub(super) struct Posts {
    pub(super) posts: Vec<Post>,
    pub(super) unread: usize,
    /// The metrics that all of them refused by name.
    pub(super) refused: Vec<Metric>,
}

/// Adds what the newest posts say, or a sentence on why they say nothing.
pub(super) fn add_engagement(observation: &mut Observation, posts: Result<Posts, PlatformError>) {
    let posts = match posts {
        Ok(posts) => posts,
        Err(error) => return observation.missing.push(format!("posts: {error}")),
    };
    if posts.unread > 0 {
        observation.missing.push(format!("posts: {} of them could not be read", posts.unread));
    }
    observation.refused.extend(posts.refused);
    let numbers = &mut observation.numbers;
    let reported = engagement(&newest(posts.posts, NEWEST_POSTS), numbers.followers);
    numbers.engagement_rate = reported.rate;
    numbers.avg_likes = reported.avg_likes;
    numbers.avg_comments = reported.avg_comments;
    numbers.avg_views = reported.avg_views;
    numbers.avg_reach = reported.avg_reach;
    numbers.avg_reposts = reported.avg_reposts;
}

/// Part of what a post's engagements are made of.
pub(super) type Part = fn(&PostNumbers) -> Option<u64>;

/// As [`add_engagement`], with a rate only where all of these parts were reported: with another sum of parts it would
/// be another number.
pub(super) fn add_whole_engagement(observation: &mut Observation, posts: Result<Posts, PlatformError>, parts: &[Part]) {
    let reports = |posts: &Posts, part: &Part| posts.posts.iter().any(|post| part(&post.numbers).is_some());
    let is_whole = posts.as_ref().is_ok_and(|posts| parts.iter().all(|part| reports(posts, part)));
    add_engagement(observation, posts);
    if !is_whole {
        observation.numbers.engagement_rate = None;
    }
}

/// A profile's URL in its parts, with or without scheme; `None` where there is no path or another scheme.
pub(super) fn profile_url(text: &str) -> Option<(String, Vec<String>)> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&with_scheme).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let parts = url.path_segments()?.filter(|part| !part.is_empty());
    let parts: Vec<String> = parts.map(percent_decoded).collect();
    (!parts.is_empty()).then_some((format!("{}{port}", url.host_str()?), parts))
}

/// A handle in any script, composed as NFC has it: some systems type letters and their marks apart. `None` for what no
/// platform can have; all else is for the platform to find or not.
pub(super) fn handle_in_any_script(text: &str) -> Option<String> {
    let text = clean(text, HANDLE_CODE_POINTS + 1);
    let handle = composed(&text);
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#&@%:\\".contains(c);
    let length = handle.chars().count();
    (!handle.contains(odd) && (1..=HANDLE_CODE_POINTS).contains(&length)).then_some(handle)
}

/// A text without percent-encoding, as it is copied from an address.
pub(super) fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A shown name, clean; nothing is `None`.
pub(super) fn shown_name(text: Option<&str>) -> Option<String> {
    text.map(|text| clean(text, NAME_CHARACTERS)).filter(|name| !name.is_empty())
}

/// An id that can be used in a path and on a screen: ASCII letters, digits and `-_.:`, not too long.
pub(super) fn plain_id(text: &str) -> Option<&str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    (plain && !text.is_empty() && text.len() <= ID_CHARACTERS && text.bytes().any(|byte| byte != b'.')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Numbers {
        #[serde(default, deserialize_with = "count")]
        fans: Option<u64>,
    }

    fn read(text: &str) -> Result<Option<u64>, PlatformError> {
        let raw = RawValue::from_string(text.to_owned()).expect("the tables hold JSON");
        item::<Numbers>("x", &raw).map(|numbers| numbers.fans)
    }

    #[test]
    fn times_are_texts_that_need_not_be_readable() {
        #[derive(serde::Deserialize)]
        struct Posted {
            #[serde(default, deserialize_with = "time")]
            at: Option<Timestamp>,
        }
        let read = |text: &str| serde_json::from_str(text).map(|Posted { at }| at.map(|at| at.0)).map_err(drop);
        for (text, expected) in [
            (r#"{"at":"1970-01-01T00:00:01Z"}"#, Some(1000)),
            (r#"{"at":"1970-01-01T01:00:01.5\u002b0100"}"#, Some(1500)),
            (r#"{"at":"yesterday"}"#, None),
            (r#"{"at":""}"#, None),
            (r#"{"at":null}"#, None),
            ("{}", None),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        for bad in [r#"{"at":1}"#, r#"{"at":["1970-01-01T00:00:01Z"]}"#, r#"{"at":{}}"#, r#"{"at":true}"#] {
            assert_eq!(read(bad), Err(()), "{bad}");
        }
    }

    #[test]
    fn a_hopeless_item_is_an_error_and_no_panic() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for bad in [r#"{"fans":1,"fans":2}"#, "[]", "3", &deep] {
            assert!(matches!(read(bad), Err(PlatformError::Unexpected { .. })));
        }
        assert_eq!(read(&format!(r#"{{"fans":{deep}}}"#)), Ok(None));
    }

    #[test]
    fn handles_are_of_any_script_and_composed() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(handle_in_any_script(text).as_deref(), expected, "{text:?}");
        };
        for good in [
            "น้ำตกสีฟ้า",
            "हिन्दीज्ञान",
            "தமிழ்வழி",
            "বাংলাক্লাস",
            "日本",
            "하루",
            "猫",
            "İzmirGündem",
            "i\u{307}zmir",
            "a.b-c_d·e",
            "שלום",
            "سلام",
        ] {
            check(good, Some(good));
        }
        check("cafe\u{301}nuit", Some("cafénuit"));
        check("\u{1112}\u{1161}\u{1105}\u{116e}", Some("하루"));
        check("\u{202a}mara\u{202c}", Some("mara"));
        for bad in
            ["", " ", "a b", "a/b", "a?b", "a#b", "a&b", "a@b", "a%20b", "a:b", "a\\b", "\u{1b}", &"x".repeat(201)]
        {
            check(bad, None);
        }
        check(&"น้".repeat(50), Some(&"น้".repeat(50)));
    }

    #[test]
    fn ids_are_plain() {
        for good in ["117020565966271181", "did:plc:abc", "UC_x-5", "a.b"] {
            assert_eq!(plain_id(good), Some(good));
        }
        for bad in ["", ".", "..", "a/b", "a b", "é", "a?b", "a%2f", "\u{1b}", &"x".repeat(257)] {
            assert_eq!(plain_id(bad), None, "{bad}");
        }
    }
}
