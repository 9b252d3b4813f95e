//! What the refusals of TikTok's token endpoint mean, whatever the HTTP status. Pure.

use std::time::Duration;

use serde::Deserialize;

use super::{NAME, SLUG, TikTok};
use crate::oauth::{Refusal, Reply, TokenError, TokenRequest, read, refused};
use crate::platforms::reading::plain_id;

#[derive(Default, Deserialize)]
struct Refused {
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

impl Refused {
    fn code(&self) -> Option<&str> {
        let (Problem::Code(code) | Problem::Object { code }) = self.error.as_ref()?;
        Some(code.as_str()).filter(|code| !code.is_empty() && *code != "ok")
    }
}

pub(super) fn refusal(reply: &Reply, request: TokenRequest) -> Option<Refusal> {
    let reported: Refused = reply.read().ok()?;
    let unknown = |what: &str| Refusal::Unknown(format!("{SLUG} tokens: {what}"));
    Some(match (reported.code()?, request) {
        ("invalid_grant", TokenRequest::Renewal) => Refusal::Over(Some(format!(
            "{NAME} has ended the consent: revoked by its owner, out of time, or its account is gone"
        ))),
        ("invalid_grant", _) => Refusal::Over(None),
        ("access_denied", TokenRequest::Code) => Refusal::Over(Some("the account's owner did not consent".to_owned())),
        ("invalid_client" | "unauthorized_client", _) => Refusal::App(None),
        ("invalid_scope", _) => Refusal::Scopes,
        ("server_error" | "temporarily_unavailable" | "internal_error", _) => Refusal::Outage(None),
        ("rate_limit_exceeded", _) => Refusal::Limited { what: None, retry_after: Duration::from_secs(60) },
        ("invalid_request", TokenRequest::Code) => {
            unknown("it refused the code (invalid_request): is the redirect URI in the app's settings exactly this?")
        }
        (code, _) => unknown(&format!("it refused ({})", plain_id(code).unwrap_or("for no known reason"))),
    })
}

/// Succeeds where the consent is over, whether this request ended it or something did before.
pub(super) fn revoked(tiktok: &TikTok, reply: &Reply) -> Result<(), TokenError> {
    if reply.is_success() && reply.body.expose().trim().is_empty() {
        return Ok(());
    }
    let reported: Refused = match reply.read() {
        Ok(reported) => reported,
        Err(kind) if reply.is_success() => return Err(read::unreadable(SLUG, kind)),
        Err(_) => Refused::default(),
    };
    match reported.code() {
        None if reply.is_success() => Ok(()),
        Some("invalid_grant") if !is_expired(&reported.error_description) => Ok(()),
        // Only a token that still lives can end the consent.
        Some("invalid_grant" | "access_token_invalid") => {
            let what = format!("{NAME} wants a fresh token before it ends the consent");
            Err(TokenError::Later { what, retry_after: None, sent: false })
        }
        _ => Err(refused(tiktok, reply, TokenRequest::Revocation)),
    }
}

/// Whether the description says that a token is too old, and nothing else that is wrong with it.
fn is_expired(description: &str) -> bool {
    let description = description.to_ascii_lowercase();
    description.contains("expired") && !description.contains("invalid") && !description.contains("revoked")
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::oauth::{Provider, Tokens};
    use crate::secret::Secret;

    const NO_APP: TikTok = TikTok { app: None };

    fn tokens(reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        NO_APP.read_tokens(reply, request)
    }

    fn revoked(reply: &Reply) -> Result<(), TokenError> {
        super::revoked(&NO_APP, reply)
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    fn refusal(code: &str) -> Reply {
        let body = format!(r#"{{"error":"{code}","error_description":"canary is expired.","log_id":"2022"}}"#);
        reply(200, &body)
    }

    #[test]
    fn tokens_live_as_long_as_the_response_says() {
        let reported = tokens(&reply(200, include_str!("fixtures/token.json")), TokenRequest::Code).expect("tokens");
        assert_eq!(reported.access.expose(), "act.example12345Example12345Example");
        assert_eq!(reported.refresh.as_ref().map(Secret::expose), Some("rft.example12345Example12345Example"));
        assert_eq!((reported.access_lives, reported.refresh_lives), (Some(Seconds(86_400)), Some(Seconds(31_536_000))));
        let scopes = ["user.info.basic", "video.list"].map(str::to_owned).to_vec();
        assert_eq!(reported.scopes, Some(scopes));

        let short = tokens(&reply(200, r#"{"access_token":"act.x","expires_in":7200}"#), TokenRequest::Renewal)
            .expect("tokens");
        assert!(short.refresh.is_none() && short.scopes.is_none() && short.refresh_lives.is_none());
        assert_eq!(short.access_lives, Some(Seconds(7200)));
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, requested: TokenRequest, expected: &str| {
            let reported = format!("{:?}", tokens(reply, requested).err());
            assert!(reported.starts_with(&format!("Some({expected}")) && !reported.contains("canary"), "{reported}");
        };
        check(&refusal("invalid_grant"), TokenRequest::Renewal, "Gone");
        check(&refusal("invalid_grant"), TokenRequest::Code, "Gone");
        check(&refusal("access_denied"), TokenRequest::Code, "Gone");
        for other in ["access_denied", "invalid_request", "unsupported_grant_type", "canary words"] {
            check(&refusal(other), TokenRequest::Renewal, "Unexpected");
        }
        for app in ["invalid_client", "unauthorized_client", "invalid_scope"] {
            check(&refusal(app), TokenRequest::Renewal, "App");
        }
        for later in ["server_error", "temporarily_unavailable", "rate_limit_exceeded"] {
            check(&refusal(later), TokenRequest::Renewal, "Later");
        }
        check(&reply(500, r#"{"error":{"code":"internal_error","message":"canary"}}"#), TokenRequest::Renewal, "Later");
        check(&reply(503, "<html>canary"), TokenRequest::Renewal, "Later");
        check(&reply(429, "{}"), TokenRequest::Renewal, "Later");
        check(&reply(307, ""), TokenRequest::Renewal, "Unexpected");
        for nonsense in ["", "<html>canary", "[]", "{}", r#"{"access_token":""}"#, r#"{"access_token":"canary x"}"#] {
            check(&reply(200, nonsense), TokenRequest::Renewal, "Unexpected");
        }
        let odd = r#"{"access_token":"canary","expires_in":-1}"#;
        check(&reply(200, odd), TokenRequest::Renewal, "Unexpected { what: \"tiktok tokens: expires_in is not a count");
    }

    #[test]
    fn what_is_over_already_is_well_ended() {
        let check = |reply: &Reply, expected: &str| {
            let reported = format!("{:?}", revoked(reply));
            assert!(reported.starts_with(expected), "{reported}");
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
        fn any_response_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &text);
            let _ = (tokens(&reply, TokenRequest::Renewal), revoked(&reply));
        }
    }
}
