//! The simulated platforms: which request is meant for which, and what all of them need.
//!
//! Requests and responses are values here ([`ApiRequest`], [`ApiResponse`]); `http_io` translates them to HTTP.

mod bluesky;
mod mastodon;
mod tiktok;
mod youtube;

mod facebook;
mod instagram;
mod meta;

mod request;

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grants::Lifetimes;
use crate::spoil::Counts;
use crate::world::account::Account;
use crate::world::{World, ids};
use crate::{Fault, FaultKind, Stage};
pub use instagram::app_scoped_id;
pub use meta::person_id;
pub use request::{ApiRequest, decode, read_query};
pub use tiktok::business_secret;
pub use youtube::topic as channel_topic;

/// A platform that is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Bluesky,
    Facebook,
    Instagram,
    Mastodon,
    Tiktok,
    Youtube,
}

impl Platform {
    pub const ALL: [Platform; 6] = [
        Platform::Youtube,
        Platform::Instagram,
        Platform::Facebook,
        Platform::Tiktok,
        Platform::Bluesky,
        Platform::Mastodon,
    ];

    /// The stable name, as everywhere in Roster.
    pub fn slug(self) -> &'static str {
        match self {
            Platform::Bluesky => "bluesky",
            Platform::Facebook => "facebook",
            Platform::Instagram => "instagram",
            Platform::Mastodon => "mastodon",
            Platform::Tiktok => "tiktok",
            Platform::Youtube => "youtube",
        }
    }

    pub fn from_slug(slug: &str) -> Option<Platform> {
        Platform::ALL.into_iter().find(|platform| platform.slug() == slug)
    }

    /// Whether apps need an owner's consent here.
    pub fn has_consent(self) -> bool {
        !matches!(self, Platform::Bluesky | Platform::Mastodon)
    }

    /// Whether it reports how many an account follows.
    pub(crate) fn reports_following(self) -> bool {
        !matches!(self, Platform::Youtube | Platform::Facebook)
    }

    /// Whether owners can hide how many follow them.
    pub(crate) fn hides_followers(self) -> bool {
        matches!(self, Platform::Bluesky | Platform::Mastodon | Platform::Youtube)
    }

    /// `{platform}-client-id` of the one app it knows.
    pub(crate) fn client_id(self) -> String {
        format!("{self}-client-id")
    }

    pub(crate) fn client_secret(self) -> String {
        format!("{self}-client-secret")
    }

    /// How long its tokens live unless the control set it.
    pub(crate) fn usual_lifetimes(self) -> Lifetimes {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        match self {
            Platform::Tiktok => Lifetimes { access: days(1), refresh: Some(days(365)), data_access: None },
            Platform::Youtube => Lifetimes { access: Duration::from_secs(3599), refresh: None, data_access: None },
            _ => Lifetimes { access: days(60), refresh: None, data_access: Some(days(90)) },
        }
    }

    /// Which part of its service a request addresses; `None` for consent pages, for which no fault is ordered.
    pub(crate) fn stage(self, request: &ApiRequest) -> Option<Stage> {
        match self {
            Platform::Bluesky | Platform::Mastodon => Some(Stage::Api),
            Platform::Facebook | Platform::Instagram => meta::stage(request),
            Platform::Tiktok => tiktok::stage(request),
            Platform::Youtube => youtube::stage(request),
        }
    }

    /// What the platform would respond if nothing went wrong.
    pub(crate) fn respond(self, world: &World, request: &ApiRequest) -> ApiResponse {
        match self {
            Platform::Bluesky => bluesky::respond(world, request),
            Platform::Facebook | Platform::Instagram => meta::respond(world, request),
            Platform::Mastodon => mastodon::respond(world, request),
            Platform::Tiktok => tiktok::respond(world, request),
            Platform::Youtube => youtube::respond(world, request),
        }
    }

    /// How the platform words the faults to which it responds itself; `None` for the other kinds.
    pub(crate) fn refusal(self, world: &World, request: &ApiRequest, fault: &Fault) -> Option<ApiResponse> {
        let response = match (fault.kind, self) {
            (_, Platform::Tiktok) => tiktok::refusal(request, fault)?,
            (_, Platform::Facebook | Platform::Instagram) => meta::refusal(world, request, fault)?,
            (_, Platform::Youtube) if self.stage(request) == Some(Stage::Token) => youtube::token_refusal(fault)?,
            (FaultKind::MissingScope, Platform::Youtube) => youtube::missing_scope(),
            (FaultKind::RateLimited, Platform::Bluesky) => bluesky::rate_limited(world, fault),
            (FaultKind::RateLimited, Platform::Mastodon) => mastodon::rate_limited(world, fault),
            (FaultKind::RateLimited, Platform::Youtube) => youtube::rate_limited(fault),
            (FaultKind::ServerError, Platform::Bluesky) => bluesky::server_error(),
            (FaultKind::ServerError, Platform::Mastodon) => mastodon::server_error(),
            (FaultKind::ServerError, Platform::Youtube) => youtube::server_error(),
            (FaultKind::QuotaExceeded, _) => youtube::quota_exceeded(),
            (FaultKind::DayLimited, _) => youtube::day_limited(),
            _ => return None,
        };
        Some(match fault.status {
            Some(status) => response.with_status(status),
            None => response,
        })
    }

    /// How it refuses to report a metric that it does not know any more.
    pub(crate) fn withdrawn(self) -> ApiResponse {
        match self {
            Platform::Youtube => youtube::not_supported(),
            _ => meta::unknown_metric(),
        }
    }

    /// Where a body reports counts, for the faults that spoil them.
    pub(crate) fn counts(self, body: &mut Value) -> Counts<'_> {
        match self {
            Platform::Bluesky => bluesky::counts(body),
            Platform::Mastodon => mastodon::counts(body),
            Platform::Youtube => youtube::counts(body),
            Platform::Tiktok => tiktok::counts(body),
            Platform::Facebook | Platform::Instagram => meta::counts(self, body),
        }
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug())
    }
}

