//! Instagram, by its API for professional accounts: what an account's owner lets us see, and with Facebook Login what
//! any professional account shows to any of these owners.
//!
//! After developers.facebook.com /docs/instagram-platform "Business Login", "Get Started", "IG User", "IG User:
//! Insights", "IG Media", "IG Media: Insights", "Business Discovery", and /docs/graph-api "Rate Limiting" and "Error
//! Handling", read on 2026-11-21.
//!
//! Limits: 4800 requests a rolling day times the impressions of the account; looking others up counts against the
//! app, 200 a user and hour. An account costs 3: its profile, its newest posts with their insights, its audience; where
//! the list refuses insights for one of its posts, 12 more, and it is requested with them again a day later. Once a day
//! an account costs up to 9 more: reach of days (the first time 3, back to three months ago), who followed and who left
//! on each of the newest seven days, and countries. Headers report the usage; see `graph`.
//!
//! Oddities:
//! - There are two logins with two apps, two hosts and two kinds of tokens: by Facebook (the account must be linked to
//!   a Page; others can be looked up) and by Instagram (no Page, no looking up).
//! - Personal accounts report nothing to any client. Below 100 followers there is no audience.
//! - `id` and `user_id` at Instagram's login are two ids: of the person within the app, and of the account. The latter
//!   is the one that Facebook's login and webhooks name. It may be a number, and responses are in a list or bare.
//! - A like count that its owner hides is absent, or below 0. Counts are organic only. Their time has no colon in its
//!   offset.
//! - Only each post's insights report views, 48 hours late at most; of others, for reels only. Reach and reposts are
//!   reported by insights alone.
//! - Insights refuse all metrics for one that is unknown, or that this post does not have. Of a story error 10 says
//!   that too few have seen it; of anything else that a permission is missing. Posts from before the account was a
//!   professional one have no insights, ever.
//! - The audience is counted in accounts, at most 45 rows: its shares are of what is reported, not of all followers.
//! - Days are Pacific days. Only reach is reported as a series, at most 30 days in a response and 90 back; all else is a
//!   total of what was requested. Who followed and who left is a day later than the rest, and needs 100 followers.
//! - The long-lived token of Instagram's login renews itself from its second day on; after 60 days it has expired.
//!
//! Definition 0 of these numbers: followers, following and posts are `followers_count`, `follows_count` and
//! `media_count`; likes and comments `like_count` and `comments_count`; views the insight `views`, which is not the
//! `impressions` or `plays` of before 2025; reach and reposts the insights `reach` and `reposts`; engagements likes,
//! comments, shares and saves, and no reposts. Stories do not count.
//! Definition 1, of accounts that are looked up or whose owner allows no insights: engagements are likes and comments.

mod ask;
mod audience;
mod consent;
mod days;
mod discovery;
mod follows;
mod login;
mod people;
mod posts;
mod read;
mod scopes;
#[cfg(test)]
mod tests;
mod webhook;

use std::path::PathBuf;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::metric::Metric;
use roster_protocol::status::ApiAccess;
use roster_protocol::text::clean;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use super::consenting::Consenting;
use super::graph::{self, NEWEST, Refusals, read_version};
use super::reading::profile_url;
use super::registry::{AppVariables, ConfigProblem, Configured, Entry, Section};
use super::webhook::Webhooks;
use super::{Account, HandleError, Keeping, Observed, Platform, PlatformInfo};
use crate::http_client::Api;
use crate::oauth::OAuthApp;
use crate::secret::Secret;

const SLUG: &str = "instagram";
const NAME: &str = "Instagram";

const INFO: PlatformInfo = PlatformInfo {
    slug: SLUG,
    name: NAME,
    short: "IG",
    handle_example: "name",
    access: ApiAccess::Consent,
    metrics: &[
        Metric::Followers,
        Metric::Following,
        Metric::Posts,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
        Metric::AvgViews,
        Metric::AudienceMale,
        Metric::AudienceFemale,
        Metric::AvgReach,
        Metric::AvgReposts,
    ],
    batch_limit: 20,
    is_batched: false,
    keeping: Keeping::UNLIMITED,
    budgets: graph::BUDGETS,
    reports: Some(days::REPORTS),
};

