//! YouTube, by its Data API v3: public data with an API key; with a channel owner's consent the same without a key, and
//! the audience and the figures of days by the Analytics API v2.
//!
//! After developers.google.com/youtube/v3 "Channels", "PlaylistItems: list", "Videos: list", "Errors",
//! /youtube/data "determine_quota_cost", /youtube/analytics "Channel Reports" and "Metrics", /identity/protocols/oauth2
//! "Web server", "Limited-input device" and "Refresh token expiration", and the discovery documents of 2026-11-04,
//! all read on 2026-11-21.
//!
//! Limits: 10 000 units a project and day, until midnight in Los Angeles. Every list costs one: for 50 channels
//! by key 1 + 50 (uploads) + 15 (their videos), about 1.3 a channel; 3 for a channel requested with its own consent.
//! Of videos that are known to be over the counts alone are read again (`videos:batchGetStats`, 50 a call), in a bucket
//! of their own. Analytics counts apart.
//!
//! Oddities:
//! - `subscriberCount` is rounded down to three significant digits, for every caller.
//! - Counts are strings. Unknown ids are left out of the response, without an error.
//! - A channel without videos has no uploads playlist: 404 `playlistNotFound`.
//! - Since 2026-08-24 `viewCount` counts a play from its start, previews included: definition 1 of these numbers.
//!   Definition 0 counted only plays that lasted.
//! - Errors differ by `reason`; a bad key is a 400, a used-up quota a 403, or a 429 whose text names a limit per day.
//! - Announced broadcasts are in the uploads above the finished videos; a second page is read where they fill the first.
//! - Handles are in every script, some of one character; which there are is for YouTube to say.
//! - A consent is bound to the one channel that its owner chose. Google sends its refresh token once, at consent;
//!   renewals return none. It ends after 7 days while the app is in testing, after 6 months without use, and without
//!   notice when a hundred newer ones of the same owner live.
//! - A code for a device may request `youtube.readonly` only; the daemon requests the audience with that scope all the
//!   same. Device codes need an app of the type TVs and Limited Input devices, redirects one of another type: one app
//!   serves one of the two.
//! - The audience is who watched, not who subscribed. Google leaves out small channels' rows, and everything where no
//!   row is left. Since 2026-03-09 the youngest ages include viewers whom Google estimates to be under 18.
//! - Countries are those of views, not of viewers, the first 25; `ZZ` is where Google does not know it.
//! - Figures of days are of days in Los Angeles, 48 to 72 hours late: the newest are left out, without an error. They are
//!   corrected for about a week. Whole numbers arrive as 0.0 at times. A query that Analytics does not support is a 400.
//! - A day's views are what `viewCount` counts, with the same break, and for Shorts with one on 2025-03-31 before;
//!   `engagedViews` goes on with what was counted until 2026-08-24.
//! - Policy: what was read without the owner's consent may not be kept longer than 30 days; a consent must be
//!   checked again every 30 days, which each renewal does.

mod ask;
mod audience;
mod checks;
mod consent;
mod countries;
mod days;
mod lists;
mod own;
mod read;
mod refusal;
mod report;
mod scopes;
#[cfg(test)]
mod tests;
mod tokens;
mod uploads;
mod webhook;

use std::path::PathBuf;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::metric::Metric;
use roster_protocol::status::ApiAccess;
use roster_protocol::text::clean;
use serde::Deserialize;

use self::lists::Lists;
use super::consenting::Consenting;
use super::reading::{ADDRESS_CHARACTERS, handle_in_any_script, percent_decoded, profile_url};
use super::registry::{AppVariables, ConfigProblem, Configured, Entry, Section};
use super::webhook::Webhooks;
use super::{Account, HandleError, Keeping, Observed, Platform, PlatformInfo};
use crate::history::retention::Limits;
use crate::http_client::Api;
use crate::oauth::OAuthApp;
use crate::schedule::budget::{Budget, Place, Window};
use crate::secret::Secret;

const SLUG: &str = "youtube";

const INFO: PlatformInfo = PlatformInfo {
    slug: SLUG,
    name: "YouTube",
    short: "YT",
    handle_example: "@name",
    access: ApiAccess::Key,
    metrics: &[
        Metric::Followers,
        Metric::Posts,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
        Metric::AvgViews,
        Metric::AudienceMale,
        Metric::AudienceFemale,
    ],
    batch_limit: ask::IDS_A_CALL,
    is_batched: true,
    keeping: Keeping {
        limits: Limits { public: Some(30), consent: None, after_consent: Some(7) },
        source: "developers.google.com/youtube/terms/developer-policies, III.E.4",
    },
    budgets: &[UNITS, STATS],
    reports: Some(days::REPORTS),
};

