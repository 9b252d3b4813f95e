//! Carrying out a fault: what is sent instead of the proper response.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use futures::{Stream, StreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use crate::faults::{Fault, FaultKind};
use crate::grants::secret;
use crate::http_io::{Body, JSON, content, full, http_response, proper, with_headers};
use crate::platforms::{ApiRequest, ApiResponse, Platform};
use crate::spoil;
use crate::world::World;
use crate::world::noise::mix;

/// How long a `timeout` keeps the client waiting at most.
const SILENCE: Duration = Duration::from_secs(120);

/// The connection ends without a response.
#[derive(Debug)]
pub struct Disconnected;

impl std::fmt::Display for Disconnected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is ended on purpose")
    }
}

impl std::error::Error for Disconnected {}

/// What `platform` sends instead of `response`; without one it has done nothing.
///
/// # Errors
/// When it sends nothing.
pub async fn mangle(
    world: &World,
    platform: Platform,
    request: &ApiRequest,
    fault: &Fault,
    response: Option<ApiResponse>,
) -> Result<Response<Body>, Disconnected> {
    let mut response = response.unwrap_or_else(|| dud(world));
    Ok(match fault.kind {
        FaultKind::RateLimited
        | FaultKind::QuotaExceeded
        | FaultKind::DayLimited
        | FaultKind::ServerError
        | FaultKind::MissingScope => proper(&platform.refusal(world, request, fault).unwrap_or(response)),
        FaultKind::Revoked | FaultKind::Expired | FaultKind::RotatedElsewhere => proper(&response),
        FaultKind::Timeout => {
            tokio::time::sleep(SILENCE).await;
            return Err(Disconnected);
        }
        FaultKind::Disconnect | FaultKind::LostAnswer | FaultKind::RotationLost => return Err(Disconnected),
        FaultKind::Slow => {
            tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(2000))).await;
            proper(&response)
        }
        FaultKind::WrongTypes | FaultKind::HiddenCounts | FaultKind::ZeroCounts | FaultKind::WithdrawnMetric => {
            spoil::spoil(fault, &mut response);
            proper(&response)
        }
        FaultKind::Truncated => truncated(&response),
        FaultKind::Garbage => http_response(StatusCode::OK, JSON, full(garbage())),
        FaultKind::Html => html(fault),
        FaultKind::Huge => http_response(StatusCode::OK, JSON, endless()),
        FaultKind::GzipBomb => gzip_bomb(),
    })
}

/// Looks like tokens that were given, and opens nothing.
fn dud(world: &World) -> ApiResponse {
    let token = secret::random(48);
    world.grants.add_stray(token.clone());
    ApiResponse::ok(serde_json::json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
}

/// Promises the whole length, sends half of it. Without the pause, the end would overtake the half.
fn truncated(response: &ApiResponse) -> Response<Body> {
    let (media, bytes) = content(response);
    let half = bytes.slice(..bytes.len() / 2);
    let end = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    };
    let broken = stream::iter([Ok(half)]).chain(stream::once(end));
    let mut http = with_headers(http_response(response.status, media, streamed(broken)), response);
    http.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    http
}

fn garbage() -> Vec<u8> {
    (0..512).map(|index| mix(index) as u8 | 0x80).collect()
}

fn html(fault: &Fault) -> Response<Body> {
    const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Just a moment…</title></head>\n\
        <body><h1>Checking your connection</h1><p>This page is not what you asked for.</p></body></html>\n";
    let status = fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    http_response(status, "text/html; charset=utf-8", full(PAGE))
}

/// Begins like JSON and never ends.
fn endless() -> Body {
    let start = stream::iter([Ok(Bytes::from_static(b"{\"padding\":\""))]);
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    streamed(start.chain(stream::repeat_with(move || Ok(chunk.clone()))))
}

/// 16 MB on the wire that unpack to 16 GB of blanks, which JSON allows.
fn gzip_bomb() -> Response<Body> {
    const HEADER: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // The last, empty block. The checksum that ought to follow is left out, since no client reads that far.
    const END: &[u8] = &[1, 0, 0, 255, 255];
    let block = Bytes::from(blanks());
    let blocks = stream::repeat_with(move || Ok(block.clone())).take(16 * 1024);
    let once = |bytes| stream::iter([Ok(Bytes::from_static(bytes))]);
    let mut http = http_response(StatusCode::OK, JSON, streamed(once(HEADER).chain(blocks).chain(once(END))));
    http.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    http
}

/// A mebibyte of blanks, deflated so that it can be repeated any number of times in one stream: a full flush refers to
/// nothing before it.
fn blanks() -> Vec<u8> {
    let mut packed = Vec::with_capacity(64 * 1024);
    let plain = vec![b' '; 1024 * 1024];
    // Packing blanks into a large enough buffer cannot fail; if it did, the bomb would be a dud and its test fail.
    let _ = Compress::new(Compression::fast(), false).compress_vec(&plain, &mut packed, FlushCompress::Full);
    packed
}

fn streamed(parts: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Body {
    StreamBody::new(parts.map(|part| part.map(Frame::data))).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_bombs_block_repeats() {
        let packed = [blanks(), blanks(), vec![1, 0, 0, 255, 255]].concat();
        let mut plain = Vec::new();
        flate2::read::DeflateDecoder::new(&packed[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain.len(), 2 * 1024 * 1024);
        assert!(packed.len() < 10_000, "{}", packed.len());
    }
}
