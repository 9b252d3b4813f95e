//! Checks of the set-up that need no consent.

use roster_protocol::consent::PlatformCheck;

use super::ask::{Batch, With};
use super::{NO_APP, NO_KEY, YouTube};
use crate::http_client::Api;
use crate::oauth::{self, Provider, TokenError, TokenRequest, redirect};
use crate::platforms::PlatformError;
use crate::platforms::batch::Stop;
use crate::platforms::consenting::{found, redirect_found};
use crate::secret::Secret;

/// The channel of Google's own developers, which the documentation uses as an example too.
const WELL_KNOWN: &str = "UC_x5XG1OV2P6uZZ5FSM9Ttw";

/// The API key, then the app. Costs one unit.
pub(super) async fn checks(youtube: &YouTube, api: &Api, redirect_uri: &str) -> Vec<PlatformCheck> {
    let key = match &youtube.key {
        Some(key) => key_found(api, key).await,
        None => found("API key", None, format!("without one only consented channels can be read: {NO_KEY}")),
    };
    if youtube.app.is_none() {
        return vec![key, found("id and secret", None, format!("without them no owner can consent: {NO_APP}"))];
    }
    vec![key, app_found(youtube, api).await, redirect_found(redirect_uri, redirect_problem(redirect_uri))]
}

async fn key_found(api: &Api, key: &Secret) -> PlatformCheck {
    let batch = Batch { api, with: With::Key(key), stop: &Stop::new(api), lists: None };
    match batch.channel_list(("id", WELL_KNOWN)).await {
        Ok(_) => found("API key", Some(true), "YouTube answers to it"),
        Err(error @ (PlatformError::Unconfigured { .. } | PlatformError::Unauthorized { .. })) => {
            found("API key", Some(false), error.to_string())
        }
        Err(error) => found("API key", None, error.to_string()),
    }
}

/// Sends a refresh token that does not exist: Google checks the app first.
async fn app_found(youtube: &YouTube, api: &Api) -> PlatformCheck {
    let form = [("grant_type", "refresh_token"), ("refresh_token", "1//nobody-has-this-token")];
    let reply = oauth::token_request(youtube, api, &form).await;
    match reply.and_then(|reply| youtube.read_tokens(&reply, TokenRequest::Renewal)) {
        Ok(_) | Err(TokenError::Gone { .. }) => found("id and secret", Some(true), "Google accepts them"),
        Err(error @ TokenError::App { .. }) => found("id and secret", Some(false), error.to_string()),
        Err(error) => found("id and secret", None, error.to_string()),
    }
}

/// Google's rules for redirect URIs, as far as they can be seen from here.
pub(super) fn redirect_problem(text: &str) -> Option<String> {
    let problem = match redirect(text) {
        None => "it is no URL that a browser opens",
        Some(_) if text.contains(['#', '*']) => "it may have neither # nor *",
        Some((url, _)) if !url.username().is_empty() || url.password().is_some() => "it may hold no name or password",
        Some((_, true)) => return None,
        Some((url, false)) if url.scheme() != "https" => "it must be https, or http to this machine",
        Some((url, false)) if url.domain().is_none() => "it must name a host, not an address",
        Some((url, false)) if url.domain().is_some_and(|host| !host.contains('.')) => "its host must be a public name",
        Some(_) => return None,
    };
    Some(format!("Google does not take this redirect URI: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_checked_before_google_does() {
        for good in [
            "https://roster.example/oauth/youtube/callback",
            "http://127.0.0.1:8787/oauth/youtube/callback",
            "http://localhost/callback",
            "http://[::1]:8787/callback",
        ] {
            assert_eq!(redirect_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "roster.example/callback",
            "http://roster.example/callback",
            "https://192.0.2.7/callback",
            "https://roster/callback",
            "https://roster.example/callback#x",
            "https://*.roster.example/callback",
            "https://mara@roster.example/callback",
        ] {
            assert!(redirect_problem(bad).is_some(), "{bad}");
        }
    }
}
