//! Facebook, by its Graph API: Pages on which the person who consented has a role.
//!
//! After developers.facebook.com /docs/pages-api "Page", "Page Post", "Insights", "Deprecated Metrics", and
//! /docs/graph-api "Rate Limiting" and "Error Handling", read on 2026-11-21.
//!
//! Limits: with a Page's token 4800 requests a rolling day times the users engaged with it. A Page costs 2: its
//! profile, and its newest posts with their counts, views and reach in one response; where the list refuses these for one
//! of its posts, 12 more, and it is requested with them again a day later. Once a day a Page costs 2 more, its figures of
//! days and its countries; the first time up to 9, back to two years ago. Headers report the usage; see `graph`.
//!
//! Oddities:
//! - Personal profiles report followers to no client, and other owners' Pages need a feature that Meta grants apart.
//! - A Page is requested with its own token, derived from the person's: it does not expire, and ends with the role.
//! - What the app is not approved for is silently not granted to users without a role on it.
//! - Without `pages_read_user_content` a list that includes sums of reactions or comments is refused whole, although
//!   the refusal names another permission: then it is requested without them.
//! - Without `read_insights` Meta returns an empty list of metrics, and so it does below 100 likes.
//! - `shares` is absent where no user shared; a sum that is absent is one that was not allowed.
//! - Pages follow no accounts, count no posts, and report neither age nor gender of those who follow.
//! - Figures of days are Pacific days, renewed once a day, at most 90 in a response and two years back. A small Page
//!   refuses some of them with code 200 although all was allowed; one refused name fails all names.
//! - Pages with few followers refuse `post_total_media_view_unique` of posts with code 200 although all was allowed: then
//!   posts are requested without it for a day, and it is unknown.
//! - Countries are refused by some Pages and empty for others: they are requested alone.
//! - "Please reduce the amount of data" is a 500 with code 1: half as many posts are requested then.
//!
//! Definition 0 of these numbers: followers are `followers_count`, which is not `fan_count`; likes all reactions; views
//! the insight `post_media_view`, which is not the `post_impressions` of before 2025-11-15; reach the insight
//! `post_total_media_view_unique`, which is not the `post_impressions_unique` of before 2026-06-15.

mod ask;
mod consent;
mod countries;
mod days;
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
use url::form_urlencoded;

use super::consenting::Consenting;
use super::graph::{self, NEWEST, Refusals, read_version};
use super::reading::profile_url;
use super::registry::{AppVariables, ConfigProblem, Configured, Entry, Section};
use super::webhook::Webhooks;
use super::{Account, HandleError, Keeping, Observed, Platform, PlatformInfo};
use crate::http_client::Api;
use crate::oauth::OAuthApp;
use crate::secret::Secret;

const SLUG: &str = "facebook";
const NAME: &str = "Facebook";

const INFO: PlatformInfo = PlatformInfo {
    slug: SLUG,
    name: NAME,
    short: "FB",
    handle_example: "page.name",
    access: ApiAccess::Consent,
    metrics: &[
        Metric::Followers,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
        Metric::AvgViews,
        Metric::AvgReach,
    ],
    batch_limit: 20,
    is_batched: false,
    keeping: Keeping::UNLIMITED,
    budgets: graph::BUDGETS,
    reports: Some(days::REPORTS),
};

pub(super) const ENTRY: Entry = Entry {
    slug: SLUG,
    own_keys: &["config_id", "verify_token", "verify_token_file", "version"],
    defaults: &[("version", NEWEST)],
    variables: Some(VARIABLES),
    from_config,
};

const VARIABLES: AppVariables =
    AppVariables { id: "FACEBOOK_APP_ID", secret: "FACEBOOK_APP_SECRET", redirect_uri: Some("FACEBOOK_REDIRECT_URI") };

#[derive(Deserialize)]
struct Config {
    version: Option<String>,
    verify_token: Option<Secret>,
    verify_token_file: Option<PathBuf>,
}

fn from_config(section: &Section<'_>) -> Result<Configured, ConfigProblem> {
    let Config { version, verify_token, verify_token_file } = section.read()?;
    Ok(Configured::consenting(Facebook {
        app: section.app(scopes::SCOPES)?,
        version: read_version(SLUG, version)?,
        refusals: Refusals::default(),
        verify_token: section.secret("verify_token", None, verify_token, verify_token_file.as_deref())?,
    }))
}

struct Facebook {
    app: Option<OAuthApp>,
    version: String,
    refusals: Refusals,
    /// What the operator entered at Meta beside the address of notifications.
    verify_token: Option<Secret>,
}

const NO_APP: &str = "set client_id and client_secret_file in [platforms.facebook] to those of a Meta app that has \
                      Facebook Login and the Pages API";

impl Platform for Facebook {
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

/// A Page's name in lower case, or its id where it has none.
fn canonical(text: &str) -> Result<String, HandleError> {
    let text = clean(text, 300);
    let named = if text.contains('/') { from_url(&text)? } else { text };
    let name = named.strip_prefix('@').unwrap_or(&named);
    if is_name(name) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(HandleError("a Facebook Page looks like page.name, or is a number: its id".to_owned()))
}

fn from_url(text: &str) -> Result<String, HandleError> {
    // Sections of the site; none of these can be a name.
    const OTHERS: [&str; 6] = ["groups", "events", "watch", "marketplace", "share", "reel"];
    let error = || HandleError("a Facebook Page looks like https://www.facebook.com/page.name".to_owned());
    let hosts = ["www.facebook.com", "facebook.com", "m.facebook.com", "web.facebook.com", "fb.com"];
    let (_, parts) = profile_url(text).filter(|(host, _)| hosts.contains(&host.as_str())).ok_or_else(error)?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let named = match parts.as_slice() {
        ["profile.php", ..] => id_in_query(text),
        ["pages" | "people" | "pg", _, id, ..] if is_id(id) => Some((*id).to_owned()),
        ["pg", name, ..] => Some((*name).to_owned()),
        ["p", named, ..] => named.rsplit('-').next().filter(|id| is_id(id)).map(str::to_owned),
        [name, ..] if !OTHERS.contains(name) && !["pages", "people"].contains(name) => Some((*name).to_owned()),
        _ => None,
    };
    named.ok_or_else(error)
}

fn id_in_query(text: &str) -> Option<String> {
    let (_, query) = text.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, id)| name == "id" && is_id(id)).map(|(_, id)| id.into_owned())
}

fn is_id(text: &str) -> bool {
    (5..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Up to 50 letters, digits and dots, or an id.
fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    plain && (3..=50).contains(&text.len()) && !text.starts_with('.') && !text.ends_with('.')
}
