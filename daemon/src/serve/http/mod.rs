//! HTTP: health, readiness and metrics for monitoring, none of which names an account, the page on which owners land
//! after consent, the short links that lead them there, and the addresses to which platforms send notifications.

mod callback;
mod exposition;
mod health;
mod host;
mod metrics;
mod page;
mod process;
mod short_link;
mod webhooks;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::{App, Listener};
use crate::process::config;

/// Connections at once. One more ends the oldest that never got a successful response: an idle client gives way, and no
/// other client has to wait for it.
const MOST_CONNECTIONS: usize = 128;
/// How long each connection is safe from that: when many clients connect at once, none is closed before it could send a
/// request.
const GRACE: Duration = Duration::from_millis(250);
/// How often a port that was taken is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// How long after a connection could not be accepted the next attempt is made.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);
/// After so many failures in a row, two seconds, the listener counts as lost.
const ACCEPT_FAILURES: u32 = 10;
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;
const MOST_HEADER_BYTES: usize = 16 * 1024;
/// A connection ends after this many times the timeout of one request, so that no client holds one forever.
const MOST_REQUESTS_LONG: u32 = 20;

/// The listener's timeouts, as values so that tests need not wait for real seconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the whole of a request's headers; and for the body that a platform sends, which is there at once.
    pub headers: Duration,
    /// For a request and its response.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { headers: Duration::from_secs(10), request: Duration::from_secs(15) }
    }
}

/// What browsers of owners open.
fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/oauth/{platform}/callback", get(callback::callback))
        .route("/c/{code}", get(short_link::follow))
}

/// What platforms request.
fn hooks() -> Router<Arc<App>> {
    Router::new()
        .route("/webhooks/{platform}", post(webhooks::notification).get(webhooks::challenge))
        .route("/webhooks/{platform}/deauthorize", post(webhooks::deauthorize))
        .route("/webhooks/{platform}/deletion", post(webhooks::delete))
        .route("/webhooks/{platform}/deletion/{code}", get(webhooks::deletion))
        .route("/webhooks/{platform}/hub/{token}", post(webhooks::from_hub).get(webhooks::hub_challenge))
}

fn router(app: Arc<App>, config: &config::Http, timeouts: Timeouts) -> Router {
    // A proxy with a path of its own may pass the path on.
    let outer = config.public_url.as_ref().map_or("", |url| url.path().trim_end_matches('/')).to_owned();
    let at_both = |router: fn() -> Router<Arc<App>>| match outer.is_empty() || outer.contains(['{', '}', '*']) {
        true => router(),
        false => router().nest(&outer, router()),
    };
    let router = at_both(pages).route("/healthz", get(health::alive)).route("/health", get(health::alive));
    let router = router.route("/readyz", get(health::ready));
    let router = if config.metrics { router.route("/metrics", get(metrics::scrape)) } else { router };
    let hooks = at_both(hooks)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeouts.headers))
        .layer(RequestBodyLimitLayer::new(webhooks::MOST_BODY_BYTES));
    router
        .layer(RequestBodyLimitLayer::new(0))
        .merge(hooks)
        .with_state(app)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeouts.request))
}

/// Listens at `address`. A port that is taken stops nothing else: it is tried again.
pub fn bind(address: Option<SocketAddr>) -> (Option<TcpListener>, Listener) {
    let Some(address) = address else { return (None, Listener::Off) };
    match listen(address).and_then(|listener| Ok((listener.local_addr()?, listener))) {
        Ok((at, listener)) => (Some(listener), Listener::At(at)),
        Err(error) => {
            let is_taken = error.kind() == io::ErrorKind::AddrInUse;
            (None, Listener::Lost { address, is_taken, why: error.to_string() })
        }
    }
}

