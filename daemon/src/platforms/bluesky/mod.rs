//! Bluesky, or any AppView of the AT Protocol.
//!
//! After the lexicons `app.bsky.actor.getProfile(s)` and `app.bsky.feed.getAuthorFeed` and
//! docs.bsky.app "Rate Limits", all read on 2026-11-21, and responses of the real AppView on a local network that day.
//!
//! Limits: 25 profiles a call; the AppView publishes no rate, so four calls at once and no more than needed.
//!
//! Oddities:
//! - An account is its DID; the handle changes. `getProfiles` leaves out unknown, deactivated and suspended accounts
//!   without saying so: `getProfile` says why.
//! - One suspended account can fail `getProfiles` with 500 for all that are requested with it.
//! - Counts are optional. `postsCount` counts replies too. There are no views anywhere.
//! - The feed holds reposts of others. The author's client sets a post's `createdAt`, which may be in the future.
//! - The public host responds from a cache that is some seconds old.

mod ask;
mod read;
#[cfg(test)]
mod tests;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::metric::Metric;
use roster_protocol::status::ApiAccess;
use roster_protocol::text::clean;
use serde::Deserialize;
use url::Url;

use super::batch::window_budget;
use super::reading::{ADDRESS_CHARACTERS, handle_in_any_script, plain_id, profile_url};
use super::registry::{ConfigProblem, Configured, Entry, Section};
use super::{Account, HandleError, Keeping, Observed, Platform, PlatformInfo};
use crate::http_client::Api;

const SLUG: &str = "bluesky";

const INFO: PlatformInfo = PlatformInfo {
    slug: SLUG,
    name: "Bluesky",
    short: "BL",
    handle_example: "name.bsky.social",
    access: ApiAccess::Public,
    metrics: &[
        Metric::Followers,
        Metric::Following,
        Metric::Posts,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
    ],
    batch_limit: ask::PROFILES_A_CALL,
    is_batched: true,
    keeping: Keeping::UNLIMITED,
    budgets: &[window_budget("/xrpc/")],
    reports: None,
};

pub(super) const ENTRY: Entry =
    Entry { slug: SLUG, own_keys: &["api_url"], defaults: &[], variables: None, from_config };

#[derive(Deserialize)]
struct Config {
    /// Another AppView, which receives requests directly.
    api_url: Option<String>,
}

fn from_config(section: &Section<'_>) -> Result<Configured, ConfigProblem> {
    let Config { api_url } = section.read()?;
    Ok(Configured { api_url, ..Configured::of(Bluesky) })
}

struct Bluesky;

impl Platform for Bluesky {
    fn info(&self) -> &PlatformInfo {
        &INFO
    }

    fn lacks(&self) -> Option<String> {
        None
    }

    fn canonical(&self, handle: &str) -> Result<String, HandleError> {
        canonical(handle)
    }

    fn observe<'a>(&'a self, api: &'a Api, accounts: &'a [Account]) -> BoxFuture<'a, Observed> {
        ask::observe(api, accounts).boxed()
    }
}

/// A handle in lower case without `@`, or a DID.
fn canonical(text: &str) -> Result<String, HandleError> {
    // Copied handles often carry invisible marks.
    let text = clean(text, ADDRESS_CHARACTERS);
    let text = text.strip_prefix("at://").unwrap_or(&text);
    let named = match profile_url(text) {
        Some((host, parts)) if ["bsky.app", "www.bsky.app"].contains(&host.as_str()) => match parts.as_slice() {
            [profile, name, ..] if profile == "profile" => name.clone(),
            _ => String::new(),
        },
        _ => text.split('/').next().unwrap_or_default().to_owned(),
    };
    let name = named.trim_start_matches('@');
    if is_did(name) {
        return Ok(name.to_owned());
    }
    let name = match name.is_ascii() {
        true => name.to_ascii_lowercase(),
        false => in_ascii(name).unwrap_or_default(),
    };
    if is_handle(&name) {
        return Ok(name);
    }
    Err(HandleError("a Bluesky handle looks like name.bsky.social, a DID like did:plc:abc".to_owned()))
}

/// Handles are host names, which have an ASCII form in every script.
fn in_ascii(name: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{}/", handle_in_any_script(name)?)).ok()?;
    Some(url.host_str()?.to_owned())
}

fn is_did(text: &str) -> bool {
    let id = text.strip_prefix("did:plc:").or_else(|| text.strip_prefix("did:web:"));
    id.is_some_and(|id| !id.is_empty()) && plain_id(text).is_some()
}

/// After atproto.com/specs/handle: a host name of at least two labels whose last one does not begin with a digit.
fn is_handle(text: &str) -> bool {
    let label = |label: &str| {
        let inside = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        inside && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    let top = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(label)
        && !top.starts_with(|first: char| first.is_ascii_digit())
}
