//! What YouTube's errors mean. Pure.

use std::time::Duration;

use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::SLUG;
use super::scopes::READ;
use crate::platforms::batch::sentence;
use crate::platforms::{Limit, PlatformError};
use crate::schedule::budget::Place;

/// Whose credential a request carried: the same refusal means something else for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    /// The operator's, by API key.
    Key,
    /// The channel's owner's, by consent.
    Owner,
}

/// The reason given where a consent's owner has no channel.
pub(super) const NO_CHANNEL: &str = "youtubeSignupRequired";

#[derive(Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(default)]
    error: Problem,
}

/// The message is never shown: it holds HTML, and sometimes the key.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<Detail>,
    #[serde(default)]
    details: Vec<Value>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    reason: String,
}

impl Refusal {
    /// Every reason that it gives, from the old field and the new one, and last the status.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &str> {
        let problem = &self.error;
        let details = problem.details.iter().filter_map(|detail| detail.get("reason")?.as_str());
        details
            .chain(problem.errors.iter().map(|detail| detail.reason.as_str()))
            .chain([problem.status.as_str()])
            .filter(|reason| !reason.is_empty())
    }

    pub(super) fn says(&self, reason: &str) -> bool {
        self.reasons().any(|reported| reported == reason)
    }

    /// Whether it names a limit for each day: in its message, as `per day`, or in the name or the unit of the limit.
    fn is_of_a_day(&self) -> bool {
        let details = self.error.details.iter().map(Value::to_string);
        details.chain([self.error.message.clone()]).any(|text| {
            let text = text.to_ascii_lowercase();
            ["per day", "perday", "1/d/"].iter().any(|day| text.contains(day))
        })
    }

    /// What the refusal means; `None` where the HTTP status says it all.
    pub(super) fn meaning(&self, credential: Credential, status: u16, now: Timestamp) -> Option<PlatformError> {
        let error = self.reasons().find_map(|reason| known(reason, now));
        let is_limit = matches!(error, Some(PlatformError::RateLimited { .. })) || (error.is_none() && status == 429);
        if is_limit && self.is_of_a_day() {
            return Some(PlatformError::RateLimited { retry_after: Some(until_quota_returns(now)), of: Limit::Lane });
        }
        if error.is_some() {
            return error;
        }
        let reason = self.reasons().next().unwrap_or("no reason");
        match status {
            429 | 500..=599 => None,
            401 => Some(PlatformError::Unauthorized { what: format!("{SLUG} does not accept who we are") }),
            403 if credential == Credential::Owner && self.says("forbidden") => {
                let what = "YouTube does not show this channel with this consent: its owner must consent again";
                Some(PlatformError::Unauthorized { what: what.to_owned() })
            }
            403 if credential == Credential::Key => {
                Some(unconfigured(&format!("YouTube refuses the API key ({reason}): check its restrictions")))
            }
            404 | 410 => Some(PlatformError::AccountGone { what: format!("{SLUG} does not know it ({status})") }),
            _ => Some(PlatformError::Unexpected { what: sentence(&format!("{SLUG} refused ({status}): {reason}")) }),
        }
    }
}

fn known(reason: &str, now: Timestamp) -> Option<PlatformError> {
    Some(match reason {
        "quotaExceeded" | "dailyLimitExceeded" => {
            PlatformError::RateLimited { retry_after: Some(until_quota_returns(now)), of: Limit::Lane }
        }
        "rateLimitExceeded" | "userRateLimitExceeded" | "RATE_LIMIT_EXCEEDED" => {
            PlatformError::RateLimited { retry_after: None, of: Limit::Lane }
        }
        "keyInvalid" | "keyExpired" | "API_KEY_INVALID" => {
            unconfigured("the API key is not valid: set another one as api_key_file in [platforms.youtube]")
        }
        "accessNotConfigured" | "SERVICE_DISABLED" => {
            unconfigured("switch on the YouTube Data API v3 in the Google Cloud project of the API key or the app")
        }
        "ipRefererBlocked"
        | "API_KEY_SERVICE_BLOCKED"
        | "API_KEY_IP_ADDRESS_BLOCKED"
        | "API_KEY_HTTP_REFERRER_BLOCKED" => unconfigured(
            "the API key's restrictions keep this machine out: allow its address and the YouTube Data API v3",
        ),
        "CONSUMER_SUSPENDED" => unconfigured("Google has suspended the project of the API key or the app"),
        NO_CHANNEL => PlatformError::Unauthorized {
            what: "the Google account that consented has no YouTube channel any more".to_owned(),
        },
        "insufficientPermissions" | "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => {
            PlatformError::MissingScope { scope: READ.to_owned() }
        }
        "backendError" | "SERVICE_UNAVAILABLE" | "internalError" => {
            PlatformError::Unavailable { what: format!("{SLUG} reports that it cannot respond now") }
        }
        "channelClosed"
        | "channelSuspended"
        | "channelNotFound"
        | "authenticatedUserAccountClosed"
        | "authenticatedUserAccountSuspended" => {
            PlatformError::AccountGone { what: "YouTube has closed or suspended this channel".to_owned() }
        }
        "channelForbidden" | "playlistItemsNotAccessible" => {
            PlatformError::AccountGone { what: "this channel is not public".to_owned() }
        }
        _ => return None,
    })
}

