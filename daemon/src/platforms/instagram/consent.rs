//! Asking for consent, by either login.

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};
use roster_protocol::time::Seconds;

use super::read::{linked, none_linked};
use super::{Instagram, Login, NAME, NO_APP, ask, login};
use crate::http_client::Api;
use crate::platforms::asking::Stop;
use crate::platforms::consenting::{
    Access, Authorize, Callback, Consenting, Exchange, Held, Opened, Reply, Scope, TokenError, Tokens,
};
use crate::platforms::graph::{Asked, LINKED, SHOW_PAGES, SignIn, redirect_problem, tokens, without_fragment};
use crate::platforms::{OAuthApp, PlatformError};
use crate::secret::Secret;

pub(super) const BASIC: &str = LINKED;
pub(super) const INSIGHTS: &str = "instagram_manage_insights";
pub(super) const LOGIN_BASIC: &str = "instagram_business_basic";
pub(super) const LOGIN_INSIGHTS: &str = "instagram_business_manage_insights";

const SCOPES: &[Scope] = &[
    Scope { name: BASIC, reads: "followers, posts, likes, comments", needed: true },
    Scope { name: SHOW_PAGES, reads: "the linked Pages", needed: true },
    Scope { name: "pages_read_engagement", reads: "the linked Pages", needed: true },
    Scope { name: INSIGHTS, reads: "views, shares, saves, audience", needed: false },
];

const LOGIN_SCOPES: &[Scope] = &[
    Scope { name: LOGIN_BASIC, reads: "followers, posts, likes, comments", needed: true },
    Scope { name: LOGIN_INSIGHTS, reads: "views, shares, saves, audience", needed: false },
];

/// A younger token is not renewed at Instagram's login.
const A_DAY: Seconds = Seconds(24 * 3600);

impl Consenting for Instagram {
    fn lacks(&self) -> Option<String> {
        self.app.is_none().then(|| NO_APP.to_owned())
    }

    fn realm(&self) -> String {
        match (self.login, &self.app) {
            (Login::Facebook, app) => SignIn::realm(app.as_ref()),
            (Login::Instagram, app) => {
                format!("instagram:{}", app.as_ref().map(|app| app.id.as_str()).unwrap_or_default())
            }
        }
    }

    fn model(&self) -> TokenModel {
        TokenModel::Extension
    }

    fn scopes(&self) -> &'static [Scope] {
        match self.login {
            Login::Facebook => SCOPES,
            Login::Instagram => LOGIN_SCOPES,
        }
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.app.as_ref()?.redirect_uri.as_deref()
    }

    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        redirect_problem(NAME, redirect_uri)
    }

    /// Neither login documents PKCE.
    fn verifier(&self) -> Result<Option<Secret>, getrandom::Error> {
        Ok(None)
    }

    fn authorize_url(&self, api: &Api, ask: Authorize<'_>) -> Result<String, PlatformError> {
        let app = self.app.as_ref().ok_or_else(unconfigured)?;
        match self.login {
            Login::Facebook => self.at_facebook(app).authorize_url(api, ask, SCOPES),
            Login::Instagram => login::authorize_url(app, api, ask, LOGIN_SCOPES),
        }
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        without_fragment(NAME, pairs)
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move {
            let app = self.app.as_ref().ok_or_else(no_app)?;
            match self.login {
                Login::Facebook => self.at_facebook(app).exchange(api, with).await,
                Login::Instagram => login::exchange(app, api, with).await,
            }
        }
        .boxed()
    }

    fn renews_at_once(&self) -> bool {
        true
    }

    fn renewable_after(&self) -> Seconds {
        match self.login {
            Login::Facebook => Seconds(0),
            Login::Instagram => A_DAY,
        }
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move {
            let app = self.app.as_ref().ok_or_else(no_app)?;
            match self.login {
                Login::Facebook => self.at_facebook(app).extend(api, held).await,
                Login::Instagram => login::renew(app, api, held).await,
            }
        }
        .boxed()
    }

    fn read_renewed(&self, reply: &Reply) -> Result<Tokens, TokenError> {
        tokens(NAME, reply, Asked::Renewal)
    }

    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move {
            let app = self.app.as_ref().ok_or_else(no_app)?;
            match self.login {
                Login::Facebook => self.at_facebook(app).revoke(api, held).await,
                Login::Instagram => login::revoke(api, held).await,
            }
        }
        .boxed()
    }

    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        async move {
            let (app, stop) = (self.app.as_ref().ok_or_else(unconfigured)?, Stop::new(api));
            match self.login {
                Login::Facebook => self.opened_by_facebook(app, api, access).await,
                Login::Instagram => {
                    let questions = self.questions(api, &stop).ok_or_else(unconfigured)?;
                    ask::me(&questions.with(&access.token)).await?.opened()
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
            let stop = Stop::new(api);
            match (self.login, self.questions(api, &stop)) {
                (Login::Instagram, _) => Ok(None),
                (_, None) => Err(unconfigured()),
                (_, Some(questions)) => questions.with(&access.token).page_token(platform_user_id, true).await,
            }
        }
        .boxed()
    }

    fn looks_up(&self) -> bool {
        self.login == Login::Facebook
    }

    fn checks(&self) -> bool {
        true
    }

    /// Instagram's own login tells what was granted with the tokens only.
    fn check<'a>(
        &'a self,
        api: &'a Api,
        access: &'a Access,
    ) -> BoxFuture<'a, Result<Option<Vec<String>>, PlatformError>> {
        async move {
            let (app, stop) = (self.app.as_ref().ok_or_else(unconfigured)?, Stop::new(api));
            match self.login {
                Login::Facebook => self.at_facebook(app).granted(api, &access.token).await.map(Some),
                Login::Instagram => {
                    let questions = self.questions(api, &stop).ok_or_else(unconfigured)?;
                    ask::me(&questions.with(&access.token)).await.map(|_| None)
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
                (Some(app), Login::Instagram) => login::checks(app, &self.version, api, redirect_uri).await,
            }
        }
        .boxed()
    }
}

impl Instagram {
    fn at_facebook<'a>(&'a self, app: &'a OAuthApp) -> SignIn<'a> {
        SignIn { name: NAME, app, version: &self.version }
    }

    /// The accounts linked to the person's Pages, each with its Page's token.
    async fn opened_by_facebook(&self, app: &OAuthApp, api: &Api, access: &Access) -> Result<Opened, PlatformError> {
        let (sign_in, stop) = (self.at_facebook(app), Stop::new(api));
        let scopes = sign_in.granted(api, &access.token).await?;
        if let Some(scope) = SCOPES[..2].iter().find(|scope| !scopes.iter().any(|granted| granted == scope.name)) {
            return Err(PlatformError::MissingScope { scope: scope.name.to_owned() });
        }
        let graph = sign_in.questions(api, &stop).with(&access.token);
        let person = graph.person().await?;
        let pages = graph.pages(true).await?;
        if pages.iter().all(|page| page.instagram.is_none()) {
            return Err(none_linked(&pages));
        }
        Ok(Opened { owner_id: person.id, owner_name: person.name, scopes: Some(scopes), accounts: linked(pages) })
    }
}

fn unconfigured() -> PlatformError {
    PlatformError::Unconfigured { what: NO_APP.to_owned() }
}

fn no_app() -> TokenError {
    TokenError::App { what: NO_APP.to_owned() }
}
