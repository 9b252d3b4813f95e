//! Signing in with Facebook: the consent page, tokens, what was granted, and the end of it.

use roster_protocol::consent::{PlatformCheck, TokenModel};
use url::Url;

use super::ask::{Graph, Refused, Requests};
use super::pages::{Page, Person};
use super::token_info::{Debugged, Granted};
use super::tokens::revoked;
use super::version::version_found;
use super::{HOST, proof};
use crate::http_client::{Api, Request};
use crate::oauth::{
    Callback, Challenge, Exchange, Held, OAuthApp, Provider, Reply, Scope, Terms, TokenError, TokenRequest, Tokens,
    read_callback, redirect_problem,
};
use crate::platforms::PlatformError;
use crate::platforms::batch::{Stop, sentence};
use crate::platforms::consenting::{found, redirect_found};
use crate::platforms::reading::plain_id;
use crate::secret::Secret;

/// Where owners consent.
const PAGES: &str = "www.facebook.com";
const TOKEN: &str = "/{version}/oauth/access_token";

/// What all platforms that sign in with Facebook have in common. The endpoints' paths hold the version.
pub(in crate::platforms) const TERMS: Terms = Terms {
    realm: "meta",
    separator: ",",
    // Otherwise Meta does not ask the owner again for what was unticked last time.
    parameters: &[("auth_type", "rerequest")],
    // Signing in with Facebook is documented without PKCE.
    challenge: Challenge::None,
    model: TokenModel::Extension,
    renews_at_once: true,
    ..Terms::STANDARD
};

/// An app at Meta, as one platform uses it.
#[derive(Clone, Copy)]
pub(in crate::platforms) struct SignIn<'a> {
    /// The platform's name for users.
    pub(in crate::platforms) name: &'static str,
    pub(in crate::platforms) app: &'a OAuthApp,
    pub(in crate::platforms) version: &'a str,
}

/// What a consent opens.
pub(in crate::platforms) struct SignedIn {
    pub(in crate::platforms) person: Person,
    pub(in crate::platforms) granted: Granted,
    pub(in crate::platforms) pages: Vec<Page>,
}

impl<'a> SignIn<'a> {
    /// What the requests with users' and Pages' tokens have in common.
    pub(in crate::platforms) fn requests(self, api: &'a Api, stop: &'a Stop<'a>) -> Requests<'a> {
        let SignIn { name, app, version } = self;
        Requests { api, stop, name, host: HOST, version, app_secret: Some(&app.secret) }
    }

    /// The consent page.
    pub(in crate::platforms) fn page(self, api: &Api) -> Option<Url> {
        api.address(PAGES, &format!("/{}/dialog/oauth", self.version))
    }

    /// A token that lives an hour or two.
    pub(in crate::platforms) async fn exchange<P: Provider>(
        self,
        provider: &P,
        api: &Api,
        with: Exchange<'_>,
    ) -> Result<Tokens, TokenError> {
        let request = self.as_app(api).query(&[("redirect_uri", with.redirect_uri)]).secret_query("code", with.code);
        provider.read_tokens(&Reply::of(&request.send().await?), TokenRequest::Code)
    }

    /// A token that lives 60 days from now, for one that still lives.
    pub(in crate::platforms) async fn extend(self, api: &Api, held: &Held) -> Result<Reply, TokenError> {
        let request = self.as_app(api).query(&[("grant_type", "fb_exchange_token")]);
        let request = request.secret_query("fb_exchange_token", &held.access);
        Ok(Reply::of(&request.send().await?))
    }

    /// Documented as a GET only, so that secrets are in the query.
    fn as_app(self, api: &Api) -> Request<'_> {
        let request = api.get(HOST, TOKEN).part("version", self.version).query(&[("client_id", &self.app.id)]);
        request.secret_query("client_secret", &self.app.secret)
    }

    /// Ends everything that the person allowed this app, and all Pages' tokens with it.
    pub(in crate::platforms) async fn revoke<P: Provider>(
        self,
        provider: &P,
        api: &Api,
        held: &Held,
    ) -> Result<(), TokenError> {
        let request = api.delete(HOST, "/{version}/me/permissions").part("version", self.version);
        let request = request.bearer(&held.access);
        let request = request.secret_query("appsecret_proof", &proof(&self.app.secret, &held.access));
        revoked(provider, &Reply::of(&request.send().await?))
    }

    /// What was really granted: users can untick permissions, and take them back.
    ///
    /// # Errors
    /// `Unauthorized` when the consent is over.
    pub(in crate::platforms) async fn granted(self, api: &Api, token: &Secret) -> Result<Granted, PlatformError> {
        let (own, stop) = (self.own_token(), Stop::new(api));
        let reported = debugged(&self.of_app(api, &stop).with(&own), token).await;
        reported.map_err(|refused| self.of_the_app(refused.error))?.granted(self.name, api.now())
    }

