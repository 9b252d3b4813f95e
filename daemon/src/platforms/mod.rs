//! The platforms Roster can read: one folder and one line in [`all`] each.
//!
//! A platform module sends requests and reads the responses. It does not store, schedule, retry or decide: it returns
//! what the platform reported, and a [`PlatformError`] says what should be done next.

mod batch;
mod bluesky;
pub mod consenting;
mod count;
mod facebook;
mod graph;
mod instagram;
mod mastodon;
mod reading;
mod registry;
#[cfg(test)]
mod tests;
mod tiktok;
mod together;
pub mod webhook;
mod youtube;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use roster_protocol::connection::ReadWith;
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::{Metric, Numbers};
use roster_protocol::reported::{Audience, Break, DayMetric, DayTerms, FigureTerms, ReportedDay};
use roster_protocol::status::ApiAccess;
use roster_protocol::time::Date;

use crate::history::retention::Limits;
use crate::http_client::Api;
use crate::schedule::budget::Budget;
use consenting::{Access, Consenting};
pub use registry::{
    ConfigProblem, Configured, Entry, Registered, Section, credential_name, known_keys, providers, register, slugs,
};
use webhook::Webhooks;

/// Every platform: one line each, in the order in which they are listed.
pub fn all() -> &'static [Entry] {
    &[bluesky::ENTRY, facebook::ENTRY, instagram::ENTRY, mastodon::ENTRY, tiktok::ENTRY, youtube::ENTRY]
}

/// Who a platform is and which metrics it reports.
#[derive(Clone, Copy, Debug)]
pub struct PlatformInfo {
    /// The stable slug, such as `youtube`.
    pub slug: &'static str,
    /// The name for users.
    pub name: &'static str,
    /// Two letters for narrow columns.
    pub short: &'static str,
    /// How a handle looks, for hints.
    pub handle_example: &'static str,
    pub access: ApiAccess,
    /// The metrics that it reports at all; everything else is always `None`.
    pub metrics: &'static [Metric],
    /// The most accounts one [`Platform::observe`] takes.
    pub batch_limit: usize,
    /// Whether it reports many accounts in one request.
    pub is_batched: bool,
    pub keeping: Keeping,
    /// Its limits; none where it publishes and reports none.
    pub budgets: &'static [Budget],
    /// What it reports of days that are over; `None`: nothing.
    pub reports: Option<Reports>,
}

/// What a platform reports of days that are over, to the owner of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reports {
    /// The zone whose days they are, by its IANA name.
    pub zone: &'static str,
    pub figures: &'static [Figure],
    /// Days from which a figure counts something else, the oldest first.
    pub breaks: &'static [FigureBreak],
}

/// A figure of days: what the platform calls it, and what that counts, in a sentence without an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    pub metric: DayMetric,
    pub source: &'static str,
    pub definition: &'static str,
    /// How coarsely it is reported: 1 is exact.
    pub step: u64,
}

/// A day, in ISO form, from which on a figure counts something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FigureBreak {
    pub metric: DayMetric,
    pub from: &'static str,
    pub what: &'static str,
}

impl Reports {
    /// The same as clients see it.
    pub fn terms(&self) -> DayTerms {
        let figure = |it: &Figure| FigureTerms {
            metric: it.metric,
            source: it.source.to_owned(),
            definition: it.definition.to_owned(),
            step: it.step,
        };
        let of_day =
            |it: &FigureBreak| Some(Break { metric: it.metric, from: it.from.parse().ok()?, what: it.what.to_owned() });
        DayTerms {
            zone: self.zone.to_owned(),
            figures: self.figures.iter().map(figure).collect(),
            breaks: self.breaks.iter().filter_map(of_day).collect(),
        }
    }
}

/// What a platform's terms say about how long its numbers may be kept. Config can say otherwise, with a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    pub limits: Limits,
    /// Where the terms say so; empty where they say nothing.
    pub source: &'static str,
}

impl Keeping {
    /// The terms give no number of days.
    pub const UNLIMITED: Keeping =
        Keeping { limits: Limits { public: None, consent: None, after_consent: None }, source: "" };
}

/// One account to request.
#[derive(Clone, Debug)]
pub struct Account {
    pub connection: ConnectionId,
    /// Canonical.
    pub handle: String,
    /// The platform's own id. Requests use it when it is known, because handles change.
    pub platform_user_id: Option<String>,
    /// What the owner's consent allows requests to carry; `None` for public data. With access and without an id, the
    /// request looks another account up by its handle.
    pub access: Option<Access>,
    /// The first day whose figures are wanted, in the platform's zone; `None`: none are wanted now.
    pub days_from: Option<Date>,
}

