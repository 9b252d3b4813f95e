//! Sends a request to an app's address over plain HTTP, as a proxy in front of it does.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Hook;

impl Hook {
    /// Sends it to an address with this base, and returns the response: its status and body.
    ///
    /// # Errors
    /// The base is no plain HTTP address, or nothing responds there.
    pub async fn send(&self, base: &str) -> io::Result<(u16, String)> {
        request(Method::POST, base, &self.path, &self.headers, self.body.clone()).await
    }
}

/// Sends any request.
pub(super) async fn request(
    method: Method,
    base: &str,
    path: &str,
    headers: &[(&'static str, String)],
    body: String,
) -> io::Result<(u16, String)> {
    let base: Uri = base.parse().map_err(other)?;
    let authority = base.authority().filter(|_| base.scheme_str() == Some("http"));
    let authority = authority.ok_or_else(|| other("an address begins with http://"))?;
    let port = authority.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((authority.host().trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = method;
    *request.uri_mut() = format!("{}{path}", base.path().trim_end_matches('/')).parse().map_err(other)?;
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(authority.as_str()).map_err(other)?);
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).map_err(other)?);
    }
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, hyper::Error>((status, String::from_utf8_lossy(&body).into_owned()))
    };
    // The connection does the work; it ends with the response.
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        exchanged = &mut exchange => exchanged.map_err(other),
        ended = connection => match ended {
            Ok(()) => exchange.await.map_err(other),
            Err(error) => Err(other(error)),
        },
    }
}

fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(error)
}
