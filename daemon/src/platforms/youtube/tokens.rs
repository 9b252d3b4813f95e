//! What their token endpoints say: OAuth as the RFCs have it, read with the types of a library. Pure.
//!
//! The library's types do not wipe what they hold, so each secret moves into ours at once.

use std::time::Duration;

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    DeviceCodeErrorResponse, DeviceCodeErrorResponseType, ExtraTokenFields, StandardDeviceAuthorizationResponse,
    StandardTokenResponse, TokenResponse,
};
use roster_protocol::text::{NAME_CHARACTERS, clean};
use roster_protocol::time::Seconds;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SLUG;
use crate::http_client::{HttpErrorKind, read_json};
use crate::platforms::asking::sentence;
use crate::platforms::consenting::{DeviceAnswer, DeviceCode, Reply, TokenError, Tokens};
use crate::platforms::oauth::{redirect, token};
use crate::secret::Secret;

/// What was asked for: the same refusal means something else each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Code,
    Renewal,
    Device,
}

type Granted = StandardTokenResponse<Lives, BasicTokenType>;

/// Told for consents that are limited in time.
#[derive(Debug, Deserialize, Serialize)]
struct Lives {
    refresh_token_expires_in: Option<u64>,
}

impl ExtraTokenFields for Lives {}

/// The tokens of an answer. A renewal brings no refresh token: the one that is held stays good.
pub(super) fn tokens(reply: &Reply, asked: Asked) -> Result<Tokens, TokenError> {
    if is_success(reply) { granted(reply) } else { Err(refused(reply, asked)) }
}

fn granted(reply: &Reply) -> Result<Tokens, TokenError> {
    let told: Granted = read(reply).map_err(unreadable)?;
    let access = token(Secret::new(told.access_token().secret()));
    let scopes = told.scopes().map(|scopes| {
        let plain = |scope: &&str| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        scopes.iter().map(|scope| scope.as_str()).filter(plain).map(str::to_owned).collect()
    });
    Ok(Tokens {
        access: access.ok_or_else(|| unexpected("the answer holds no token"))?,
        refresh: told.refresh_token().and_then(|refresh| token(Secret::new(refresh.secret()))),
        access_lives: told.expires_in().map(|lives| Seconds(lives.as_secs())),
        refresh_lives: told.extra_fields().refresh_token_expires_in.map(Seconds),
        scopes,
    })
}

/// Whether a consent is over, as its owner's account or we wished.
pub(super) fn revoked(reply: &Reply) -> Result<(), TokenError> {
    if is_success(reply) {
        return Ok(());
    }
    match read::<BasicErrorResponse>(reply) {
        Ok(told) if told.error().as_ref() == "invalid_token" => Ok(()),
        _ => Err(refused(reply, Asked::Renewal)),
    }
}

/// A code for a device. The page's address is told in one of two fields.
pub(super) fn device_code(reply: &Reply) -> Result<DeviceCode, TokenError> {
    if reply.status == 403 && read::<BasicErrorResponse>(reply).is_err() {
        // Asked too often: `error_code` instead of `error`.
        let what = "Google gives out no more codes for now".to_owned();
        return Err(TokenError::Later { what, retry_after: Some(Duration::from_secs(60)), sent: false });
    }
    if !is_success(reply) {
        return Err(refused(reply, Asked::Device));
    }
    let told: StandardDeviceAuthorizationResponse = read(reply).map_err(unreadable)?;
    let url = told.verification_uri().as_str();
    let is_page = redirect(url).is_some_and(|(url, loopback)| loopback || url.scheme() == "https");
    let code = token(Secret::new(told.device_code().secret())).filter(|_| is_page);
    Ok(DeviceCode {
        code: code.ok_or_else(|| unexpected("the answer holds no code, or no page to type it at"))?,
        user_code: clean(told.user_code().secret(), NAME_CHARACTERS),
        url: sentence(url),
        lives: Seconds(told.expires_in().as_secs()),
        interval: Seconds(told.interval().as_secs().max(1)),
    })
}

