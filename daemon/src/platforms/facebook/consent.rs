//! Asking for consent: signing in with Facebook.

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::PlatformCheck;
use url::Url;

use super::read::opened;
use super::scopes::SCOPES;
use super::{Facebook, NAME, NO_APP, SLUG};
use crate::http_client::Api;
use crate::oauth::{
    Callback, Exchange, Held, OAuthApp, Provider, Refusal, Reply, Terms, TokenError, TokenRequest, Tokens,
};
use crate::platforms::PlatformError;
use crate::platforms::consenting::{Access, Checked, Consenting, Opened, found};
use crate::platforms::graph::{self, NEWEST, SignIn, SignedIn, is_older, no_page, without_fragment};
use crate::secret::Secret;

const TERMS: Terms = Terms {
    slug: SLUG,
    name: NAME,
    grantor: NAME,
    section: "platforms.facebook",
    no_app: NO_APP,
    scopes: SCOPES,
    ..graph::TERMS
};

/// The first version that reports how often posts were seen.
const VIEWS_SINCE: &str = "v23.0";

impl Provider for Facebook {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.app.as_ref()
    }

    fn page(&self, api: &Api) -> Option<Url> {
        self.sign_in()?.page(api)
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        without_fragment(NAME, pairs)
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move { self.sign_in().ok_or_else(no_app)?.exchange(self, api, with).await }.boxed()
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move { self.sign_in().ok_or_else(no_app)?.extend(api, held).await }.boxed()
    }

    fn read_tokens(&self, reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        graph::tokens(self, reply, request)
    }

    fn refusal(&self, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
        graph::refusal(NAME, reply, request)
    }

    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move { self.sign_in().ok_or_else(no_app)?.revoke(self, api, held).await }.boxed()
    }
}

impl Consenting for Facebook {
    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        async move {
            let sign_in = self.sign_in().ok_or_else(unconfigured)?;
            let SignedIn { person, granted, pages } = sign_in.signed_in(api, &access.token, SCOPES).await?;
            if pages.is_empty() {
                return Err(no_page(&granted, sign_in.app, TERMS.section));
            }
            let Checked { scopes, data_ends_at } = granted.into();
            let accounts = opened(pages);
            Ok(Opened { owner_id: person.id, owner_name: person.name, scopes, data_ends_at, accounts })
        }
        .boxed()
    }

    /// Both platforms of a Meta app share its consents, so that the account may be an Instagram one as well.
    fn derive<'a>(
        &'a self,
        api: &'a Api,
        access: &'a Access,
        platform_user_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, PlatformError>> {
        async move {
            let sign_in = self.sign_in().ok_or_else(unconfigured)?;
            sign_in.page_token(api, &access.token, platform_user_id).await
        }
        .boxed()
    }

    fn checks(&self) -> bool {
        true
    }

    fn check<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Checked, PlatformError>> {
        async move { Ok(self.sign_in().ok_or_else(unconfigured)?.granted(api, &access.token).await?.into()) }.boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        async move {
            match self.sign_in() {
                Some(sign_in) => {
                    let mut checks = sign_in.checks(api, redirect_uri).await;
                    if is_older(&self.version, VIEWS_SINCE) {
                        let message = format!("{} reports no views of posts: set version = \"{NEWEST}\"", self.version);
                        checks.push(found("views", Some(false), message));
                    }
                    checks
                }
                None => vec![found("id and secret", Some(false), NO_APP)],
            }
        }
        .boxed()
    }
}

impl Facebook {
    fn sign_in(&self) -> Option<SignIn<'_>> {
        Some(SignIn { name: NAME, app: self.app.as_ref()?, version: &self.version })
    }
}

fn unconfigured() -> PlatformError {
    PlatformError::Unconfigured { what: NO_APP.to_owned() }
}

fn no_app() -> TokenError {
    TokenError::App { what: NO_APP.to_owned() }
}
