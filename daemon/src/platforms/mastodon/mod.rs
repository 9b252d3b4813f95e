//! Mastodon, and servers that speak its client API: one instance a group.
//!
//! After docs.joinmastodon.org "accounts API methods", "Account", "Status" and "Rate limits", read on 2026-11-21, and
//! responses of a real snac2 2.75 on that day.
//!
//! Limits: 300 requests in 5 minutes for each address that is not signed in; instances set others.
//!
//! Oddities:
//! - Ids are local to an instance, so ours are `id@host`, where `host` is the one that responds. That is not always
//!   the handle's: WebFinger returns it.
//! - Only the home instance knows the counts. They are public unless the instance closed its API (401, or a redirect to
//!   its login); no consent opens that.
//! - Hidden counts are -1 (glitch-soc), 0 with a mark (Pleroma, Akkoma) or 0 without one (Misskey and kin).
//! - A server may move to another address: WebFinger of the handle's own host names it, and the account stays the same.
//! - `X-RateLimit-Reset` is ISO 8601, and a 429 has no `Retry-After`.
//! - An account that hides its counts shows 0/0/0. snac always reports 0 posts, ignores `limit`, sends no rate headers,
//!   and returns 404 with a web page.
//! - There are no views.

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
use super::reading::{ADDRESS_CHARACTERS, handle_in_any_script, percent_decoded, profile_url};
use super::registry::{ConfigProblem, Configured, Entry, Section};
use super::{Account, HandleError, Keeping, Observed, Platform, PlatformInfo};
use crate::http_client::{Api, is_host};

const SLUG: &str = "mastodon";

const INFO: PlatformInfo = PlatformInfo {
    slug: SLUG,
    name: "Mastodon",
    short: "MA",
    handle_example: "name@mastodon.social",
    access: ApiAccess::Public,
    metrics: &[
        Metric::Followers,
        Metric::Following,
        Metric::Posts,
        Metric::EngagementRate,
        Metric::AvgLikes,
        Metric::AvgComments,
    ],
    // Two requests each: a batch stays far below an instance's window.
    batch_limit: 20,
    is_batched: false,
    keeping: Keeping::UNLIMITED,
    budgets: &[window_budget("/api/")],
    reports: None,
};

pub(super) const ENTRY: Entry =
    Entry { slug: SLUG, own_keys: &["private_hosts"], defaults: &[], variables: None, from_config };

#[derive(Deserialize)]
struct Config {
    /// Instances, with port, that may be at private addresses. Requests to those at loopback use http.
    #[serde(default)]
    private_hosts: Vec<String>,
}

fn from_config(section: &Section<'_>) -> Result<Configured, ConfigProblem> {
    let Config { private_hosts } = section.read()?;
    if !private_hosts.iter().all(|host| is_host(host)) {
        return Err(section.problem("private_hosts", "must be hosts such as 127.0.0.1:8901"));
    }
    let private_hosts: Vec<String> = private_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
    Ok(Configured { private_hosts: private_hosts.clone(), ..Configured::of(Mastodon { private_hosts }) })
}

struct Mastodon {
    private_hosts: Vec<String>,
}

impl Platform for Mastodon {
    fn info(&self) -> &PlatformInfo {
        &INFO
    }

    fn lacks(&self) -> Option<String> {
        None
    }

    fn canonical(&self, handle: &str) -> Result<String, HandleError> {
        canonical(handle, &self.private_hosts)
    }

    fn group(&self, handle: &str) -> String {
        handle.rsplit_once('@').map(|(_, host)| host.to_ascii_lowercase()).unwrap_or_default()
    }

    fn observe<'a>(&'a self, api: &'a Api, accounts: &'a [Account]) -> BoxFuture<'a, Observed> {
        ask::observe(api, accounts).boxed()
    }
}

/// `name@host` in lower case, the host in ASCII.
fn canonical(text: &str, private_hosts: &[String]) -> Result<String, HandleError> {
    let error = || HandleError("a Mastodon handle looks like name@mastodon.social".to_owned());
    let text = clean(text, ADDRESS_CHARACTERS);
    let text = text.strip_prefix("acct:").unwrap_or(&text);
    let named = if text.contains('/') { from_url(text).ok_or_else(error)? } else { percent_decoded(text) };
    let (name, host) = named.trim_start_matches('@').split_once('@').ok_or_else(error)?;
    let host = ascii_host(host).ok_or_else(error)?;
    let inside = private_hosts.contains(&host);
    // Dots at the ends are of the sentence it was copied from, never of a name.
    let odd = |c: char| c.is_ascii_punctuation() && !"_.-".contains(c);
    let name = handle_in_any_script(name).filter(|name| !name.contains(odd)).ok_or_else(error)?;
    if name.starts_with('.') || name.ends_with('.') {
        return Err(error());
    }
    if !host.contains('.') && !inside {
        return Err(HandleError(format!("{host} is no public host: an operator can allow it in private_hosts")));
    }
    Ok(format!("{}@{host}", name.to_ascii_lowercase()))
}

/// `https://host/@name`, `https://host/@name@other` (a view of the other host's account), `https://host/users/name`.
fn from_url(text: &str) -> Option<String> {
    let (host, parts) = profile_url(text)?;
    match parts.first()?.strip_prefix('@') {
        Some(name) if name.contains('@') => Some(name.to_owned()),
        Some(name) => Some(format!("{name}@{host}")),
        None if parts.first()? == "users" => Some(format!("{}@{host}", parts.get(1)?)),
        None => None,
    }
}

fn ascii_host(text: &str) -> Option<String> {
    if text.contains(['/', '\\', '?', '#', '@']) {
        return None;
    }
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", url.host_str()?.trim_end_matches('.'));
    is_host(&host).then_some(host)
}
