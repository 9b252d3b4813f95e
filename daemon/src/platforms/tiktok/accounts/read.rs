//! The Accounts API's JSON, and what it reports of an account and its videos. Pure.

use roster_protocol::reported::ReportedDay;
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::read::{User, limited, unauthorized};
use super::super::{NAME, SLUG};
use super::audience::{self, Lists};
use super::days::{self, Days};
use super::scopes::{STATS, USERNAME};
use crate::history::engagement::{Post, PostNumbers};
use crate::platforms::PlatformError;
use crate::platforms::consenting::Access;
use crate::platforms::reading::{Count, count, id, item, plain_id};

/// A list as the parameter `fields` takes it.
pub(super) fn listed(fields: &[&str]) -> String {
    serde_json::json!(fields).to_string()
}

/// The fields of a profile that these scopes open.
pub(super) fn profile_fields(access: &Access) -> String {
    let mut fields = vec!["display_name"];
    if access.has(USERNAME) {
        fields.push("username");
    }
    if access.has(STATS) {
        fields.extend(["followers_count", "following_count", "videos_count"]);
    }
    listed(&fields)
}

/// The fields of days and of the audience, which one request reports together.
pub(super) fn insight_fields() -> String {
    listed(&[days::FIELDS.as_slice(), &audience::FIELDS].concat())
}

pub(super) const VIDEO_FIELDS: &[&str] =
    &["item_id", "create_time", "likes", "comments", "shares", "favorites", "video_views"];
/// The field of a video that has a scope of its own.
pub(super) const REACH: &str = "reach";

/// The part of every response that says whether the request succeeded.
#[derive(Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    code: Count,
    #[serde(default)]
    request_id: String,
}

impl Envelope {
    pub(super) fn is_good(&self) -> bool {
        self.code == Count::Known(0)
    }

    /// What was refused; `None` where nothing was, or nothing is said.
    pub(super) fn refused(&self) -> Option<u64> {
        self.code.known().filter(|code| *code != 0)
    }

    /// What to do about a refusal of what `scope` should open; `None` where the HTTP status says it all.
    pub(super) fn meaning(&self, status: u16, scope: &str) -> Option<PlatformError> {
        match self.refused() {
            Some(40_102 | 40_104 | 40_105) => Some(unauthorized()),
            Some(40_001) => Some(PlatformError::MissingScope { scope: scope.to_owned() }),
            Some(40_100) => Some(limited(None)),
            Some(50_000..=59_999) => {
                Some(PlatformError::Unavailable { what: format!("{SLUG} reports that it cannot respond now") })
            }
            _ if status == 401 => Some(unauthorized()),
            _ if status == 429 || status >= 500 => None,
            Some(code) => Some(PlatformError::Unexpected { what: self.unknown(code) }),
            None => None,
        }
    }

    /// Names the refusal by its number. TikTok's message is not read: `request_id` is what its support needs.
    pub(super) fn unknown(&self, code: u64) -> String {
        let request_id = plain_id(&self.request_id).map(|id| format!(", request id {id}")).unwrap_or_default();
        format!("{SLUG} refused ({code}{request_id:.80})")
    }
}

/// Whose token it is.
#[derive(Deserialize)]
pub(super) struct OwnerResponse {
    data: Owner,
}

#[derive(Deserialize)]
pub(super) struct Owner {
    creator_id: String,
    scope: Option<String>,
}

impl OwnerResponse {
    pub(super) fn owner(self) -> Result<Owner, PlatformError> {
        match plain_id(&self.data.creator_id) {
            Some(_) => Ok(self.data),
            None => Err(PlatformError::Unexpected { what: format!("{NAME}: data.creator_id is no id") }),
        }
    }
}

impl Owner {
    pub(super) fn id(&self) -> &str {
        &self.creator_id
    }

