//! What a platform module gets for one batch: where each request goes, and a place to say "not before".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use roster_protocol::ProviderRequest;
use roster_protocol::ids::ConnectionId;
use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;
use serde::Serialize;
use url::Host;
use url::form_urlencoded::Serializer;

use super::address::is_loopback;
use super::recording::error_of;
use super::{Admission, HttpClient, HttpError, HttpErrorKind, Outgoing, Reach, RequestSubject, Response};
use crate::model::ReportedLimit;
use crate::secret::Secret;

/// Where a platform's requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The platform's slug, under which its requests are counted.
    pub platform: String,
    /// Requests for `https://{host}{path}` go to `{gateway}/{host}{path}`.
    pub gateway: Option<String>,
    /// Requests for any host go to `{api_url}{path}`; takes precedence over the gateway.
    pub api_url: Option<String>,
    /// Hosts, with port where it is not the usual one, that may be at private addresses.
    pub private_hosts: Vec<String>,
}

/// A text that is no base URL. The message does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an https URL, or an http URL to loopback, without name, query and fragment")]
pub struct BaseError;

/// The canonical form of a gateway or an API's address: no slash at its end.
///
/// # Errors
/// When it is neither https nor http to loopback, or has parts a base cannot have.
pub fn base_url(text: &str) -> Result<String, BaseError> {
    let url = Url::parse(text.trim()).map_err(|_| BaseError)?;
    let host = url.host().ok_or(BaseError)?;
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&host));
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if allowed && bare { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(BaseError) }
}

/// One batch's way to its platform.
#[derive(Clone, Debug)]
pub struct Api {
    client: HttpClient,
    route: Arc<Route>,
    now: Timestamp,
    /// `None`: nothing is counted.
    admission: Option<Arc<Admission>>,
    /// What its requests are about.
    about: RequestSubject,
    wait: Arc<Mutex<Option<(Duration, String)>>>,
    /// Where the last request went: usually the next one goes there too.
    base: Arc<Mutex<Option<Base>>>,
}

/// What comes before the path of a host's URLs.
#[derive(Clone, Debug)]
struct Base {
    host: String,
    url: Url,
    reach: Reach,
}

impl Api {
    /// A way for a batch that begins at `now`.
    pub fn new(client: HttpClient, route: Route, now: Timestamp) -> Self {
        let (about, wait, base) = (RequestSubject::None, Arc::default(), Arc::default());
        Self { client, route: Arc::new(route), now, admission: None, about, wait, base }
    }

    /// The same, whose requests pass the gate.
    pub fn through(self, admission: Admission) -> Self {
        Self { admission: Some(Arc::new(admission)), ..self }
    }

    /// The same way for requests about these connections; what is noted of one is noted of all.
    pub fn about(&self, connections: &[ConnectionId]) -> Self {
        Self { about: RequestSubject::of(connections), ..self.clone() }
    }

