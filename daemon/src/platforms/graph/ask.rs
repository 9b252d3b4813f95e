//! Requests to the Graph API: with a token and its proof, and what a refusal means.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::problem::{About, Problem, Refusal};
use super::proof;
use super::usage::{HOUR, usage};
use crate::http_client::{Api, Request, Response};
use crate::platforms::batch::Stop;
use crate::platforms::reading::Items;
use crate::platforms::{Limit, PlatformError};
use crate::secret::Secret;

/// What the requests of one batch have in common.
#[derive(Clone, Copy)]
pub(in crate::platforms) struct Requests<'a> {
    pub(in crate::platforms) api: &'a Api,
    pub(in crate::platforms) stop: &'a Stop<'a>,
    /// The platform's name for users.
    pub(in crate::platforms) name: &'static str,
    pub(in crate::platforms) host: &'static str,
    pub(in crate::platforms) version: &'a str,
    /// What each token is proved with; `None` where no proof is taken.
    pub(in crate::platforms) app_secret: Option<&'a Secret>,
}

impl<'a> Requests<'a> {
    pub(in crate::platforms) fn with(self, token: &'a Secret) -> Graph<'a> {
        Graph { of: self, token, is_tight: AtomicBool::new(false) }
    }
}

/// Requests with one token.
pub(in crate::platforms) struct Graph<'a> {
    pub(in crate::platforms) of: Requests<'a>,
    token: &'a Secret,
    is_tight: AtomicBool,
}

/// A request that returned nothing, with the codes where another request may still succeed.
#[derive(Debug)]
pub(in crate::platforms) struct Refused {
    pub(in crate::platforms) problem: Option<Problem>,
    pub(in crate::platforms) error: PlatformError,
}

impl Refused {
    /// Whether a parameter, a metric for example, was refused.
    pub(in crate::platforms) fn is_a_parameter(&self) -> bool {
        self.problem.as_ref().is_some_and(Problem::is_a_parameter)
    }

    /// Whether a metric was refused.
    pub(in crate::platforms) fn is_a_metric(&self) -> bool {
        self.problem.as_ref().is_some_and(Problem::is_a_metric)
    }

    /// Whether it is about a post from before the account became a professional one.
    pub(super) fn is_from_before(&self) -> bool {
        self.problem.as_ref().is_some_and(Problem::is_from_before)
    }

    /// Whether a permission is missing.
    pub(in crate::platforms) fn is_denied(&self) -> bool {
        self.problem.as_ref().is_some_and(Problem::is_denied)
    }

    pub(in crate::platforms) fn has_code(&self, code: u32) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == code)
    }
}

impl From<Refused> for PlatformError {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

impl From<PlatformError> for Refused {
    fn from(error: PlatformError) -> Self {
        Self { problem: None, error }
    }
}

/// A page of anything.
#[derive(Deserialize)]
pub(in crate::platforms) struct List {
    pub(in crate::platforms) data: Items,
    #[serde(default)]
    paging: Paging,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Paging {
    cursors: Cursors,
    /// A URL with the token in it: only its presence counts.
    next: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cursors {
    after: Option<String>,
}

impl List {
    /// Where the next page begins; `None` after the last. A page may be empty while more follow.
    pub(in crate::platforms) fn next(self) -> Option<String> {
        self.paging.cursors.after.filter(|after| self.paging.next.is_some() && !after.is_empty())
    }
}

impl<'a> Graph<'a> {
    /// A GET request; `{version}` in the path is filled.
    pub(in crate::platforms) fn get(&self, path: &'static str) -> Request<'a> {
        let Requests { api, host, version, app_secret, .. } = self.of;
        let request = api.get(host, path).part("version", version).bearer(self.token);
        match app_secret {
            Some(secret) => request.secret_query("appsecret_proof", &proof(secret, self.token)),
            None => request,
        }
    }

    /// Whether the account's allowance is nearly used up: what can wait should not be requested.
    pub(in crate::platforms) fn is_tight(&self) -> bool {
        self.is_tight.load(Ordering::Relaxed)
    }

    /// Requests what `scope` opens.
    pub(in crate::platforms) async fn request<T: DeserializeOwned>(
        &self,
        request: Request<'_>,
        scope: &str,
    ) -> Result<T, Refused> {
        let response = self.response(request, scope).await?;
        response.json().map_err(|error| PlatformError::from(error).into())
    }

    /// As [`Graph::request`], and returns the response unread.
    pub(in crate::platforms) async fn response(&self, request: Request<'_>, scope: &str) -> Result<Response, Refused> {
        self.of.stop.unless_stopped_for_one(self.judged(request, scope)).await?
    }

    /// The outer error concerns more than this request.
    async fn judged(&self, request: Request<'_>, scope: &str) -> Result<Result<Response, Refused>, PlatformError> {
        let response = request.send().await?;
        let usage = usage(&response);
        usage.report(self.of.api);
        self.is_tight.fetch_or(usage.is_tight(), Ordering::Relaxed);
        let problem = response.json::<Refusal>().ok().map(|refusal| refusal.error);
        if response.is_success() && problem.is_none() {
            return Ok(Ok(response));
        }
        let wait = usage.regain().or_else(|| response.retry_after(self.of.api.now()));
        let about = About { name: self.of.name, scope, wait };
        let by_code = problem.as_ref().and_then(|problem| problem.meaning(about));
        let error = by_code.unwrap_or_else(|| self.by_status(&response, about));
        match problem.filter(Problem::is_about_the_request) {
            Some(problem) => Ok(Err(Refused { problem: Some(problem), error })),
            None => Err(error),
        }
    }

    fn by_status(&self, response: &Response, about: About<'_>) -> PlatformError {
        let name = about.name;
        match (self.of.stop.refusal(name, response), response.status) {
            (Some(PlatformError::RateLimited { .. }), _) => {
                PlatformError::RateLimited { retry_after: about.wait.or(Some(HOUR)), of: Limit::Lane }
            }
            (Some(error), _) => error,
            (None, 401) => {
                PlatformError::Unauthorized { what: format!("{name} does not accept the consent any more (401)") }
            }
            (None, status) => PlatformError::Unexpected { what: format!("{name} responded with {status}") },
        }
    }
}
