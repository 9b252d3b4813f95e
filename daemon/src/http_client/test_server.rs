//! A platform that misbehaves on demand, over real HTTP on loopback.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded pairs, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    /// The first value of a query parameter, or an empty text.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Its response.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(u16, String),
    Headers(u16, Vec<(&'static str, String)>, String),
    /// These bytes, and then the connection breaks off.
    CutOff(String),
    /// Bytes without end.
    Endless,
    /// A byte now and then, without end.
    Drip,
    /// Gzipped bytes.
    Gzip(Bytes),
    /// Announces a gigabyte.
    Huge,
    /// Takes the request and says nothing.
    Silence,
}

impl Reply {
    pub(crate) fn ok(json: impl ToString) -> Self {
        Self::Json(200, json.to_string())
    }

    /// Inflates to 16 MiB of blanks.
    pub(crate) fn gzip_bomb() -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![b' '; 16 << 20]).expect("memory");
        Self::Gzip(encoder.finish().expect("memory").into())
    }
}

pub(crate) struct Server {
    /// `http://127.0.0.1:port`
    pub(crate) base: String,
    requested: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(response: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let requested = Arc::new(Mutex::new(Vec::new()));
        let (noted, response) = (requested.clone(), Arc::new(response));
        let router = Router::new().fallback(move |request: Request| {
            let (noted, response) = (noted.clone(), response.clone());
            async move {
                let requested = read(request).await;
                let reply = response(&requested);
                noted.lock().push(requested);
                respond(reply).await
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves until dropped") });
        Self { base, requested, task }
    }

    /// `127.0.0.1:port`
    pub(crate) fn host(&self) -> &str {
        self.base.strip_prefix("http://").expect("as made above")
    }

    /// The requests so far.
    pub(crate) fn requested(&self) -> Vec<Received> {
        self.requested.lock().clone()
    }

    /// Forgets the requests, and returns how many there were.
    pub(crate) fn forget(&self) -> usize {
        std::mem::take(&mut *self.requested.lock()).len()
    }
}

async fn read(request: Request) -> Received {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    Received {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default(),
    }
}

async fn respond(reply: Reply) -> Response {
    let with = |body: Body| Response::builder().header("content-type", "application/json").body(body);
    let response = match reply {
        Reply::Json(status, json) => Response::builder().status(status).body(json.into()),
        Reply::Headers(status, headers, body) => {
            let builder = Response::builder().status(status);
            headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value)).body(body.into())
        }
        Reply::CutOff(text) => {
            let pieces = [Ok(Bytes::from(text)), Err(std::io::Error::other("cut off"))];
            with(Body::from_stream(stream::iter(pieces)))
        }
        Reply::Endless => with(Body::from_stream(stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 16_384]))
        }))),
        Reply::Drip => with(Body::from_stream(stream::repeat(()).then(|()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(b" "))
        }))),
        Reply::Gzip(bytes) => Response::builder().header("content-encoding", "gzip").body(bytes.into()),
        Reply::Huge => {
            let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b" ")));
            Response::builder().header("content-length", "1000000000").body(Body::from_stream(endless))
        }
        Reply::Silence => return std::future::pending().await,
    };
    response.expect("tests give valid headers")
}
