//! Reads what token, revocation and device endpoints return, as the RFCs have it. Pure.

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType};
use oauth2::{DeviceCodeErrorResponse, DeviceCodeErrorResponseType};
use roster_protocol::text::{NAME_CHARACTERS, SENTENCE_CHARACTERS, clean};
use roster_protocol::time::Seconds;
use serde::Deserialize;

use super::{
    DeviceCode, DeviceResponse, Provider, Refusal, Reply, Terms, TokenError, TokenRequest, Tokens, redirect, refused,
};
use crate::http_client::{HttpErrorKind, count};
use crate::secret::Secret;

/// RFC 6749 section 5.1. Not the library's type, which does not wipe what it holds.
#[derive(Deserialize)]
struct Granted {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "count")]
    expires_in: Option<u64>,
    /// In no RFC, and under two names.
    #[serde(default, alias = "refresh_expires_in", deserialize_with = "count")]
    refresh_token_expires_in: Option<u64>,
    scope: Option<String>,
}

/// RFC 8628 section 3.2, with the page's address in one of two fields and numbers also as texts.
#[derive(Deserialize)]
struct GrantedCode {
    device_code: Secret,
    user_code: String,
    verification_uri: Option<String>,
    verification_url: Option<String>,
    #[serde(default, deserialize_with = "count")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "count")]
    interval: Option<u64>,
}

/// Between two requests for a device code's state where the response has no other.
const USUAL_INTERVAL_S: u64 = 5;

/// The tokens of a response. Where it holds no refresh token, the stored one stays good.
pub fn tokens<P: Provider + ?Sized>(provider: &P, reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
    if !reply.is_success() || provider.refusal(reply, request).is_some() {
        return Err(refused(provider, reply, request));
    }
    let of = provider.terms().slug;
    let granted: Granted = reply.read().map_err(|kind| unreadable(of, kind))?;
    let access = granted.access_token.and_then(token);
    Ok(Tokens {
        access: access.ok_or_else(|| unexpected(of, "the response holds no token"))?,
        refresh: granted.refresh_token.and_then(token),
        access_lives: granted.expires_in.map(Seconds),
        refresh_lives: granted.refresh_token_expires_in.map(Seconds),
        scopes: granted.scope.as_deref().map(scopes),
    })
}

/// Scopes as one text: separated by blanks, or by commas against the standard.
fn scopes(text: &str) -> Vec<String> {
    let plain = |scope: &&str| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
    text.split([' ', ',']).filter(plain).map(str::to_owned).collect()
}

/// A returned token; `None` where it is empty or no header can carry it.
pub fn token(reported: Secret) -> Option<Secret> {
    let plain = reported.expose().bytes().all(|byte| byte.is_ascii_graphic());
    (plain && !reported.expose().is_empty()).then_some(reported)
}

/// A response whose body cannot be read; `of` says whose.
pub fn unreadable(of: &str, kind: HttpErrorKind) -> TokenError {
    unexpected(of, &kind.to_string())
}

/// A response that is not understood; `of` says whose.
pub fn unexpected(of: &str, what: &str) -> TokenError {
    TokenError::unexpected(&format!("{of} tokens: {what}"))
}

/// What a refusal says in the words of RFC 6749 section 5.2; `None` where it has none of them. Descriptions are not
/// read: they may hold what was sent.
pub fn refusal(terms: &Terms, reply: &Reply) -> Option<Refusal> {
    let code = error_code(reply)?;
    Some(match code.as_str() {
        "invalid_grant" => Refusal::Over(None),
        "invalid_client" | "unauthorized_client" => Refusal::App(None),
        "invalid_scope" => Refusal::Scopes,
        "server_error" | "temporarily_unavailable" => Refusal::Outage(None),
        code => {
            let plain = code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let code = if plain { code } else { "for no known reason" };
            Refusal::Unknown(format!("{} tokens: it refused ({}): {code}", terms.slug, reply.status))
        }
    })
}

/// The code of a refusal, as RFC 6749 has it.
pub fn error_code(reply: &Reply) -> Option<String> {
    let reported: BasicErrorResponse = reply.read().ok()?;
    Some(reported.error().as_ref().to_owned())
}

/// Whether the consent is over, after RFC 7009 section 2.2: also where there is none any more.
pub fn revoked<P: Provider + ?Sized>(provider: &P, reply: &Reply) -> Result<(), TokenError> {
    let is_over = reply.is_success() || error_code(reply).is_some_and(|code| code == "invalid_token");
    if is_over { Ok(()) } else { Err(refused(provider, reply, TokenRequest::Revocation)) }
}

/// A code for a device, after RFC 8628 section 3.2. The page's address is in one of two fields.
pub fn device_code<P: Provider + ?Sized>(provider: &P, reply: &Reply) -> Result<DeviceCode, TokenError> {
    if !reply.is_success() {
        return Err(refused(provider, reply, TokenRequest::Device));
    }
    let of = provider.terms().slug;
    let reported: GrantedCode = reply.read().map_err(|kind| unreadable(of, kind))?;
    let url = reported.verification_uri.or(reported.verification_url).unwrap_or_default();
    let is_page = redirect(&url).is_some_and(|(url, loopback)| loopback || url.scheme() == "https");
    let code = token(reported.device_code).filter(|_| is_page);
    let no_code = || unexpected(of, "the response holds no code, or no page to type it at");
    Ok(DeviceCode {
        code: code.ok_or_else(no_code)?,
        user_code: clean(&reported.user_code, NAME_CHARACTERS),
        url: clean(&url, SENTENCE_CHARACTERS),
        lives: Seconds(reported.expires_in.ok_or_else(|| unexpected(of, "the code has no end"))?),
        interval: Seconds(reported.interval.unwrap_or(USUAL_INTERVAL_S).max(1)),
    })
}

/// The state of a device code, after RFC 8628 section 3.5, whatever the status.
pub fn device_response<P: Provider + ?Sized>(provider: &P, reply: &Reply) -> Result<DeviceResponse, TokenError> {
    use DeviceCodeErrorResponseType::{AccessDenied, AuthorizationPending, Basic, ExpiredToken, SlowDown};
    if reply.is_success() {
        let tokens = provider.read_tokens(reply, TokenRequest::Device)?;
        return Ok(DeviceResponse::Granted(Box::new(tokens)));
    }
    match reply.read::<DeviceCodeErrorResponse>().as_ref().map(|reported| reported.error()) {
        Ok(AuthorizationPending) => Ok(DeviceResponse::Pending),
        Ok(SlowDown) => Ok(DeviceResponse::SlowDown),
        Ok(AccessDenied) => Ok(DeviceResponse::Denied),
        Ok(ExpiredToken | Basic(BasicErrorResponseType::InvalidGrant)) => Ok(DeviceResponse::Over),
        _ => Err(refused(provider, reply, TokenRequest::Device)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_fit_into_a_header() {
        for (text, good) in [("act.x*!y", true), ("", false), ("a b", false), ("a\n", false), ("é", false)] {
            assert_eq!(token(Secret::new(text)).is_some(), good, "{text:?}");
        }
    }
}
