//! What a provider is: its terms, its app, and everything that it does in its own way.

use futures::FutureExt;
use futures::future::BoxFuture;
use url::Url;

use super::{
    Authorize, Callback, DeviceCode, DeviceResponse, Exchange, Held, OAuthApp, Purpose, Refusal, Reply, Scope, Terms,
    TokenError, TokenRequest, Tokens, client, read, read_callback, redirect_problem,
};
use crate::http_client::Api;
use crate::secret::Secret;

/// The service that consents are requested from. Everything but the terms and the app follows the standard unless it is
/// overridden.
///
/// `api` leads to the provider as configured.
pub trait Provider: Send + Sync {
    fn terms(&self) -> &'static Terms;

    /// The operator's app; `None` when it is not set up.
    fn app(&self) -> Option<&OAuthApp>;

    /// What the operator must still set before a consent can be requested, in a sentence.
    fn lacks(&self) -> Option<String> {
        self.app().is_none().then(|| self.terms().no_app.to_owned())
    }

    /// Whose consents these are: the same for all services of one app at one provider, `meta:{app id}`.
    fn realm(&self) -> String {
        format!("{}:{}", self.terms().realm, self.app().map(|app| app.id.as_str()).unwrap_or_default())
    }

    /// The scopes that are requested for a purpose: all usual ones, unless the operator chose some of them.
    fn scopes_for(&self, purpose: Purpose) -> Vec<&'static Scope> {
        let is_requested = |scope: &&Scope| self.app().map_or(scope.is_usual(), |app| app.requests(scope));
        self.terms().scopes_for(purpose).filter(is_requested).collect()
    }

    /// Whether owners are asked to allow this, so that what needs it is missing where they did not.
    fn asks_for(&self, scope: &str) -> bool {
        self.scopes_for(Purpose::Measuring).iter().any(|requested| requested.name == scope)
    }

    /// Why a redirect URI cannot work at this provider, in a sentence.
    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        redirect_problem(self.terms().grantor, redirect_uri)
    }

    /// The consent page without its query; `None` when the route does not lead there.
    fn page(&self, api: &Api) -> Option<Url> {
        self.terms().page.address(api)
    }

    /// The consent page's URL.
    ///
    /// # Errors
    /// `App` when it is not set up.
    fn authorize_url(&self, api: &Api, request: Authorize<'_>) -> Result<String, TokenError> {
        client::authorize_url(self, api, request)
    }

    /// Reads what the browser brought back: decoded pairs of the query. `state` has been checked.
    fn read_callback(&self, pairs: &[(String, String)]) -> Callback {
        read_callback(self.terms().grantor, pairs)
    }

    /// Exchanges a code for tokens.
    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>> {
        client::exchange(self, api, with).boxed()
    }

    /// Requests new tokens once, and returns the response unread.
    ///
    /// # Errors
    /// Only when there is no response.
    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>> {
        client::renew(self, api, held).boxed()
    }

    /// Reads the tokens of a response. Pure.
    fn read_tokens(&self, reply: &Reply, request: TokenRequest) -> Result<Tokens, TokenError> {
        read::tokens(self, reply, request)
    }

    /// What a response refuses, in the provider's own codes; `None` where it refuses nothing, or the status says it
    /// all. Pure.
    fn refusal(&self, reply: &Reply, request: TokenRequest) -> Option<Refusal> {
        let _ = request;
        read::refusal(self.terms(), reply)
    }

    /// Ends the consent at the provider. Succeeds where the consent is over already.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>> {
        client::revoke(self, api, held).boxed()
    }

    /// Begins a code for a device; `None` where there are none.
    fn device_code<'a>(&'a self, api: &'a Api) -> Option<BoxFuture<'a, Result<DeviceCode, TokenError>>> {
        let device = self.terms().device?;
        Some(client::device_code(self, api, device).boxed())
    }

    /// Requests the state of a code for a device once.
    fn device_response<'a>(
        &'a self,
        api: &'a Api,
        code: &'a Secret,
    ) -> BoxFuture<'a, Result<DeviceResponse, TokenError>> {
        client::device_response(self, api, code).boxed()
    }
}