/// Logs that the port of a listener cannot be had.
pub fn warn_if_lost(listener: &Listener) {
    if let Listener::Lost { address, why, .. } = listener {
        tracing::warn!(
            %address,
            why,
            "the HTTP listener is off: it is tried again every {} s, at once after a reload; or set [http] listen to a \
             free address",
            RETRY.as_secs()
        );
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port that was released a moment ago can be bound again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves HTTP until the end: first on the listener bound at the start, then wherever the config says.
pub async fn run(app: Arc<App>, mut listener: Option<TcpListener>, timeouts: Timeouts) {
    let (mut setup, mut looks) = (app.watch_setup(), app.look_again.subscribe());
    let mut wanted = setup.borrow().config.http.listen;
    loop {
        let config = setup.borrow_and_update().config.http.clone();
        let moves = config.listen != wanted;
        if moves || listener.is_none() && wanted.is_some() {
            wanted = config.listen;
            // The old listener is closed first: the new address may have the same port.
            drop(listener.take());
            let bound = bind(wanted);
            listener = bound.0;
            if moves {
                warn_if_lost(&bound.1);
            }
            app.consents.listening(bound.1);
            if moves || listener.is_some() {
                tracing::info!(http = ?app.consents.listens_at(), "the HTTP listener moved");
            }
        }
        let is_lost = listener.is_none() && wanted.is_some();
        // Connections that were kept open end with the config they began with.
        let over = CancellationToken::new();
        let _at_the_end = over.clone().drop_guard();
        let serving = async {
            match &listener {
                Some(listener) => {
                    let service = Service { router: router(app.clone(), &config, timeouts), timeouts, over };
                    serve(&app, listener, service).await;
                }
                None => app.ending.cancelled().await,
            }
        };
        tokio::select! {
            () = serving => return,
            changed = setup.changed() => if changed.is_err() { return },
            changed = looks.changed(), if is_lost => if changed.is_err() { return },
            () = tokio::time::sleep(RETRY), if is_lost => {}
        }
    }
}

/// What each connection is served with.
#[derive(Clone)]
struct Service {
    router: Router,
    timeouts: Timeouts,
    /// Cancelled when another service replaces this one: connections respond to the request under way, and close.
    over: CancellationToken,
}

/// Serves until the end.
async fn serve(app: &App, listener: &TcpListener, service: Service) {
    let mut open: VecDeque<OpenConnection> = VecDeque::new();
    let mut acceptance = Acceptance::default();
    loop {
        let accepted = tokio::select! {
            () = app.ending.cancelled() => return,
            accepted = listener.accept() => accepted,
            // Nothing waits to be accepted: what failed is over.
            () = tokio::time::sleep(2 * ACCEPT_AGAIN), if acceptance.is_failing() => {
                acceptance.report(app, listener, Ok(()));
                continue;
            }
        };
        acceptance.report(app, listener, accepted.as_ref().map(drop));
        match accepted {
            Ok((stream, _)) => {
                make_room(&mut open).await;
                let (service, ending) = (service.clone(), app.ending.clone());
                let succeeded = Arc::new(AtomicBool::new(false));
                let has_succeeded = succeeded.clone();
                let conversation = tokio::spawn(async move {
                    tokio::select! {
                        () = converse(stream, service, &succeeded) => {}
                        () = ending.cancelled() => {}
                    }
                });
                open.push_back(OpenConnection {
                    conversation,
                    has_succeeded,
                    grace: Box::pin(tokio::time::sleep(GRACE)),
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
        }
    }
}

/// Whether connections can be accepted.
#[derive(Debug, Default)]
struct Acceptance {
    /// How often in a row they could not.
    failures: u32,
}

impl Acceptance {
    fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// Records how it went; what lasts is made known, and that it is over.
    fn report(&mut self, app: &App, listener: &TcpListener, accepted: Result<(), &io::Error>) {
        let Some(is_lost) = self.changes(accepted.is_err()) else { return };
        let Ok(address) = listener.local_addr() else { return };
        match accepted {
            Err(error) if is_lost => {
                tracing::warn!(%address, %error, "the HTTP listener cannot accept connections");
                app.consents.listening(Listener::Lost { address, is_taken: false, why: error.to_string() });
            }
            _ => {
                tracing::info!(%address, "the HTTP listener accepts connections again");
                app.consents.listening(Listener::At(address));
            }
        }
    }

    /// Counts; `true` when it has failed for so long that the listener is lost, `false` when that is over.
    fn changes(&mut self, has_failed: bool) -> Option<bool> {
        let before = self.failures;
        self.failures = if has_failed { before.saturating_add(1) } else { 0 };
        match has_failed {
            true => (self.failures == ACCEPT_FAILURES).then_some(true),
            false => (before >= ACCEPT_FAILURES).then_some(false),
        }
    }
}

/// A connection that is open.
struct OpenConnection {
    conversation: JoinHandle<()>,
    /// Whether one of its requests got a successful response.
    has_succeeded: Arc<AtomicBool>,
    /// Ends when it has had time to send a request.
    grace: Pin<Box<Sleep>>,
}

/// Makes room for one more connection by closing the oldest that never got a successful response, or else the oldest.
async fn make_room(open: &mut VecDeque<OpenConnection>) {
    loop {
        if open.len() >= MOST_CONNECTIONS {
            open.retain(|connection| !connection.conversation.is_finished());
        }
        if open.len() < MOST_CONNECTIONS {
            return;
        }
        let has_succeeded = |connection: &OpenConnection| connection.has_succeeded.load(Ordering::Relaxed);
        let idle = open.iter().position(|connection| !has_succeeded(connection));
        let Some(connection) = open.get_mut(idle.unwrap_or(0)) else { return };
        connection.grace.as_mut().await;
        // It may have succeeded while we waited.
        if idle.is_some() && has_succeeded(connection) {
            continue;
        }
        connection.conversation.abort();
        open.remove(idle.unwrap_or(0));
    }
}

/// Serves one connection, HTTP/1 only: detecting the version would wait for the first byte without a timeout.
async fn converse(stream: TcpStream, service: Service, succeeded: &AtomicBool) {
    let Service { router, timeouts, over } = service;
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(timeouts.headers).max_buf_size(MOST_HEADER_BYTES);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request| {
        let response = router.call(request);
        async {
            let response = response.await?;
            if response.status().is_success() {
                succeeded.store(true, Ordering::Relaxed);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let conversation = builder.serve_connection(TokioIo::new(stream), service);
    let mut conversation = pin!(conversation);
    // A client that disconnects or sends nonsense harms only itself.
    tokio::select! {
        _ = conversation.as_mut() => return,
        () = over.cancelled() => {}
        () = tokio::time::sleep(timeouts.request * MOST_REQUESTS_LONG) => {}
    }
    conversation.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(timeouts.request, conversation).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_lost_when_it_fails_for_two_seconds_and_comes_back_with_the_first_connection() {
        let mut acceptance = Acceptance::default();
        let mut check = |has_failed: bool, times: u32, expected: Option<bool>| {
            let changes: Vec<_> = (0..times).filter_map(|_| acceptance.changes(has_failed)).collect();
            assert_eq!(changes, Vec::from_iter(expected), "{times} times {has_failed}");
        };
        check(false, 3, None);
        check(true, 9, None);
        check(false, 1, None);
        check(true, 9, None);
        check(true, 1, Some(true));
        check(true, 100, None);
        check(false, 1, Some(false));
        check(false, 1, None);
    }
}
