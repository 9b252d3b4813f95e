//! Why there are no tokens. Only this module decides it.

use std::time::Duration;

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};

use super::{Provider, Purpose, Reply, scopes};
use crate::http_client::{HttpError, HttpErrorKind};

/// Why there are no tokens, by what is done next. Texts are clean and hold no URL, token or body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The provider says that the consent is over: request it again.
    #[error("{what}")]
    Gone { what: String },
    /// The operator must mend the app's id, secret or settings.
    #[error("{what}")]
    App { what: String },
    /// Later, after `retry_after` or with backoff. `sent`: the provider may have acted all the same.
    #[error("{what}")]
    Later { what: String, retry_after: Option<Duration>, sent: bool },
    /// The response is not understood: as `Later`, and worth a look.
    #[error("{what}")]
    Unexpected { what: String },
}

/// What was requested: the same refusal means something else for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    Code,
    Renewal,
    Device,
    /// A token for the app itself.
    App,
    Revocation,
}

/// What a refusal says, in a provider's own words where the standard's are not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The code or the consent is over.
    Over(Option<String>),
    /// The app is refused.
    App(Option<String>),
    /// The app may not request these scopes.
    Scopes,
    /// A limit is used up.
    Limited { what: Option<String>, retry_after: Duration },
    /// The provider cannot do it now, and may have done it.
    Outage(Option<String>),
    /// Nothing that is understood: a sentence that names the code.
    Unknown(String),
}

/// What a refusal means. The status overrides the words: an outage never ends a consent.
pub fn refused<P: Provider + ?Sized>(provider: &P, reply: &Reply, request: TokenRequest) -> TokenError {
    let terms = provider.terms();
    let grantor = terms.grantor;
    let later = |what: Option<String>, retry_after, sent| {
        let what = what.unwrap_or_else(|| format!("{grantor} cannot give tokens now"));
        TokenError::Later { what, retry_after, sent }
    };
    match provider.refusal(reply, request) {
        Some(Refusal::Limited { what, retry_after }) => later(what, Some(retry_after), false),
        _ if reply.status == 429 || reply.status >= 500 => {
            later(Some(format!("{grantor} responded with {}", reply.status)), None, reply.status != 429)
        }
        None => {
            TokenError::Unexpected { what: format!("{grantor} responded with {} at its token endpoint", reply.status) }
        }
        Some(Refusal::Outage(what)) => later(what, None, true),
        Some(Refusal::Over(Some(what))) => TokenError::Gone { what },
        Some(Refusal::Over(None)) => TokenError::Gone {
            what: match request {
                TokenRequest::Renewal | TokenRequest::Revocation => format!("{grantor} has ended the consent"),
                _ => format!("{grantor}'s code is used or out of time: begin again"),
            },
        },
        Some(Refusal::App(what)) => TokenError::App {
            what: what.unwrap_or_else(|| {
                let section = terms.section;
                format!("{grantor} does not accept the app: check client_id and client_secret in [{section}]")
            }),
        },
        Some(Refusal::Scopes) => {
            let (what, advice) = scopes::refused(provider, Purpose::Measuring, "");
            TokenError::App { what: format!("{what}: {advice}") }
        }
        Some(Refusal::Unknown(what)) => TokenError::unexpected(&what),
    }
}

impl TokenError {
    pub(super) fn unexpected(what: &str) -> Self {
        Self::Unexpected { what: clean(what, SENTENCE_CHARACTERS) }
    }
}

impl From<HttpError> for TokenError {
    fn from(error: HttpError) -> Self {
        let what = clean(&error.to_string(), SENTENCE_CHARACTERS);
        let retry_after = match error.kind {
            HttpErrorKind::Limit { wait, .. } => Some(wait),
            _ => None,
        };
        let later = |sent| Self::Later { what: what.clone(), retry_after, sent };
        match error.kind {
            HttpErrorKind::Limit { .. }
            | HttpErrorKind::NoCertificates
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
