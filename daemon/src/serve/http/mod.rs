//! HTTP for monitoring: is it alive, is it ready, how does it do, which names no account; and the page on which
//! owners land after consent.

mod callback;
mod health;
mod metrics;
mod process;
mod sheet;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;

/// Connections at once.
const MOST_CONNECTIONS: usize = 128;
const MOST_HEADER_BYTES: usize = 16 * 1024;
/// A connection ends after this many times the patience for one request: nobody holds a place for ever.
const MOST_REQUESTS_LONG: u32 = 20;

/// How patient the listener is, as values so that tests need no real seconds.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the whole of a request's headers.
    pub headers: Duration,
    /// For a request and its answer.
    pub request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { headers: Duration::from_secs(10), request: Duration::from_secs(15) }
    }
}

fn router(app: Arc<App>, patience: Patience) -> Router {
    let with_metrics = app.config.http.metrics;
    let callback_path = "/oauth/{platform}/callback";
    // A proxy with a path of its own may hand it on.
    let outer = app.config.http.public_url.as_ref().map_or("", |url| url.path().trim_end_matches('/')).to_owned();
    let router = Router::new().route(callback_path, get(callback::callback));
    let router = match outer.is_empty() || outer.contains(['{', '}', '*']) {
        true => router,
        false => router.route(&format!("{outer}{callback_path}"), get(callback::callback)),
    };
    let router = router.route("/healthz", get(health::alive)).route("/readyz", get(health::ready));
    let router = if with_metrics { router.route("/metrics", get(metrics::scrape)) } else { router };
    router
        .with_state(app)
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, patience.request))
        .layer(RequestBodyLimitLayer::new(0))
}

/// Listens at `address`; `None` when the port is taken, which stops nothing else.
pub async fn listen(address: SocketAddr) -> Option<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "the HTTP listener is off: set [http] listen to a free address and restart");
            None
        }
    }
}

/// Serves until the end.
pub async fn serve(app: Arc<App>, listener: TcpListener, patience: Patience) {
    let router = router(app.clone(), patience);
    let seats = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(seat) = seats.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = app.ending.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, ending) = (router.clone(), app.ending.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = converse(stream, router, patience) => {}
                        () = ending.cancelled() => {}
                    }
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// HTTP/1 only: telling versions apart would wait for a first byte without an end to patience.
async fn converse(stream: TcpStream, router: Router, patience: Patience) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience.headers).max_buf_size(MOST_HEADER_BYTES);
    let conversation = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut conversation = pin!(conversation);
    // A caller that breaks off or sends nonsense is its own affair.
    if tokio::time::timeout(patience.request * MOST_REQUESTS_LONG, conversation.as_mut()).await.is_err() {
        conversation.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(patience.request, conversation).await;
    }
}
