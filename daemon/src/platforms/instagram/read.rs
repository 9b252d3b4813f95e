//! Instagram's JSON, and what it reports. Pure.

use roster_protocol::metric::Metric;
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{NAME, canonical};
use crate::history::engagement::{Post, PostNumbers};
use crate::platforms::consenting::{Opened, OpenedAccount};
use crate::platforms::graph::{List, Page, Reported};
use crate::platforms::reading::{Count, Items, Part, count, item, plain_id, shown_name, time};
use crate::platforms::{Account, Observation, PlatformError};

/// What is requested of an account at Facebook's login.
pub(super) const FIELDS: &str = "id,username,name,followers_count,follows_count,media_count";
/// And at Instagram's.
pub(super) const LOGIN_FIELDS: &str = "id,user_id,username,name,followers_count,follows_count,media_count";
/// What is requested of its posts.
pub(super) const MEDIA_FIELDS: &str = "id,timestamp,media_type,media_product_type,like_count,comments_count";

/// What is requested of each post apart.
pub(super) const METRICS: &[(&str, &str)] =
    &[("views", "views"), ("shares", "shares"), ("saved", "saves"), ("reach", "reach"), ("reposts", "reposts")];
/// Those of them that are metrics of the account.
pub(super) const MEANS: &[(&str, Metric)] =
    &[("views", Metric::AvgViews), ("reach", Metric::AvgReach), ("reposts", Metric::AvgReposts)];

/// What a post's engagements are, beside its likes and comments, where its insights are read.
pub(super) const PARTS: &[Part] = &[|post| post.shares, |post| post.saves];
/// The definition that looked-up accounts follow, and those without insights.
pub(super) const WITHOUT_INSIGHTS: u16 = 1;

/// Adds what a post reported of itself.
pub(super) fn add_reported(post: &mut Post, reported: &Reported) {
    let number = |name: &str| reported.get(name).copied();
    post.numbers.views = number("views");
    post.numbers.shares = number("shares");
    post.numbers.saves = number("saved");
    post.numbers.reach = number("reach");
    post.numbers.reposts = number("reposts");
}

/// An account. Nothing is clean yet.
#[derive(Deserialize)]
pub(super) struct Profile {
    /// At Instagram's login of the person within the app, else of the account.
    id: Option<String>,
    /// Of the account, at Instagram's login.
    user_id: Option<Id>,
    username: Option<String>,
    name: Option<String>,
    #[serde(default)]
    followers_count: Count,
    #[serde(default)]
    follows_count: Count,
    #[serde(default)]
    media_count: Count,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

/// The form of responses in the documentation of Instagram's login; most are bare.
#[derive(Default, Deserialize)]
pub(super) struct Wrapped {
    pub(super) data: Items,
}

impl Profile {
    /// The account's own id.
    pub(super) fn account_id(&self) -> Result<String, PlatformError> {
        let reported = match &self.user_id {
            Some(Id::Text(text)) => Some(text.clone()),
            Some(Id::Number(number)) => Some(number.to_string()),
            None => self.id.clone(),
        };
        reported.filter(|id| plain_id(id).is_some()).ok_or_else(|| unexpected("id is no id"))
    }

    /// As [`Profile::account_id`] at Instagram's login, where `id` is another one.
    pub(super) fn login_id(&self) -> Result<String, PlatformError> {
        if self.user_id.is_none() {
            return Err(unexpected("user_id is missing"));
        }
        self.account_id()
    }

    fn handle(&self) -> Option<String> {
        canonical(self.username.as_deref()?).ok()
    }

    /// What it reports of this account, before its posts are known.
    pub(super) fn observation(&self, account: &Account, id: String) -> Observation {
        let mut observation = Observation {
            platform_user_id: id,
            handle: self.handle().unwrap_or_else(|| account.handle.clone()),
            display_name: shown_name(self.name.as_deref()),
            ..Observation::default()
        };
        observation.take_counts([
            (Metric::Followers, self.followers_count),
            (Metric::Following, self.follows_count),
            (Metric::Posts, self.media_count),
        ]);
        observation
    }