/// What a platform has just reported about one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The platform's own id, clean.
    pub platform_user_id: String,
    /// The id it had until now, where the platform says that both are the same account.
    pub former_user_id: Option<String>,
    /// The handle it has now, canonical and clean.
    pub handle: String,
    /// The name it shows, clean.
    pub display_name: Option<String>,
    pub numbers: Numbers,
    /// The count's step: 100 means that the platform reports followers in hundreds. `None`: exact or unknown.
    pub followers_step: Option<u64>,
    /// Which of the platform's definitions the numbers follow; starts at 0, one more for each break.
    pub definition: u16,
    /// Whether the owner's consent was needed for it.
    pub read_with: ReadWith,
    /// The figures of days that are over, in any order; `None` where they were not wanted or could not be read.
    pub days: Option<Vec<ReportedDay>>,
    /// Who its audience is; `None` where that was not read.
    pub audience: Option<Audience>,
    /// What could not be requested this time, in sentences: the run is partial. What is hidden is not missing.
    pub missing: Vec<String>,
    /// The metrics that the platform refused by name: as if it did not know them, or as if a permission were missing.
    pub refused: Vec<Metric>,
}

/// Why nothing was learned of an account, by what is done next. Texts are clean and hold no URL, key or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// Ask the owner for consent again.
    #[error("{what}")]
    Unauthorized { what: String },
    /// Ask the owner for consent with this scope.
    #[error("the scope {scope} is missing")]
    MissingScope { scope: String },
    /// Send the request later; `None`: the platform did not say when.
    #[error("the platform limits how often requests may be sent")]
    RateLimited { retry_after: Option<Duration>, of: Limit },
    /// The platform sends no response, or says that it cannot.
    #[error("{what}")]
    Unavailable { what: String },
    /// Nothing could be reached from here: no DNS, no route, no proxy.
    #[error("{what}")]
    Network { what: String },
    /// No such account, suspended, deactivated.
    #[error("{what}")]
    AccountGone { what: String },
    /// Its server shows accounts to its own users only; no consent of an owner opens it.
    #[error("{what}")]
    Closed { what: String },
    /// Its owner goes on with another account; `to` is its handle, clean, when the platform reports it.
    #[error("moved to {}", to.as_deref().unwrap_or("another account"))]
    Moved { to: Option<String> },
    /// The operator must complete the config.
    #[error("{what}")]
    Unconfigured { what: String },
    /// The response is not understood: the platform changed, or another server sent it.
    #[error("{what}")]
    Unexpected { what: String },
}

/// Whose limit is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The app's, or this host's: all accounts of the lane wait.
    Lane,
    /// This account's own: the others are requested.
    Account,
    /// The app's as far as the gate knows it: the platform has not refused anything.
    Gate,
}

/// A text that is no handle of the platform. The message says how one looks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HandleError(pub String);

/// Results in no particular order; each account of the request has exactly one.
pub type Observed = Vec<(ConnectionId, Result<Observation, PlatformError>)>;

/// Platforms by slug.
pub type Platforms = BTreeMap<String, Arc<Registered>>;

/// A platform: who it is, how to send requests, how to read responses.
pub trait Platform: Send + Sync {
    fn info(&self) -> &PlatformInfo;

    /// What the operator must still set, in a sentence; `None` when requests can be sent.
    fn lacks(&self) -> Option<String>;

    /// What owners' consents open; `None` where everything is public.
    fn consenting(&self) -> Option<&dyn Consenting> {
        None
    }

    /// What it sends to us; `None` where it sends nothing.
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        None
    }

    /// The canonical form of a handle or a profile's URL.
    ///
    /// # Errors
    /// When it is neither; the message shows how one looks.
    fn canonical(&self, handle: &str) -> Result<String, HandleError>;

    /// Accounts of one group share limits and outages, and are requested together: an instance, for example.
    /// Empty where the platform is one.
    fn group(&self, handle: &str) -> String {
        let _ = handle;
        String::new()
    }

    /// Requests up to `batch_limit` accounts of one group.
    /// A bad response spoils one account; a failure of the batch is the failure of each account.
    fn observe<'a>(&'a self, api: &'a Api, accounts: &'a [Account]) -> BoxFuture<'a, Observed>;
}
