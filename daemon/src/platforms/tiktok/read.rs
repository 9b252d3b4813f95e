//! TikTok's JSON, and what it reports. Pure.

use std::time::Duration;

use roster_protocol::metric::Metric;
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::scopes::{PROFILE, STATS};
use super::{NAME, SLUG, canonical};
use crate::history::engagement::{Post, PostNumbers};
use crate::platforms::consenting::{Access, Opened, OpenedAccount};
use crate::platforms::reading::{Count, count, id, item, plain_id, shown_name};
use crate::platforms::{Account, Limit, Observation, PlatformError};

/// The wait where TikTok reports none: the window of its limits.
const SHORTEST_WAIT: Duration = Duration::from_secs(60);

/// The fields of a person that these scopes open; one more would fail the request.
pub(super) fn user_fields(access: &Access) -> String {
    let mut fields = vec!["open_id", "display_name"];
    if access.has(PROFILE) {
        fields.push("username");
    }
    if access.has(STATS) {
        fields.extend(["follower_count", "following_count", "video_count"]);
    }
    fields.join(",")
}

pub(super) const VIDEO_FIELDS: &str = "id,create_time,view_count,like_count,comment_count,share_count";

/// The part of every response that says whether the request succeeded.
#[derive(Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    error: Problem,
}

/// TikTok's message is not read: `log_id` is what its support needs.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    log_id: String,
}

impl Envelope {
    /// What was refused; `None` where nothing was.
    pub(super) fn code(&self) -> Option<&str> {
        Some(self.error.code.as_str()).filter(|code| !code.is_empty() && *code != "ok")
    }

    /// What to do about a refusal of what `scope` should open; `None` where the HTTP status says it all.
    pub(super) fn meaning(&self, status: u16, scope: &str) -> Option<PlatformError> {
        match self.code() {
            Some("access_token_invalid") => Some(unauthorized()),
            Some("scope_not_authorized" | "scope_permission_missed") => {
                Some(PlatformError::MissingScope { scope: scope.to_owned() })
            }
            Some("rate_limit_exceeded") => Some(limited(None)),
            Some("internal_error") => {
                Some(PlatformError::Unavailable { what: format!("{SLUG} reports that it cannot respond now") })
            }
            _ if status == 401 => Some(unauthorized()),
            _ if status == 429 || status >= 500 => None,
            Some(code) => Some(PlatformError::Unexpected { what: self.unknown(status, code) }),
            None => None,
        }
    }

    fn unknown(&self, status: u16, code: &str) -> String {
        let code = plain_id(code).unwrap_or("for no reason that can be read");
        let log_id = plain_id(&self.error.log_id).map(|id| format!(", log id {id}")).unwrap_or_default();
        format!("{SLUG} refused ({status}): {code:.60}{log_id:.80}")
    }
}

pub(super) fn unauthorized() -> PlatformError {
    PlatformError::Unauthorized { what: format!("{NAME} does not accept the consent any more") }
}

/// A limit, with the wait that was reported or else the shortest that can help.
pub(super) fn limited(reported: Option<Duration>) -> PlatformError {
    PlatformError::RateLimited { retry_after: Some(reported.unwrap_or_default().max(SHORTEST_WAIT)), of: Limit::Lane }
}

#[derive(Deserialize)]
pub(super) struct UserResponse {
    data: UserData,
}

#[derive(Deserialize)]
struct UserData {
    user: User,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) open_id: String,
    pub(super) username: Option<String>,
    pub(super) display_name: Option<String>,
    #[serde(default)]
    pub(super) follower_count: Count,
    #[serde(default)]
    pub(super) following_count: Count,
    #[serde(default)]
    pub(super) video_count: Count,
}

impl UserResponse {
    /// The person whose consent it was.
    pub(super) fn user(self) -> Result<User, PlatformError> {
        match plain_id(&self.data.user.open_id) {
            Some(_) => Ok(self.data.user),
            None => Err(PlatformError::Unexpected { what: format!("{SLUG}: data.user.open_id is no id") }),
        }
    }
}

impl User {
    /// The name, canonical; `None` where it was not reported or is none.
    fn name(&self) -> Option<String> {
        canonical(self.username.as_deref()?).ok()
    }

