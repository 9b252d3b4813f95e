//! Asking for consent: Google's OAuth, by redirect or by a code for a device.

use std::borrow::Cow;

use futures::FutureExt;
use futures::future::BoxFuture;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use roster_protocol::consent::{PlatformCheck, TokenModel};
use url::Url;

use super::tokens::{self, Asked};
use super::{NO_APP, YouTube, checks, own};
use crate::http_client::Api;
use crate::platforms::PlatformError;
use crate::platforms::consenting::{
    Access, Authorize, Callback, Consenting, DeviceAnswer, DeviceCode, Exchange, Held, Opened, Reply, Scope,
    TokenError, Tokens,
};
use crate::platforms::oauth::{callback, verifier};
use crate::secret::Secret;

pub(super) const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
pub(super) const AUDIENCE: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";

const SCOPES: &[Scope] = &[
    Scope { name: READ, reads: "followers, videos, likes, comments, views", needed: true },
    Scope { name: AUDIENCE, reads: "audience", needed: false },
];

/// Where people allow it.
const PAGES: &str = "accounts.google.com";
const TOKENS: &str = "oauth2.googleapis.com";
const TOKEN: &str = "/token";

impl Consenting for YouTube {
    fn lacks(&self) -> Option<String> {
        self.app.is_none().then(|| NO_APP.to_owned())
    }

    fn realm(&self) -> String {
        format!("google:{}", self.app.as_ref().map(|app| app.id.as_str()).unwrap_or_default())
    }

    fn model(&self) -> TokenModel {
        TokenModel::Fixed
    }

    fn scopes(&self) -> &'static [Scope] {
        SCOPES
    }

    fn device_scopes(&self) -> &'static [Scope] {
        // Google allows no others to devices.
        &SCOPES[..1]
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.app.as_ref()?.redirect_uri.as_deref()
    }

    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        checks::redirect_problem(redirect_uri)
    }

    fn verifier(&self) -> Result<Option<Secret>, getrandom::Error> {
        verifier().map(Some)
    }

    fn authorize_url(&self, api: &Api, ask: Authorize<'_>) -> Result<String, PlatformError> {
        let unconfigured = |what: &str| PlatformError::Unconfigured { what: what.to_owned() };
        let app = self.app.as_ref().ok_or_else(|| unconfigured(NO_APP))?;
        let page = api.address(PAGES, "/o/oauth2/v2/auth");
        let page = page.ok_or_else(|| unconfigured("the gateway does not lead to Google's consent page"))?;
        let back = RedirectUrl::new(ask.redirect_uri.to_owned());
        let back = back.map_err(|_| unconfigured("the redirect URI in [platforms.youtube] is no URL"))?;
        let client = BasicClient::new(ClientId::new(app.id.clone())).set_auth_uri(AuthUrl::from_url(page));
        let mut request = client
            .authorize_url(|| CsrfToken::new(ask.state.expose().to_owned()))
            .set_redirect_uri(Cow::Owned(back))
            .add_scopes(SCOPES.iter().map(|scope| oauth2::Scope::new(scope.name.to_owned())))
            // Without both no refresh token comes, or only at the very first consent.
            .add_extra_param("access_type", "offline")
            .add_extra_param("prompt", "consent")
            .add_extra_param("include_granted_scopes", "true");
        if let Some(challenge) = ask.verifier.and_then(challenge) {
            request = request.set_pkce_challenge(challenge);
        }
        // A channel's handle is no account that Google's sign-in page knows.
        if let Some(hint) = ask.login_hint.filter(|hint| hint.find('@').is_some_and(|at| at > 0)) {
            request = request.add_extra_param("login_hint", hint);
        }
        let (url, _state) = request.url();
        Ok(url.into())
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        callback("Google", pairs)
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", with.code.expose()),
                ("redirect_uri", with.redirect_uri),
            ];
            form.extend(with.verifier.map(|verifier| ("code_verifier", verifier.expose())));
            tokens::tokens(&self.ask_token(api, &form).await?, Asked::Code)
        }
        .boxed()
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move {
            let gone = || TokenError::Gone { what: "Google gave no token to renew the consent with".to_owned() };
            let refresh = held.refresh.as_ref().ok_or_else(gone)?;
            self.ask_token(api, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
        }
        .boxed()
    }

    fn read_renewed(&self, reply: &Reply) -> Result<Tokens, TokenError> {
        tokens::tokens(reply, Asked::Renewal)
    }

    /// Either token ends the consent; the refresh token is the one that surely still lives.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move {
            let token = held.refresh.as_ref().unwrap_or(&held.access);
            let answer = api.post(TOKENS, "/revoke").form(&[("token", token.expose())]).send().await?;
            tokens::revoked(&Reply::of(&answer))
        }
        .boxed()
    }

    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        own::opened(api, access).boxed()
    }

    fn device_code<'a>(&'a self, api: &'a Api) -> Option<BoxFuture<'a, Result<DeviceCode, TokenError>>> {
        let app = self.app.as_ref()?;
        let ask = async move {
            // No other scope of ours is allowed here.
            let form = [("client_id", app.id.as_str()), ("scope", READ)];
            let answer = api.post(TOKENS, "/device/code").form(&form).send().await?;
            let told = tokens::device_code(&Reply::of(&answer))?;
            Ok(DeviceCode { url: page_to_type_at(api, &told.url), ..told })
        };
        Some(ask.boxed())
    }

    fn device_answer<'a>(&'a self, api: &'a Api, code: &'a Secret) -> BoxFuture<'a, Result<DeviceAnswer, TokenError>> {
        async move {
            let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
            let form = [("grant_type", grant_type), ("device_code", code.expose())];
            tokens::device_answer(&self.ask_token(api, &form).await?)
        }
        .boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        checks::checks(self, api, redirect_uri).boxed()
    }
}

