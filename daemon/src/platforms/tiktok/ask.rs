//! The requests: each account's profile, then its newest videos.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::pages::{Pages, VIDEOS_A_PAGE, VideoPage, VideoResponse, newest};
use super::read::{Envelope, User, UserResponse, VIDEO_FIELDS, limited, user_fields, video};
use super::scopes::{BASIC, STATS, VIDEOS};
use super::{SLUG, TikTok};
use crate::http_client::{Api, Request, Response};
use crate::oauth::Provider;
use crate::platforms::batch::{RequestsEach, Stop, each};
use crate::platforms::consenting::{Access, Opened};
use crate::platforms::reading::add_engagement;
use crate::platforms::{Account, Observation, Observed, PlatformError};

pub(super) const HOST: &str = "open.tiktokapis.com";

pub(super) async fn observe(tiktok: &TikTok, api: &Api, accounts: &[Account]) -> Observed {
    each(&Batch { tiktok, api, stop: Stop::new(api) }, accounts).await
}

struct Batch<'a> {
    tiktok: &'a TikTok,
    api: &'a Api,
    stop: Stop<'a>,
}

impl RequestsEach for Batch<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        match &account.access {
            Some(access) => {
                let observation = Requests { api: self.api, stop: &self.stop, access }.observe(account).await?;
                Ok(with_missing(observation, access, self.tiktok))
            }
            None => {
                let what = "TikTok reports only what an account's owner allows: ask for consent".to_owned();
                Err(PlatformError::Unauthorized { what })
            }
        }
    }
}

/// Names what the owner was asked for and did not allow.
fn with_missing(mut observation: Observation, access: &Access, tiktok: &TikTok) -> Observation {
    for (scope, what) in [(STATS, "followers, following, posts"), (VIDEOS, "posts")] {
        if !access.has(scope) && tiktok.asks_for(scope) {
            observation.missing.push(format!("{what}: the owner did not allow {scope}"));
        }
    }
    observation
}

/// What a consent opens.
pub(super) async fn opened(api: &Api, access: &Access) -> Result<Opened, PlatformError> {
    Ok(Requests { api, stop: &Stop::new(api), access }.user().await?.opened())
}

/// Requests with one owner's consent.
struct Requests<'a> {
    api: &'a Api,
    stop: &'a Stop<'a>,
    access: &'a Access,
}

impl Requests<'_> {
    async fn observe(&self, account: &Account) -> Result<Observation, PlatformError> {
        let user = self.stop.unless_stopped_for_one(self.user()).await?;
        let mut observation = user.observation(account)?;
        if self.access.has(VIDEOS) && observation.numbers.posts != Some(0) {
            let posts = self.stop.unless_stopped_for_one(newest(self, self.stop, video)).await;
            add_engagement(&mut observation, posts);
        }
        Ok(observation)
    }

    /// The person whose consent it is.
    async fn user(&self) -> Result<User, PlatformError> {
        let request = self.api.get(HOST, "/v2/user/info/").query(&[("fields", &user_fields(self.access))]);
        // TikTok does not report which of the fields was too much; the error names the scope that matters.
        let scope = if self.access.has(STATS) { STATS } else { BASIC };
        self.request::<UserResponse>(request, scope).await?.user()
    }

    /// Requests what `scope` opens. The body says whether a response is good, under any status.
    async fn request<T: DeserializeOwned>(&self, request: Request<'_>, scope: &str) -> Result<T, PlatformError> {
        let response = request.bearer(&self.access.token).send().await?;
        let envelope: Envelope = response.json().unwrap_or_default();
        if response.is_success() && envelope.code().is_none() {
            return Ok(response.json()?);
        }
        Err(self.refusal(&response, &envelope, scope))
    }

    fn refusal(&self, response: &Response, envelope: &Envelope, scope: &str) -> PlatformError {
        match envelope.meaning(response.status, scope).or_else(|| self.stop.refusal(SLUG, response)) {
            Some(PlatformError::RateLimited { .. }) => limited(response.retry_after(self.api.now())),
            Some(error) => error,
            None => PlatformError::Unexpected { what: format!("{SLUG} responded with {}", response.status) },
        }
    }
}

impl Pages for Requests<'_> {
    async fn page(&self, cursor: Option<u64>) -> Result<VideoPage, PlatformError> {
        let body = match cursor {
            Some(cursor) => json!({"max_count": VIDEOS_A_PAGE, "cursor": cursor}),
            None => json!({"max_count": VIDEOS_A_PAGE}),
        };
        let request = self.api.post(HOST, "/v2/video/list/").query(&[("fields", VIDEO_FIELDS)]).json(&body);
        Ok(self.request::<VideoResponse>(request, VIDEOS).await?.data)
    }
}
