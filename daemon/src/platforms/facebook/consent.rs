//! Asking for consent: signing in with Facebook.

use futures::FutureExt;
use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};

use super::read::opened;
use super::{Facebook, NAME, NO_APP};
use crate::http_client::Api;
use crate::platforms::PlatformError;
use crate::platforms::asking::Stop;
use crate::platforms::consenting::{
    Access, Authorize, Callback, Consenting, Exchange, Held, Opened, Reply, Scope, TokenError, Tokens,
};
use crate::platforms::graph::{Asked, LINKED, SHOW_PAGES, SignIn, redirect_problem, tokens, without_fragment};
use crate::platforms::oauth::found;
use crate::secret::Secret;

pub(super) const ENGAGEMENT: &str = "pages_read_engagement";
pub(super) const INSIGHTS: &str = "read_insights";
pub(super) const USER_CONTENT: &str = "pages_read_user_content";

const SCOPES: &[Scope] = &[
    Scope { name: SHOW_PAGES, reads: "the list of Pages", needed: true },
    Scope { name: ENGAGEMENT, reads: "followers, posts", needed: true },
    Scope { name: USER_CONTENT, reads: "reactions, comments", needed: false },
    Scope { name: INSIGHTS, reads: "views", needed: false },
];

impl Consenting for Facebook {
    fn lacks(&self) -> Option<String> {
        self.app.is_none().then(|| NO_APP.to_owned())
    }

    fn realm(&self) -> String {
        SignIn::realm(self.app.as_ref())
    }

    fn model(&self) -> TokenModel {
        TokenModel::Extension
    }

    fn scopes(&self) -> &'static [Scope] {
        SCOPES
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.app.as_ref()?.redirect_uri.as_deref()
    }

    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        redirect_problem(NAME, redirect_uri)
    }

    /// Pages' consents are documented without PKCE.
    fn verifier(&self) -> Result<Option<Secret>, getrandom::Error> {
        Ok(None)
    }

    fn authorize_url(&self, api: &Api, ask: Authorize<'_>) -> Result<String, PlatformError> {
        self.sign_in().ok_or_else(unconfigured)?.authorize_url(api, ask, SCOPES)
    }

    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        without_fragment(NAME, pairs)
    }

    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        async move { self.sign_in().ok_or_else(no_app)?.exchange(api, with).await }.boxed()
    }

    fn renews_at_once(&self) -> bool {
        true
    }

    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        async move { self.sign_in().ok_or_else(no_app)?.extend(api, held).await }.boxed()
    }

    fn read_renewed(&self, reply: &Reply) -> Result<Tokens, TokenError> {
        tokens(NAME, reply, Asked::Renewal)
    }

    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        async move { self.sign_in().ok_or_else(no_app)?.revoke(api, held).await }.boxed()
    }

    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>> {
        async move {
            let (sign_in, stop) = (self.sign_in().ok_or_else(unconfigured)?, Stop::new(api));
            let scopes = sign_in.granted(api, &access.token).await?;
            if !scopes.iter().any(|granted| granted == SHOW_PAGES) {
                return Err(PlatformError::MissingScope { scope: SHOW_PAGES.to_owned() });
            }
            let graph = sign_in.questions(api, &stop).with(&access.token);
            let person = graph.person().await?;
            let accounts = opened(graph.pages(false).await?);
            if accounts.is_empty() {
                return Err(PlatformError::AccountGone { what: NO_PAGE.to_owned() });
            }
            Ok(Opened { owner_id: person.id, owner_name: person.name, scopes: Some(scopes), accounts })
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
            let (sign_in, stop) = (self.sign_in().ok_or_else(unconfigured)?, Stop::new(api));
            let graph = sign_in.questions(api, &stop).with(&access.token);
            graph.page_token(platform_user_id, access.has(LINKED)).await
        }
        .boxed()
    }

    fn checks(&self) -> bool {
        true
    }

    fn check<'a>(
        &'a self,
        api: &'a Api,
        access: &'a Access,
    ) -> BoxFuture<'a, Result<Option<Vec<String>>, PlatformError>> {
        async move {
            let sign_in = self.sign_in().ok_or_else(unconfigured)?;
            sign_in.granted(api, &access.token).await.map(Some)
        }
        .boxed()
    }

    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>> {
        async move {
            match self.sign_in() {
                Some(sign_in) => sign_in.checks(api, redirect_uri).await,
                None => vec![found("id and secret", Some(false), NO_APP)],
            }
        }
        .boxed()
    }
}

const NO_PAGE: &str = "no Page was opened: at consent tick the Pages to be read; the person needs a role on them, and \
                       for Pages of a business portfolio a direct one";

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
