//! What a platform must know of consent: its app, its pages, its tokens, and what its refusals mean.
//!
//! A platform asks and reads; `crate::consent` keeps, renews and ends. Tokens come in and go out as secrets, and
//! every error here says what is done next.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use roster_protocol::consent::{PlatformCheck, TokenModel};
use roster_protocol::time::Seconds;

use super::PlatformError;
use super::asking::sentence;
use crate::http_client::{Answer, Api, HttpError, HttpErrorKind};
use crate::secret::Secret;

/// Something that a platform lets people allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The platform's name of it.
    pub name: &'static str,
    /// What is read with it, in words: `followers, likes`; what cannot be read without it.
    pub reads: &'static str,
    /// Whether nothing can be read at all without it.
    pub needed: bool,
}

/// What the authorize URL is made of.
#[derive(Clone, Copy)]
pub struct Authorize<'a> {
    pub redirect_uri: &'a str,
    pub state: &'a Secret,
    /// The PKCE verifier, where the platform takes one.
    pub verifier: Option<&'a Secret>,
    /// The account that is meant, as a hint to the sign-in page.
    pub login_hint: Option<&'a str>,
}

/// What came back to the redirect URI.
pub enum Callback {
    Code(Secret),
    /// The person said no.
    Denied,
    /// The platform refused: its words, clean.
    Refused(String),
}

/// What a code is exchanged with.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    pub code: &'a Secret,
    pub redirect_uri: &'a str,
    pub verifier: Option<&'a Secret>,
}

/// Tokens as the platform gave them just now.
pub struct Tokens {
    pub access: Secret,
    /// `None`: none was given, and one that is held stays good.
    pub refresh: Option<Secret>,
    /// From the moment of the question on; `None`: not told, or no end.
    pub access_lives: Option<Seconds>,
    pub refresh_lives: Option<Seconds>,
    /// What was really granted, where the answer says so.
    pub scopes: Option<Vec<String>>,
}

/// Tokens in use, opened.
#[derive(Clone)]
pub struct Held {
    pub access: Arc<Secret>,
    pub refresh: Option<Arc<Secret>>,
}

/// What a question about one account is asked with.
#[derive(Clone)]
pub struct Access {
    /// The grant's own access token.
    pub token: Arc<Secret>,
    /// The account's own token where the platform derives one, a Page's for example.
    pub derived: Option<Arc<Secret>>,
    /// What was granted.
    pub scopes: Arc<[String]>,
}

impl Access {
    /// Whether a scope was granted.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// What a consent opened.
pub struct Opened {
    /// Who consented: the platform's own id of the person or channel, which is the same at the next consent.
    pub owner_id: String,
    /// Their name for people, clean.
    pub owner_name: String,
    /// What was really granted, where the platform says so beside the tokens.
    pub scopes: Option<Vec<String>>,
    /// The accounts that can be connected; may be empty.
    pub accounts: Vec<OpenedAccount>,
}

/// One account that a consent opened.
pub struct OpenedAccount {
    pub platform_user_id: String,
    /// Canonical and clean.
    pub handle: String,
    /// Clean.
    pub name: Option<String>,
    pub followers: Option<u64>,
    /// Its own token, where the platform derives one.
    pub derived: Option<Secret>,
}

/// An answer of a token endpoint as it came. Kept sealed until it is read.
pub struct Reply {
    pub status: u16,
    pub body: Secret,
}

impl Reply {
    /// The answer's bytes; what is not UTF-8 is no token either.
    pub fn of(answer: &Answer) -> Self {
        Self { status: answer.status, body: Secret::new(String::from_utf8_lossy(answer.body()).into_owned()) }
    }
}

/// Why there are no tokens, by what is done next. Texts are clean and hold no URL, token or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The consent is over by the platform's own word: ask for it again.
    #[error("{what}")]
    Gone { what: String },
    /// The operator must mend the app's id, secret or settings.
    #[error("{what}")]
    App { what: String },
    /// Later, as told or with backoff. `sent`: the platform may have acted all the same.
    #[error("{what}")]
    Later { what: String, retry_after: Option<Duration>, sent: bool },
    /// Nobody understands this answer: as `Later`, and worth a look.
    #[error("{what}")]
    Unexpected { what: String },
}

impl From<HttpError> for TokenError {
    fn from(error: HttpError) -> Self {
        let what = sentence(&error.to_string());
        let later = |sent| Self::Later { what: what.clone(), retry_after: None, sent };
        match error.kind {
            HttpErrorKind::NoCertificates
            | HttpErrorKind::Private
            | HttpErrorKind::Dns
            | HttpErrorKind::Connect
            | HttpErrorKind::Gateway
            | HttpErrorKind::Proxy
            | HttpErrorKind::Refused
            | HttpErrorKind::Tls => later(false),
            HttpErrorKind::Timeout
            | HttpErrorKind::Broken
            | HttpErrorKind::TooLarge
            | HttpErrorKind::Html
            | HttpErrorKind::NotJson
            | HttpErrorKind::CutOff
            | HttpErrorKind::Shape { .. } => later(true),
            HttpErrorKind::Insecure | HttpErrorKind::BadHost => Self::App { what },
        }
    }
}

