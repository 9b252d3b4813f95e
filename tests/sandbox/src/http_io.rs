//! Responses as bytes on the wire.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};

use crate::platforms::{ApiResponse, Content};

/// A response's body; it may end in an error, which cuts the connection.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

pub const JSON: &str = "application/json; charset=utf-8";

pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A response with a body of the given media type.
pub fn http_response(status: StatusCode, media: &'static str, body: Body) -> Response<Body> {
    let mut http = Response::new(body);
    *http.status_mut() = status;
    http.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    http
}

pub fn not_modified(etag: &str) -> Response<Body> {
    let mut http = Response::new(full(Bytes::new()));
    *http.status_mut() = StatusCode::NOT_MODIFIED;
    http.headers_mut().extend(HeaderValue::from_str(etag).map(|value| (header::ETAG, value)));
    http
}

/// A response's media type and bytes.
pub fn content(response: &ApiResponse) -> (&'static str, Bytes) {
    match &response.content {
        Content::Json(value) => (JSON, value.to_string().into()),
        Content::Text { media, text } => (*media, text.clone().into()),
    }
}

/// The response as it should be sent.
pub fn proper(response: &ApiResponse) -> Response<Body> {
    let (media, bytes) = content(response);
    with_headers(http_response(response.status, media, full(bytes)), response)
}

/// Adds a response's own headers.
pub fn with_headers(mut http: Response<Body>, response: &ApiResponse) -> Response<Body> {
    for (name, value) in &response.headers {
        http.headers_mut().extend(HeaderValue::from_str(value).map(|value| (name.clone(), value)));
    }
    http
}
