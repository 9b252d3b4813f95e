//! What an owner's consent opens at a platform. How a consent is requested, and how long its tokens live, is decided in
//! `crate::oauth`.

use std::sync::Arc;

use futures::future::BoxFuture;
use roster_protocol::consent::PlatformCheck;
use roster_protocol::time::Timestamp;

use super::PlatformError;
use crate::http_client::Api;
use crate::secret::Secret;

/// The tokens that a request about one account carries.
#[derive(Clone)]
pub struct Access {
    /// The grant's own access token.
    pub token: Arc<Secret>,
    /// The account's own token where the platform derives one, a Page's for example.
    pub derived: Option<Arc<Secret>>,
    /// What was granted.
    pub scopes: Arc<[String]>,
    /// The owner's account that others are looked up through; `None`: the request looks for one.
    pub through: Option<String>,
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
    /// Who consented: the platform's own id of the person or channel, which stays the same at the next consent.
    pub owner_id: String,
    /// The owner's display name, clean.
    pub owner_name: String,
    /// What was really granted, where the platform says so beside the tokens.
    pub scopes: Option<Vec<String>>,
    /// When the platform shows nothing more, although the tokens live, unless the owner consents again.
    pub data_ends_at: Option<Timestamp>,
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

/// What a look at a consent that still holds found; nothing where the platform reports nothing of it.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is granted.
    pub scopes: Option<Vec<String>>,
    /// As of [`Opened`].
    pub data_ends_at: Option<Timestamp>,
}

/// What a consent opens at a platform that requires one. `Platform::observe` uses its tokens.
pub trait Consenting: Send + Sync {
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

    /// What an owner must have allowed, so that others can be looked up by their handles with this consent, what opens
    /// accounts of the platform at all first; `None` where no consent lets that.
    fn looks_up(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// Whether [`Consenting::check`] finds anything out.
    fn checks(&self) -> bool {
        false
    }

    /// Whether the consent still holds, and what it holds; requested once a day.
    ///
    /// # Errors
    /// `Unauthorized` when it is over.
    fn check<'a>(&'a self, api: &'a Api, access: &'a Access) -> BoxFuture<'a, Result<Checked, PlatformError>> {
        let _ = (api, access);
        Box::pin(std::future::ready(Ok(Checked::default())))
    }

    /// Checks the app's set-up with calls that need no consent.
    fn test<'a>(&'a self, api: &'a Api, redirect_uri: &'a str) -> BoxFuture<'a, Vec<PlatformCheck>>;
}

/// One look at the set-up, and what it found.
pub(super) fn found(what: &str, ok: Option<bool>, message: impl Into<String>) -> PlatformCheck {
    PlatformCheck { what: what.to_owned(), ok, message: message.into() }
}

/// The check of a redirect URI as far as the daemon can see; `problem` is what makes it impossible.
pub(super) fn redirect_found(redirect_uri: &str, problem: Option<String>) -> PlatformCheck {
    let form = "its form is right; whether the app's settings list exactly this cannot be seen from here:";
    match problem {
        Some(problem) => found("redirect URI", Some(false), problem),
        None => found("redirect URI", None, format!("{form} {redirect_uri}")),
    }
}
