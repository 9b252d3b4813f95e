//! Asking for consent, by either login.

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};
use roster_protocol::time::Seconds;
use url::Url;

use super::read::{linked, none_linked};
use super::scopes::{LOGIN_SCOPES, LOOKING_UP, SCOPES};
use super::{Instagram, Login, NAME, NO_APP, SLUG, ask, login};
use crate::http_client::Api;
use crate::oauth::{
    self, Callback, Challenge, Endpoint, Exchange, Held, OAuthApp, Provider, Refusal, Reply, Terms, TokenError,
    TokenRequest, Tokens,
};
use crate::platforms::PlatformError;
use crate::platforms::batch::Stop;
use crate::platforms::consenting::{Access, Checked, Consenting, Opened};
use crate::platforms::graph::{self, SignIn, SignedIn, no_page, without_fragment};
use crate::secret::Secret;

/// Signing in with Facebook.
const BY_FACEBOOK: Terms = Terms {
    slug: SLUG,
    name: NAME,
    grantor: NAME,
    section: "platforms.instagram",
    no_app: NO_APP,
    scopes: SCOPES,
    ..graph::TERMS
};

/// Instagram's own login.
const BY_INSTAGRAM: Terms = Terms {
    slug: SLUG,
    name: NAME,
    grantor: NAME,
    realm: "instagram",
    section: "platforms.instagram",
    no_app: NO_APP,
    page: Endpoint { host: "www.instagram.com", path: "/oauth/authorize" },
    // For codes alone; everything else is at the API's own host.
    token: Endpoint { host: "api.instagram.com", path: "/oauth/access_token" },
    scopes: LOGIN_SCOPES,
    separator: ",",
    // It documents no PKCE either.
    challenge: Challenge::None,
    model: TokenModel::Extension,
    renews_at_once: true,
    // A younger token is not renewed.
    renewable_after: Seconds(24 * 3600),
    ..Terms::STANDARD
};

impl Provider for Instagram {
    fn terms(&self) -> &'static Terms {
        match self.login {
            Login::Facebook => &BY_FACEBOOK,
            Login::Instagram => &BY_INSTAGRAM,
        }
    }

    fn app(&self) -> Option<&OAuthApp> {
        self.app.as_ref()
    }

    fn page(&self, api: &Api) -> Option<Url> {
        match self.login {
            Login::Facebook => self.at_facebook(self.app.as_ref()?).page(api),
            Login::Instagram => BY_INSTAGRAM.page.address(api),
        }
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        without_fragment(NAME, pairs)
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move {
            let app = self.app.as_ref().ok_or_else(no_app)?;
            match self.login {
                Login::Facebook => self.at_facebook(app).exchange(self, api, with).await,
                Login::Instagram => oauth::exchange(self, api, with).await,
            }
        }
        .boxed()
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move {
            let app = self.app.as_ref().ok_or_else(no_app)?;
            match self.login {
                Login::Facebook => self.at_facebook(app).extend(api, held).await,
                Login::Instagram => login::renew(self, app, api, held).await,
            }
        }
        .boxed()
    }

    fn read_tokens(&self, reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        match (self.login, request) {
            (Login::Instagram, TokenRequest::Code) => login::first_token(self, reply),
            _ => graph::tokens(self, reply, request),
        }
    }

    fn refusal(&self, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
        let own = || login::refusal(reply).filter(|_| self.login == Login::Instagram && request == TokenRequest::Code);
        own().or_else(|| graph::refusal(NAME, reply, request))
    }

    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move {
            let app = self.app.as_ref().ok_or_else(no_app)?;
            match self.login {
                Login::Facebook => self.at_facebook(app).revoke(self, api, held).await,
                Login::Instagram => login::revoke(self, api, held).await,
            }
        }
        .boxed()
    }
}

impl Consenting for Instagram {
    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        async move {
            let (app, stop) = (self.app.as_ref().ok_or_else(unconfigured)?, Stop::new(api));
            match self.login {
                Login::Facebook => self.opened_by_facebook(app, api, access).await,
                Login::Instagram => {
                    let requests = self.requests(api, &stop).ok_or_else(unconfigured)?;
                    ask::me(&requests.with(&access.token)).await?.opened()
                }
            }
        }
        .boxed()
    }

    /// Both platforms of a Meta app share its consents, so that the account may be a Page as well.
    fn derive<'a>(
        &'a self,
        api: &'a Api,
        access: &'a Access,
        platform_user_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, PlatformError>> {
        async move {
            match (self.login, &self.app) {
                (Login::Instagram, _) => Ok(None),
                (Login::Facebook, None) => Err(unconfigured()),
                (Login::Facebook, Some(app)) => {
                    self.at_facebook(app).page_token(api, &access.token, platform_user_id).await
                }
            }
        }
        .boxed()
    }

    fn looks_up(&self) -> Option<&'static [&'static str]> {
        (self.login == Login::Facebook).then_some(LOOKING_UP)
    }

    fn checks(&self) -> bool {
        true
    }

    /// Instagram's own login reports what was granted with the tokens only.
    fn check<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Checked, PlatformError>> {
        async move {
            let (app, stop) = (self.app.as_ref().ok_or_else(unconfigured)?, Stop::new(api));
            match self.login {
                Login::Facebook => Ok(self.at_facebook(app).granted(api, &access.token).await?.into()),
                Login::Instagram => {
                    let requests = self.requests(api, &stop).ok_or_else(unconfigured)?;
                    ask::me(&requests.with(&access.token)).await.map(|_| Checked::default())
                }
            }
        }
        .boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        async move {
            match (&self.app, self.login) {
                (None, _) => login::no_app(),
                (Some(app), Login::Facebook) => self.at_facebook(app).checks(api, redirect_uri).await,
                (Some(_), Login::Instagram) => login::checks(self, api, redirect_uri).await,
            }
        }
        .boxed()
    }
}

impl Instagram {
    pub(super) fn at_facebook<'a>(&'a self, app: &'a OAuthApp) -> SignIn<'a> {
        SignIn { name: NAME, app, version: &self.version }
    }

    /// The accounts linked to the person's Pages, each with its Page's token.
    async fn opened_by_facebook(&self, app: &OAuthApp, api: &Api, access: &Access) -> Result<Opened, PlatformError> {
        let signed_in = self.at_facebook(app).signed_in(api, &access.token, SCOPES).await?;
        let SignedIn { person, granted, pages } = signed_in;
        if pages.is_empty() {
            return Err(no_page(&granted, app, BY_FACEBOOK.section));
        }
        if pages.iter().all(|page| page.instagram.is_none()) {
            return Err(none_linked(&pages));
        }
        let Checked { scopes, data_ends_at } = granted.into();
        let accounts = linked(pages);
        Ok(Opened { owner_id: person.id, owner_name: person.name, scopes, data_ends_at, accounts })
    }
}

fn unconfigured() -> PlatformError {
    PlatformError::Unconfigured { what: NO_APP.to_owned() }
}

fn no_app() -> TokenError {
    TokenError::App { what: NO_APP.to_owned() }
}
