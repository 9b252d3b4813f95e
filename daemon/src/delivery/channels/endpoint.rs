//! An HTTP address that messages are sent to, and what its responses mean.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;
use url::Url;

use super::section::{Problem, Section};
use super::{SendError, said};
use crate::http_client::{HttpClient, HttpError, HttpErrorKind, Outgoing, Reach};

/// The longest wait that a receiver can request; more is an error on its side.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// An address that messages are sent to. It prints nowhere: it may hold a token.
pub struct Endpoint {
    http: HttpClient,
    url: Url,
    reach: Reach,
}

/// A response. Its body is empty where only its status is known.
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
    /// How long `Retry-After` requests to wait.
    pub retry_after: Option<Duration>,
}

impl Endpoint {
    /// The address of a channel's section.
    ///
    /// # Errors
    /// When there is none that requests may be sent to.
    pub fn of(section: &Section<'_>) -> Result<Self, Problem> {
        let reach = if section.allows_private()? { Reach::Anywhere } else { Reach::Public };
        Ok(Self { http: section.http.clone(), url: section.url()?, reach })
    }

    /// Sends a request with this body, once.
    ///
    /// # Errors
    /// When there is no response. Any status is one.
    pub async fn post(&self, headers: HeaderMap, body: Bytes, now: Timestamp) -> Result<Reply, SendError> {
        let outgoing = Outgoing {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body,
            reach: self.reach,
            host: "the channel".to_owned(),
            template: "",
        };
        match self.http.send(outgoing).await {
            Ok(response) => Ok(Reply {
                status: response.status,
                retry_after: response.retry_after(now),
                body: Bytes::copy_from_slice(response.body()),
            }),
            // That it was taken is known, whatever else it said.
            Err(HttpError { status: Some(status), .. }) => Ok(Reply { status, body: Bytes::new(), retry_after: None }),
            Err(error) => Err(not_sent(&error.kind)),
        }
    }
}

/// What a request without a response means for its message.
fn not_sent(kind: &HttpErrorKind) -> SendError {
    let why = match kind {
        HttpErrorKind::Private => "its address is a private one: allow_private = true permits that".to_owned(),
        kind => kind.to_string(),
    };
    match kind {
        HttpErrorKind::NoCertificates
        | HttpErrorKind::Limit { .. }
        | HttpErrorKind::BadHost
        | HttpErrorKind::Insecure
        | HttpErrorKind::Private
        | HttpErrorKind::Dns
        | HttpErrorKind::Connect
        | HttpErrorKind::Gateway
        | HttpErrorKind::Proxy
        | HttpErrorKind::Refused
        | HttpErrorKind::Tls => SendError::Later { why, after: None },
        _ => SendError::Unsure { why },
    }
}

impl Reply {
    /// Whether the message was taken.
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The begin of the body as one clean line.
    pub fn text(&self) -> String {
        said(&String::from_utf8_lossy(&self.body[..self.body.len().min(1024)]))
    }

    /// What is returned when it was taken: the status, and what the receiver said.
    pub fn receipt(&self) -> String {
        clean(&format!("{} {}", self.status, self.text()), 120)
    }

    /// What a response of any other status means where the receiver has no words of its own: the Standard Webhooks
    /// specification has everything sent again but to an address that is gone.
    pub fn refused(&self) -> SendError {
        let hint = match self.status {
            300..=399 => ": a redirect, which is not followed; write the address that it leads to",
            401 | 403 => ": is its secret, token or address right?",
            404 => ": is its address right?",
            _ => "",
        };
        let why = format!("the receiver responded with status {}{hint}", self.status);
        match self.status {
            410 => SendError::Refused { why, disables: true },
            _ => SendError::Later { why, after: self.retry_after },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_look_at_and_nothing_of_the_response() {
        let check = |status: u16, expected: &str| {
            let reply = Reply { status, body: Bytes::from_static(b"Cannot POST /token"), retry_after: None };
            assert_eq!(reply.refused().to_string(), format!("the receiver responded with status {status}{expected}"));
        };
        check(302, ": a redirect, which is not followed; write the address that it leads to");
        check(401, ": is its secret, token or address right?");
        check(404, ": is its address right?");
        check(410, "");
        check(503, "");
    }

    #[test]
    fn only_what_was_certainly_not_sent_is_said_to_be() {
        let is_unsure = |kind: HttpErrorKind| matches!(not_sent(&kind), SendError::Unsure { .. });
        use HttpErrorKind as K;
        assert!([K::Timeout, K::Broken].into_iter().all(is_unsure));
        assert!(![K::Refused, K::Connect, K::Dns, K::Tls, K::Private, K::Insecure].into_iter().any(is_unsure));
    }
}
