//! The requests: each account's profile, once a day its days and audience, then its newest videos.

use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Semaphore;

use super::super::SLUG;
use super::super::pages::{Pages, VIDEOS_A_PAGE, VideoPage, VideoResponse, newest};
use super::super::read::{User, limited};
use super::days::Days;
use super::read::{
    Envelope, InsightsResponse, Owner, OwnerResponse, ProfileResponse, REACH, VIDEO_FIELDS, insight_fields, listed,
    profile_fields, video,
};
use super::scopes::{BASIC, INSIGHTS, STATS, VIDEO_INSIGHTS, VIDEOS};
use super::{Accounts, NO_APP};
use crate::http_client::{Api, Request, Response};
use crate::oauth::{OAuthApp, Provider};
use crate::platforms::batch::{RequestsEach, Stop, each};
use crate::platforms::consenting::{Access, Opened};
use crate::platforms::reading::add_engagement;
use crate::platforms::{Account, Observation, Observed, PlatformError};

pub(super) const HOST: &str = "business-api.tiktok.com";

/// Engagements of these posts have their saves in them.
const DEFINITION: u16 = 1;

/// How many accounts are requested at once: TikTok allows 10 requests a second, and each takes a fifth of one or more.
const AT_ONCE: usize = 2;

pub(super) async fn observe(platform: &Accounts, api: &Api, accounts: &[Account]) -> Observed {
    each(&Batch { platform, api, stop: Stop::new(api), turns: Semaphore::new(AT_ONCE) }, accounts).await
}

struct Batch<'a> {
    platform: &'a Accounts,
    api: &'a Api,
    stop: Stop<'a>,
    turns: Semaphore,
}

impl RequestsEach for Batch<'_> {
    async fn one(&self, account: &Account) -> Result<Observation, PlatformError> {
        let Some(access) = &account.access else {
            let what = "TikTok reports only what an account's owner allows: ask for consent".to_owned();
            return Err(PlatformError::Unauthorized { what });
        };
        // It is never closed.
        let _turn = self.turns.acquire().await;
        let requests = Requests { app: app(self.platform)?, api: self.api, stop: &self.stop, access };
        Ok(with_missing(requests.observe(account).await?, access, self.platform))
    }
}

/// Names what the owner was asked for and did not allow.
fn with_missing(mut observation: Observation, access: &Access, platform: &Accounts) -> Observation {
    let reads = [
        (STATS, "followers, following, posts"),
        (VIDEOS, "posts"),
        (INSIGHTS, "figures of days, the audience"),
        (VIDEO_INSIGHTS, "reach"),
    ];
    for (scope, what) in reads {
        if !access.has(scope) && platform.asks_for(scope) {
            observation.missing.push(format!("{what}: the owner did not allow {scope}"));
        }
    }
    observation
}

/// What a consent opens.
pub(super) async fn opened(platform: &Accounts, api: &Api, access: &Access) -> Result<Opened, PlatformError> {
    let requests = Requests { app: app(platform)?, api, stop: &Stop::new(api), access };
    let owner = requests.owner().await?;
    let opened = requests.user(owner.id()).await?.opened();
    Ok(Opened { scopes: owner.scopes(), ..opened })
}

fn app(platform: &Accounts) -> Result<&OAuthApp, PlatformError> {
    platform.app.as_ref().ok_or_else(|| PlatformError::Unconfigured { what: NO_APP.to_owned() })
}

/// Requests with one owner's consent.
struct Requests<'a> {
    app: &'a OAuthApp,
    api: &'a Api,
    stop: &'a Stop<'a>,
    access: &'a Access,
}