impl TokenError {
    /// What a platform's failing answer means where no code of its own says more: 429 and 5xx are for later, and so
    /// is whatever nobody understands.
    pub(super) fn by_status(platform: &str, status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            429 | 500..=599 => {
                Self::Later { what: format!("{platform} answered {status}"), retry_after, sent: status != 429 }
            }
            _ => Self::Unexpected { what: format!("{platform} answered {status} at its token endpoint") },
        }
    }
}

/// A code for a device without a browser.
pub struct DeviceCode {
    pub code: Secret,
    /// What the person types; clean.
    pub user_code: String,
    /// Where they type it.
    pub url: String,
    pub lives: Seconds,
    /// The shortest wait between two questions.
    pub interval: Seconds,
}

/// How a device code stands.
pub enum DeviceAnswer {
    Pending,
    /// Ask less often from now on.
    SlowDown,
    Denied,
    /// The code is over: begin again.
    Over,
    Granted(Box<Tokens>),
}

/// How a platform is asked for consent, and how its tokens live. What a token can do is in `Platform::observe`.
///
/// `api` leads to the platform as configured; [`Api::address`] gives the consent page's address.
pub trait Consenting: Send + Sync {
    /// What the operator must still set before anyone can be asked, in a sentence.
    fn lacks(&self) -> Option<String>;

    /// Whose consents these are: the same for all platforms of one app at one provider, `meta:{app id}`.
    fn realm(&self) -> String;

    fn model(&self) -> TokenModel;

    /// What is asked for, the needed ones first.
    fn scopes(&self) -> &'static [Scope];

    /// What a device code can be asked for, where that is less.
    fn device_scopes(&self) -> &'static [Scope] {
        self.scopes()
    }

    /// The operator's own redirect URI, where it differs from the daemon's.
    fn redirect_uri(&self) -> Option<&str>;

    /// Why a redirect URI cannot work at this platform, in a sentence.
    fn redirect_problem(&self, redirect_uri: &str) -> Option<String> {
        let _ = redirect_uri;
        None
    }

    /// A fresh PKCE verifier, where the platform takes one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn verifier(&self) -> Result<Option<Secret>, getrandom::Error>;

    /// The consent page's URL.
    ///
    /// # Errors
    /// `Unconfigured` when the app is not set up.
    fn authorize_url(&self, api: &Api, ask: Authorize<'_>) -> Result<String, PlatformError>;

    /// Reads what the browser brought back: decoded pairs of the query. `state` has been checked.
    fn read_callback(&self, pairs: &[(String, String)]) -> Callback;

    /// Exchanges a code for tokens; where a longer-lived token must be fetched with the first one,
    /// [`Consenting::renews_at_once`] says so.
    fn exchange<'a>(&'a self, api: &'a Api, with: Exchange<'a>) -> BoxFuture<'a, Result<Tokens, TokenError>>;

    /// Whether what `exchange` gave must be renewed before anything else.
    fn renews_at_once(&self) -> bool {
        false
    }

    /// How old a token must be before it can be renewed.
    fn renewable_after(&self) -> Seconds {
        Seconds(0)
    }

    /// Asks for new tokens once, and hands over the answer as it came.
    ///
    /// # Errors
    /// Only when there is no answer.
    fn renew<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<Reply, TokenError>>;

    /// Reads what `renew` brought. Pure.
    fn read_renewed(&self, reply: &Reply) -> Result<Tokens, TokenError>;

    /// Ends the consent at the platform. One that is over already is well ended.
    fn revoke<'a>(&'a self, api: &'a Api, held: &'a Held) -> BoxFuture<'a, Result<(), TokenError>>;

    /// Who consented, and to which accounts.
    fn opened<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Opened, PlatformError>>;

    /// Fetches an account's own token anew; `None` where the platform derives none.
    fn derive<'a>(
        &'a self,
        api: &'a Api,
        access: &'a Access,
        platform_user_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Secret>, PlatformError>> {
        let _ = (api, access, platform_user_id);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Whether anybody's consent lets others be looked up by their handles.
    fn looks_up(&self) -> bool {
        false
    }

    /// Whether [`Consenting::check`] finds anything out.
    fn checks(&self) -> bool {
        false
    }

    /// Whether the consent still holds, and with which scopes where that is told; asked once a day.
    fn check<'a>(
        &'a self,
        api: &'a Api,
        access: &'a Access,
    ) -> BoxFuture<'a, Result<Option<Vec<String>>, PlatformError>> {
        let _ = (api, access);
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Begins a device code; `None` where there is no such way.
    fn device_code<'a>(&'a self, api: &'a Api) -> Option<BoxFuture<'a, Result<DeviceCode, TokenError>>> {
        let _ = api;
        None
    }

    /// Asks once how a device code stands.
    fn device_answer<'a>(&'a self, api: &'a Api, code: &'a Secret) -> BoxFuture<'a, Result<DeviceAnswer, TokenError>> {
        let _ = (api, code);
        Box::pin(std::future::ready(Ok(DeviceAnswer::Over)))
    }

    /// Looks at the app's set-up by calls that need nobody's consent.
    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>>;
}