pub(super) const ENTRY: Entry = Entry {
    slug: SLUG,
    own_keys: &["config_id", "login", "verify_token", "verify_token_file", "version"],
    defaults: &[("login", "facebook"), ("version", NEWEST)],
    variables: Some(VARIABLES),
    from_config,
};

const VARIABLES: AppVariables = AppVariables {
    id: "INSTAGRAM_APP_ID",
    secret: "INSTAGRAM_APP_SECRET",
    redirect_uri: Some("INSTAGRAM_REDIRECT_URI"),
};

#[derive(Deserialize)]
struct Config {
    login: Option<String>,
    version: Option<String>,
    verify_token: Option<Secret>,
    verify_token_file: Option<PathBuf>,
}

/// Where users sign in, which decides on hosts, tokens and what can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Login {
    Facebook,
    Instagram,
}

fn from_config(section: &Section<'_>) -> Result<Configured, ConfigProblem> {
    let config: Config = section.read()?;
    let login = config.login.as_deref().map_or(Ok(Login::Facebook), login)?;
    let scopes = match login {
        Login::Facebook => scopes::SCOPES,
        Login::Instagram => scopes::LOGIN_SCOPES,
    };
    let app = section.app(scopes)?;
    if login == Login::Instagram && app.as_ref().is_some_and(|app| app.config_id.is_some()) {
        return Err(section.problem("config_id", "is for login = facebook only"));
    }
    Ok(Configured::consenting(Instagram {
        app,
        login,
        version: read_version(SLUG, config.version)?,
        refusals: Refusals::default(),
        verify_token: section.secret("verify_token", None, config.verify_token, config.verify_token_file.as_deref())?,
    }))
}

fn login(text: &str) -> Result<Login, ConfigProblem> {
    Login::deserialize(IntoDeserializer::<Error>::into_deserializer(text))
        .map_err(|_| ConfigProblem::of(SLUG, "login", "is facebook or instagram"))
}

struct Instagram {
    app: Option<OAuthApp>,
    login: Login,
    version: String,
    refusals: Refusals,
    /// What the operator entered at Meta beside the address of notifications.
    verify_token: Option<Secret>,
}

const NO_APP: &str = "set client_id and client_secret_file in [platforms.instagram] to those of a Meta app that has \
                      the Instagram API, or with login = instagram to those of its Instagram app";

impl Platform for Instagram {
    fn info(&self) -> &PlatformInfo {
        &INFO
    }

    fn lacks(&self) -> Option<String> {
        self.app.is_none().then(|| NO_APP.to_owned())
    }

    fn consenting(&self) -> Option<&dyn Consenting> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }

    fn canonical(&self, handle: &str) -> Result<String, HandleError> {
        canonical(handle)
    }

    fn observe<'a>(&'a self, api: &'a Api, accounts: &'a [Account]) -> BoxFuture<'a, Observed> {
        ask::observe(self, api, accounts).boxed()
    }
}

/// A name in lower case, without `@`.
fn canonical(text: &str) -> Result<String, HandleError> {
    let text = clean(text, 300);
    let named = if text.contains('/') { from_url(&text)? } else { text };
    let name = named.strip_prefix('@').unwrap_or(&named);
    if is_name(name) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(HandleError("an Instagram name looks like name.of_2: letters, digits, _ and .".to_owned()))
}

fn from_url(text: &str) -> Result<String, HandleError> {
    // Posts and pages of the site; none of these can be a name.
    const OTHERS: [&str; 7] = ["p", "reel", "reels", "tv", "explore", "stories", "accounts"];
    let error = || HandleError("an Instagram profile looks like https://www.instagram.com/name".to_owned());
    let hosts = ["www.instagram.com", "instagram.com", "m.instagram.com"];
    let (_, parts) = profile_url(text).filter(|(host, _)| hosts.contains(&host.as_str())).ok_or_else(error)?;
    parts.first().filter(|part| !OTHERS.contains(&part.as_str())).cloned().ok_or_else(error)
}

/// Up to 30 letters, digits, underscores and dots, without a dot at either end. Nothing else may enter a field
/// expression.
fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    plain && (1..=30).contains(&text.len()) && !text.starts_with('.') && !text.ends_with('.')
}
