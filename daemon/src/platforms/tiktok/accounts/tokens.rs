//! Tokens in the envelope of the API for Business, and what its refusals mean. Pure.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{NAME, SLUG};
use super::Accounts;
use super::read::Envelope;
use crate::oauth::{Refusal, Reply, TokenError, TokenRequest, Tokens, read, refused};
use crate::secret::Secret;

#[derive(Deserialize)]
struct Wrapped {
    data: Box<RawValue>,
}

/// The tokens, which are under `data`.
pub(super) fn tokens(accounts: &Accounts, reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
    if !reply.is_success() || refusal(reply, request).is_some() {
        return Err(refused(accounts, reply, request));
    }
    let wrapped: Wrapped = reply.read().map_err(|kind| read::unreadable(SLUG, kind))?;
    let inner = Reply { status: reply.status, body: Secret::new(wrapped.data.get()) };
    read::tokens(accounts, &inner, request)
}

pub(super) fn refusal(reply: &Reply, request: TokenRequest) -> Option<Refusal> {
    let envelope: Envelope = reply.read().ok()?;
    Some(match (envelope.refused()?, request) {
        (40_110 | 40_131, TokenRequest::Code) => Refusal::Over(None),
        (40_102 | 40_103 | 40_105 | 40_107, TokenRequest::Renewal) => Refusal::Over(Some(format!(
            "{NAME} has ended the consent: revoked by its owner, out of time, or its account is gone"
        ))),
        (40_101, _) => Refusal::App(None),
        (40_100, _) => Refusal::Limited { what: None, retry_after: Duration::from_secs(60) },
        (50_000..=59_999, _) => Refusal::Outage(None),
        (code @ 40_002, TokenRequest::Code) => Refusal::Unknown(format!(
            "{SLUG} tokens: it refused the code ({code}): are client_id and client_secret those of the app, and is the \
             redirect URI in its settings exactly this?"
        )),
        (code, _) => Refusal::Unknown(format!("tokens: {}", envelope.unknown(code))),
    })
}

/// Succeeds where the consent is over, whether this request ended it or something did before.
pub(super) fn revoked(accounts: &Accounts, reply: &Reply) -> Result<(), TokenError> {
    let envelope: Envelope = match reply.read() {
        Ok(envelope) => envelope,
        Err(kind) if reply.is_success() => return Err(read::unreadable(SLUG, kind)),
        Err(_) => Envelope::default(),
    };
    match envelope.refused() {
        None if reply.is_success() && envelope.is_good() => Ok(()),
        Some(40_105) => Ok(()),
        // Only a token that still lives can end the consent.
        Some(40_102) => {
            let what = format!("{NAME} wants a fresh token before it ends the consent");
            Err(TokenError::Later { what, retry_after: None, sent: false })
        }
        _ => Err(refused(accounts, reply, TokenRequest::Revocation)),
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Seconds;

    use super::*;

    const NO_APP: Accounts = Accounts { app: None };

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    fn refusal(code: u64) -> Reply {
        reply(200, &format!(r#"{{"code":{code},"message":"canary is expired.","request_id":"2026","data":{{}}}}"#))
    }

    #[test]
    fn tokens_are_under_data_and_live_as_long_as_it_says() {
        let reported =
            tokens(&NO_APP, &reply(200, include_str!("fixtures/token.json")), TokenRequest::Code).expect("tokens");
        assert_eq!(reported.access.expose(), "act.example12345Example12345Example");
        assert_eq!(reported.refresh.as_ref().map(Secret::expose), Some("rft.example12345Example12345Example"));
        assert_eq!((reported.access_lives, reported.refresh_lives), (Some(Seconds(86_400)), Some(Seconds(31_527_314))));
        assert_eq!(reported.scopes, Some(["user.info.basic", "user.insights"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, requested: TokenRequest, expected: &str| {
            let reported = format!("{:?}", tokens(&NO_APP, reply, requested).err());
            assert!(reported.starts_with(&format!("Some({expected}")) && !reported.contains("canary"), "{reported}");
        };
        for over in [40_102, 40_103, 40_105, 40_107] {
            check(&refusal(over), TokenRequest::Renewal, "Gone");
            check(&refusal(over), TokenRequest::Code, "Unexpected");
        }
        for over in [40_110, 40_131] {
            check(&refusal(over), TokenRequest::Code, "Gone");
            check(&refusal(over), TokenRequest::Renewal, "Unexpected");
        }
        check(&refusal(40_101), TokenRequest::Renewal, "App");
        for later in [40_100, 50_000, 51_001] {
            check(&refusal(later), TokenRequest::Renewal, "Later");
        }
        check(&refusal(40_002), TokenRequest::Code, "Unexpected { what: \"tiktok tokens: it refused the code (40002)");
        check(
            &refusal(40_002),
            TokenRequest::Renewal,
            "Unexpected { what: \"tokens: tiktok refused (40002, request id",
        );
        check(&reply(503, "<html>canary"), TokenRequest::Renewal, "Later");
        check(&reply(503, r#"{"code":40105}"#), TokenRequest::Renewal, "Later");
        check(&reply(429, "{}"), TokenRequest::Renewal, "Later");
        check(&reply(307, ""), TokenRequest::Renewal, "Unexpected");
        for nonsense in [
            "",
            "<html>canary",
            "[]",
            "{}",
            r#"{"code":0}"#,
            r#"{"code":0,"data":null}"#,
            r#"{"code":0,"data":{}}"#,
            r#"{"code":0,"data":{"access_token":"canary x"}}"#,
        ] {
            check(&reply(200, nonsense), TokenRequest::Renewal, "Unexpected");
        }
    }

    #[test]
    fn what_is_over_already_is_well_ended() {
        let check = |reply: &Reply, expected: &str| {
            let reported = format!("{:?}", revoked(&NO_APP, reply));
            assert!(reported.starts_with(expected), "{reported}");
        };
        check(&refusal(0), "Ok");
        check(&refusal(40_105), "Ok");
        check(&refusal(40_102), "Err(Later");
        check(&refusal(40_101), "Err(App");
        check(&refusal(40_002), "Err(Unexpected");
        check(&reply(500, ""), "Err(Later");
        for nonsense in ["", "{}", "<html>"] {
            check(&reply(200, nonsense), "Err(Unexpected");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &format!(r#"{{"code":0,"data":{text}}}"#));
            let _ = (tokens(&NO_APP, &reply, TokenRequest::Renewal), revoked(&NO_APP, &reply));
        }
    }
}