/// How a device code stands. The status differs from the RFC's; the word for it does not.
pub(super) fn device_answer(reply: &Reply) -> Result<DeviceAnswer, TokenError> {
    use DeviceCodeErrorResponseType::{AccessDenied, AuthorizationPending, Basic, ExpiredToken, SlowDown};
    if is_success(reply) {
        return granted(reply).map(|tokens| DeviceAnswer::Granted(Box::new(tokens)));
    }
    match read::<DeviceCodeErrorResponse>(reply).as_ref().map(|told| told.error()) {
        Ok(AuthorizationPending) => Ok(DeviceAnswer::Pending),
        Ok(SlowDown) => Ok(DeviceAnswer::SlowDown),
        Ok(AccessDenied) => Ok(DeviceAnswer::Denied),
        Ok(ExpiredToken | Basic(BasicErrorResponseType::InvalidGrant)) => Ok(DeviceAnswer::Over),
        _ => Err(refused(reply, Asked::Device)),
    }
}

/// What a refusal means. Their descriptions are not read: they may hold what was sent.
fn refused(reply: &Reply, asked: Asked) -> TokenError {
    use BasicErrorResponseType::{Extension, InvalidClient, InvalidGrant, InvalidScope, UnauthorizedClient};
    let by_status = || TokenError::by_status("Google", reply.status, None);
    if reply.status == 429 || reply.status >= 500 {
        return by_status();
    }
    let Ok(told) = read::<BasicErrorResponse>(reply) else { return by_status() };
    match told.error() {
        InvalidGrant if asked == Asked::Renewal => TokenError::Gone {
            what: "Google has ended the consent: revoked by its owner, unused for six months, or given while the app \
                   was in testing, where it lasts seven days"
                .to_owned(),
        },
        InvalidGrant => TokenError::Gone { what: "Google's code is used or out of time: begin again".to_owned() },
        InvalidClient | UnauthorizedClient if asked == Asked::Device => TokenError::App {
            what: "Google does not accept the app for device codes: check client_id and client_secret in \
                   [platforms.youtube], which must be of the type TVs and Limited Input devices"
                .to_owned(),
        },
        InvalidClient | UnauthorizedClient => bad_app(),
        InvalidScope => app("Google does not let this app ask for what Roster reads: check its scopes"),
        Extension(code) => match code.as_str() {
            "deleted_client" | "disabled_client" => bad_app(),
            "org_internal" => app("the app is for its own organisation's accounts alone: make it external at Google"),
            "redirect_uri_mismatch" => app("the redirect URI is not among those in the app's settings at Google"),
            "server_error" | "temporarily_unavailable" | "internal_failure" => {
                TokenError::Later { what: "Google cannot give tokens now".to_owned(), retry_after: None, sent: true }
            }
            _ => unknown(reply.status, code),
        },
        other => unknown(reply.status, other.as_ref()),
    }
}

fn bad_app() -> TokenError {
    app("Google does not accept the app: check client_id and client_secret in [platforms.youtube]")
}

fn app(what: &str) -> TokenError {
    TokenError::App { what: what.to_owned() }
}

fn unknown(status: u16, code: &str) -> TokenError {
    let plain = code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    unexpected(&format!("it refused ({status}): {}", if plain { code } else { "for no known reason" }))
}

fn unexpected(what: &str) -> TokenError {
    TokenError::Unexpected { what: sentence(&format!("{SLUG} tokens: {what}")) }
}

fn unreadable(kind: HttpErrorKind) -> TokenError {
    unexpected(&kind.to_string())
}

fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, HttpErrorKind> {
    read_json(reply.body.expose().as_bytes())
}