fn unconfigured(what: &str) -> PlatformError {
    PlatformError::Unconfigured { what: sentence(what) }
}

/// How long until midnight in Los Angeles, when the day's quota begins anew.
fn until_quota_returns(now: Timestamp) -> Duration {
    let millis = u64::try_from(Place::LosAngeles.midnight_after(now).since(now)).unwrap_or_default();
    Duration::from_millis(millis).max(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn errors_mean_what_is_done_next() {
        let requested = |credential: Credential, status: u16, body: &str, expected: &str| {
            let refusal: Refusal = serde_json::from_str(body).expect(body);
            let reported = refusal.meaning(credential, status, now());
            assert!(format!("{reported:?}").starts_with(expected), "{body}: {reported:?}");
        };
        let check = |status: u16, body: &str, expected: &str| requested(Credential::Key, status, body, expected);
        let old = |reason: &str| {
            format!(r#"{{"error":{{"code":403,"message":"<a>x</a>","errors":[{{"reason":"{reason}"}}]}}}}"#)
        };
        let new = |reason: &str| {
            format!(
                r#"{{"error":{{"status":"INVALID_ARGUMENT","errors":[{{"reason":"badRequest"}}],"details":[{{"@type":"x","reason":"{reason}"}}]}}}}"#
            )
        };
        check(403, &old("quotaExceeded"), "Some(RateLimited { retry_after: Some(72000");
        check(403, &old("dailyLimitExceeded"), "Some(RateLimited { retry_after: Some(");
        check(403, &old("rateLimitExceeded"), "Some(RateLimited { retry_after: None");
        for limit in ["limit 'Queries per day' of service", "quota_limit: defaultPerDayPerProject"] {
            let named = old("rateLimitExceeded").replace("<a>x</a>", limit);
            check(429, &named, "Some(RateLimited { retry_after: Some(72000");
            check(403, &named, "Some(RateLimited { retry_after: Some(72000");
        }
        let of = |unit: &str| {
            new("RATE_LIMIT_EXCEEDED")
                .replace(r#""@type":"x""#, &format!(r#""metadata":{{"quota_unit":"{unit}/{{project}}"}}"#))
        };
        check(429, &of("1/d"), "Some(RateLimited { retry_after: Some(72000");
        check(429, &of("1/min"), "Some(RateLimited { retry_after: None");
        check(429, r#"{"error":{"message":"Queries per day"}}"#, "Some(RateLimited { retry_after: Some(72000");
        check(429, &old("rateLimitExceeded").replace("<a>x</a>", "per minute"), "Some(RateLimited { retry_after: None");
        check(400, &old("keyInvalid"), "Some(Unconfigured");
        check(400, &new("API_KEY_INVALID"), "Some(Unconfigured");
        check(403, &old("accessNotConfigured"), "Some(Unconfigured");
        check(403, &new("SERVICE_DISABLED"), "Some(Unconfigured");
        check(403, &old("ipRefererBlocked"), "Some(Unconfigured");
        check(403, &old("SERVICE_UNAVAILABLE"), "Some(Unavailable");
        check(403, &old("channelSuspended"), "Some(AccountGone");
        check(403, &old("forbidden"), "Some(Unconfigured");
        check(404, &old("videoNotFound"), "Some(AccountGone");
        check(401, &old("authError"), "Some(Unauthorized");
        check(400, &old("invalidFilters"), "Some(Unexpected");
        check(500, &old("backendError"), "Some(Unavailable");
        check(503, "{}", "None");
        check(429, "{}", "None");
        check(400, "{}", "Some(Unexpected");
        let owner = |status: u16, body: &str, expected: &str| requested(Credential::Owner, status, body, expected);
        owner(401, &old("authError"), "Some(Unauthorized");
        owner(401, &old("youtubeSignupRequired"), "Some(Unauthorized { what: \"the Google account");
        owner(403, &old("insufficientPermissions"), "Some(MissingScope");
        owner(403, &new("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "Some(MissingScope");
        owner(403, &old("forbidden"), "Some(Unauthorized");
        owner(403, &old("whatever"), "Some(Unexpected");
        owner(403, &old("quotaExceeded"), "Some(RateLimited");
    }

    #[test]
    fn the_quota_returns_at_midnight_in_los_angeles() {
        let check = |now: &str, hours: u64| {
            let wait = until_quota_returns(now.parse().expect(now));
            assert_eq!(wait, Duration::from_secs(hours * 3600), "{now}");
        };
        check("2026-11-21T12:00:00Z", 20);
        check("2026-07-01T12:00:00Z", 19);
        check("2026-11-21T07:00:00Z", 1);
        check("2026-11-21T08:00:00Z", 24);
        check("2026-03-08T08:00:00Z", 23);
        check("2026-11-01T07:00:00Z", 25);
        for extreme in [i64::MIN, i64::MAX] {
            let _ = until_quota_returns(Timestamp(extreme));
        }
    }
}