    /// What is granted, where that is said.
    pub(super) fn scopes(&self) -> Option<Vec<String>> {
        let scopes = self.scope.as_deref()?.split(',').filter_map(plain_id);
        Some(scopes.map(str::to_owned).collect()).filter(|scopes: &Vec<_>| !scopes.is_empty())
    }
}

#[derive(Deserialize)]
pub(super) struct ProfileResponse {
    data: Profile,
}

#[derive(Deserialize)]
struct Profile {
    username: Option<String>,
    display_name: Option<String>,
    #[serde(default)]
    followers_count: Count,
    #[serde(default)]
    following_count: Count,
    #[serde(default)]
    videos_count: Count,
}

impl ProfileResponse {
    /// The person with this id, whose profile it is.
    pub(super) fn user(self, id: &str) -> User {
        let Profile { username, display_name, followers_count, following_count, videos_count } = self.data;
        User {
            open_id: id.to_owned(),
            username,
            display_name,
            follower_count: followers_count,
            following_count,
            video_count: videos_count,
        }
    }
}

/// Figures of days, and who the audience is. Each list is read by itself.
#[derive(Deserialize)]
pub(super) struct InsightsResponse {
    data: Insights,
}

#[derive(Deserialize)]
struct Insights {
    metrics: Option<Box<RawValue>>,
    audience_genders: Option<Box<RawValue>>,
    audience_ages: Option<Box<RawValue>>,
    audience_countries: Option<Box<RawValue>>,
}

impl InsightsResponse {
    pub(super) fn days(&self, requested: Days) -> Result<Vec<ReportedDay>, PlatformError> {
        days::read(self.data.metrics.as_deref(), requested)
    }

    pub(super) fn audience(&self) -> Lists<'_> {
        let Insights { audience_genders, audience_ages, audience_countries, .. } = &self.data;
        Lists {
            genders: audience_genders.as_deref(),
            ages: audience_ages.as_deref(),
            countries: audience_countries.as_deref(),
        }
    }
}

#[derive(Deserialize)]
struct Video {
    #[serde(deserialize_with = "id")]
    item_id: String,
    /// Seconds.
    #[serde(default, deserialize_with = "count")]
    create_time: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    likes: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    comments: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    shares: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    favorites: Option<u64>,
    /// The same, as a client spells it.
    #[serde(default, deserialize_with = "count")]
    favorities: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    video_views: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    reach: Option<u64>,
}

/// A video's id, and the video as a post.
pub(super) fn video(text: &RawValue) -> Result<(String, Post), PlatformError> {
    let video: Video = item(SLUG, text)?;
    let numbers = PostNumbers {
        likes: video.likes,
        comments: video.comments,
        shares: video.shares,
        saves: video.favorites.or(video.favorities),
        views: video.video_views,
        reach: video.reach,
        ..PostNumbers::default()
    };
    let at =
        video.create_time.map(|seconds| Timestamp(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)));
    Ok((video.item_id, Post { at, numbers }))
}

#[cfg(test)]
mod tests {
    use super::super::super::pages::VideoResponse;
    use super::*;
    use crate::http_client::read_json;
    use crate::platforms::tests::world::account;

    const OPEN_ID: &str = "b3d2f73d-4b8c-47fb-85c3-cd571287754b";

