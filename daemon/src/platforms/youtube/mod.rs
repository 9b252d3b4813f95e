//! YouTube, by its Data API v3 and an API key: what everyone may see.
//!
//! After developers.google.com/youtube/v3 "Channels", "PlaylistItems: list", "Videos: list", "Errors" and
//! /youtube/data "determine_quota_cost", and the discovery document of 2026-11-04, all read on 2026-11-21.
//!
//! Limits: 10 000 units a project and day, until midnight in Los Angeles. Every call here costs one: for 50 channels
//! 1 + 50 (uploads) + 15 (their videos), about 1.3 a channel.
//!
//! Oddities:
//! - `subscriberCount` is rounded down to three significant digits, for everybody.
//! - Counts are strings. Unknown ids are left out of the answer, without an error.
//! - A channel without videos has no uploads playlist: 404 `playlistNotFound`.
//! - Since 2026-08-24 `viewCount` counts a play from its start, previews included: definition 1 of these numbers.
//!   Definition 0 counted only plays that lasted.
//! - Errors are told apart by `reason`; a bad key is a 400, a used-up quota a 403.
//! - Policy: what was read without the owner's consent may not be kept longer than 30 days.

mod ask;
mod read;
mod refusal;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::metric::Metric;
use roster_protocol::status::ApiAccess;
use roster_protocol::text::clean;
use serde::Deserialize;

use super::reading::profile_url;
use super::registry::{ConfigProblem, Configured, Entry, read_secret, read_section};
use super::{Account, HandleError, Observed, Platform, PlatformError, PlatformInfo};
use crate::http_client::{Api, Secret};

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
    ],
    batch_limit: ask::IDS_A_CALL,
};

pub(super) const ENTRY: Entry = Entry { slug: SLUG, keys: KEYS, from_config };

const KEYS: &[&str] = &["enabled", "gateway", "api_key", "api_key_file"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    enabled: Option<bool>,
    gateway: Option<String>,
    api_key: Option<Secret>,
    api_key_file: Option<PathBuf>,
}

fn from_config(table: &toml::Table) -> Result<Configured, ConfigProblem> {
    let Config { enabled, gateway, api_key, api_key_file } = read_section(SLUG, KEYS, table)?;
    let key = read_secret(SLUG, "api_key", api_key, api_key_file.as_deref())?;
    let platform = Arc::new(YouTube { key });
    Ok(Configured { platform, enabled: enabled.unwrap_or(true), gateway, api_url: None, private_hosts: Vec::new() })
}

struct YouTube {
    key: Option<Secret>,
}

const NO_KEY: &str = "set api_key_file in [platforms.youtube] to a file with an API key of a Google Cloud project \
                      that has the YouTube Data API v3 switched on";

impl Platform for YouTube {
    fn info(&self) -> &PlatformInfo {
        &INFO
    }

    fn lacks(&self) -> Option<String> {
        self.key.is_none().then(|| NO_KEY.to_owned())
    }

    fn canonical(&self, handle: &str) -> Result<String, HandleError> {
        canonical(handle)
    }

    fn observe<'a>(&'a self, api: &'a Api, accounts: &'a [Account]) -> BoxFuture<'a, Observed> {
        async move {
            match &self.key {
                Some(key) => ask::observe(api, key, accounts).await,
                None => {
                    let error = || PlatformError::Unconfigured { what: NO_KEY.to_owned() };
                    accounts.iter().map(|account| (account.connection, Err(error()))).collect()
                }
            }
        }
        .boxed()
    }
}

/// `@name` in lower case, or a channel's id.
fn canonical(text: &str) -> Result<String, HandleError> {
    let error =
        || HandleError("a YouTube handle looks like @name, a channel's id like UC… with 24 characters".to_owned());
    let text = clean(text, 300);
    let named = if text.contains('/') { from_url(&text)? } else { text };
    if is_channel_id(&named) {
        return Ok(named);
    }
    let name = named.strip_prefix('@').unwrap_or(&named).to_lowercase();
    let allowed = |c: char| c.is_alphanumeric() || "_-.·".contains(c);
    if (3..=30).contains(&name.chars().count()) && name.chars().all(allowed) {
        return Ok(format!("@{name}"));
    }
    Err(error())
}

fn from_url(text: &str) -> Result<String, HandleError> {
    let hosts = ["www.youtube.com", "youtube.com", "m.youtube.com"];
    let (_, parts) = profile_url(text).filter(|(host, _)| hosts.contains(&host.as_str())).ok_or_else(|| {
        HandleError("this is no channel's URL: one looks like https://www.youtube.com/@name".to_owned())
    })?;
    match parts.as_slice() {
        [handle, ..] if handle.starts_with('@') => Ok(handle.clone()),
        [channel, id, ..] if channel == "channel" && is_channel_id(id) => Ok(id.clone()),
        _ => Err(HandleError("open the channel and take the @name that stands below its title".to_owned())),
    }
}

fn is_channel_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == 24 && text.starts_with("UC") && text.bytes().all(plain)
}
