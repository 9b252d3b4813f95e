//! Bluesky's JSON, and what it says. Pure.

use std::collections::HashMap;

use roster_protocol::metric::Metric;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{INFO, SLUG, is_did, is_handle};
use crate::history::engagement::{Post, PostNumbers};
use crate::platforms::batch::sentence;
use crate::platforms::reading::{Count, Items, count, item, shown_name, time};
use crate::platforms::{Account, Observation, PlatformError};

#[derive(Deserialize)]
pub(super) struct Profiles {
    pub(super) profiles: Items,
}

/// `app.bsky.actor.defs#profileViewDetailed`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    did: String,
    handle: String,
    display_name: Option<String>,
    #[serde(default)]
    followers_count: Count,
    #[serde(default)]
    follows_count: Count,
    #[serde(default)]
    posts_count: Count,
}

/// Enough of a profile to know whose it is, however odd the rest.
#[derive(Deserialize)]
struct Owner {
    did: String,
    handle: String,
}

/// What `getProfiles` returned, indexed by DID and by handle.
#[derive(Default)]
pub(super) struct Reported {
    by_name: HashMap<String, usize>,
    items: Items,
}

impl Reported {
    /// Leaves out items that name no account: a request for that account alone returns what is wrong.
    pub(super) fn of(profiles: Profiles) -> Self {
        let mut by_name = HashMap::new();
        for (index, text) in profiles.profiles.iter().enumerate() {
            if let Ok(owner) = item::<Owner>(SLUG, text) {
                by_name.insert(owner.handle.to_ascii_lowercase(), index);
                by_name.insert(owner.did, index);
            }
        }
        Self { by_name, items: profiles.profiles }
    }

    /// The profile of the account; `None` when it was not returned.
    pub(super) fn of_account(&self, account: &Account) -> Option<&RawValue> {
        self.by_name.get(actor(account)).and_then(|index| self.items.get(*index)).map(AsRef::as_ref)
    }
}

/// The actor to request: the DID when it is known, else the handle.
pub(super) fn actor(account: &Account) -> &str {
    account.platform_user_id.as_deref().filter(|id| is_did(id)).unwrap_or(&account.handle)
}

/// Reads the account's profile.
pub(super) fn observation(account: &Account, text: &RawValue) -> Result<Observation, PlatformError> {
    let profile: Profile = item(SLUG, text)?;
    let unexpected = |what: &str| Err(PlatformError::Unexpected { what: format!("{SLUG}: {what}") });
    if !is_did(&profile.did) {
        return unexpected("did is no DID");
    }
    let requested = actor(account);
    if is_did(requested) && requested != profile.did {
        return unexpected("the response is about another account");
    }
    let reported = profile.handle.to_ascii_lowercase();
    // A handle that no longer verifies is reported as handle.invalid: the DID still holds.
    let known = is_handle(&reported) && reported != "handle.invalid";
    let mut observation = Observation {
        platform_user_id: profile.did,
        handle: clean(if known { &reported } else { &account.handle }, NAME_CHARACTERS * 4),
        display_name: shown_name(profile.display_name.as_deref()),
        ..Observation::default()
    };
    observation.take_counts([
        (Metric::Followers, profile.followers_count),
        (Metric::Following, profile.follows_count),
        (Metric::Posts, profile.posts_count),
    ]);
    Ok(observation)
}

#[derive(Deserialize)]
pub(super) struct Feed {
    pub(super) feed: Items,
    pub(super) cursor: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    post: PostView,
    reason: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "$type", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostView {
    uri: String,
    author: Author,
    record: Option<Record>,
    #[serde(default, deserialize_with = "time")]
    indexed_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    reply_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    repost_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    quote_count: Option<u64>,
}

#[derive(Deserialize)]
struct Author {
    did: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default, deserialize_with = "time")]
    created_at: Option<Timestamp>,
    reply: Option<IgnoredAny>,
}

/// Reads one entry of the author's feed: the post's URI and numbers, or `None` for what is not a post of their own:
/// a repost or a reply.
pub(super) fn own_post(did: &str, text: &RawValue) -> Result<Option<(String, Post)>, PlatformError> {
    let Entry { post, reason } = item(SLUG, text)?;
    let reposted = reason.is_some_and(|reason| reason.kind.ends_with("#reasonRepost"));
    let reply = post.record.as_ref().is_some_and(|record| record.reply.is_some());
    if reposted || reply || post.author.did != did {
        return Ok(None);
    }
    let created = post.record.and_then(|record| record.created_at);
    let shares = match (post.repost_count, post.quote_count) {
        (None, None) => None,
        (reposts, quotes) => Some(reposts.unwrap_or(0) + quotes.unwrap_or(0)),
    };
    let numbers = PostNumbers { likes: post.like_count, comments: post.reply_count, shares, ..PostNumbers::default() };
    // The author's clock may run ahead, and old posts may be imported: the earlier of both is the honest one.
    Ok(Some((post.uri, Post { at: created.into_iter().chain(post.indexed_at).min(), numbers })))
}

#[derive(Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    pub(super) error: String,
    #[serde(default)]
    pub(super) message: String,
}