    /// When the batch began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A request to `host` (with port where it is not the usual one). `{name}` in the path is filled by
    /// [`Request::part`]; errors show the path as given here.
    pub fn get(&self, host: &str, path: &'static str) -> Request<'_> {
        Request::new(self, Method::GET, host, path)
    }

    /// As [`Api::get`], with a body to be set.
    pub fn post(&self, host: &str, path: &'static str) -> Request<'_> {
        Request::new(self, Method::POST, host, path)
    }

    /// As [`Api::get`], to end something.
    pub fn delete(&self, host: &str, path: &'static str) -> Request<'_> {
        Request::new(self, Method::DELETE, host, path)
    }

    /// Where users' browsers find a page of this platform: its own address, or the gateway's form of it.
    /// `None` when the route does not lead there.
    pub fn address(&self, host: &str, path: &str) -> Option<Url> {
        self.url(host, path, "").map(|(url, _)| url)
    }

    /// Notes that the platform wants no further requests for this long, although it responded.
    pub fn wait(&self, length: Duration, reason: &str) {
        let mut wait = self.wait.lock();
        if wait.as_ref().is_none_or(|(noted, _)| *noted < length) {
            *wait = Some((length, clean(reason, 120)));
        }
    }

    /// Notes what a response reports of a limit: how much is used of how much, until when. `account`: the one whose own
    /// limit it is, by the platform's id.
    pub fn report(&self, unit: &str, account: Option<&str>, used: u64, limit: u64, length: Duration) {
        if let Some(admission) = &self.admission {
            let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
            let ends_at = Timestamp(self.now.0.saturating_add(length));
            admission.report(unit, account, used, ReportedLimit { limit, ends_at });
        }
    }

    /// What its requests have spent so far, by unit.
    pub fn spent(&self) -> BTreeMap<&'static str, u64> {
        self.admission.as_ref().map(|admission| admission.spent()).unwrap_or_default()
    }

    /// The longest wait noted, from the batch's end on.
    pub fn requested_wait(&self) -> Option<Duration> {
        self.wait.lock().as_ref().map(|(length, _)| *length)
    }

    /// Why, in a sentence's words.
    pub fn wait_reason(&self) -> Option<String> {
        self.wait.lock().as_ref().map(|(_, reason)| reason.clone())
    }

    /// Whether the operator allows this host at a private address.
    pub fn is_private_host(&self, host: &str) -> bool {
        self.route.private_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }

    /// Records how a request ended, where the time is known.
    fn record(&self, endpoint: String, reported: &Result<Response, HttpError>, took: Duration) {
        let status = reported.as_ref().map_or_else(|error| error.status, |response| Some(response.status));
        self.client.meters().record_request(&self.route.platform, status);
        let Some(admission) = &self.admission else { return };
        let (at, (connection, accounts)) = (admission.now(), self.about.parts());
        let response = reported.as_ref().ok();
        response.into_iter().for_each(|response| self.client.dates.see(response, at));
        self.client.recording().add(ProviderRequest {
            at,
            platform: self.route.platform.clone(),
            endpoint,
            connection,
            accounts,
            status,
            error: reported.as_ref().err().map(|error| error_of(&error.kind)),
            duration_ms: u32::try_from(took.as_millis()).unwrap_or(u32::MAX),
            bytes: response.map_or(0, |response| response.body().len() as u64),
        });
    }

    /// The URL of a path of `host`, and how far it may lead.
    fn url(&self, host: &str, path: &str, query: &str) -> Option<(Url, Reach)> {
        let Base { mut url, reach, .. } = self.base(host)?;
        let whole = [url.path().trim_end_matches('/'), path].concat();
        url.set_path(&whole);
        url.set_query((!query.is_empty()).then_some(query));
        Some((url, reach))
    }

    fn base(&self, host: &str) -> Option<Base> {
        let mut last = self.base.lock();
        if let Some(base) = last.as_ref().filter(|base| base.host == host) {
            return Some(base.clone());
        }
        let (text, reach) = self.resolve(host)?;
        let base = Base { host: host.to_owned(), url: Url::parse(&text).ok()?, reach };
        *last = Some(base.clone());
        Some(base)
    }

    /// What comes before the path of a URL of `host`.
    fn resolve(&self, host: &str) -> Option<(String, Reach)> {
        if !is_host_like(host) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        if let Some(base) = &self.route.api_url {
            return Some((base.clone(), Reach::Chosen));
        }
        if let Some(gateway) = &self.route.gateway {
            return Some((format!("{gateway}/{host}"), Reach::Chosen));
        }
        if !self.is_private_host(&host) {
            return Some((format!("https://{host}"), Reach::Public));
        }
        let own = Url::parse(&format!("https://{host}")).ok()?;
        let scheme = if is_loopback(&own.host()?) { "http" } else { "https" };
        Some((format!("{scheme}://{host}"), Reach::Inside))
    }
}

/// Whether a text has no letter that could end a URL's host or lead up its path. Whether it is one shows when a URL is
/// made of it.
pub(crate) fn is_host_like(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// One request, being built.
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'a> {
    api: &'a Api,
    method: Method,
    host: String,
    template: &'static str,
    /// The path as far as it is filled.
    path: Cow<'static, str>,
    /// As encoded in a URL.
    query: String,
    headers: HeaderMap,
    body: Bytes,
    broken: bool,
}

/// Everything but what RFC 3986 leaves unreserved.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl<'a> Request<'a> {
    fn new(api: &'a Api, method: Method, host: &str, template: &'static str) -> Self {
        Self {
            api,
            method,
            host: host.to_owned(),
            template,
            path: Cow::Borrowed(template),
            query: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            broken: false,
        }
    }

    /// Fills `{name}` of the path with one segment.
    pub fn part(mut self, name: &'static str, value: &str) -> Self {
        // Dots alone would walk up the path, however they are encoded.
        self.broken |= value.bytes().all(|byte| byte == b'.');
        let value: Cow<'_, str> = utf8_percent_encode(value, PART).into();
        match self.path.split_once(&["{", name, "}"].concat()) {
            Some((before, after)) => self.path = [before, &value, after].concat().into(),
            None => self.broken = true,
        }
        self
    }

    /// Appends pairs to the query; a name may come several times.
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.query = Serializer::new(self.query).extend_pairs(pairs).finish();
        self
    }

