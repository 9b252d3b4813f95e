//! The simulated platforms: which request is meant for which, and what all of them need.
//!
//! Asking and answering are values here ([`Ask`], [`Answer`]); what HTTP makes of them is `http_io`'s.

mod bluesky;
mod mastodon;
mod youtube;

mod ask;

use std::sync::Arc;

use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::account::Account;
use crate::world::{World, ids};
use crate::{Fault, FaultKind};
pub use ask::{Ask, decode, read_query};

/// A platform that is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Bluesky,
    Mastodon,
    Youtube,
}

impl Platform {
    pub const ALL: [Platform; 3] = [Platform::Youtube, Platform::Bluesky, Platform::Mastodon];

    /// The stable name, as everywhere in Roster.
    pub fn slug(self) -> &'static str {
        match self {
            Platform::Bluesky => "bluesky",
            Platform::Mastodon => "mastodon",
            Platform::Youtube => "youtube",
        }
    }

    pub fn from_slug(slug: &str) -> Option<Platform> {
        Platform::ALL.into_iter().find(|platform| platform.slug() == slug)
    }

    /// What the platform would answer if nothing went wrong.
    pub(crate) fn answer(self, world: &World, ask: &Ask) -> Answer {
        match self {
            Platform::Bluesky => bluesky::answer(world, ask),
            Platform::Mastodon => mastodon::answer(world, ask),
            Platform::Youtube => youtube::answer(world, ask),
        }
    }

    /// How the platform words the faults it answers itself; `None` for the other kinds.
    pub(crate) fn refusal(self, world: &World, fault: &Fault) -> Option<Answer> {
        let answer = match (fault.kind, self) {
            (FaultKind::RateLimited, Platform::Bluesky) => bluesky::rate_limited(world, fault),
            (FaultKind::RateLimited, Platform::Mastodon) => mastodon::rate_limited(world, fault),
            (FaultKind::RateLimited, Platform::Youtube) => youtube::rate_limited(fault),
            (FaultKind::ServerError, Platform::Bluesky) => bluesky::server_error(),
            (FaultKind::ServerError, Platform::Mastodon) => mastodon::server_error(),
            (FaultKind::ServerError, Platform::Youtube) => youtube::server_error(),
            (FaultKind::QuotaExceeded, _) => youtube::quota_exceeded(),
            _ => return None,
        };
        let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(answer.status);
        Some(Answer { status, ..answer })
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug())
    }
}

/// An answer before it becomes bytes.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub content: Content,
    /// The accounts it was asked for and tells of.
    pub about: Vec<Arc<Account>>,
    /// What `If-None-Match` may name to get a 304 instead.
    pub etag: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Content {
    // Boxed, since answers travel as errors too.
    Json(Box<Value>),
    Text { media: &'static str, text: String },
}

impl Answer {
    pub fn json(status: StatusCode, value: Value) -> Answer {
        Answer { status, headers: Vec::new(), content: Content::Json(Box::new(value)), about: Vec::new(), etag: None }
    }

    pub fn ok(value: Value) -> Answer {
        Answer::json(StatusCode::OK, value)
    }

    pub fn text(status: StatusCode, media: &'static str, text: impl Into<String>) -> Answer {
        let content = Content::Text { media, text: text.into() };
        Answer { status, headers: Vec::new(), content, about: Vec::new(), etag: None }
    }

    pub fn about(mut self, account: &Arc<Account>) -> Answer {
        self.about.push(account.clone());
        self
    }

    pub fn header(mut self, name: &'static str, value: impl std::fmt::Display) -> Answer {
        self.headers.push((HeaderName::from_static(name), value.to_string()));
        self
    }

    /// Whether one of its accounts has this handle or id.
    pub fn is_about(&self, platform: Platform, handle: &str) -> bool {
        self.account(platform, handle).is_some()
    }

    /// The account among those it is about with this handle or id.
    pub fn account(&self, platform: Platform, handle: &str) -> Option<&Arc<Account>> {
        let normal = ids::handle_of(platform, handle).ok();
        self.about.iter().find(|account| account.id == handle || Some(&account.handle) == normal.as_ref())
    }
}
