//! Asking for consent: TikTok's own page, and tokens of the API for Business.

use std::collections::BTreeMap;

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};

use super::super::consent::{PAGE, PARAMETERS, read_callback};
use super::super::{NAME, SLUG};
use super::ask::{self, HOST};
use super::scopes::SCOPES;
use super::{Accounts, NO_APP, tokens};
use crate::http_client::Api;
use crate::oauth::{
    Callback, Challenge, Endpoint, Exchange, Held, OAuthApp, Provider, Refusal, Reply, Terms, TokenError, TokenRequest,
    Tokens, redirect_problem,
};
use crate::platforms::PlatformError;
use crate::platforms::consenting::{Access, Consenting, Opened, found, redirect_found};
use crate::secret::Secret;

const TOKEN: Endpoint = Endpoint { host: HOST, path: "/open_api/v1.3/tt_user/oauth2/token/" };
const REFRESH: Endpoint = Endpoint { host: HOST, path: "/open_api/v1.3/tt_user/oauth2/refresh_token/" };
const REVOCATION: Endpoint = Endpoint { host: HOST, path: "/open_api/v1.3/tt_user/oauth2/revoke/" };

const TERMS: Terms = Terms {
    slug: SLUG,
    name: NAME,
    grantor: NAME,
    // Consents of the one API are worth nothing at the other.
    realm: "tiktok-accounts",
    section: "platforms.tiktok",
    no_app: NO_APP,
    page: PAGE,
    token: TOKEN,
    revocation: Some(REVOCATION),
    scopes: SCOPES,
    separator: ",",
    client_id: "client_key",
    parameters: PARAMETERS,
    challenge: Challenge::None,
    model: TokenModel::Rotating,
    ..Terms::STANDARD
};

impl Provider for Accounts {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.app.as_ref()
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        read_callback(pairs)
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move {
            let fields = [
                ("grant_type", "authorization_code"),
                ("auth_code", with.code.expose()),
                ("redirect_uri", with.redirect_uri),
            ];
            self.read_tokens(&self.post(api, TOKEN, &fields).await?, TokenRequest::Code)
        }
        .boxed()
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move {
            let what = || format!("{NAME} gave no token to renew the consent with");
            let refresh = held.refresh.as_ref().ok_or_else(|| TokenError::Gone { what: what() })?;
            let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
            self.post(api, REFRESH, &fields).await
        }
        .boxed()
    }

    fn read_tokens(&self, reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        tokens::tokens(self, reply, request)
    }

    fn refusal(&self, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
        tokens::refusal(reply, request)
    }

    /// TikTok takes the access token, and only while it lives.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move {
            let reply = self.post(api, REVOCATION, &[("access_token", held.access.expose())]).await?;
            tokens::revoked(self, &reply)
        }
        .boxed()
    }
}

impl Accounts {
    /// Sends fields as the app, in JSON.
    async fn post(&self, api: &Api, to: Endpoint, fields: &[(&str, &str)]) -> Result<Reply, TokenError> {
        let app = self.app.as_ref().ok_or_else(|| TokenError::App { what: NO_APP.to_owned() })?;
        let own = [("client_id", app.id.as_str()), ("client_secret", app.secret.expose())];
        let body: BTreeMap<&str, &str> = own.into_iter().chain(fields.iter().copied()).collect();
        Ok(Reply::of(&api.post(to.host, to.path).json(&body).send().await?))
    }

    /// There is no token for the app itself: a code that does not exist shows what it can.
    async fn app_found(&self, api: &Api, redirect_uri: &str) -> PlatformCheck {
        let what = "id and secret";
        let code = Secret::new("no-such-code");
        match self.exchange(api, Exchange { code: &code, redirect_uri, verifier: None }).await {
            Err(error @ TokenError::App { .. }) => found(what, Some(false), error.to_string()),
            Ok(_) | Err(TokenError::Gone { .. }) => {
                found(what, None, "TikTok responds; whether it accepts them shows at the first consent")
            }
            Err(error) => found(what, None, error.to_string()),
        }
    }
}

impl Consenting for Accounts {
    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        ask::opened(self, api, access).boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        async move {
            if self.app.is_none() {
                return vec![found("id and secret", Some(false), NO_APP)];
            }
            let reviewed = "TikTok reviews each permission of an app: what is not approved cannot be allowed by anyone";
            let redirect = redirect_found(redirect_uri, redirect_problem(NAME, redirect_uri));
            vec![self.app_found(api, redirect_uri).await, redirect, found("scopes", None, reviewed)]
        }
        .boxed()
    }
}
