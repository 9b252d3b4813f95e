//! The one way out: every request to a platform or a receiver goes through here, with limits on time and size.
//!
//! The caller gets a [`Response`] or an [`HttpError`]; neither an error nor its debug print ever holds a URL, a
//! query, a header or a body. Redirects are never followed. There are no retries here, and no waiting: that is
//! the schedule's business. Only this module names reqwest.

mod address;
mod admission;
mod recording;
mod response;
mod api;
mod count;
mod dates;
mod error;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use reqwest::Url;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use address::{ClientKind, LoopbackOnly, PublicOnly};
pub use admission::{Admission, Now, Reservation, SharedGate};
pub use api::{Api, BaseError, Request, Route, base_url};
pub(crate) use api::{is_host, is_host_like};
pub(crate) use count::{LARGEST_COUNT, count};
pub use dates::SeenDate;
pub use error::{HttpError, HttpErrorKind};
pub use recording::{Recording, RequestSubject};
pub use response::Response;
pub(crate) use response::{decoded, read_json};

use self::dates::Dates;
use crate::meters::RequestMeters;
use crate::secret::file::{self, FileError};

/// More than the certificates of all known authorities have.
const MOST_CA_BYTES: u64 = 4 * 1024 * 1024;

/// How long and how large an exchange may get. Values, so that tests use milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// For name, connection and TLS together.
    pub connect: Duration,
    /// For the whole exchange, the body's last byte included.
    pub total: Duration,
    /// Between two pieces of a response.
    pub read_gap: Duration,
    /// For the body, after inflation.
    pub body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(20),
            read_gap: Duration::from_secs(10),
            body_bytes: 8 * 1024 * 1024,
        }
    }
}

/// What the operator decides about going out. The proxy's URL may hold a password, so it prints nowhere.
#[derive(Clone)]
pub struct HttpSettings {
    pub limits: HttpLimits,
    /// The proxy's URL, for all that is neither loopback nor inside. `None`: directly; the environment is not read.
    pub proxy: Option<String>,
    /// PEM certificates trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    pub user_agent: String,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            limits: HttpLimits::default(),
            proxy: None,
            ca_file: None,
            user_agent: concat!("roster/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Settings that no client can be made of. The messages hold no proxy password.
#[derive(Debug, thiserror::Error)]
pub enum HttpSetupError {
    #[error(
        "the proxy is no http or https URL of a host and nothing behind it: in its name and password write %2F for /, \
         %23 for #, %3F for ? and %40 for @"
    )]
    Proxy,
    #[error("the CA file {path}: {source}")]
    CaFile { path: String, source: FileError },
    #[error("the CA file {path} holds no PEM certificate")]
    CaFileEmpty { path: String },
}

impl HttpSetupError {
    /// The key of the config that is wrong.
    pub fn key(&self) -> &'static str {
        match self {
            HttpSetupError::Proxy => "network.proxy",
            HttpSetupError::CaFile { .. } | HttpSetupError::CaFileEmpty { .. } => "network.ca_file",
        }
    }
}

/// Whose choice a URL's host was, which decides where it may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anyone's, such as an instance in a handle: https and public addresses only.
    Public,
    /// The operator's: a gateway or an API's own address. https, or http to loopback; any address.
    Chosen,
    /// The operator's, and inside his network: as `Chosen`, and never through the proxy.
    Inside,
    /// The operator's, who permits everything: https or http, any address, never through the proxy.
    Anywhere,
}

/// One request as it leaves. It prints without URL, headers and body, which hold secrets.
pub struct Outgoing {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub reach: Reach,
    /// Whom errors name: the host that is meant, also behind a gateway.
    pub host: String,
    /// What errors name: the path with placeholders.
    pub template: &'static str,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.host, self.template)
    }
}

/// The way out. Clones share connections.
#[derive(Clone)]
pub struct HttpClient {
    inner: Arc<Inner>,
    meters: RequestMeters,
    dates: Dates,
    recording: Recording,
}

struct Inner {
    settings: HttpSettings,
    proxy: Option<Url>,
    certificates: Vec<reqwest::Certificate>,
    // Built when first used: one that speaks TLS cannot be built without CA certificates, which a host that
    // only calls a loopback gateway need not have.
    guarded: OnceCell<reqwest::Client>,
    trusted: OnceCell<reqwest::Client>,
    inside: OnceCell<reqwest::Client>,
    anywhere: OnceCell<reqwest::Client>,
    plain: OnceCell<reqwest::Client>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("limits", &self.inner.settings.limits).finish_non_exhaustive()
    }
}

