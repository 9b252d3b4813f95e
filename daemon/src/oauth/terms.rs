//! What never changes about a provider: constants of its folder.

use roster_protocol::consent::TokenModel;
use roster_protocol::time::Seconds;
use url::Url;

use crate::http_client::Api;
use crate::secret::Secret;

/// How a consent is requested from a provider, and how its tokens live.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The slug under which it is registered: in the callback's path, in the config and in the store.
    pub slug: &'static str,
    /// Its name for users.
    pub name: &'static str,
    /// Who grants the tokens, for users: `Google` where `name` is `YouTube`.
    pub grantor: &'static str,
    /// Whose consents these are, before the app's id: the same for all services of one app at one provider.
    pub realm: &'static str,
    /// Its section of the config: `platforms.youtube`.
    pub section: &'static str,
    /// What the operator must set when there is no app, in a sentence.
    pub no_app: &'static str,
    /// The consent page.
    pub page: Endpoint,
    /// Where codes are exchanged and tokens refreshed.
    pub token: Endpoint,
    /// RFC 7009, as the app; `None` where there is no endpoint, or the provider has its own way.
    pub revocation: Option<Endpoint>,
    /// RFC 8628; `None` where there are no codes for devices.
    pub device: Option<Device>,
    /// What can be requested, the needed scopes of each purpose first.
    pub scopes: &'static [Scope],
    /// What separates scopes in the consent page's URL: a blank by the standard.
    pub separator: &'static str,
    /// The name of the app id's parameter: `client_id` by the standard.
    pub client_id: &'static str,
    /// More parameters of the consent page's URL.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Whether the consent page takes an e-mail address as a hint of who should sign in.
    pub login_hint: bool,
    pub challenge: Challenge,
    pub model: TokenModel,
    /// Whether the token that a code was exchanged for must be renewed before anything else.
    pub renews_at_once: bool,
    /// How old a token must be before it can be renewed.
    pub renewable_after: Seconds,
}

impl Terms {
    /// What the RFCs say where they say something; everything else is empty.
    pub const STANDARD: Self = Self {
        slug: "",
        name: "",
        grantor: "",
        realm: "",
        section: "",
        no_app: "",
        page: Endpoint { host: "", path: "" },
        token: Endpoint { host: "", path: "" },
        revocation: None,
        device: None,
        scopes: &[],
        separator: " ",
        client_id: "client_id",
        parameters: &[],
        login_hint: false,
        challenge: Challenge::S256,
        model: TokenModel::Fixed,
        renews_at_once: false,
        renewable_after: Seconds(0),
    };

    /// The scopes that serve a purpose.
    pub fn scopes_for(&self, purpose: Purpose) -> impl Iterator<Item = &'static Scope> + use<> {
        self.scopes.iter().filter(move |scope| scope.purpose == purpose)
    }
}

/// A path at a host, which the configured route may lead elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    pub host: &'static str,
    pub path: &'static str,
}

impl Endpoint {
    /// Where browsers find it; `None` when the route does not lead there.
    pub fn address(self, api: &Api) -> Option<Url> {
        api.address(self.host, self.path)
    }
}

/// Codes for devices without a browser.
#[derive(Clone, Copy, Debug)]
pub struct Device {
    pub endpoint: Endpoint,
    /// The scopes that they can request, where those are fewer.
    pub scopes: &'static [Scope],
}

/// A permission that owners can grant at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The provider's name of it.
    pub name: &'static str,
    pub purpose: Purpose,
    /// What it allows to read, in words: `followers, likes`. Without it none of this can be read. Empty where it opens
    /// nothing by itself, and some owners' accounts need it all the same: it is requested where the operator says so.
    pub reads: &'static str,
    /// Whether nothing can be read at all without it.
    pub needed: bool,
}

impl Scope {
    /// Whether it is requested unless the operator leaves it out.
    pub fn is_usual(&self) -> bool {
        self.needed || !self.reads.is_empty()
    }
}

/// What a scope is requested for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An account's numbers are read.
    Measuring,
    /// Records are exchanged with a service that measures nothing.
    Integrating,
}

/// The form of the PKCE challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// PKCE is not documented there.
    None,
    /// RFC 7636 section 4.2.
    S256,
    /// Called S256, and in lower-case hexadecimal.
    HexS256,
}

/// An operator's app at a provider.
pub struct OAuthApp {
    pub id: String,
    pub secret: Secret,
    /// The operator's own redirect URI, where it differs from the daemon's.
    pub redirect_uri: Option<String>,
    /// The scopes that the operator lets it request; `None`: all that there are.
    pub scopes: Option<Vec<String>>,
    /// The provider's own name of what is requested, which takes the place of scopes in the consent page's URL.
    pub config_id: Option<String>,
}

impl OAuthApp {
    /// Whether it requests a scope. A configuration at the provider may leave any out that is not needed.
    pub fn requests(&self, scope: &Scope) -> bool {
        match &self.scopes {
            Some(scopes) => scopes.iter().any(|name| name == scope.name),
            None => scope.needed || (self.config_id.is_none() && scope.is_usual()),
        }
    }
}
