//! The running server: one port, HTTP/1 and HTTP/2 without TLS, and nothing left behind when it ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::control;
use crate::http_io::{Body, JSON, full, http_response, not_modified, proper};
use crate::mangle::{Disconnected, mangle};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::serving;
use crate::world::World;

const LONGEST_BODY: usize = 1024 * 1024;

/// What a sandbox starts with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many accounts to invent, over all platforms.
    pub accounts: usize,
    /// The same seed gives the same influencers.
    pub seed: u64,
    /// Whether numbers follow the wall clock; otherwise they move only when the clock is advanced.
    pub live: bool,
    /// Sandbox time at the start; `None` = the wall clock's.
    pub now: Option<Timestamp>,
    /// Whether consent pages approve at once, as the account of `login_hint` or the first one.
    pub auto_approve: bool,
}

impl Default for Options {
    fn default() -> Options {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Options { listen, accounts: 120, seed: 1, live: false, now: None, auto_approve: false }
    }
}

/// A running sandbox. Dropping it closes its port and ends its tasks; [`Sandbox::shutdown`] also waits for that.
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    stop: watch::Sender<()>,
    /// Ends when the last task has.
    ended: mpsc::Receiver<()>,
}

impl Sandbox {
    /// Invents the world and begins to serve it.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn start(options: Options) -> io::Result<Sandbox> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let world = Arc::new(World::new(&options));
        let (stop, stopped) = watch::channel(());
        let (alive, ended) = mpsc::channel(1);
        let tasks = Tasks { stopped, alive };
        tasks.spawn(accept(listener, world.clone(), tasks.clone()));
        Ok(Sandbox { address, world, stop, ended })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The accounts and what happens to them, without HTTP between.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Ends all connections, even in the middle of a response, and returns when nothing runs any more.
    pub async fn shutdown(self) {
        let Sandbox { stop, mut ended, .. } = self;
        drop(stop);
        while ended.recv().await.is_some() {}
    }
}

/// Spawns tasks that end with the sandbox.
#[derive(Clone)]
struct Tasks {
    stopped: watch::Receiver<()>,
    alive: mpsc::Sender<()>,
}

impl Tasks {
    fn spawn<F>(&self, work: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Tasks { mut stopped, alive } = self.clone();
        tokio::spawn(async move {
            tokio::select! { _ = work => {} _ = stopped.changed() => {} }
            drop(alive);
        });
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, work: F) {
        self.spawn(work);
    }
}

async fn accept(listener: TcpListener, world: Arc<World>, tasks: Tasks) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(serve(stream, world.clone(), tasks.clone())),
            // Out of file handles, as a rule: some connection has to end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, world: Arc<World>, tasks: Tasks) {
    // Small responses should leave at once; a socket that refuses the option is merely slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let world = world.clone();
        async move { respond(&world, request).await }
    });
    // An error here is a client that disconnected or a fault carried out: there is no client left to notify.
    let _ = auto::Builder::new(tasks).serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(world: &World, request: Request<Incoming>) -> Result<Response<Body>, Disconnected> {
    if request.uri().path().starts_with("/_sandbox") {
        return Ok(control::respond(world, request).await);
    }
    let (head, body) = request.into_parts();
    // A body that breaks off or never ends makes no request.
    let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(|_| Disconnected)?.to_bytes();
    let request = ApiRequest::read(head.method, &head.uri, head.headers, body);
    let (platform, served) = serving::serve(world, &request);
    match served.fault {
        Some(fault) => mangle(world, platform, &request, &fault, served.response).await,
        None => Ok(served
            .response
            .map_or_else(|| http_response(StatusCode::OK, JSON, full("")), |response| plain(&request, &response))),
    }
}

/// The response, or that it has not changed since the client read it.
fn plain(request: &ApiRequest, response: &ApiResponse) -> Response<Body> {
    let known = request.header("if-none-match").map(|known| known.trim_start_matches("W/").trim_matches('"'));
    match response.etag.as_deref() {
        Some(etag) if known == Some(etag) => not_modified(etag),
        _ => proper(response),
    }
}