    #[test]
    fn a_profile_is_that_of_the_id_that_was_requested() {
        let response: ProfileResponse = read_json(include_bytes!("fixtures/profile.json")).expect("a fixture");
        let known = account(0, "old.name", Some(OPEN_ID));
        let reported = response.user(OPEN_ID).observation(&known).expect("the same person");
        assert_eq!((reported.platform_user_id.as_str(), reported.handle.as_str()), (OPEN_ID, "mara.makes_2"));
        let numbers = &reported.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(12_500), Some(180), Some(92)));
        assert!(reported.missing.is_empty() && reported.days.is_none());
    }

    #[test]
    fn the_owner_of_a_token_is_named_by_it() {
        let read = |text: &str| read_json::<OwnerResponse>(text.as_bytes()).map_err(drop)?.owner().map_err(drop);
        let owner = read(include_str!("fixtures/token_info.json")).expect("a fixture");
        let scopes = ["user.insights", "user.info.basic"].map(str::to_owned).to_vec();
        assert_eq!((owner.id(), owner.scopes()), (OPEN_ID, Some(scopes)));
        let bare = read(r#"{"data":{"creator_id":"x"}}"#).expect("an id is enough");
        assert_eq!(bare.scopes(), None);
        for bad in ["{}", r#"{"data":{}}"#, r#"{"data":{"creator_id":""}}"#, r#"{"data":{"creator_id":"../x"}}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn videos_are_posts_with_their_saves_in_either_spelling() {
        let page: VideoResponse = read_json(include_bytes!("fixtures/videos.json")).expect("a fixture");
        assert_eq!((page.data.cursor, page.data.has_more), (Some(1_672_444_800_000), true));
        let read: Vec<_> = page.data.videos.iter().map(|text| video(text)).collect();
        let [Ok((id, whole)), Ok((_, spelled)), Ok((_, odd)), Err(_)] = read.as_slice() else { panic!("{read:?}") };
        let numbers = PostNumbers {
            likes: Some(1500),
            comments: Some(40),
            shares: Some(12),
            saves: Some(33),
            views: Some(25_000),
            reach: Some(19_000),
            ..PostNumbers::default()
        };
        let at = Some(Timestamp(1_672_531_200_000));
        assert_eq!((id.as_str(), *whole), ("7123456789012345678", Post { at, numbers }));
        assert_eq!((spelled.at, spelled.numbers.saves), (Some(Timestamp(1_672_444_800_000)), Some(5)));
        assert_eq!((odd.numbers.likes, odd.numbers.views, odd.numbers.reach), (None, Some(9), None));
    }

    #[test]
    fn numbers_of_errors_mean_what_is_done_next() {
        let check = |status: u16, body: &str, expected: &str| {
            let envelope: Envelope = serde_json::from_str(body).expect(body);
            let reported = format!("{:?}", envelope.meaning(status, STATS));
            assert!(!envelope.is_good() || status != 200, "{body}");
            assert!(reported.starts_with(expected) && !reported.contains("canary"), "{status} {body}: {reported}");
        };
        let coded =
            |code: u64| format!(r#"{{"code":{code},"message":"canary","request_id":"2026112101","data":{{}}}}"#);
        for token in [40_102, 40_104, 40_105] {
            check(200, &coded(token), "Some(Unauthorized");
        }
        check(200, &coded(40_001), "Some(MissingScope { scope: \"user.info.stats\"");
        check(200, &coded(40_100), "Some(RateLimited { retry_after: Some(60s)");
        for outage in [50_000, 51_001, 59_999] {
            check(200, &coded(outage), "Some(Unavailable");
        }
        let unknown = "Some(Unexpected { what: \"tiktok refused (40002, request id 2026112101)\"";
        check(200, &coded(40_002), unknown);
        check(200, &coded(40_002).replace("40002", "\"40002\""), unknown);
        check(401, "{}", "Some(Unauthorized");
        check(503, &coded(0), "None");
        check(429, &coded(40_002), "None");
        for nothing in ["{}", r#"{"code":-1}"#, r#"{"code":"x"}"#, r#"{"code":null}"#] {
            check(200, nothing, "None");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text.clone()).expect("made of JSON");
            let _ = video(&raw);
            if let Ok(response) = read_json::<ProfileResponse>(format!(r#"{{"data":{text}}}"#).as_bytes()) {
                let _ = response.user(OPEN_ID).observation(&account(0, "x", None));
            }
            if let Ok(response) = read_json::<OwnerResponse>(format!(r#"{{"data":{text}}}"#).as_bytes()) {
                let _ = response.owner().map(|owner| owner.scopes());
            }
            if let Ok(envelope) = read_json::<Envelope>(text.as_bytes()) {
                let _ = envelope.meaning(200, STATS);
            }
        }
    }
}