    /// The one account that a consent at Instagram's login opens.
    pub(super) fn opened(&self) -> Result<Opened, PlatformError> {
        let id = self.login_id()?;
        let handle = self.handle().ok_or_else(|| unexpected("username is no name"))?;
        let owner = self.id.as_deref().and_then(plain_id).unwrap_or(&id).to_owned();
        let account = OpenedAccount {
            platform_user_id: id,
            handle: handle.clone(),
            name: shown_name(self.name.as_deref()),
            followers: self.followers_count.known(),
            derived: None,
        };
        Ok(Opened { owner_id: owner, owner_name: handle, scopes: None, data_ends_at: None, accounts: vec![account] })
    }
}

/// The accounts linked to Pages, each with its Page's token.
pub(super) fn linked(pages: Vec<Page>) -> Vec<OpenedAccount> {
    let account = |page: Page| {
        let (id, profile) = page.instagram?;
        Some(OpenedAccount {
            platform_user_id: id,
            handle: canonical(profile.username.as_deref()?).ok()?,
            name: shown_name(profile.name.as_deref()),
            followers: profile.followers_count,
            derived: page.token,
        })
    };
    pages.into_iter().filter_map(account).collect()
}

/// Why a consent opened no account, although it opened Pages.
pub(super) fn none_linked(pages: &[Page]) -> PlatformError {
    let names: Vec<String> = pages.iter().take(3).filter_map(name_of).collect();
    let what = format!(
        "no professional Instagram account is linked to the Pages that were opened ({}): link it in the Page's \
         settings, or tick it at consent",
        names.join(", ")
    );
    PlatformError::AccountGone { what }
}

fn name_of(page: &Page) -> Option<String> {
    page.profile.name.as_deref().map(|name| clean(name, NAME_CHARACTERS)).filter(|name| !name.is_empty())
}

#[derive(Deserialize)]
struct Media {
    id: String,
    #[serde(default, deserialize_with = "time")]
    timestamp: Option<Timestamp>,
    media_product_type: Option<String>,
    #[serde(default, deserialize_with = "count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    comments_count: Option<u64>,
    /// Of others' reels only.
    #[serde(default, deserialize_with = "count")]
    view_count: Option<u64>,
}

/// A post with its id; `None` for what is none, a story or an advertisement.
pub(super) fn media(text: &RawValue) -> Result<Option<(String, Post)>, PlatformError> {
    let media: Media = item(NAME, text)?;
    let counts = media.media_product_type.as_deref().is_none_or(|kind| matches!(kind, "FEED" | "REELS"));
    let id = plain_id(&media.id).ok_or_else(|| unexpected("id is no id"))?.to_owned();
    let numbers = PostNumbers {
        likes: media.like_count,
        comments: media.comments_count,
        views: media.view_count,
        ..PostNumbers::default()
    };
    Ok(counts.then_some((id, Post { at: media.timestamp, numbers })))
}

/// Another account, as looked up through an account of ours.
#[derive(Deserialize)]
pub(super) struct Discovered {
    pub(super) business_discovery: Box<RawValue>,
}

/// The posts that are in the same response: absent for an account that has none.
#[derive(Deserialize)]
pub(super) struct DiscoveredMedia {
    pub(super) media: Option<List>,
}

pub(super) fn unexpected(what: &str) -> PlatformError {
    PlatformError::Unexpected { what: format!("{NAME}: {what}") }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::platforms::tests::world::account;

    fn profile(text: &str) -> Profile {
        serde_json::from_str(text).expect(text)
    }

    #[test]
    fn an_account_reports_its_counts() {
        let reported = profile(include_str!("fixtures/user.json"));
        let id = reported.account_id().expect("an id");
        let observation = reported.observation(&account(0, "old.name", Some(&id)), id);
        assert_eq!(
            (observation.platform_user_id.as_str(), observation.handle.as_str()),
            ("17841400000000001", "mara.makes")
        );
        let numbers = &observation.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(12_345), Some(321), Some(427)));
        let bare = profile(r#"{"id":"17"}"#).observation(&account(0, "mara", None), "17".to_owned());
        assert_eq!((bare.handle.as_str(), bare.numbers.followers), ("mara", None));
    }

    #[test]
    fn the_account_is_named_by_user_id_as_text_or_number() {
        let check = |text: &str, expected: Option<&str>| {
            let reported = profile(text);
            assert_eq!(reported.login_id().ok().as_deref(), expected, "{text}");
        };
        check(r#"{"id":"1","user_id":"17841400000000001"}"#, Some("17841400000000001"));
        check(r#"{"id":"1","user_id":17841400000000001}"#, Some("17841400000000001"));
        check(r#"{"id":"1"}"#, None);
        check(r#"{"id":"1","user_id":""}"#, None);
        assert!(serde_json::from_str::<Profile>(r#"{"user_id":-1}"#).is_err());
        let opened = profile(r#"{"id":"55","user_id":17,"username":"Mara"}"#).opened().expect("an account");
        assert_eq!((opened.owner_id.as_str(), opened.accounts[0].platform_user_id.as_str()), ("55", "17"));
    }

    #[test]
    fn posts_have_times_and_hidden_likes_are_no_zeros() {
        let list: List = serde_json::from_str(include_str!("fixtures/media.json")).expect("a list");
        let read: Vec<_> = list.data.iter().map(|text| media(text)).collect();
        let post = read[0].as_ref().ok().and_then(Option::as_ref).expect("a post");
        assert_eq!(post.0, "17900000000000001");
        // 2026-11-20T08:25:28Z
        assert_eq!(post.1.at, Some(Timestamp(1_795_163_128_000)));
        assert_eq!((post.1.numbers.likes, post.1.numbers.comments), (Some(600), Some(40)));
        let hidden = read[1].as_ref().ok().and_then(Option::as_ref).expect("a reel");
        assert_eq!((hidden.1.numbers.likes, hidden.1.numbers.comments), (None, Some(10)));
        assert!(matches!(read[2], Ok(None)), "a story is no post");
        let odd = read[3].as_ref().ok().and_then(Option::as_ref).expect("a post");
        assert_eq!((odd.1.numbers.likes, odd.1.numbers.comments), (None, None));
        assert!(matches!(&read[4], Ok(Some((_, post))) if post.at.is_none()));
        assert_eq!(list.next(), None);
    }

    #[test]
    fn the_error_says_why_no_account_was_opened() {
        let page = Page {
            id: "1".to_owned(),
            profile: serde_json::from_str(r#"{"name":"Mara\u001b]52;Page"}"#).expect("a profile"),
            token: None,
            instagram: None,
        };
        let error = none_linked(&[page]).to_string();
        assert!(error.contains("(Mara]52;Page)"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text).expect("JSON");
            let _ = media(&raw);
            if let Ok(profile) = item::<Profile>(NAME, &raw) {
                let _ = (profile.login_id(), profile.opened().is_ok());
            }
        }
    }
}