    /// What TikTok reports of this account.
    pub(super) fn observation(self, account: &Account) -> Result<Observation, PlatformError> {
        let name = self.name();
        let same = match &account.platform_user_id {
            Some(id) => *id == self.open_id,
            None => name.as_ref().unwrap_or(&self.open_id) == &account.handle,
        };
        if !same {
            let what = "the consent is of another TikTok account: ask this one's owner".to_owned();
            return Err(PlatformError::Unauthorized { what });
        }
        let mut observation = Observation {
            platform_user_id: self.open_id,
            handle: name.unwrap_or_else(|| account.handle.clone()),
            display_name: shown_name(self.display_name.as_deref()),
            ..Observation::default()
        };
        observation.take_counts([
            (Metric::Followers, self.follower_count),
            (Metric::Following, self.following_count),
            (Metric::Posts, self.video_count),
        ]);
        Ok(observation)
    }

    /// The one account that a consent opens.
    pub(super) fn opened(self) -> Opened {
        let handle = self.name().unwrap_or_else(|| self.open_id.clone());
        let name = shown_name(self.display_name.as_deref());
        let account = OpenedAccount {
            platform_user_id: self.open_id.clone(),
            handle: handle.clone(),
            name: name.clone(),
            followers: self.follower_count.known(),
            derived: None,
        };
        Opened {
            owner_id: self.open_id,
            owner_name: name.unwrap_or(handle),
            scopes: None,
            data_ends_at: None,
            accounts: vec![account],
        }
    }
}

#[derive(Deserialize)]
struct Video {
    #[serde(deserialize_with = "id")]
    id: String,
    /// Seconds.
    #[serde(default, deserialize_with = "count")]
    create_time: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    view_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    like_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    comment_count: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    share_count: Option<u64>,
}

