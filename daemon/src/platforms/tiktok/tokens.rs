//! What their token endpoint says, whatever the HTTP status. Pure.

use std::time::Duration;

use roster_protocol::time::Seconds;
use serde::Deserialize;

use super::{NAME, SLUG};
use crate::http_client::{HttpErrorKind, read_json};
use crate::platforms::asking::sentence;
use crate::platforms::consenting::{Reply, TokenError, Tokens};
use crate::platforms::oauth::token;
use crate::platforms::reading::{count, plain_id};
use crate::secret::Secret;

/// What was asked for: the same refusal means something else each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Code,
    Renewal,
    App,
    Revocation,
}

/// Both forms: tokens, or why there are none.
#[derive(Default, Deserialize)]
struct Told {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "count")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    refresh_expires_in: Option<u64>,
    scope: Option<String>,
    error: Option<Problem>,
    #[serde(default)]
    error_description: String,
}

/// A text here, an object everywhere else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Problem {
    Code(String),
    Object { code: String },
}

impl Told {
    fn problem(&self) -> Option<&str> {
        let (Problem::Code(code) | Problem::Object { code }) = self.error.as_ref()?;
        Some(code.as_str()).filter(|code| !code.is_empty() && *code != "ok")
    }
}

/// The tokens of an answer.
pub(super) fn tokens(reply: &Reply, asked: Asked) -> Result<Tokens, TokenError> {
    let told = read(reply)?;
    if let Some(code) = told.problem() {
        return Err(refused(code, asked));
    }
    let access = told.access_token.and_then(token).ok_or_else(|| unexpected("the answer holds no token"))?;
    let scopes = |told: String| told.split([',', ' ']).filter_map(plain_id).map(str::to_owned).collect();
    Ok(Tokens {
        access,
        refresh: told.refresh_token.and_then(token),
        access_lives: told.expires_in.map(Seconds),
        refresh_lives: told.refresh_expires_in.map(Seconds),
        scopes: told.scope.map(scopes),
    })
}

/// Whether a consent is over, as its owner's account or we wished.
pub(super) fn revoked(reply: &Reply) -> Result<(), TokenError> {
    if reply.body.expose().trim().is_empty() && (200..300).contains(&reply.status) {
        return Ok(());
    }
    let told = read(reply)?;
    match told.problem() {
        None => Ok(()),
        Some("invalid_grant") if !is_expired(&told.error_description) => Ok(()),
        // Only a token that still lives can end the consent.
        Some("invalid_grant" | "access_token_invalid") => {
            let what = format!("{NAME} wants a fresh token before it ends the consent");
            Err(TokenError::Later { what, retry_after: None, sent: false })
        }
        Some(code) => Err(refused(code, Asked::Revocation)),
    }
}

/// Whether a token is said to be too old, and nothing else to be wrong with it.
fn is_expired(description: &str) -> bool {
    let description = description.to_ascii_lowercase();
    description.contains("expired") && !description.contains("invalid") && !description.contains("revoked")
}

/// The answer in its parts. A failing status is a failure also where the body names none.
fn read(reply: &Reply) -> Result<Told, TokenError> {
    let told: Result<Told, _> = read_json(reply.body.expose().as_bytes());
    let refused = told.as_ref().is_ok_and(|told| told.problem().is_some());
    if !refused && !(200..300).contains(&reply.status) {
        return Err(TokenError::by_status(NAME, reply.status, None));
    }
    told.map_err(|kind| match kind {
        HttpErrorKind::Shape { at, what } => unexpected(&format!("{at} {what}")),
        kind => unexpected(&kind.to_string()),
    })
}

fn refused(code: &str, asked: Asked) -> TokenError {
    match (code, asked) {
        ("invalid_grant", Asked::Renewal) => TokenError::Gone {
            what: format!("{NAME} has ended the consent: revoked by its owner, out of time, or its account is gone"),
        },
        ("invalid_grant", _) => TokenError::Gone { what: format!("{NAME}'s code is used or out of time: begin again") },
        ("access_denied", Asked::Code) => TokenError::Gone { what: "the account's owner did not consent".to_owned() },
        ("invalid_client" | "unauthorized_client", _) => TokenError::App {
            what: format!("{NAME} does not accept the app: check client_id and client_secret in [platforms.tiktok]"),
        },
        ("invalid_scope", _) => {
            TokenError::App { what: format!("{NAME} has not approved the app for what Roster asks: check its scopes") }
        }
        ("server_error" | "temporarily_unavailable" | "internal_error", _) => later(None, true),
        ("rate_limit_exceeded", _) => later(Some(Duration::from_secs(60)), false),
        ("invalid_request", Asked::Code) => {
            unexpected("it refused the code (invalid_request): is the redirect URI in the app's settings exactly this?")
        }
        (code, _) => unexpected(&format!("it refused ({})", plain_id(code).unwrap_or("for no known reason"))),
    }
}

