//! Asking for consent: TikTok's own form of OAuth, which no library speaks.

use data_encoding::HEXLOWER;
use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};
use sha2::{Digest, Sha256};

use super::ask::{self, HOST};
use super::read::{BASIC, PROFILE, STATS, VIDEOS};
use super::tokens::{Asked, revoked, tokens};
use super::{NAME, NO_APP, TikTok};
use crate::http_client::Api;
use crate::platforms::consenting::{
    Access, Authorize, Callback, Consenting, Exchange, Held, Opened, Reply, Scope, TokenError, Tokens,
};
use crate::platforms::oauth::{callback, found, redirect, redirect_found, verifier};
use crate::platforms::{OAuthApp, PlatformError};
use crate::secret::Secret;

/// Where people allow it.
const PAGES: &str = "www.tiktok.com";

const SCOPES: &[Scope] = &[
    Scope { name: BASIC, reads: "who the account is", needed: true },
    Scope { name: STATS, reads: "followers, following, posts", needed: false },
    Scope { name: VIDEOS, reads: "likes, comments, shares, views", needed: false },
    Scope { name: PROFILE, reads: "the account's @name", needed: false },
];

/// The longest redirect URI that can be registered is one character shorter.
const TOO_LONG: usize = 512;

impl Consenting for TikTok {
    fn lacks(&self) -> Option<String> {
        self.app.is_none().then(|| NO_APP.to_owned())
    }

    fn realm(&self) -> String {
        format!("tiktok:{}", self.app.as_ref().map(|app| app.id.as_str()).unwrap_or_default())
    }

    fn model(&self) -> TokenModel {
        TokenModel::Rotating
    }

    fn scopes(&self) -> &'static [Scope] {
        SCOPES
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.app.as_ref()?.redirect_uri.as_deref()
    }

    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        redirect_problem(redirect_uri)
    }

    fn verifier(&self) -> Result<Option<Secret>, getrandom::Error> {
        verifier().map(Some)
    }

    fn authorize_url(&self, api: &Api, ask: Authorize<'_>) -> Result<String, PlatformError> {
        let unconfigured = |what: &str| PlatformError::Unconfigured { what: what.to_owned() };
        let app = self.app.as_ref().ok_or_else(|| unconfigured(NO_APP))?;
        let page = api.address(PAGES, "/v2/auth/authorize/");
        let mut url = page.ok_or_else(|| unconfigured("the gateway does not lead to TikTok's consent page"))?;
        let scopes: Vec<&str> = SCOPES.iter().map(|scope| scope.name).collect();
        url.query_pairs_mut()
            .append_pair("client_key", &app.id)
            .append_pair("scope", &scopes.join(","))
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", ask.redirect_uri)
            .append_pair("state", ask.state.expose())
            .append_pair("disable_auto_auth", "1");
        if let Some(verifier) = ask.verifier {
            url.query_pairs_mut()
                .append_pair("code_challenge", &challenge(verifier))
                .append_pair("code_challenge_method", "S256");
        }
        Ok(url.into())
    }

    /// The scopes that come back beside the code come again with the tokens, and are read there.
    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        match callback(NAME, pairs) {
            // Their apps' libraries read this name.
            Callback::Refused(_) if pairs.iter().any(|(name, _)| name == "errCode") => {
                Callback::Refused(format!("{NAME} ended the sign-in with an error of its own: begin again"))
            }
            other => other,
        }
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", with.code.expose()),
                ("redirect_uri", with.redirect_uri),
            ];
            form.extend(with.verifier.map(|verifier| ("code_verifier", verifier.expose())));
            tokens(&self.post(api, TOKEN, &form).await?, Asked::Code)
        }
        .boxed()
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move {
            let gone = || TokenError::Gone { what: format!("{NAME} gave no token to renew the consent with") };
            let refresh = held.refresh.as_ref().ok_or_else(gone)?;
            self.post(api, TOKEN, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
        }
        .boxed()
    }

    fn read_renewed(&self, reply: &Reply) -> Result<Tokens, TokenError> {
        tokens(reply, Asked::Renewal)
    }

    /// TikTok takes the access token, and only while it lives.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move { revoked(&self.post(api, REVOKE, &[("token", held.access.expose())]).await?) }.boxed()
    }

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

const TOKEN: &str = "/v2/oauth/token/";
const REVOKE: &str = "/v2/oauth/revoke/";

impl TikTok {
    /// Asks as the app. `path` is one of theirs for tokens.
    async fn post(&self, api: &Api, path: &'static str, form: &[(&str, &str)]) -> Result<Reply, TokenError> {
        let no_app = || TokenError::App { what: NO_APP.to_owned() };
        let OAuthApp { id, secret, .. } = self.app.as_ref().ok_or_else(no_app)?;
        let mut pairs = vec![("client_key", id.as_str()), ("client_secret", secret.expose())];
        pairs.extend(form);
        Ok(Reply::of(&api.post(HOST, path).form(&pairs).send().await?))
    }

    /// A token for the app itself opens nothing we read; that it is given proves id and secret.
    async fn app_found(&self, api: &Api) -> PlatformCheck {
        let reply = self.post(api, TOKEN, &[("grant_type", "client_credentials")]).await;
        match reply.and_then(|reply| tokens(&reply, Asked::App)) {
            Ok(_) => found("id and secret", Some(true), "TikTok accepts them"),
            Err(error @ TokenError::App { .. }) => found("id and secret", Some(false), error.to_string()),
            Err(error) => found("id and secret", None, error.to_string()),
        }
    }
}

/// Lower-case hexadecimal, although the method is called S256.
fn challenge(verifier: &Secret) -> String {
    HEXLOWER.encode(&Sha256::digest(verifier.expose().as_bytes()))
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
    fn the_challenge_is_hexadecimal() {
        // The vector of TikTok's own SDK for Android.
        let verifier = Secret::new("gaeCq5mVvbhA8Ce6w5O9XBVIKMkySgv-_9A-rnhm9Ns");
        assert_eq!(challenge(&verifier), "e6a178b120743d08509508f269652b0bdf91e29332921bc9e9744fd3dd41bfef");
    }

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