/// What a status of 4xx with its body means.
pub(super) fn refusal(status: u16, refusal: &Refusal) -> PlatformError {
    let gone = |what: &str| PlatformError::AccountGone { what: what.to_owned() };
    match (status, refusal.error.as_str()) {
        (400, "AccountDeactivated") => gone("the owner has deactivated this account"),
        (400, "AccountTakedown") => gone("Bluesky has suspended this account"),
        (400, "InvalidRequest") if refusal.message.to_ascii_lowercase().contains("not found") => {
            gone("Bluesky knows no such account: deleted, or renamed since")
        }
        (400, "ExpiredToken" | "InvalidToken") | (401, _) => {
            PlatformError::Closed { what: "this AppView shows accounts to signed-in people only".to_owned() }
        }
        (403, _) => PlatformError::Unavailable { what: format!("{} refuses to answer (403)", INFO.name) },
        _ => PlatformError::Unexpected {
            what: sentence(&format!("{SLUG} refused ({status}): {} {}", refusal.error, refusal.message)),
        },
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::ConnectionId;

    use super::*;

    fn account(handle: &str, did: Option<&str>) -> Account {
        Account {
            connection: ConnectionId::from_bytes([1; 5]),
            handle: handle.to_owned(),
            platform_user_id: did.map(str::to_owned),
            access: None,
            days_from: None,
        }
    }

    fn fixture() -> Reported {
        let profiles = serde_json::from_str(include_str!("fixtures/profiles.json")).expect("a fixture");
        Reported::of(profiles)
    }

    #[test]
    fn a_profile_is_found_by_did_and_by_handle() {
        let reported = fixture();
        for requested in [account("mara.example.com", None), account("old.example.com", Some("did:plc:mara2345"))] {
            let text = reported.of_account(&requested).expect("reported");
            let observation = observation(&requested, text).expect("readable");
            assert_eq!(observation.platform_user_id, "did:plc:mara2345");
            assert_eq!(observation.handle, "mara.example.com");
            assert_eq!(observation.display_name.as_deref(), Some("Mara Lindqvist"));
            assert_eq!(observation.numbers.followers, Some(12345));
            assert_eq!(observation.numbers.following, Some(321));
            assert_eq!(observation.numbers.posts, Some(876));
            assert_eq!((observation.followers_step, observation.definition), (None, 0));
        }
        assert!(reported.of_account(&account("nobody.example.com", None)).is_none());
    }

    #[test]
    fn absent_counts_are_unknown_and_a_lost_handle_keeps_the_old_one() {
        let (reported, requested) = (fixture(), account("ines.example.com", Some("did:plc:ines2345")));
        let observation =
            observation(&requested, reported.of_account(&requested).expect("reported")).expect("readable");
        assert_eq!(observation.numbers, Default::default());
        assert_eq!(observation.handle, "ines.example.com");
        assert_eq!(observation.display_name, None);
    }

    #[test]
    fn a_poisoned_count_spoils_itself_alone() {
        let (reported, requested) = (fixture(), account("oskar.example.com", Some("did:plc:oskar234")));
        let oskar = observation(&requested, reported.of_account(&requested).expect("reported")).expect("readable");
        let numbers = &oskar.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (None, Some(3), Some(4)));
        assert_eq!(oskar.missing, ["followers: what is reported is no count"]);
        let stranger = account("x.example.com", Some("did:plc:stranger"));
        let text = RawValue::from_string(r#"{"did":"did:plc:other","handle":"x.example.com"}"#.to_owned());
        assert!(observation(&stranger, &text.expect("JSON")).is_err());
    }

    #[test]
    fn only_own_root_posts_count() {
        let feed: Feed = serde_json::from_str(include_str!("fixtures/feed.json")).expect("a fixture");
        assert_eq!(feed.cursor.as_deref(), Some("1795220568211__bafyreiexample"));
        let read: Vec<_> = feed.feed.iter().map(|text| own_post("did:plc:mara2345", text)).collect();
        let [Ok(Some((_, own))), Ok(None), Ok(None), Ok(Some((_, pinned))), Ok(Some((_, odd)))] = read.as_slice()
        else {
            panic!("{read:?}");
        };
        let numbers = PostNumbers { likes: Some(50), comments: Some(4), shares: Some(6), ..PostNumbers::default() };
        assert_eq!(*own, Post { at: "2026-11-20T10:00:00.227Z".parse().ok(), numbers });
        assert_eq!(pinned.at, "2025-01-01T00:00:00Z".parse().ok());
        assert_eq!(pinned.numbers.shares, None);
        assert_eq!((odd.numbers.likes, odd.numbers.comments), (None, Some(2)));
    }

    #[test]
    fn a_refusal_says_what_became_of_the_account() {
        let check = |status: u16, error: &str, message: &str, expected: &str| {
            let reported = refusal(status, &Refusal { error: error.to_owned(), message: message.to_owned() });
            assert!(format!("{reported:?}").starts_with(expected), "{reported:?}");
        };
        check(400, "InvalidRequest", "Profile not found", "AccountGone");
        check(400, "AccountDeactivated", "Account is deactivated", "AccountGone");
        check(400, "AccountTakedown", "Account has been suspended", "AccountGone");
        check(400, "InvalidRequest", "Invalid app.bsky.actor.getProfile params: actor", "Unexpected");
        check(400, "ExpiredToken", "Token has expired", "Closed");
        check(401, "AuthMissing", "", "Closed");
        check(403, "", "", "Unavailable");
        check(418, "\u{1b}[31m", &"x".repeat(10_000), "Unexpected");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text).expect("made of JSON");
            let _ = observation(&account("x.example.com", None), &raw);
            let _ = own_post("did:plc:x", &raw);
        }
    }
}