    /// Who consented, to what, and to which Pages.
    ///
    /// # Errors
    /// `MissingScope` where one of the needed `scopes` was not allowed.
    pub(in crate::platforms) async fn signed_in(
        self,
        api: &Api,
        token: &Secret,
        scopes: &[Scope],
    ) -> Result<SignedIn, PlatformError> {
        let granted = self.granted(api, token).await?;
        granted.check(scopes)?;
        let stop = Stop::new(api);
        let graph = self.requests(api, &stop).with(token);
        let person = graph.person().await?;
        let pages = graph.pages(&granted).await?;
        Ok(SignedIn { person, granted, pages })
    }

    /// The token of a Page, or of the Page an Instagram account is linked to; `None` where the person has no role on
    /// it any more.
    pub(in crate::platforms) async fn page_token(
        self,
        api: &Api,
        token: &Secret,
        id: &str,
    ) -> Result<Option<Secret>, PlatformError> {
        let granted = self.granted(api, token).await?;
        let stop = Stop::new(api);
        let pages = self.requests(api, &stop).with(token).pages(&granted).await?;
        Ok(pages.into_iter().find(|page| page.is(id)).and_then(|page| page.token))
    }

    /// What a refusal means where the app's own token was refused.
    fn of_the_app(self, error: PlatformError) -> PlatformError {
        match error {
            PlatformError::Unauthorized { .. } | PlatformError::MissingScope { .. } => PlatformError::Unconfigured {
                what: format!("{} does not accept the app: check client_id and client_secret", self.name),
            },
            error => error,
        }
    }

    /// The app's own token: no proof is taken for it.
    fn own_token(self) -> Secret {
        Secret::new(format!("{}|{}", self.app.id, self.app.secret.expose()))
    }

    fn of_app(self, api: &'a Api, stop: &'a Stop<'a>) -> Requests<'a> {
        Requests { app_secret: None, ..self.requests(api, stop) }
    }

    /// Checks the set-up with calls that need no consent.
    pub(in crate::platforms) async fn checks(self, api: &Api, redirect_uri: &str) -> Vec<PlatformCheck> {
        vec![
            self.app_found(api).await,
            version_found(self.version, api.now()),
            redirect_found(redirect_uri, redirect_problem(self.name, redirect_uri)),
            found(
                "permissions",
                None,
                "people without a role on the app can allow only what Meta has approved it for (Advanced Access)",
            ),
        ]
    }

    /// Looks up a token that does not exist: Meta checks the app first.
    async fn app_found(self, api: &Api) -> PlatformCheck {
        let what = "id and secret";
        let (own, stop) = (self.own_token(), Stop::new(api));
        let reported = debugged(&self.of_app(api, &stop).with(&own), &Secret::new("nobody-has-this-token")).await;
        match reported.map_err(|refused| (refused.has_code(100), self.of_the_app(refused.error))) {
            Ok(_) | Err((true, _)) => found(what, Some(true), format!("{} accepts them", self.name)),
            Err((_, error @ PlatformError::Unconfigured { .. })) => found(what, Some(false), error.to_string()),
            Err((_, error)) => found(what, None, error.to_string()),
        }
    }
}

/// What Meta reports of a token, requested with the app's own.
async fn debugged(graph: &Graph<'_>, token: &Secret) -> Result<Debugged, Refused> {
    let request = graph.get("/{version}/debug_token").secret_query("input_token", token);
    graph.request(request, "debug_token").await
}

/// What the callback carries, without what browsers take for a fragment. Meta words some refusals in its own way.
pub(in crate::platforms) fn without_fragment(name: &str, pairs: &[(String, String)]) -> Callback {
    match read_callback(name, pairs) {
        Callback::Code(code) => {
            let bare = code.expose().split('#').next().unwrap_or_default();
            Callback::Code(Secret::new(bare))
        }
        Callback::Refused(what) => own_words(name, pairs).unwrap_or(Callback::Refused(what)),
        other => other,
    }
}

/// A refusal in Meta's own parameters. There is no code for refused scopes, so its text is searched.
fn own_words(name: &str, pairs: &[(String, String)]) -> Option<Callback> {
    let reported = |name: &str| {
        let pair = pairs.iter().find(|(key, value)| key == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    };
    let words = reported("error_message").or_else(|| reported("error_description"));
    if let Some(words) = words.filter(|words| words.to_ascii_lowercase().contains("invalid scope")) {
        return Some(Callback::Scopes(words.to_owned()));
    }
    let code = reported("error_code").and_then(plain_id);
    let of_code = code.map(|code| format!(" (error {code})")).unwrap_or_default();
    let words = words.map(sentence).filter(|words| !words.is_empty());
    match (words, code) {
        (Some(words), _) => Some(Callback::Refused(format!("{words}{of_code}"))),
        (None, Some(_)) => Some(Callback::Refused(format!(
            "{name} ended the sign-in with an error of its own{of_code}: look at the app's settings"
        ))),
        (None, None) => None,
    }
}
