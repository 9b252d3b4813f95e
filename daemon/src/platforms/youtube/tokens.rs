//! What the refusals of Google's token endpoint mean, where the standard does not say. Pure.

use std::time::Duration;

use crate::oauth::{Refusal, Reply, Terms, TokenRequest, read};

pub(super) fn refusal(terms: &Terms, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
    let words = |what: &str| Some(what.to_owned());
    let Some(code) = read::error_code(reply) else {
        // After too many requests Google returns `error_code` instead of `error`.
        let is_limit = reply.status == 403 && request == TokenRequest::Device;
        let what = words("Google gives out no more codes for now");
        return is_limit.then_some(Refusal::Limited { what, retry_after: Duration::from_secs(60) });
    };
    Some(match (code.as_str(), request) {
        ("invalid_grant", TokenRequest::Renewal | TokenRequest::Revocation) => Refusal::Over(words(
            "Google has ended the consent: revoked by its owner, unused for six months, or given while the app was in \
             testing, where it lasts seven days",
        )),
        ("invalid_client" | "unauthorized_client", TokenRequest::Device) => Refusal::App(words(
            "Google does not accept the app for device codes: check client_id and client_secret in \
             [platforms.youtube], which must be of the type TVs and Limited Input devices",
        )),
        ("deleted_client" | "disabled_client", _) => Refusal::App(None),
        ("org_internal", _) => {
            Refusal::App(words("the app is for its own organisation's accounts alone: make it external at Google"))
        }
        ("redirect_uri_mismatch", _) => {
            Refusal::App(words("the redirect URI is not among those in the app's settings at Google"))
        }
        ("internal_failure", _) => Refusal::Outage(None),
        _ => return read::refusal(terms, reply),
    })
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Seconds;

    use super::*;
    use crate::oauth::{DeviceCode, DeviceResponse, Provider, TokenError, Tokens};
    use crate::platforms::youtube::YouTube;
    use crate::secret::Secret;

    fn no_app() -> YouTube {
        YouTube::new(None, None)
    }

    fn tokens(reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        no_app().read_tokens(reply, request)
    }

    fn revoked(reply: &Reply) -> Result<(), TokenError> {
        read::revoked(&no_app(), reply)
    }

    fn device_code(reply: &Reply) -> Result<DeviceCode, TokenError> {
        read::device_code(&no_app(), reply)
    }

    fn device_response(reply: &Reply) -> Result<DeviceResponse, TokenError> {
        read::device_response(&no_app(), reply)
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    fn refusal(status: u16, code: &str) -> Reply {
        reply(status, &format!(r#"{{"error":"{code}","error_description":"canary"}}"#))
    }

    #[test]
    fn tokens_are_read_and_a_renewal_keeps_the_refresh_token() {
        let reported = tokens(&reply(200, include_str!("fixtures/token.json")), TokenRequest::Code).expect("tokens");
        assert_eq!(reported.access.expose(), "example-access-token");
        assert_eq!(reported.refresh.as_ref().map(Secret::expose), Some("1//example-refresh-token"));
        assert_eq!((reported.access_lives, reported.refresh_lives), (Some(Seconds(3599)), Some(Seconds(604_799))));
        assert_eq!(reported.scopes.map(|scopes| scopes.len()), Some(2));

        let as_text = r#"{"access_token":"x","expires_in":"3599","token_type":"Bearer"}"#;
        let as_text = tokens(&reply(200, as_text), TokenRequest::Renewal).expect("tokens");
        assert_eq!(as_text.access_lives, Some(Seconds(3599)));
        let renewed = r#"{"access_token":"x","expires_in":3599,"scope":"","token_type":"Bearer"}"#;
        let renewed = tokens(&reply(200, renewed), TokenRequest::Renewal).expect("tokens");
        assert!(renewed.refresh.is_none() && renewed.refresh_lives.is_none());
        assert_eq!(renewed.scopes, Some(Vec::new()));
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, requested: TokenRequest, expected: &str| {
            let reported = format!("{:?}", tokens(reply, requested).err());
            assert!(reported.starts_with(&format!("Some({expected}")) && !reported.contains("canary"), "{reported}");
        };
        check(&refusal(400, "invalid_grant"), TokenRequest::Renewal, "Gone { what: \"Google has ended");
        check(&refusal(400, "invalid_grant"), TokenRequest::Code, "Gone { what: \"Google's code");
        check(&refusal(401, "invalid_client"), TokenRequest::Renewal, "App");
        check(&refusal(401, "deleted_client"), TokenRequest::Renewal, "App");
        check(&refusal(400, "redirect_uri_mismatch"), TokenRequest::Code, "App");
        check(
            &refusal(400, "invalid_request"),
            TokenRequest::Code,
            "Unexpected { what: \"youtube tokens: it refused (400): inv",
        );
        check(&refusal(400, "canary <b>"), TokenRequest::Code, "Unexpected");
        check(&refusal(500, "invalid_grant"), TokenRequest::Renewal, "Later");
        check(&refusal(400, "internal_failure"), TokenRequest::Renewal, "Later");
        check(&reply(503, "<html>canary"), TokenRequest::Renewal, "Later");
        check(&reply(429, ""), TokenRequest::Renewal, "Later");
        check(&reply(307, ""), TokenRequest::Renewal, "Unexpected");
        check(&reply(403, r#"{"error":{"code":403,"message":"canary"}}"#), TokenRequest::Renewal, "Unexpected");
        for nonsense in ["", "<html>canary", "[]", "{}", r#"{"access_token":"","token_type":"Bearer"}"#] {
            check(&reply(200, nonsense), TokenRequest::Renewal, "Unexpected");
        }
        let odd = r#"{"access_token":"canary","token_type":"Bearer","expires_in":-1}"#;
        check(&reply(200, odd), TokenRequest::Renewal, "Unexpected { what: \"youtube tokens: expires_in");
    }

    #[test]
    fn what_is_over_already_is_well_ended() {
        assert_eq!(revoked(&reply(200, "{}")), Ok(()));
        assert_eq!(revoked(&refusal(400, "invalid_token")), Ok(()));
        assert!(matches!(revoked(&reply(503, "")), Err(TokenError::Later { .. })));
        assert!(matches!(revoked(&refusal(400, "invalid_request")), Err(TokenError::Unexpected { .. })));
    }

    #[test]
    fn device_codes_name_their_page_in_either_field() {
        let reported = device_code(&reply(200, include_str!("fixtures/device_code.json"))).expect("a code");
        assert_eq!(
            (reported.user_code.as_str(), reported.url.as_str()),
            ("ABCD-EFGH", "https://www.google.com/device")
        );
        assert_eq!((reported.lives, reported.interval), (Seconds(1800), Seconds(5)));
        assert_eq!(reported.code.expose(), "example-device-code");
        let rfc = r#"{"device_code":"d","user_code":"u","verification_uri":"https://x.example/d","expires_in":9}"#;
        assert_eq!(device_code(&reply(200, rfc)).map(|reported| reported.interval).ok(), Some(Seconds(5)));
        let texts = rfc.replace("9}", r#""9","interval":"7"}"#);
        let texts = device_code(&reply(200, &texts)).expect("a code");
        assert_eq!((texts.lives, texts.interval), (Seconds(9), Seconds(7)));
        assert!(device_code(&reply(200, &rfc.replace(":9}", ":-9}"))).is_err());
        let odd = rfc.replace("https:", "javascript:");
        assert!(matches!(device_code(&reply(200, &odd)), Err(TokenError::Unexpected { .. })));
        let often = reply(403, r#"{"error_code":"rate_limit_exceeded"}"#);
        assert!(matches!(device_code(&often), Err(TokenError::Later { retry_after: Some(_), .. })));
        let wrong = device_code(&refusal(401, "invalid_client")).err();
        assert!(wrong.is_some_and(|error| error.to_string().contains("TVs")));
    }

    #[test]
    fn the_error_decides_the_state_of_a_device_code_whatever_the_status() {
        let check = |reply: &Reply, expected: &str| {
            let reported = match device_response(reply) {
                Ok(DeviceResponse::Pending) => "pending".to_owned(),
                Ok(DeviceResponse::SlowDown) => "slow down".to_owned(),
                Ok(DeviceResponse::Denied) => "denied".to_owned(),
                Ok(DeviceResponse::Over) => "over".to_owned(),
                Ok(DeviceResponse::Granted(_)) => "granted".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            assert!(reported.starts_with(expected), "{reported}");
        };
        check(&refusal(428, "authorization_pending"), "pending");
        check(&refusal(400, "authorization_pending"), "pending");
        check(&refusal(403, "slow_down"), "slow down");
        check(&refusal(403, "access_denied"), "denied");
        check(&refusal(400, "expired_token"), "over");
        check(&refusal(400, "invalid_grant"), "over");
        check(&refusal(401, "invalid_client"), "App");
        check(&reply(500, ""), "Later");
        check(&reply(200, include_str!("fixtures/token.json")), "granted");
    }

    proptest::proptest! {
        #[test]
        fn any_response_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &text);
            let _ = (tokens(&reply, TokenRequest::Renewal), revoked(&reply), device_code(&reply), device_response(&reply));
        }
    }
}