    /// Appends a pair whose value is secret.
    pub fn secret_query(mut self, name: &str, value: &Secret) -> Self {
        self.query = Serializer::new(self.query).append_pair(name, value.expose()).finish();
        self
    }

    /// Sends the token as `Authorization: Bearer`.
    pub fn bearer(self, token: &Secret) -> Self {
        self.secret_header(AUTHORIZATION, &format!("Bearer {}", token.expose()))
    }

    /// Sends the token alone, in a header of the platform's own.
    pub fn token_header(self, name: &'static str, token: &Secret) -> Self {
        self.secret_header(HeaderName::from_static(name), token.expose())
    }

    fn secret_header(mut self, name: HeaderName, text: &str) -> Self {
        match HeaderValue::from_str(text) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            Err(_) => self.broken = true,
        }
        self
    }

    /// Requests a response only if it is not the one with this name; what can be no name is not sent.
    pub fn if_none_match(mut self, etag: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(&format!("\"{etag}\"")) {
            self.headers.insert(IF_NONE_MATCH, value);
        }
        self
    }

    /// Sends `body` as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = bytes.into(),
            Err(_) => self.broken = true,
        }
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// Sends pairs as a form.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body = form.into();
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        self
    }

    /// Sends the request once.
    ///
    /// # Errors
    /// As [`HttpClient::send`], and when one of the platform's limits would be exceeded. Any status is a response.
    pub async fn send(self) -> Result<Response, HttpError> {
        let bad = || HttpError::new(&self.host, self.template, None, HttpErrorKind::BadHost);
        let to = self.api.url(&self.host, &self.path, &self.query).filter(|_| !self.broken);
        let (url, reach) = to.ok_or_else(bad)?;
        let refused = |kind| HttpError::new(&self.host, self.template, None, kind);
        let flight = self.api.admission.as_ref().map(|admission| admission.may_request(self.template)).transpose();
        let _flight = flight.map_err(refused)?;
        let outgoing = Outgoing {
            method: self.method,
            url,
            headers: self.headers,
            body: self.body,
            reach,
            host: self.host,
            template: self.template,
        };
        let endpoint = format!("{} {}", outgoing.method, outgoing.template);
        let (reported, took) = self.api.client.send_timed(outgoing).await;
        self.api.record(endpoint, &reported, took);
        reported
    }
}

/// Whether the text names a host, with or without port, and nothing else.
pub(crate) fn is_host(text: &str) -> bool {
    // A parser of URLs takes `*` and more for a part of a name.
    if !is_host_like(text) {
        return false;
    }
    let url = Url::parse(&format!("https://{text}/"));
    url.is_ok_and(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        url.host().is_some_and(|host: Host<&str>| format!("{host}{port}").eq_ignore_ascii_case(text))
    })
}
