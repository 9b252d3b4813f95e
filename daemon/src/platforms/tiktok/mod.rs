//! TikTok: what an account's owner lets us see, by the Display API or, with `api = "accounts"`, by the Accounts API, which
//! is another one with another app: see [`accounts`]. Here is the Display API, and what both share.
//!
//! After developers.tiktok.com "Login Kit for Web", "Login Kit for Desktop", "OAuth User Access Token Management",
//! "Get User Info", "List Videos", "Video Object", "API v2 Rate Limits" and "Error Handling", read on 2026-11-21.
//!
//! Limits: 600 requests a minute and endpoint, sliding. Over it 429 without headers: the daemon waits a minute or more.
//! Each account costs two requests: its profile, and its newest videos.
//!
//! Oddities:
//! - The PKCE challenge is called S256 and is hexadecimal. Scopes are parted by commas. An app's id is its client key.
//! - The token endpoint refuses with HTTP 200. `error` is nothing, a text, or an object whose `code` is `ok`.
//! - Lifetimes differ between pages of the documentation (2 h and 180 days, 24 h and 365 days): only the response's
//!   own count. Each renewal ends the refresh token before it, and may not move the day on which all ends.
//! - Owners may untick scopes, and one field beyond them fails the whole request.
//! - `open_id` is the person within one app: another app sees another one.
//! - Without `disable_auto_auth` the consent page connects the account of last time again, without asking its owner.
//! - Pages of videos may be short, even empty, while more follow. Saves and reach are not reported.

mod accounts;
mod ask;
mod consent;
mod pages;
mod read;
mod scopes;
#[cfg(test)]
mod tests;
mod tokens;
mod webhook;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::metric::Metric;
use roster_protocol::status::ApiAccess;
use roster_protocol::text::clean;
use serde::Deserialize;

use self::accounts::Accounts;
use super::consenting::Consenting;
use super::reading::{ADDRESS_CHARACTERS, handle_in_any_script, percent_decoded, plain_id, profile_url};
use super::registry::{AppVariables, ConfigProblem, Configured, Entry, Section};
use super::webhook::Webhooks;
use super::{Account, HandleError, Keeping, Observed, Platform, PlatformInfo};
use crate::history::retention::Limits;
use crate::http_client::Api;
use crate::oauth::OAuthApp;
use crate::schedule::budget::{Budget, Window};

const SLUG: &str = "tiktok";
const NAME: &str = "TikTok";

const INFO: PlatformInfo = PlatformInfo {
    slug: SLUG,
    name: NAME,
    short: "TT",
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
    ],
    batch_limit: 20,
    is_batched: false,
    keeping: Keeping {
        // No number of days: kept while the consent lasts.
        limits: Limits { public: None, consent: None, after_consent: Some(0) },
        source: "TikTok's developer terms and data sharing agreement of 2026-01-22",
    },
    budgets: &[minute("user.info requests", "/v2/user/info/"), minute("video.list requests", "/v2/video/list/")],
    reports: None,
};

/// 600 requests in a sliding minute for each endpoint ("Rate limits").
const fn minute(unit: &'static str, path: &'static str) -> Budget {
    Budget {
        unit,
        path,
        cost: 1,
        per_batch: 0,
        limit: Some(600),
        window: Window::Last(60),
        reserve: 10,
        is_optional: false,
    }
}

pub(super) const ENTRY: Entry = Entry {
    slug: SLUG,
    own_keys: &["api", "client_key"],
    defaults: &[("api", "display")],
    variables: Some(VARIABLES),
    from_config,
};

const VARIABLES: AppVariables =
    AppVariables { id: "TIKTOK_CLIENT_KEY", secret: "TIKTOK_CLIENT_SECRET", redirect_uri: Some("TIKTOK_REDIRECT_URI") };

#[derive(Deserialize)]
struct Config {
    api: Option<String>,
}

fn from_config(section: &Section<'_>) -> Result<Configured, ConfigProblem> {
    if ["client_id", "client_key"].iter().all(|key| section.table.contains_key(*key)) {
        return Err(section.problem("client_key", "is another word for client_id: set one of both"));
    }
    let Config { api } = section.read()?;
    match api.as_deref() {
        None | Some("display") => Ok(Configured::consenting(TikTok { app: section.app(scopes::SCOPES)? })),
        Some("accounts") => Ok(Configured::consenting(Accounts { app: section.app(accounts::scopes::SCOPES)? })),
        Some(_) => Err(section.problem("api", "is display or accounts")),
    }
}

struct TikTok {
    app: Option<OAuthApp>,
}

const NO_APP: &str = "set client_id (the client key) and client_secret_file in [platforms.tiktok] to those of an app \
                      at developers.tiktok.com that has Login Kit and the Display API";

impl Platform for TikTok {
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

/// A name in lower case without `@`, or the id of a person whose name was never reported.
fn canonical(text: &str) -> Result<String, HandleError> {
    let text = clean(text, ADDRESS_CHARACTERS);
    let named = if text.contains('/') { from_url(&text)? } else { percent_decoded(&text) };
    let name = named.strip_prefix('@').unwrap_or(&named);
    if is_open_id(name) {
        return Ok(name.to_owned());
    }
    let name = handle_in_any_script(name).filter(|name| is_name(name));
    let name =
        name.ok_or_else(|| HandleError("a TikTok name looks like name.of_2: letters, digits, _ and .".to_owned()))?;
    Ok(name.to_ascii_lowercase())
}

fn from_url(text: &str) -> Result<String, HandleError> {
    let error = || HandleError("a TikTok profile looks like https://www.tiktok.com/@name".to_owned());
    let hosts = ["www.tiktok.com", "tiktok.com", "m.tiktok.com"];
    let (_, parts) = profile_url(text).filter(|(host, _)| hosts.contains(&host.as_str())).ok_or_else(error)?;
    parts.first().filter(|part| part.starts_with('@')).cloned().ok_or_else(error)
}

/// Up to 24 letters of any script, with digits, underscores and dots, the last of them no dot.
fn is_name(text: &str) -> bool {
    let odd = |c: char| c.is_ascii_punctuation() && !"_.".contains(c);
    !text.contains(odd) && !text.ends_with('.') && (!text.is_ascii() || (2..=24).contains(&text.len()))
}

/// Longer than any name, so that the two cannot be confused.
fn is_open_id(text: &str) -> bool {
    text.len() > 24 && plain_id(text).is_some()
}
