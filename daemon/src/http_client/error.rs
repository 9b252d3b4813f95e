//! Why there is no response, described without URL, query, headers and body.

use std::error::Error;
use std::io;
use std::time::Duration;

use roster_protocol::text::clean;

use super::Reach;
use super::address::NotPublic;

/// A request without a response, or one that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host}{template}: {kind}")]
pub struct HttpError {
    /// The host that was meant, also behind a gateway.
    pub host: String,
    /// The path with placeholders instead of ids.
    pub template: String,
    /// The status, when there was one.
    pub status: Option<u16>,
    pub kind: HttpErrorKind,
}

impl HttpError {
    pub(super) fn new(host: &str, template: &str, status: Option<u16>, kind: HttpErrorKind) -> Self {
        Self { host: clean(host, 80), template: clean(template, 80), status, kind }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpErrorKind {
    #[error("the system has no CA certificates: install ca-certificates, or set [network] ca_file")]
    NoCertificates,
    /// It was not sent: one of the platform's limits would be exceeded.
    #[error("not sent: {what}")]
    Limit { wait: Duration, what: String },
    #[error("that is no host that requests can be sent to")]
    BadHost,
    #[error("only https is allowed, and http to loopback")]
    Insecure,
    #[error("the host is at a private address")]
    Private,
    #[error("the name cannot be resolved")]
    Dns,
    #[error("no connection")]
    Connect,
    #[error("no connection through the gateway")]
    Gateway,
    #[error("no connection through the proxy")]
    Proxy,
    #[error("the connection was refused")]
    Refused,
    #[error("TLS failed: its certificate is not trusted here, or that is not it")]
    Tls,
    #[error("no answer within the time limit")]
    Timeout,
    #[error("the answer broke off")]
    Broken,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer is a web page instead of JSON")]
    Html,
    #[error("the answer is not JSON")]
    NotJson,
    #[error("the answer ends in the middle")]
    CutOff,
    /// The field's path; never its value.
    #[error("{at} {what}")]
    Shape { at: String, what: &'static str },
}

impl HttpErrorKind {
    pub(super) fn of(error: &reqwest::Error, reach: Reach, proxied: bool) -> Self {
        if caused_by::<NotPublic>(error) {
            Self::Private
        } else if error.is_timeout() {
            Self::Timeout
        } else if caused_by::<rustls::Error>(error) {
            Self::Tls
        } else if error.is_dns() {
            Self::Dns
        } else if error.is_connect() {
            match reach {
                _ if proxied => Self::Proxy,
                Reach::Chosen => Self::Gateway,
                _ if was_refused(error) => Self::Refused,
                _ => Self::Connect,
            }
        } else {
            Self::Broken
        }
    }
}

fn caused_by<Cause: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|cause| cause.is::<Cause>())
}

fn was_refused(error: &(dyn Error + 'static)) -> bool {
    chain(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| matches!(cause.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset))
}

/// The error and its causes. What an `io::Error` wraps is not among its sources, so it is unwrapped here.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| {
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map_or_else(|| (*cause).source(), |inner| Some(inner as &(dyn Error + 'static)))
    })
}
