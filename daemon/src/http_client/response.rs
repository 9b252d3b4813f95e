//! A response: status, headers, and a body within the limits.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;
use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::error::Category;

use super::{HttpError, HttpErrorKind};

/// The longest wait that a header can request; more is an error on their side.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// A whole response of any status.
#[derive(Clone)]
pub struct Response {
    pub status: u16,
    headers: HeaderMap,
    body: Bytes,
    host: String,
    template: &'static str,
}

impl Response {
    pub(super) fn new(host: String, template: &'static str, status: u16, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body, host, template }
    }

    /// The host that was meant.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether the status says that it went well.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it is the response whose name the request carried.
    pub fn is_unchanged(&self) -> bool {
        self.status == 304
    }

    /// The body after inflation.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The header's first value; `None` also where it is no ASCII text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long `Retry-After` requests to wait, in seconds or as a date, at least 1 s and at most 24 h.
    /// `None` without the header, and where it cannot be read.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Too many digits for a number are a long time too.
            return Some(within_limits(Duration::from_secs(text.parse().unwrap_or(u64::MAX))));
        }
        let at = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(until(Timestamp(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)), now))
    }

    /// When a rate limit's window ends by the header `name`, as a length from `now`, at least 1 s and at most 24 h.
    /// Understood are ISO 8601, Unix seconds, and seconds from now.
    pub fn reset_after(&self, name: &str, now: Timestamp) -> Option<Duration> {
        const NO_UNIX_TIME: u64 = 1_000_000_000;
        let text = self.header(name)?.trim();
        match text.parse::<u64>() {
            Ok(seconds) if seconds < NO_UNIX_TIME => Some(within_limits(Duration::from_secs(seconds))),
            Ok(seconds) => Some(until(Timestamp(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX)), now)),
            Err(_) => Some(until(text.parse().ok()?, now)),
        }
    }

    /// The body as `T`.
    ///
    /// # Errors
    /// When it is no JSON, or not of this shape: then the error names the field, never its value.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, HttpError> {
        read_json(&self.body).map_err(|kind| self.error(kind))
    }

    /// An error about this response.
    pub fn error(&self, kind: HttpErrorKind) -> HttpError {
        HttpError::new(&self.host, self.template, Some(self.status), kind)
    }
}

/// Decodes JSON; an error names the field and never quotes the text.
pub(crate) fn read_json<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, HttpErrorKind> {
    // To know where an error is costs as much as decoding: only what cannot be read is read again for that.
    decoded(text).map_or_else(|| read_with_path(text), Ok)
}

/// Decodes JSON, if it is what it should be. That it is UTF-8 is looked at once, and not again for each of its texts.
pub(crate) fn decoded<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    serde_json::from_str(std::str::from_utf8(text).ok()?).ok()
}

fn read_with_path<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, HttpErrorKind> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let at = clean(&error.path().to_string(), 80);
        reported(text, error.inner(), at)
    })?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(_) => Err(HttpErrorKind::NotJson),
    }
}

fn reported(text: &[u8], error: &serde_json::Error, at: String) -> HttpErrorKind {
    let nowhere = at == ".";
    match error.classify() {
        Category::Eof => HttpErrorKind::CutOff,
        // Numbers that no type can hold are a matter of syntax to serde, and of one field to us.
        Category::Syntax if !nowhere && error.to_string().starts_with("number out of range") => {
            HttpErrorKind::Shape { at, what: "is not a count" }
        }
        Category::Syntax | Category::Io if text.trim_ascii_start().starts_with(b"<") => HttpErrorKind::Html,
        Category::Syntax | Category::Io => HttpErrorKind::NotJson,
        Category::Data => {
            let message = error.to_string();
            let what = if message.starts_with("not a count") {
                "is not a count"
            } else if message.starts_with("missing field") {
                "lacks a field"
            } else {
                "is not what it should be"
            };
            HttpErrorKind::Shape { at: if nowhere { "the answer".to_owned() } else { at }, what }
        }
    }
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    within_limits(Duration::from_millis(u64::try_from(at.since(now)).unwrap_or(0)))
}

fn within_limits(wait: Duration) -> Duration {
    wait.clamp(Duration::from_secs(1), LONGEST_WAIT)
}