impl YouTube {
    /// Asks the token endpoint as the app.
    pub(super) async fn ask_token(&self, api: &Api, form: &[(&str, &str)]) -> Result<Reply, TokenError> {
        let app = self.app.as_ref().ok_or_else(|| TokenError::App { what: NO_APP.to_owned() })?;
        let mut pairs = vec![("client_id", app.id.as_str()), ("client_secret", app.secret.expose())];
        pairs.extend(form);
        Ok(Reply::of(&api.post(TOKENS, TOKEN).form(&pairs).send().await?))
    }
}

/// `None` for a verifier of a length that RFC 7636 does not allow, at which the library panics.
fn challenge(verifier: &Secret) -> Option<PkceCodeChallenge> {
    let allowed = (43..=128).contains(&verifier.expose().len());
    let verifier = || PkceCodeVerifier::new(verifier.expose().to_owned());
    allowed.then(|| PkceCodeChallenge::from_code_verifier_sha256(&verifier()))
}

/// Google's own page leads through the gateway, as its consent page does.
fn page_to_type_at(api: &Api, told: &str) -> String {
    let page = Url::parse(told).ok().and_then(|url| {
        let google = url.host_str().filter(|host| *host == "google.com" || host.ends_with(".google.com"))?;
        let mut page = api.address(google, url.path())?;
        page.set_query(url.query());
        Some(String::from(page))
    });
    page.unwrap_or_else(|| told.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::tests::world::{api, through};

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let told = challenge(&verifier).map(|challenge| challenge.as_str().to_owned());
        assert_eq!(told.as_deref(), Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(challenge(&Secret::new("short")).is_none());
    }

    #[test]
    fn the_page_for_devices_leads_through_the_gateway() {
        let check = |gateway: &str, told: &str, expected: &str| {
            assert_eq!(page_to_type_at(&api(through(gateway)), told), expected, "{told}");
        };
        let gateway = "http://127.0.0.1:9900";
        check(gateway, "https://www.google.com/device?x=1", "http://127.0.0.1:9900/www.google.com/device?x=1");
        check(gateway, "http://127.0.0.1:9900/www.google.com/device", "http://127.0.0.1:9900/www.google.com/device");
        let direct = page_to_type_at(&api(Default::default()), "https://www.google.com/device");
        assert_eq!(direct, "https://www.google.com/device");
    }
}
