//! Facebook's JSON, and what it reports. Pure.

use roster_protocol::metric::Metric;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{NAME, canonical};
use crate::history::engagement::{Post, PostNumbers};
use crate::oauth::read::token;
use crate::platforms::consenting::OpenedAccount;
use crate::platforms::graph::{self, Reported};
use crate::platforms::reading::{Count, Part, count, item, plain_id, shown_name, time};
use crate::platforms::{Account, Observation, PlatformError};
use crate::secret::Secret;

/// What is requested of a Page.
pub(super) const FIELDS: &str = "id,name,username,followers_count";
/// What is requested of its posts.
pub(super) const POST_FIELDS: &str = "id,created_time,shares";
/// And where their sums are allowed: no user's name.
pub(super) const POST_FIELDS_WITH_SUMS: &str =
    "id,created_time,shares,reactions.limit(0).summary(total_count),comments.limit(0).summary(total_count)";

pub(super) const VIEWS: &str = "post_media_view";
pub(super) const VIEWERS: &str = "post_total_media_view_unique";
/// What is requested of each post apart.
pub(super) const METRICS: &[(&str, &str)] = &[(VIEWS, "views"), (VIEWERS, "reach")];
/// And where the Page is a small one.
pub(super) const METRICS_OF_SMALL: &[(&str, &str)] = &[(VIEWS, "views")];
/// Which metrics of the account they are.
pub(super) const MEANS: &[(&str, Metric)] = &[(VIEWS, Metric::AvgViews), (VIEWERS, Metric::AvgReach)];

/// What a post's engagements are, beside its reactions.
pub(super) const PARTS: &[Part] = &[|post| post.comments, |post| post.shares];

/// Adds what a post reported of itself.
pub(super) fn add_reported(post: &mut Post, reported: &Reported) {
    post.numbers.views = reported.get(VIEWS).copied();
    post.numbers.reach = reported.get(VIEWERS).copied();
}

/// A Page. Nothing is clean yet.
#[derive(Deserialize)]
pub(super) struct Profile {
    id: String,
    name: Option<String>,
    username: Option<String>,
    #[serde(default)]
    followers_count: Count,
}

impl Profile {
    /// What it reports, before its posts are known.
    pub(super) fn observation(&self, account: &Account) -> Result<Observation, PlatformError> {
        let id = plain_id(&self.id).ok_or_else(|| unexpected("id is no id"))?;
        let own = account.platform_user_id.as_deref().unwrap_or(&account.handle);
        let named = self.username.as_deref().and_then(|name| canonical(name).ok());
        let known = named.as_deref() == Some(own) || id == own;
        if !known {
            return Err(unexpected("it reported another Page than the requested one"));
        }
        let mut observation = Observation {
            platform_user_id: id.to_owned(),
            handle: named.unwrap_or_else(|| id.to_owned()),
            display_name: shown_name(self.name.as_deref()),
            ..Observation::default()
        };
        observation.take_counts([(Metric::Followers, self.followers_count)]);
        Ok(observation)
    }
}

/// A Page's own token, requested by its id.
#[derive(Deserialize)]
pub(super) struct PageToken {
    #[serde(rename = "id")]
    _id: String,
    access_token: Option<Secret>,
}

impl PageToken {
    pub(super) fn token(self) -> Option<Secret> {
        self.access_token.and_then(token)
    }
}

/// The Pages that a consent opened, each with its own token.
pub(super) fn opened(pages: Vec<graph::Page>) -> Vec<OpenedAccount> {
    let account = |page: graph::Page| OpenedAccount {
        handle: page
            .profile
            .username
            .as_deref()
            .and_then(|name| canonical(name).ok())
            .unwrap_or_else(|| page.id.clone()),
        name: page.profile.name.as_deref().map(|name| clean(name, NAME_CHARACTERS)).filter(|name| !name.is_empty()),
        followers: page.profile.followers_count,
        derived: page.token,
        platform_user_id: page.id,
    };
    pages.into_iter().map(account).collect()
}

#[derive(Deserialize)]
struct Published {
    id: String,
    #[serde(default, deserialize_with = "time")]
    created_time: Option<Timestamp>,
    shares: Option<Shares>,
    reactions: Option<Edge>,
    comments: Option<Edge>,
}

#[derive(Deserialize)]
struct Shares {
    #[serde(default, deserialize_with = "count")]
    count: Option<u64>,
}

#[derive(Deserialize)]
struct Edge {
    summary: Option<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(default, deserialize_with = "count")]
    total_count: Option<u64>,
}

impl Edge {
    fn total(self) -> Option<u64> {
        self.summary?.total_count
    }
}

/// A post with its id. All reactions are likes here, and no user has shared where `shares` is absent.
pub(super) fn post(text: &RawValue) -> Result<(String, Post), PlatformError> {
    let post: Published = item(NAME, text)?;
    let id = plain_id(&post.id).ok_or_else(|| unexpected("id is no id"))?.to_owned();
    let numbers = PostNumbers {
        likes: post.reactions.and_then(Edge::total),
        comments: post.comments.and_then(Edge::total),
        shares: post.shares.map_or(Some(0), |shares| shares.count),
        ..PostNumbers::default()
    };
    Ok((id, Post { at: post.created_time, numbers }))
}

pub(super) fn unexpected(what: &str) -> PlatformError {
    PlatformError::Unexpected { what: format!("{NAME}: {what}") }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::platforms::graph::List;
    use crate::platforms::tests::world::account;

    #[test]
    fn a_page_is_named_by_its_username_or_by_its_id() {
        let read = |text: &str| -> Result<Observation, PlatformError> {
            let profile: Profile = serde_json::from_str(text).expect(text);
            profile.observation(&account(0, "old.name", Some("102030405060701")))
        };
        let reported = read(include_str!("fixtures/page.json")).expect("a Page");
        assert_eq!((reported.handle.as_str(), reported.numbers.followers), ("mara.makes", Some(2500)));
        assert_eq!((reported.numbers.following, reported.numbers.posts), (None, None));
        let bare = read(r#"{"id":"102030405060701"}"#).expect("a Page");
        assert_eq!((bare.handle.as_str(), bare.numbers.followers), ("102030405060701", None));
        assert!(matches!(read(r#"{"id":"7"}"#), Err(PlatformError::Unexpected { .. })));
    }

    #[test]
    fn posts_have_sums_where_they_were_allowed() {
        let list: List = serde_json::from_str(include_str!("fixtures/posts.json")).expect("a list");
        let read: Vec<_> = list.data.iter().map(|text| post(text)).collect();
        let numbers = |index: usize| read[index].as_ref().map(|(_, post)| post.numbers).expect("a post");
        let first = PostNumbers { likes: Some(345), comments: Some(27), shares: Some(12), ..PostNumbers::default() };
        assert_eq!(numbers(0), first);
        // 2026-11-20T19:50:58Z
        assert_eq!(read[0].as_ref().map(|(_, post)| post.at), Ok(Some(Timestamp(1_795_204_258_000))));
        assert_eq!(numbers(1), PostNumbers { likes: Some(3), shares: Some(0), ..PostNumbers::default() });
        assert_eq!(numbers(2), PostNumbers { shares: Some(0), ..PostNumbers::default() });
        assert_eq!(numbers(3).likes, None);
        assert_eq!(list.next().as_deref(), Some("QVFIUafter"));
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text).expect("JSON");
            let _ = (post(&raw), item::<Profile>(NAME, &raw).map(|reported| reported.observation(&account(0, "x", None))));
        }
    }
}