/// A response before it becomes bytes.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub content: Content,
    /// The accounts that were requested and are reported.
    pub about: Vec<Arc<Account>>,
    /// What `If-None-Match` may name to get a 304 instead.
    pub etag: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Content {
    // Boxed, since responses are returned as errors too.
    Json(Box<Value>),
    Text { media: &'static str, text: String },
}

impl ApiResponse {
    pub fn json(status: StatusCode, value: Value) -> ApiResponse {
        ApiResponse {
            status,
            headers: Vec::new(),
            content: Content::Json(Box::new(value)),
            about: Vec::new(),
            etag: None,
        }
    }

    pub fn ok(value: Value) -> ApiResponse {
        ApiResponse::json(StatusCode::OK, value)
    }

    pub fn text(status: StatusCode, media: &'static str, text: impl Into<String>) -> ApiResponse {
        let content = Content::Text { media, text: text.into() };
        ApiResponse { status, headers: Vec::new(), content, about: Vec::new(), etag: None }
    }

    /// The same with another status.
    pub fn with_status(self, status: u16) -> ApiResponse {
        ApiResponse { status: StatusCode::from_u16(status).unwrap_or(self.status), ..self }
    }

    pub fn about(mut self, account: &Arc<Account>) -> ApiResponse {
        self.about.push(account.clone());
        self
    }

    pub fn header(mut self, name: &'static str, value: impl std::fmt::Display) -> ApiResponse {
        self.headers.push((HeaderName::from_static(name), value.to_string()));
        self
    }
}

/// The account among some with this handle or id.
pub fn find<'a>(accounts: &'a [Arc<Account>], platform: Platform, handle: &str) -> Option<&'a Arc<Account>> {
    let normal = ids::handle_of(platform, handle).ok();
    accounts.iter().find(|account| account.id == handle || Some(&account.handle) == normal.as_ref())
}