fn is_success(reply: &Reply) -> bool {
    (200..300).contains(&reply.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: Secret::new(body) }
    }

    fn refusal(status: u16, code: &str) -> Reply {
        reply(status, &format!(r#"{{"error":"{code}","error_description":"canary"}}"#))
    }

    #[test]
    fn tokens_are_read_and_a_renewal_keeps_the_refresh_token() {
        let told = tokens(&reply(200, include_str!("fixtures/token.json")), Asked::Code).expect("tokens");
        assert_eq!(told.access.expose(), "example-access-token");
        assert_eq!(told.refresh.as_ref().map(Secret::expose), Some("1//example-refresh-token"));
        assert_eq!((told.access_lives, told.refresh_lives), (Some(Seconds(3599)), Some(Seconds(604_799))));
        assert_eq!(told.scopes.map(|scopes| scopes.len()), Some(2));

        let renewed = r#"{"access_token":"x","expires_in":3599,"scope":"","token_type":"Bearer"}"#;
        let renewed = tokens(&reply(200, renewed), Asked::Renewal).expect("tokens");
        assert!(renewed.refresh.is_none() && renewed.refresh_lives.is_none());
        assert_eq!(renewed.scopes, Some(Vec::new()));
    }

    #[test]
    fn refusals_say_what_is_done_next() {
        let check = |reply: &Reply, asked: Asked, expected: &str| {
            let told = format!("{:?}", tokens(reply, asked).err());
            assert!(told.starts_with(&format!("Some({expected}")) && !told.contains("canary"), "{told}");
        };
        check(&refusal(400, "invalid_grant"), Asked::Renewal, "Gone { what: \"Google has ended");
        check(&refusal(400, "invalid_grant"), Asked::Code, "Gone { what: \"Google's code");
        check(&refusal(401, "invalid_client"), Asked::Renewal, "App");
        check(&refusal(401, "deleted_client"), Asked::Renewal, "App");
        check(&refusal(400, "redirect_uri_mismatch"), Asked::Code, "App");
        check(
            &refusal(400, "invalid_request"),
            Asked::Code,
            "Unexpected { what: \"youtube tokens: it refused (400): inv",
        );
        check(&refusal(400, "canary <b>"), Asked::Code, "Unexpected");
        check(&refusal(500, "invalid_grant"), Asked::Renewal, "Later");
        check(&refusal(400, "internal_failure"), Asked::Renewal, "Later");
        check(&reply(503, "<html>canary"), Asked::Renewal, "Later");
        check(&reply(429, ""), Asked::Renewal, "Later");
        check(&reply(307, ""), Asked::Renewal, "Unexpected");
        check(&reply(403, r#"{"error":{"code":403,"message":"canary"}}"#), Asked::Renewal, "Unexpected");
        for nonsense in ["", "<html>canary", "[]", "{}", r#"{"access_token":"","token_type":"Bearer"}"#] {
            check(&reply(200, nonsense), Asked::Renewal, "Unexpected");
        }
        let odd = r#"{"access_token":"canary","token_type":"Bearer","expires_in":-1}"#;
        check(&reply(200, odd), Asked::Renewal, "Unexpected { what: \"youtube tokens: expires_in");
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
        let told = device_code(&reply(200, include_str!("fixtures/device_code.json"))).expect("a code");
        assert_eq!((told.user_code.as_str(), told.url.as_str()), ("ABCD-EFGH", "https://www.google.com/device"));
        assert_eq!((told.lives, told.interval), (Seconds(1800), Seconds(5)));
        assert_eq!(told.code.expose(), "example-device-code");
        let rfc = r#"{"device_code":"d","user_code":"u","verification_uri":"https://x.example/d","expires_in":9}"#;
        assert_eq!(device_code(&reply(200, rfc)).map(|told| told.interval).ok(), Some(Seconds(5)));
        let odd = rfc.replace("https:", "javascript:");
        assert!(matches!(device_code(&reply(200, &odd)), Err(TokenError::Unexpected { .. })));
        let often = reply(403, r#"{"error_code":"rate_limit_exceeded"}"#);
        assert!(matches!(device_code(&often), Err(TokenError::Later { retry_after: Some(_), .. })));
        let wrong = device_code(&refusal(401, "invalid_client")).err();
        assert!(wrong.is_some_and(|error| error.to_string().contains("TVs")));
    }

    #[test]
    fn a_device_code_stands_as_the_error_says_whatever_the_status() {
        let check = |reply: &Reply, expected: &str| {
            let told = match device_answer(reply) {
                Ok(DeviceAnswer::Pending) => "pending".to_owned(),
                Ok(DeviceAnswer::SlowDown) => "slow down".to_owned(),
                Ok(DeviceAnswer::Denied) => "denied".to_owned(),
                Ok(DeviceAnswer::Over) => "over".to_owned(),
                Ok(DeviceAnswer::Granted(_)) => "granted".to_owned(),
                Err(error) => format!("{error:?}"),
            };
            assert!(told.starts_with(expected), "{told}");
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
        fn any_answer_is_read_without_panic(status in 100_u16..600, text in crate::platforms::tests::json()) {
            let reply = reply(status, &text);
            let _ = (tokens(&reply, Asked::Renewal), revoked(&reply), device_code(&reply), device_answer(&reply));
        }
    }
}
