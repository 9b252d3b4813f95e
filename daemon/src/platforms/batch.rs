//! What the requests to all platforms have in common: what each error means, and when a batch stops.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::{Account, Limit, Observation, Observed, PlatformError};
use crate::http_client::{Api, HttpError, HttpErrorKind, Response};
use crate::schedule::budget::{Budget, Window};

/// How many accounts of one batch are requested at once.
pub(super) const AT_ONCE: usize = 4;

/// A batch that requests accounts one by one.
pub(super) trait RequestsEach: Sync {
    /// Requests this account.
    fn one(&self, account: &Account) -> impl Future<Output = Result<Observation, PlatformError>> + Send;
}

/// Requests each account, a few at once. A request takes kilobytes: it is built only when its turn comes.
pub(super) async fn each(requests: &impl RequestsEach, accounts: &[Account]) -> Observed {
    let (mut waiting, mut requested) = (accounts.iter(), FuturesUnordered::new());
    let mut observed = Observed::with_capacity(accounts.len());
    loop {
        while requested.len() < AT_ONCE
            && let Some(account) = waiting.next()
        {
            requested.push(async { (account.connection, requests.one(account).await) });
        }
        let Some(reported) = requested.next().await else { return observed };
        observed.push(reported);
    }
}

/// The unit of a limit on requests that headers report.
pub(super) const REQUESTS: &str = "requests";

/// The names of the headers that report a window of requests.
#[derive(Clone, Copy)]
pub(super) struct WindowHeaders {
    pub(super) limit: &'static str,
    pub(super) remaining: &'static str,
    pub(super) reset: &'static str,
}

/// A limit on requests to one host or app that only such headers report.
pub(super) const fn window_budget(path: &'static str) -> Budget {
    Budget {
        unit: REQUESTS,
        path,
        cost: 1,
        per_batch: 0,
        limit: None,
        window: Window::Reported,
        reserve: 10,
        is_optional: false,
    }
}

/// How many responses of one batch in a row may say "not now" before the rest is no longer requested.
pub(super) const FEW: u32 = 3;

impl From<HttpError> for PlatformError {
    fn from(error: HttpError) -> Self {
        let what = sentence(&error.to_string());
        match error.kind {
            HttpErrorKind::Limit { wait, .. } => Self::RateLimited { retry_after: Some(wait), of: Limit::Gate },
            HttpErrorKind::NoCertificates
            | HttpErrorKind::Private
            | HttpErrorKind::Dns
            | HttpErrorKind::Connect
            | HttpErrorKind::Gateway
            | HttpErrorKind::Proxy => Self::Network { what },
            HttpErrorKind::Refused | HttpErrorKind::Tls | HttpErrorKind::Timeout | HttpErrorKind::Broken => {
                Self::Unavailable { what }
            }
            HttpErrorKind::Insecure => Self::Unconfigured { what },
            HttpErrorKind::BadHost
            | HttpErrorKind::TooLarge
            | HttpErrorKind::Html
            | HttpErrorKind::NotJson
            | HttpErrorKind::CutOff
            | HttpErrorKind::Shape { .. } => Self::Unexpected { what },
        }
    }
}

/// A text of the platform or of Roster as one clean sentence.
pub(super) fn sentence(text: &str) -> String {
    clean(text, SENTENCE_CHARACTERS)
}

/// What ended a batch early: everything not requested by then fails the same way, without a request.
pub(super) struct Stop<'a> {
    api: &'a Api,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    why: Option<PlatformError>,
    outages: u32,
}

impl<'a> Stop<'a> {
    pub(super) fn new(api: &'a Api) -> Self {
        Self { api, state: Mutex::default() }
    }

    /// Why nothing more should be requested.
    pub(super) fn why(&self) -> Option<PlatformError> {
        self.state.lock().why.clone()
    }

    /// Sends the request unless the batch has ended, and notes a failure.
    pub(super) async fn unless_stopped<T>(
        &self,
        request: impl Future<Output = Result<T, PlatformError>>,
    ) -> Result<T, PlatformError> {
        self.unless(request, |_| false).await
    }

