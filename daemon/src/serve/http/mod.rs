//! HTTP for monitoring: is it alive, is it ready, how does it do, which names no account; and the page on which
//! owners land after consent.

mod callback;
mod exposition;
mod health;
mod metrics;
mod process;

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
use axum::routing::get;
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

use crate::app::App;
use crate::process::config;

/// Connections at once. One more ends the oldest that was never answered well: whoever dawdles gives way, and nobody has
/// to wait for him.
const MOST_CONNECTIONS: usize = 128;
/// What everybody gets before that: in a crowd that comes at once nobody is sent away before he could ask.
const CHANCE: Duration = Duration::from_millis(250);
/// How many may wait for a place.
const BACKLOG: u32 = 1024;
const MOST_HEADER_BYTES: usize = 16 * 1024;
/// A connection ends after this many times the timeout of one request: no client holds one for ever.
const MOST_REQUESTS_LONG: u32 = 20;

/// How long the listener waits for a client, as values so that tests need no real seconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the whole of a request's headers.
    pub headers: Duration,
    /// For a request and its answer.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { headers: Duration::from_secs(10), request: Duration::from_secs(15) }
    }
}

fn router(app: Arc<App>, config: &config::Http, timeouts: Timeouts) -> Router {
    let callback_path = "/oauth/{platform}/callback";
    // A proxy with a path of its own may hand it on.
    let outer = config.public_url.as_ref().map_or("", |url| url.path().trim_end_matches('/')).to_owned();
    let router = Router::new().route(callback_path, get(callback::callback));
    let router = match outer.is_empty() || outer.contains(['{', '}', '*']) {
        true => router,
        false => router.route(&format!("{outer}{callback_path}"), get(callback::callback)),
    };
    let router = router.route("/healthz", get(health::alive)).route("/readyz", get(health::ready));
    let router = if config.metrics { router.route("/metrics", get(metrics::scrape)) } else { router };
    router
        .with_state(app)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeouts.request))
        .layer(RequestBodyLimitLayer::new(0))
}

/// Listens at `address`; `None` when it is off, or the port is taken, which stops nothing else.
pub fn bind(address: Option<SocketAddr>) -> Option<TcpListener> {
    let address = address?;
    match listen(address) {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "the HTTP listener is off: set [http] listen to a free address and reload");
            None
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port that was just left is free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Listens where the config says, from the listener it had at the start on, until the end.
pub async fn run(app: Arc<App>, mut listener: Option<TcpListener>, timeouts: Timeouts) {
    let mut setup = app.watch_setup();
    let mut wanted = setup.borrow().config.http.listen;
    loop {
        let config = setup.borrow_and_update().config.http.clone();
        if config.listen != wanted {
            wanted = config.listen;
            // The old place is left first: the new one may be the same port.
            drop(listener.take());
            listener = bind(wanted);
            app.consents.listening(address_of(&listener));
            tracing::info!(http = ?app.consents.listens_at(), "the HTTP listener moved");
        }
        // Conversations that were kept open end with the config they began with.
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
        }
    }
}

/// Where a listener listens.
pub fn address_of(listener: &Option<TcpListener>) -> Option<SocketAddr> {
    listener.as_ref().and_then(|listener| listener.local_addr().ok())
}

/// What each caller gets.
#[derive(Clone)]
struct Service {
    router: Router,
    timeouts: Timeouts,
    /// From now on there is another one: answer what was asked, and close.
    over: CancellationToken,
}

/// Serves until the end.
async fn serve(app: &App, listener: &TcpListener, service: Service) {
    let mut open: VecDeque<Guest> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            () = app.ending.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                make_room(&mut open).await;
                let (service, ending) = (service.clone(), app.ending.clone());
                let answered = Arc::new(AtomicBool::new(false));
                let is_answered = answered.clone();
                let conversation = tokio::spawn(async move {
                    tokio::select! {
                        () = converse(stream, service, &answered) => {}
                        () = ending.cancelled() => {}
                    }
                });
                open.push_back(Guest { conversation, is_answered, chance: Box::pin(tokio::time::sleep(CHANCE)) });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// A connection that is open.
struct Guest {
    conversation: JoinHandle<()>,
    /// Whether a request of it was answered well.
    is_answered: Arc<AtomicBool>,
    /// Ends when it had its chance to ask.
    chance: Pin<Box<Sleep>>,
}

/// Makes room for one more, at the cost of the oldest that showed no good reason to be there.
async fn make_room(open: &mut VecDeque<Guest>) {
    loop {
        if open.len() >= MOST_CONNECTIONS {
            open.retain(|guest| !guest.conversation.is_finished());
        }
        if open.len() < MOST_CONNECTIONS {
            return;
        }
        let is_answered = |guest: &Guest| guest.is_answered.load(Ordering::Relaxed);
        let dawdler = open.iter().position(|guest| !is_answered(guest));
        let Some(guest) = open.get_mut(dawdler.unwrap_or(0)) else { return };
        guest.chance.as_mut().await;
        // It may just have used it.
        if dawdler.is_some() && is_answered(guest) {
            continue;
        }
        guest.conversation.abort();
        open.remove(dawdler.unwrap_or(0));
    }
}

/// HTTP/1 only: telling versions apart would wait for a first byte without a timeout.
async fn converse(stream: TcpStream, service: Service, answered: &AtomicBool) {
    let Service { router, timeouts, over } = service;
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(timeouts.headers).max_buf_size(MOST_HEADER_BYTES);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request| {
        let answer = router.call(request);
        async {
            let answer = answer.await?;
            if answer.status().is_success() {
                answered.store(true, Ordering::Relaxed);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let conversation = builder.serve_connection(TokioIo::new(stream), service);
    let mut conversation = pin!(conversation);
    // A caller that breaks off or sends nonsense is its own affair.
    tokio::select! {
        _ = conversation.as_mut() => return,
        () = over.cancelled() => {}
        () = tokio::time::sleep(timeouts.request * MOST_REQUESTS_LONG) => {}
    }
    conversation.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(timeouts.request, conversation).await;
}