impl Requests<'_> {
    async fn observe(&self, account: &Account) -> Result<Observation, PlatformError> {
        let id = match &account.platform_user_id {
            Some(id) => id.clone(),
            None => self.stop.unless_stopped_for_one(self.owner()).await?.id().to_owned(),
        };
        let user = self.stop.unless_stopped_for_one(self.user(&id)).await?;
        let mut observation = Observation { definition: DEFINITION, ..user.observation(account)? };
        if let Some(from) = account.days_from.filter(|_| self.access.has(INSIGHTS)) {
            let days = Days::since(from, self.api.now());
            let insights = self.stop.unless_stopped_for_one(self.insights(&id, days)).await;
            add_insights(&mut observation, insights, days);
        }
        if self.access.has(VIDEOS) && observation.numbers.posts != Some(0) {
            let videos = Videos { requests: self, id: &id };
            let posts = self.stop.unless_stopped_for_one(newest(&videos, self.stop, video)).await;
            add_engagement(&mut observation, posts);
        }
        Ok(observation)
    }

    /// The person whose consent it is.
    async fn owner(&self) -> Result<Owner, PlatformError> {
        let body = json!({"app_id": self.app.id, "access_token": self.access.token.expose()});
        let request = self.api.post(HOST, "/open_api/v1.3/tt_user/token_info/get/").json(&body);
        self.request::<OwnerResponse>(request, BASIC).await?.owner()
    }

    async fn user(&self, id: &str) -> Result<User, PlatformError> {
        let fields = profile_fields(self.access);
        let request = self.api.get(HOST, "/open_api/v1.3/business/get/");
        let request = request.query(&[("business_id", id), ("fields", &fields)]);
        // TikTok does not report which of the fields was too much; the error names the scope that matters.
        let scope = if self.access.has(STATS) { STATS } else { BASIC };
        Ok(self.request::<ProfileResponse>(request, scope).await?.user(id))
    }

    async fn insights(&self, id: &str, days: Days) -> Result<InsightsResponse, PlatformError> {
        let (first, last, fields) = (days.first.to_string(), days.last.to_string(), insight_fields());
        let request = self.api.get(HOST, "/open_api/v1.3/business/get/").query(&[
            ("business_id", id),
            ("start_date", &first),
            ("end_date", &last),
            ("fields", &fields),
        ]);
        self.request(request, INSIGHTS).await
    }

    /// Requests what `scope` opens. The code in the body says whether a response is good, under any status.
    async fn request<T: DeserializeOwned>(&self, request: Request<'_>, scope: &str) -> Result<T, PlatformError> {
        let response = request.token_header("access-token", &self.access.token).send().await?;
        let envelope: Envelope = match response.json() {
            Err(error) if response.is_success() => return Err(error.into()),
            read => read.unwrap_or_default(),
        };
        if response.is_success() && envelope.is_good() {
            return Ok(response.json()?);
        }
        Err(self.refusal(&response, &envelope, scope))
    }

    fn refusal(&self, response: &Response, envelope: &Envelope, scope: &str) -> PlatformError {
        match envelope.meaning(response.status, scope).or_else(|| self.stop.refusal(SLUG, response)) {
            Some(PlatformError::RateLimited { .. }) => limited(response.retry_after(self.api.now())),
            Some(error) => error,
            None => {
                PlatformError::Unexpected { what: format!("{SLUG} responded with {} and no code", response.status) }
            }
        }
    }
}

/// Adds days and audience, or sentences on why there are none.
fn add_insights(observation: &mut Observation, insights: Result<InsightsResponse, PlatformError>, days: Days) {
    let read = match insights {
        Ok(insights) => {
            insights.audience().add_to(observation);
            insights.days(days)
        }
        Err(error) => {
            observation.missing.push(format!("audience: {error}"));
            Err(error)
        }
    };
    match read {
        Ok(days) => observation.days = Some(days),
        Err(error) => observation.missing.push(format!("figures of days: {error}")),
    }
}

/// One account's videos.
struct Videos<'a> {
    requests: &'a Requests<'a>,
    id: &'a str,
}

impl Pages for Videos<'_> {
    /// Without reach where that is refused: it costs nothing else.
    async fn page(&self, cursor: Option<u64>) -> Result<VideoPage, PlatformError> {
        if self.requests.access.has(VIDEO_INSIGHTS) {
            match self.list(&[VIDEO_FIELDS, &[REACH]].concat(), cursor).await {
                Err(PlatformError::MissingScope { .. } | PlatformError::Unexpected { .. }) => {}
                page => return page,
            }
        }
        self.list(VIDEO_FIELDS, cursor).await
    }
}

impl Videos<'_> {
    async fn list(&self, fields: &[&str], cursor: Option<u64>) -> Result<VideoPage, PlatformError> {
        let (fields, most) = (listed(fields), VIDEOS_A_PAGE.to_string());
        let cursor = cursor.map(|cursor| cursor.to_string());
        let mut query = vec![("business_id", self.id), ("fields", &fields), ("max_count", &most)];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let request = self.requests.api.get(HOST, "/open_api/v1.3/business/video/list/").query(&query);
        Ok(self.requests.request::<VideoResponse>(request, VIDEOS).await?.data)
    }
}