impl HttpClient {
    /// Makes a client of these settings; reads the CA file now and the system's certificates when first needed.
    ///
    /// # Errors
    /// When the proxy is no URL or the CA file cannot be used.
    pub fn new(settings: HttpSettings) -> Result<Self, HttpSetupError> {
        // A second client finds the first one's provider installed, which is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy = settings.proxy.as_deref().map(proxy_url).transpose()?;
        let certificates = settings.ca_file.as_deref().map(read_certificates).transpose()?.unwrap_or_default();
        let inner = Inner {
            settings,
            proxy,
            certificates,
            guarded: OnceCell::new(),
            trusted: OnceCell::new(),
            inside: OnceCell::new(),
            anywhere: OnceCell::new(),
            plain: OnceCell::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            meters: RequestMeters::default(),
            dates: Dates::default(),
            recording: Recording::default(),
        })
    }

    /// Requests to platforms since the start.
    pub fn meters(&self) -> &RequestMeters {
        &self.meters
    }

    /// What was requested of platforms, and is not stored yet.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What the newest response said that had the time; `None` before the first.
    pub fn seen_date(&self) -> Option<SeenDate> {
        self.dates.newest()
    }

    /// The same way out, counting on where another one stopped.
    pub fn counting_on(self, other: &Self) -> Self {
        let Self { meters, dates, recording, .. } = other.clone();
        Self { meters, dates, recording, ..self }
    }

    /// The same as [`HttpClient::send`], with how long it took.
    async fn send_timed(&self, outgoing: Outgoing) -> (Result<Response, HttpError>, Duration) {
        let begun = Instant::now();
        let reported = self.send(outgoing).await;
        (reported, begun.elapsed())
    }

    /// Sends one request and reads the whole response, whatever its status.
    ///
    /// # Errors
    /// When there is no whole response within the limits, or the URL leads where `reach` does not allow.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Response, HttpError> {
        let Outgoing { method, url, headers, body, reach, host, template } = outgoing;
        let fail = |kind: HttpErrorKind, status: Option<u16>| HttpError::new(&host, template, status, kind);
        let client_kind = ClientKind::of(&url, reach).map_err(|kind| fail(kind, None))?;
        let client = self.inner.client(client_kind).await.map_err(|kind| fail(kind, None))?;
        let proxied = self.inner.proxy.is_some() && client_kind.is_proxied();
        let HttpLimits { total, read_gap, body_bytes, .. } = self.inner.settings.limits;
        let end = Instant::now() + total;
        let late = |status| fail(HttpErrorKind::Timeout, status);
        let request = || {
            let mut request = reqwest::Request::new(method.clone(), url.clone());
            *request.headers_mut() = headers.clone();
            // None at all differs from an empty one: where something is changed, its length is sent.
            if method != Method::GET || !body.is_empty() {
                *request.body_mut() = Some(body.clone().into());
            }
            client.execute(request)
        };
        let kind = |error: &reqwest::Error| HttpErrorKind::of(error, reach, proxied);
        let mut requested = in_time(request(), read_gap, end).await.ok_or_else(|| late(None))?;
        // A server may close a kept connection while we send over it: without a byte of a response, a repeated request is safe
        // where a request changes nothing.
        if method == Method::GET && requested.as_ref().is_err_and(|error| kind(error) == HttpErrorKind::Broken) {
            requested = in_time(request(), read_gap, end).await.ok_or_else(|| late(None))?;
        }
        let mut response = requested.map_err(|error| fail(kind(&error), None))?;
        let status = response.status().as_u16();
        // What is announced as too large is not begun; inflated bodies announce nothing.
        if response.content_length().is_some_and(|length| length > body_bytes as u64) {
            return Err(fail(HttpErrorKind::TooLarge, Some(status)));
        }
        let headers = std::mem::take(response.headers_mut());
        let mut body = Body::default();
        loop {
            let piece = in_time(response.chunk(), read_gap, end).await.ok_or_else(|| late(Some(status)))?;
            let Some(piece) = piece.map_err(|error| fail(kind(&error), Some(status)))? else { break };
            if body.length + piece.len() > body_bytes {
                return Err(fail(HttpErrorKind::TooLarge, Some(status)));
            }
            body.push(piece);
        }
        Ok(Response::new(host, template, status, headers, body.whole()))
    }
}