fn later(retry_after: Option<Duration>, sent: bool) -> TokenError {
    TokenError::Later { what: format!("{NAME} cannot give tokens now"), retry_after, sent }
}

fn unexpected(what: &str) -> TokenError {
    TokenError::Unexpected { what: sentence(&format!("{SLUG} tokens: {what}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    fn refusal(code: &str) -> Reply {
        let body = format!(r#"{{"error":"{code}","error_description":"canary is expired.","log_id":"2022"}}"#);
        reply(200, &body)
    }

    #[test]
    fn tokens_live_as_long_as_the_answer_says() {
        let told = tokens(&reply(200, include_str!("fixtures/token.json")), Asked::Code).expect("tokens");
        assert_eq!(told.access.expose(), "act.example12345Example12345Example");
        assert_eq!(told.refresh.as_ref().map(Secret::expose), Some("rft.example12345Example12345Example"));
        assert_eq!((told.access_lives, told.refresh_lives), (Some(Seconds(86_400)), Some(Seconds(31_536_000))));
        let scopes = ["user.info.basic", "video.list"].map(str::to_owned).to_vec();
        assert_eq!(told.scopes, Some(scopes));

        let short =
            tokens(&reply(200, r#"{"access_token":"act.x","expires_in":7200}"#), Asked::Renewal).expect("tokens");
        assert!(short.refresh.is_none() && short.scopes.is_none() && short.refresh_lives.is_none());
        assert_eq!(short.access_lives, Some(Seconds(7200)));
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, asked: Asked, expected: &str| {
            let told = format!("{:?}", tokens(reply, asked).err());
            assert!(told.starts_with(&format!("Some({expected}")) && !told.contains("canary"), "{told}");
        };
        check(&refusal("invalid_grant"), Asked::Renewal, "Gone");
        check(&refusal("invalid_grant"), Asked::Code, "Gone");
        check(&refusal("access_denied"), Asked::Code, "Gone");
        for other in ["access_denied", "invalid_request", "unsupported_grant_type", "canary words"] {
            check(&refusal(other), Asked::Renewal, "Unexpected");
        }
        for app in ["invalid_client", "unauthorized_client", "invalid_scope"] {
            check(&refusal(app), Asked::Renewal, "App");
        }
        for later in ["server_error", "temporarily_unavailable", "rate_limit_exceeded"] {
            check(&refusal(later), Asked::Renewal, "Later");
        }
        check(&reply(500, r#"{"error":{"code":"internal_error","message":"canary"}}"#), Asked::Renewal, "Later");
        check(&reply(503, "<html>canary"), Asked::Renewal, "Later");
        check(&reply(429, "{}"), Asked::Renewal, "Later");
        check(&reply(307, ""), Asked::Renewal, "Unexpected");
        for nonsense in ["", "<html>canary", "[]", "{}", r#"{"access_token":""}"#, r#"{"access_token":"canary x"}"#] {
            check(&reply(200, nonsense), Asked::Renewal, "Unexpected");
        }
        let odd = r#"{"access_token":"canary","expires_in":-1}"#;
        check(&reply(200, odd), Asked::Renewal, "Unexpected { what: \"tiktok tokens: expires_in is not a count");
    }

    #[test]
    fn what_is_over_already_is_well_ended() {
        let check = |reply: &Reply, expected: &str| {
            let told = format!("{:?}", revoked(reply));
            assert!(told.starts_with(expected), "{told}");
        };
        check(&reply(200, ""), "Ok");
        check(&reply(200, "{}"), "Ok");
        check(&reply(200, r#"{"error":{"code":"ok"}}"#), "Ok");
        check(
            &reply(200, r#"{"error":"invalid_grant","error_description":"Access token is invalid or expired"}"#),
            "Ok",
        );
        check(&reply(200, r#"{"error":"invalid_grant"}"#), "Ok");
        check(&refusal("invalid_grant"), "Err(Later");
        check(&refusal("access_token_invalid"), "Err(Later");
        check(&refusal("invalid_client"), "Err(App");
        check(&reply(500, ""), "Err(Later");
        check(&reply(200, "<html>"), "Err(Unexpected");
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &text);
            let _ = (tokens(&reply, Asked::Renewal), revoked(&reply));
        }
    }
}