/// What a Google Cloud project may spend a day; every list call costs one: of a batch the
/// channels' and the videos', and each channel's uploads. Analytics counts apart.
const UNITS: Budget = Budget {
    unit: "units",
    path: "/youtube/v3/",
    cost: 1,
    per_batch: 2,
    limit: Some(10_000),
    window: Window::Day(Place::LosAngeles),
    reserve: 10,
    is_optional: false,
};

/// Counts of videos that are known have a bucket of their own: a call for fifty of them is one of its calls, and no unit.
const STATS: Budget =
    Budget { unit: "stats calls", path: "/youtube/v3/videos:batchGetStats", per_batch: 0, is_optional: true, ..UNITS };

pub(super) const ENTRY: Entry = Entry {
    slug: SLUG,
    own_keys: &["api_key", "api_key_file"],
    defaults: &[],
    variables: Some(VARIABLES),
    from_config,
};

const VARIABLES: AppVariables =
    AppVariables { id: "GOOGLE_CLIENT_ID", secret: "GOOGLE_CLIENT_SECRET", redirect_uri: Some("YOUTUBE_REDIRECT_URI") };

#[derive(Deserialize)]
struct Config {
    api_key: Option<Secret>,
    api_key_file: Option<PathBuf>,
}

fn from_config(section: &Section<'_>) -> Result<Configured, ConfigProblem> {
    let Config { api_key, api_key_file } = section.read()?;
    let key = section.secret("api_key", None, api_key, api_key_file.as_deref())?;
    Ok(Configured::consenting(YouTube::new(key, section.app(scopes::SCOPES)?)))
}

/// Either is enough: the key for public data, the app for channels whose owners consented.
struct YouTube {
    key: Option<Secret>,
    app: Option<OAuthApp>,
    lists: Lists,
}

impl YouTube {
    fn new(key: Option<Secret>, app: Option<OAuthApp>) -> Self {
        Self { key, app, lists: Lists::default() }
    }
}

const NO_KEY: &str = "set api_key_file in [platforms.youtube] to a file with an API key of a Google Cloud project \
                      that has the YouTube Data API v3 switched on";

const NO_APP: &str = "set client_id and client_secret_file in [platforms.youtube] to those of an OAuth client of a \
                      Google Cloud project that has the YouTube Data API v3 and the YouTube Analytics API switched on";

impl Platform for YouTube {
    fn info(&self) -> &PlatformInfo {
        &INFO
    }

    fn lacks(&self) -> Option<String> {
        (self.key.is_none() && self.app.is_none()).then(|| NO_KEY.to_owned())
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
        async move {
            let (own, public): (Vec<&Account>, Vec<&Account>) =
                accounts.iter().partition(|account| account.access.is_some());
            let mut observed = ask::observe(api, self.key.as_ref(), &self.lists, &public).await;
            observed.extend(own::observe(api, &self.lists, &own).await);
            observed
        }
        .boxed()
    }
}

/// `@name` as it was typed, or a channel's id. In which case and script there is such a name is for YouTube to say.
fn canonical(text: &str) -> Result<String, HandleError> {
    let error =
        || HandleError("a YouTube handle looks like @name, a channel's id like UC… with 24 characters".to_owned());
    let text = clean(text, ADDRESS_CHARACTERS);
    let named = if text.contains('/') { from_url(&text)? } else { percent_decoded(&text) };
    if is_channel_id(&named) {
        return Ok(named);
    }
    let name = handle_in_any_script(named.strip_prefix('@').unwrap_or(&named)).ok_or_else(error)?;
    Ok(format!("@{name}"))
}

fn from_url(text: &str) -> Result<String, HandleError> {
    let hosts = ["www.youtube.com", "youtube.com", "m.youtube.com"];
    let (_, parts) = profile_url(text).filter(|(host, _)| hosts.contains(&host.as_str())).ok_or_else(|| {
        HandleError("this is no channel's URL: one looks like https://www.youtube.com/@name".to_owned())
    })?;
    match parts.as_slice() {
        [handle, ..] if handle.starts_with('@') => Ok(handle.clone()),
        [channel, id, ..] if channel == "channel" && is_channel_id(id) => Ok(id.clone()),
        _ => Err(HandleError("open the channel and take the @name that is shown below its title".to_owned())),
    }
}

fn is_channel_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == 24 && text.starts_with("UC") && text.bytes().all(plain)
}