/// A video's id, and the video as a post.
pub(super) fn video(text: &RawValue) -> Result<(String, Post), PlatformError> {
    let video: Video = item(SLUG, text)?;
    let numbers = PostNumbers {
        likes: video.like_count,
        comments: video.comment_count,
        shares: video.share_count,
        views: video.view_count,
        ..PostNumbers::default()
    };
    let at =
        video.create_time.map(|seconds| Timestamp(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)));
    Ok((video.id, Post { at, numbers }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::pages::VideoResponse;
    use super::super::scopes::BASIC;
    use super::*;
    use crate::http_client::read_json;
    use crate::platforms::tests::world::account;
    use crate::secret::Secret;

    const OPEN_ID: &str = "723f24d7-e717-40f8-a2b6-cb8464cd23b4";

    fn access(scopes: &[&str]) -> Access {
        let scopes: Arc<[String]> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Access { token: Arc::new(Secret::new("canary")), derived: None, scopes, through: None }
    }

    fn user(text: &str) -> User {
        read_json::<UserResponse>(text.as_bytes()).expect(text).user().expect(text)
    }

    #[test]
    fn a_response_about_a_person_says_what_was_granted() {
        let known = account(0, "old.name", Some(OPEN_ID));
        let reported = user(include_str!("fixtures/user.json")).observation(&known).expect("the same person");
        assert_eq!((reported.platform_user_id.as_str(), reported.handle.as_str()), (OPEN_ID, "mara.makes_2"));
        assert_eq!(reported.display_name.as_deref(), Some("Mara Makes"));
        let numbers = &reported.numbers;
        assert_eq!((numbers.followers, numbers.following, numbers.posts), (Some(12_500), Some(180), Some(92)));
        assert!(reported.missing.is_empty());

        let bare = user(include_str!("fixtures/user_basic.json")).observation(&known).expect("read");
        assert_eq!((bare.handle.as_str(), bare.numbers.followers), ("old.name", None));
    }

    #[test]
    fn a_consent_is_for_its_own_account_alone() {
        let read = |handle: &str, id: Option<&str>| {
            user(include_str!("fixtures/user.json")).observation(&account(0, handle, id))
        };
        assert!(read("mara.makes_2", None).is_ok());
        for (handle, id) in [("another.one", None), ("mara.makes_2", Some("another-id"))] {
            assert!(matches!(read(handle, id), Err(PlatformError::Unauthorized { .. })), "{handle}");
        }
    }

    #[test]
    fn a_consent_opens_one_account() {
        let opened = user(include_str!("fixtures/user.json")).opened();
        assert_eq!((opened.owner_id.as_str(), opened.owner_name.as_str()), (OPEN_ID, "Mara Makes"));
        let [account] = opened.accounts.as_slice() else { panic!("one account") };
        assert_eq!((account.handle.as_str(), account.followers), ("mara.makes_2", Some(12_500)));
        let opened = user(include_str!("fixtures/user_basic.json")).opened();
        assert_eq!(opened.accounts[0].handle, OPEN_ID);
    }

    #[test]
    fn only_granted_fields_are_requested() {
        let check = |scopes: &[&str], expected: &str| assert_eq!(user_fields(&access(scopes)), expected);
        check(&[], "open_id,display_name");
        check(&[BASIC, PROFILE], "open_id,display_name,username");
        check(&[BASIC, STATS], "open_id,display_name,follower_count,following_count,video_count");
    }

    #[test]
    fn videos_are_posts_and_an_odd_count_spoils_itself() {
        let page: VideoResponse = read_json(include_bytes!("fixtures/videos.json")).expect("a fixture");
        assert_eq!((page.data.cursor, page.data.has_more), (Some(1_672_444_800_000), true));
        let read: Vec<_> = page.data.videos.iter().map(|text| video(text)).collect();
        let [Ok((id, whole)), Ok((_, quiet)), Ok((_, odd))] = read.as_slice() else { panic!("{read:?}") };
        let numbers = PostNumbers {
            likes: Some(1500),
            comments: Some(40),
            shares: Some(12),
            views: Some(25_000),
            ..PostNumbers::default()
        };
        assert_eq!(
            (id.as_str(), *whole),
            ("7123456789012345678", Post { at: Some(Timestamp(1_672_531_200_000)), numbers })
        );
        assert_eq!(quiet.numbers, PostNumbers { views: Some(7), ..PostNumbers::default() });
        assert_eq!(odd.numbers.likes, None);
    }

    #[test]
    fn errors_mean_what_is_done_next() {
        let check = |status: u16, body: &str, expected: &str| {
            let envelope: Envelope = serde_json::from_str(body).expect(body);
            let reported = format!("{:?}", envelope.meaning(status, STATS));
            assert!(reported.starts_with(expected) && !reported.contains("canary"), "{status} {body}: {reported}");
        };
        let coded = |code: &str| {
            format!(r#"{{"data":{{}},"error":{{"code":"{code}","message":"canary","log_id":"20220829"}}}}"#)
        };
        check(401, &coded("access_token_invalid"), "Some(Unauthorized");
        check(200, &coded("access_token_invalid"), "Some(Unauthorized");
        check(401, &coded("scope_not_authorized"), "Some(MissingScope { scope: \"user.info.stats\"");
        check(400, &coded("scope_permission_missed"), "Some(MissingScope");
        check(429, &coded("rate_limit_exceeded"), "Some(RateLimited { retry_after: Some(60s)");
        check(500, &coded("internal_error"), "Some(Unavailable");
        check(
            400,
            &coded("invalid_params"),
            "Some(Unexpected { what: \"tiktok refused (400): invalid_params, log id 20220829",
        );
        check(403, &coded("user banned"), "Some(Unexpected { what: \"tiktok refused (403): for no reason");
        check(503, &coded("whatever"), "None");
        check(401, "{}", "Some(Unauthorized");
        check(404, "{}", "None");
        check(200, &coded("ok"), "None");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in crate::platforms::tests::json()) {
            let raw = RawValue::from_string(text.clone()).expect("made of JSON");
            let _ = video(&raw);
            if let Ok(response) = read_json::<UserResponse>(text.as_bytes()) {
                let _ = response.user().and_then(|user| user.observation(&account(0, "x", None)));
            }
            if let Ok(envelope) = read_json::<Envelope>(text.as_bytes()) {
                let _ = envelope.meaning(400, BASIC);
            }
        }
    }
}