    /// As [`Stop::unless_stopped`], for a request with one owner's consent: its refusal ends nothing for the others.
    pub(super) async fn unless_stopped_for_one<T>(
        &self,
        request: impl Future<Output = Result<T, PlatformError>>,
    ) -> Result<T, PlatformError> {
        let of_owner = |error: &PlatformError| {
            matches!(error, PlatformError::Unauthorized { .. } | PlatformError::MissingScope { .. })
        };
        self.unless(request, of_owner).await
    }

    async fn unless<T>(
        &self,
        request: impl Future<Output = Result<T, PlatformError>>,
        ends_nothing: impl Fn(&PlatformError) -> bool,
    ) -> Result<T, PlatformError> {
        if let Some(error) = self.why() {
            return Err(error);
        }
        let response = request.await;
        match &response {
            Err(error) if !ends_nothing(error) => self.note(error),
            _ => self.responded(),
        }
        response
    }

    /// Notes that the platform responds.
    pub(super) fn responded(&self) {
        self.state.lock().outages = 0;
    }

    /// Ends the batch.
    pub(super) fn end(&self, error: &PlatformError) {
        self.state.lock().why.get_or_insert_with(|| error.clone());
    }

    /// Passes on what the headers report of the window of a lane's requests, and stops the batch when this response was
    /// the last one within it.
    pub(super) fn heed_limit(&self, response: &Response, headers: WindowHeaders) {
        let number = |name| response.header(name).and_then(|text| text.trim().parse::<u64>().ok());
        let Some(left) = number(headers.remaining) else { return };
        let ends_in = response.reset_after(headers.reset, self.api.now());
        if let (Some(limit), Some(length)) = (number(headers.limit), ends_in) {
            self.api.report(REQUESTS, None, limit.saturating_sub(left), limit, length);
        }
        if left == 0 {
            self.note(&PlatformError::RateLimited { retry_after: ends_in, of: Limit::Gate });
        }
    }

    /// What the status alone says; `None` for those that mean something else at each platform.
    pub(super) fn refusal(&self, platform: &str, response: &Response) -> Option<PlatformError> {
        let retry_after = response.retry_after(self.api.now());
        match response.status {
            429 => Some(PlatformError::RateLimited { retry_after, of: Limit::Lane }),
            status @ 500..=599 => {
                if let Some(length) = retry_after {
                    self.api.wait(length, "the platform asked to come back later");
                }
                Some(PlatformError::Unavailable { what: format!("{platform} responded with {status}") })
            }
            status @ 300..=399 => {
                Some(PlatformError::Unexpected { what: format!("{platform} sent us elsewhere ({status})") })
            }
            _ => None,
        }
    }

    /// Notes a failure: a limit, a dead network and a refused key concern all accounts, and so does a third outage
    /// without a response in between. Single accounts that fail do not make an outage.
    pub(super) fn note(&self, error: &PlatformError) {
        let mut state = self.state.lock();
        let concerns_all = match error {
            PlatformError::RateLimited { retry_after, of } => {
                // Accounts with a partial response must not hide the limit from the next caller.
                if let (Some(length), Limit::Lane) = (retry_after, of) {
                    self.api.wait(*length, "its rate limit is used up");
                }
                true
            }
            PlatformError::Network { .. }
            | PlatformError::Unauthorized { .. }
            | PlatformError::MissingScope { .. }
            | PlatformError::Unconfigured { .. } => true,
            PlatformError::Unavailable { .. } => {
                state.outages += 1;
                state.outages >= FEW
            }
            PlatformError::AccountGone { .. }
            | PlatformError::Moved { .. }
            | PlatformError::Closed { .. }
            | PlatformError::Unexpected { .. } => {
                state.outages = 0;
                false
            }
        };
        if concerns_all && state.why.is_none() {
            state.why = Some(error.clone());
        }
    }
}
