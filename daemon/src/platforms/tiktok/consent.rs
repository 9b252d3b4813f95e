//! Asking for consent: TikTok's own form of OAuth.

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};

use super::ask::{self, HOST};
use super::scopes::SCOPES;
use super::{NAME, NO_APP, SLUG, TikTok, tokens};
use crate::http_client::Api;
use crate::oauth::{
    self, Callback, Challenge, Endpoint, Held, OAuthApp, Provider, Refusal, Reply, Terms, TokenError, TokenRequest,
    redirect,
};
use crate::platforms::PlatformError;
use crate::platforms::consenting::{Access, Consenting, Opened, found, redirect_found};

/// The consent page, which both APIs share.
pub(super) const PAGE: Endpoint = Endpoint { host: "www.tiktok.com", path: "/v2/auth/authorize/" };
pub(super) const PARAMETERS: &[(&str, &str)] = &[("disable_auto_auth", "1")];

const REVOCATION: Endpoint = Endpoint { host: HOST, path: "/v2/oauth/revoke/" };

const TERMS: Terms = Terms {
    slug: SLUG,
    name: NAME,
    grantor: NAME,
    realm: "tiktok",
    section: "platforms.tiktok",
    no_app: NO_APP,
    page: PAGE,
    token: Endpoint { host: HOST, path: "/v2/oauth/token/" },
    revocation: Some(REVOCATION),
    scopes: SCOPES,
    separator: ",",
    client_id: "client_key",
    parameters: PARAMETERS,
    challenge: Challenge::HexS256,
    model: TokenModel::Rotating,
    ..Terms::STANDARD
};

/// The longest redirect URI that can be registered is one character shorter.
const TOO_LONG: usize = 512;

impl Provider for TikTok {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.app.as_ref()
    }

    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        redirect_problem(redirect_uri)
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        read_callback(pairs)
    }

    fn refusal(&self, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
        tokens::refusal(reply, request)
    }

    /// TikTok takes the access token, and only while it lives.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move {
            let reply = oauth::post(self, api, REVOCATION, &[("token", held.access.expose())]).await?;
            tokens::revoked(self, &reply)
        }
        .boxed()
    }
}

/// TikTok returns the scopes beside the code and again with the tokens; they are read from the latter.
pub(super) fn read_callback(pairs: &[(String, String)]) -> Callback {
    match oauth::read_callback(NAME, pairs) {
        // The libraries of TikTok's apps read this name.
        Callback::Refused(_) if pairs.iter().any(|(name, _)| name == "errCode") => {
            Callback::Refused(format!("{NAME} ended the sign-in with an error of its own: begin again"))
        }
        other => other,
    }
}

impl Consenting for TikTok {
    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        ask::opened(api, access).boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        async move {
            if self.app.is_none() {
                return vec![found("id and secret", Some(false), NO_APP)];
            }
            let reviewed = "TikTok reviews each scope of an app: what is not approved cannot be allowed by anyone";
            let scopes = found("scopes", None, reviewed);
            vec![self.app_found(api).await, redirect_found(redirect_uri, redirect_problem(redirect_uri)), scopes]
        }
        .boxed()
    }
}

impl TikTok {
    /// A token for the app itself opens nothing we read; that it is given proves id and secret.
    async fn app_found(&self, api: &Api) -> PlatformCheck {
        let reply = oauth::token_request(self, api, &[("grant_type", "client_credentials")]).await;
        match reply.and_then(|reply| self.read_tokens(&reply, TokenRequest::App)) {
            Ok(_) => found("id and secret", Some(true), "TikTok accepts them"),
            Err(error @ TokenError::App { .. }) => found("id and secret", Some(false), error.to_string()),
            Err(error) => found("id and secret", None, error.to_string()),
        }
    }
}

/// After "Login Kit for Web" and "Login Kit for Desktop".
fn redirect_problem(text: &str) -> Option<String> {
    let problem = match redirect(text) {
        None => "it is no URL that a browser opens",
        Some(_) if text.len() >= TOO_LONG => "it has 512 characters or more",
        Some(_) if text.contains(['?', '#']) => "it may have neither ? nor #",
        Some((url, _)) if !url.username().is_empty() || url.password().is_some() => "it may hold no name or password",
        Some((url, false)) if url.scheme() != "https" => "it must be https, or http to localhost or 127.0.0.1",
        Some((_, false)) => return None,
        Some((url, true)) if url.host_str() == Some("[::1]") => "this machine is localhost or 127.0.0.1 there",
        Some(_) if !has_port(text) => {
            "on this machine it needs a port, as in http://127.0.0.1:8787/oauth/tiktok/callback"
        }
        Some(_) => return None,
    };
    Some(format!("TikTok does not take this redirect URI: {problem}"))
}

/// Whether a port is written: a scheme's usual one is not in the parsed URL any more.
fn has_port(text: &str) -> bool {
    let authority = text.split("://").nth(1).and_then(|rest| rest.split('/').next());
    authority.is_some_and(|authority| authority.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris_are_checked_before_tiktok_does() {
        for good in [
            "https://roster.example/oauth/tiktok/callback",
            "http://127.0.0.1:8787/oauth/tiktok/callback",
            "http://localhost:3455/callback/",
            "https://127.0.0.1:443/callback/",
        ] {
            assert_eq!(redirect_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "roster.example/callback",
            "http://roster.example/callback",
            "https://roster.example/callback?id=1",
            "https://roster.example/callback#x",
            "https://mara@roster.example/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:8787/callback",
            &format!("https://roster.example/{}", "x".repeat(500)),
        ] {
            assert!(redirect_problem(bad).is_some(), "{bad}");
        }
    }
}
