//! What Instagram and Facebook Pages have in common: Meta's Graph API, its errors, limits, tokens and insights.
//!
//! After developers.facebook.com "Graph API: Changelog, Error Handling, Rate Limiting, Securing Requests", "Access
//! Tokens: Get Long-Lived Tokens" and "Debug Token", read on 2026-11-21. No platform by itself: it knows neither
//! accounts nor posts.
//!
//! Limits: with a user's token 200 requests a user and hour for the whole app; with a Page's or an Instagram account's
//! 4800 a day times those who saw it. Two headers report the usage in percent, when there is something to report.
//! There is no `Retry-After`: a header reports minutes, or the daemon waits an hour.
//!
//! Oddities:
//! - Errors differ by `code` and `error_subcode`; their texts are for users and sometimes misleading, and the same
//!   code has several statuses.
//! - Users' tokens are never refreshed: one that still lives is exchanged for one that lives 60 days. A Page's own
//!   token, derived from such a one, does not expire, but ends with the password, the role or the app all the same.
//! - `paging.next` is a URL with the token in it: it is never kept, and pages are requested by their cursor.
//! - One refused metric fails all that were requested with it. Meta says neither whether the name is unknown, nor
//!   whether it is this post, this account or a permission: a refusal counts for what was requested, and no further.
//! - The oldest living version is said to serve the requests to one that has ended, without notice.

mod ask;
mod countries;
mod days;
mod insights;
mod pages;
mod problem;
mod refusals;
mod round;
mod sign_in;
#[cfg(test)]
mod tests;
mod token_info;
mod tokens;
mod usage;
mod version;
mod webhook;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

pub(super) use ask::{Graph, List, Refused, Requests};
pub(super) use countries::{Countries, shares};
pub(super) use days::{ByDay, Days, ZONE, newest_over, windows};
pub(super) use insights::{Metrics, Reported, listed};
pub(super) use pages::{LINKED, PORTFOLIO, Page, SHOW_PAGES, no_page};
pub(super) use refusals::{Owner, Refusals};
pub(super) use sign_in::{SignIn, SignedIn, TERMS, without_fragment};
pub(super) use tokens::{refusal, tokens};
pub(super) use usage::BUDGETS;
pub(super) use version::{NEWEST, is_older, read_version, version_found};
pub(super) use webhook::MetaHooks;

/// The host of everything but Instagram's own login.
pub(super) const HOST: &str = "graph.facebook.com";

/// Proves that the caller who sends the token also has the app's secret: HMAC-SHA256 of the token, in lower-case
/// hexadecimal.
fn proof(app_secret: &Secret, token: &Secret) -> Secret {
    let mac = Hmac::<Sha256>::new_from_slice(app_secret.expose().as_bytes());
    let mac = mac.expect("HMAC takes keys of any length").chain_update(token.expose());
    Secret::new(HEXLOWER.encode(&mac.finalize().into_bytes()))
}
