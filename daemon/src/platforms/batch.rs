//! What asking any platform has in common: which errors mean what, and when to stop asking.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use parking_lot::Mutex;
use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::{Account, Observation, Observed, PlatformError};
use crate::http_client::{Api, HttpError, HttpErrorKind, Response};

/// How many accounts of one batch are asked about at once.
pub(super) const AT_ONCE: usize = 4;

/// Who asks about accounts one by one.
pub(super) trait RequestsEach: Sync {
    /// What became of asking about this account.
    fn one(&self, account: &Account) -> impl Future<Output = Result<Observation, PlatformError>> + Send;
}

/// Asks about each account, about a few at once. A question takes kilobytes: it is put together when its turn comes.
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

/// Answers of one batch that may say "not now" before the rest is not asked any more.
const FEW: u32 = 3;

impl From<HttpError> for PlatformError {
    fn from(error: HttpError) -> Self {
        let what = sentence(&error.to_string());
        match error.kind {
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

/// A text of theirs or ours as one clean sentence.
pub(super) fn sentence(text: &str) -> String {
    clean(text, SENTENCE_CHARACTERS)
}

/// What ended a batch early: what was not asked by then fails alike, without asking.
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

    /// Why nothing should be asked any more.
    pub(super) fn why(&self) -> Option<PlatformError> {
        self.state.lock().why.clone()
    }

    /// Asks, unless the batch has ended, and notes how it went.
    pub(super) async fn unless_stopped<T>(
        &self,
        request: impl Future<Output = Result<T, PlatformError>>,
    ) -> Result<T, PlatformError> {
        if let Some(error) = self.why() {
            return Err(error);
        }
        let response = request.await;
        if let Err(error) = &response {
            self.note(error);
        }
        response
    }

    /// As [`Stop::unless_stopped`], for a question asked with one owner's consent: that it is refused ends nothing
    /// for the others.
    pub(super) async fn unless_stopped_for_one<T>(
        &self,
        request: impl Future<Output = Result<T, PlatformError>>,
    ) -> Result<T, PlatformError> {
        if let Some(error) = self.why() {
            return Err(error);
        }
        let response = request.await;
        match &response {
            Ok(_) | Err(PlatformError::Unauthorized { .. } | PlatformError::MissingScope { .. }) => {}
            Err(error) => self.note(error),
        }
        response
    }

    /// Stops the batch when the headers say that this answer was the last one within the window.
    pub(super) fn heed_limit(&self, response: &Response, remaining: &str, reset: &str) {
        if response.header(remaining).is_some_and(|left| left.trim() == "0") {
            self.note(&PlatformError::RateLimited { retry_after: response.reset_after(reset, self.api.now()) });
        }
    }

    /// What the status alone says; `None` for those that mean something else at each platform.
    pub(super) fn refusal(&self, platform: &str, response: &Response) -> Option<PlatformError> {
        let retry_after = response.retry_after(self.api.now());
        match response.status {
            429 => Some(PlatformError::RateLimited { retry_after }),
            status @ 500..=599 => {
                if let Some(length) = retry_after {
                    self.api.wait(length, "the platform asked to come back later");
                }
                Some(PlatformError::Unavailable { what: format!("{platform} answered {status}") })
            }
            status @ 300..=399 => {
                Some(PlatformError::Unexpected { what: format!("{platform} sent us elsewhere ({status})") })
            }
            _ => None,
        }
    }

    /// Notes a failure: a limit, a dead network and a refused key concern everyone, and so does a third outage.
    fn note(&self, error: &PlatformError) {
        let mut state = self.state.lock();
        let everyone = match error {
            PlatformError::RateLimited { retry_after } => {
                // Accounts that were answered in part must not hide it from whoever asks next.
                if let Some(length) = retry_after {
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
            PlatformError::AccountGone { .. } | PlatformError::Unexpected { .. } => false,
        };
        if everyone && state.why.is_none() {
            state.why = Some(error.clone());
        }
    }
}
