//! Answers as bytes on the wire.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::platforms::{Answer, Content};

/// A response's body; it may end in an error, which cuts the connection.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

pub const JSON: &str = "application/json; charset=utf-8";

pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A response with a body of the given media type.
pub fn response(status: StatusCode, media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

pub fn not_modified(etag: &str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().extend(HeaderValue::from_str(etag).map(|value| (header::ETAG, value)));
    response
}

/// An answer's media type and bytes.
pub fn content(answer: &Answer) -> (&'static str, Bytes) {
    match &answer.content {
        Content::Json(value) => (JSON, value.to_string().into()),
        Content::Text { media, text } => (*media, text.clone().into()),
    }
}

/// The answer as it should go out.
pub fn proper(answer: &Answer) -> Response<Body> {
    let (media, bytes) = content(answer);
    with_headers(response(answer.status, media, full(bytes)), answer)
}

/// Adds an answer's own headers.
pub fn with_headers(mut response: Response<Body>, answer: &Answer) -> Response<Body> {
    for (name, value) in &answer.headers {
        response.headers_mut().extend(HeaderValue::from_str(value).map(|value| (name.clone(), value)));
    }
    response
}