/// A step of an exchange; `None` when it takes longer than `gap`, or the exchange goes beyond `end`. Cheaper than the
/// library's own limits, which begin to count, in boxes, also where nothing is waited for.
async fn in_time<T>(step: impl Future<Output = T>, gap: Duration, end: Instant) -> Option<T> {
    tokio::time::timeout_at(end.min(Instant::now() + gap), step).await.ok()
}

/// A body that comes in pieces. Most come in one, which is not copied. Of others each byte is copied once into a part,
/// and again when all are there: a body without an end costs no more than is taken of it.
#[derive(Default)]
struct Body {
    first: Bytes,
    parts: Vec<Vec<u8>>,
    length: usize,
}

impl Body {
    /// Long enough for small pieces not to cost more than they hold.
    const PART: usize = 64 * 1024;

    fn push(&mut self, mut piece: Bytes) {
        self.length += piece.len();
        if self.first.is_empty() {
            self.first = piece;
            return;
        }
        while !piece.is_empty() {
            match self.parts.last_mut() {
                Some(part) if part.len() < Self::PART => {
                    let fits = piece.split_to(piece.len().min(Self::PART - part.len()));
                    part.extend_from_slice(&fits);
                }
                _ => self.parts.push(Vec::with_capacity(Self::PART)),
            }
        }
    }

    fn whole(self) -> Bytes {
        if self.parts.is_empty() {
            return self.first;
        }
        let mut whole = Vec::with_capacity(self.length);
        whole.extend_from_slice(&self.first);
        self.parts.into_iter().for_each(|part| whole.extend_from_slice(&part));
        whole.into()
    }
}

impl Inner {
    async fn client(self: &Arc<Self>, client_kind: ClientKind) -> Result<&reqwest::Client, HttpErrorKind> {
        let cell = match client_kind {
            ClientKind::Guarded => &self.guarded,
            ClientKind::Trusted => &self.trusted,
            ClientKind::Inside => &self.inside,
            ClientKind::Anywhere => &self.anywhere,
            ClientKind::Plain => &self.plain,
        };
        cell.get_or_try_init(|| async {
            let inner = Arc::clone(self);
            // Reading the system's certificates takes milliseconds of disk and CPU.
            match tokio::task::spawn_blocking(move || inner.build(client_kind)).await {
                Ok(Ok(client)) => Ok(client),
                Ok(Err(_)) | Err(_) => Err(HttpErrorKind::NoCertificates),
            }
        })
        .await
    }

    fn build(&self, client_kind: ClientKind) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(&self.settings.user_agent)
            .connect_timeout(self.settings.limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .gzip(true);
        if let Some(proxy) = self.proxy.as_ref().filter(|_| client_kind.is_proxied()) {
            builder = builder.proxy(reqwest::Proxy::all(proxy.clone())?);
        }
        builder = match client_kind {
            ClientKind::Guarded => builder.dns_resolver(PublicOnly { proxy_host: self.proxy_host() }),
            ClientKind::Plain => builder.dns_resolver(LoopbackOnly),
            ClientKind::Trusted | ClientKind::Inside | ClientKind::Anywhere => builder,
        };
        builder = match client_kind {
            // Nothing is encrypted here, so no certificate is needed.
            ClientKind::Plain => builder.tls_certs_only([]),
            ClientKind::Anywhere => builder.tls_certs_merge(self.certificates.iter().cloned()),
            _ => builder.https_only(true).tls_certs_merge(self.certificates.iter().cloned()),
        };
        builder.build()
    }

    fn proxy_host(&self) -> Option<String> {
        self.proxy.as_ref().and_then(Url::host_str).map(str::to_owned)
    }
}

/// A proxy's URL. A password with one of `/?#` ends the host early, and one with `@` has the URL read otherwise than it
/// was meant: what is behind the host, or looks so, is refused.
fn proxy_url(text: &str) -> Result<Url, HttpSetupError> {
    let is_bare = |url: &Url| matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some() && is_bare(url))
        .filter(|_| text.matches('@').count() <= 1 && !text.contains(['\\', '\t', '\n', '\r']))
        .ok_or(HttpSetupError::Proxy)
}

fn read_certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, HttpSetupError> {
    let read = file::read(path, MOST_CA_BYTES);
    let pem = read.map_err(|source| HttpSetupError::CaFile { path: file::shown(path), source })?;
    reqwest::Certificate::from_pem_bundle(&pem)
        .ok()
        .filter(|certificates| !certificates.is_empty())
        .ok_or_else(|| HttpSetupError::CaFileEmpty { path: file::shown(path) })
}
