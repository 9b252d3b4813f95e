//! Requests to providers, as they are recorded: what was requested, and how that ended. Nothing here is a secret or a name.

use serde::{Deserialize, Serialize};

use crate::ids::ConnectionId;
use crate::time::Timestamp;
use crate::words::words;

/// One request to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRequest {
    /// When it ended.
    pub at: Timestamp,
    /// The platform's slug.
    pub platform: String,
    /// The method, and the path with placeholders instead of ids; no host, no query.
    pub endpoint: String,
    /// The connection it was about; `None` where it was about several, or none.
    pub connection: Option<ConnectionId>,
    /// About how many accounts it was; 0 where it was about none, such as a consent.
    pub accounts: u32,
    /// The status of the response; `None` where there was none.
    pub status: Option<u16>,
    /// Why there was no response that could be read, in a word; `None` where there was one.
    pub error: Option<RequestError>,
    pub duration_ms: u32,
    /// Of the response's body; 0 where it was not read.
    pub bytes: u64,
}

impl ProviderRequest {
    /// How it ended.
    pub fn outcome(&self) -> RequestOutcome {
        match (self.error, self.status) {
            (None, Some(200..=399)) => RequestOutcome::Ok,
            (None, Some(400..=499)) => RequestOutcome::Refused,
            (_, Some(_)) => RequestOutcome::Failed,
            (_, None) => RequestOutcome::Unanswered,
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestOutcome {
    Ok,
    /// With a status from 400 to 499.
    Refused,
    /// With another status, or a response that could not be read.
    Failed,
    /// No response arrived.
    Unanswered,
}

words!(RequestOutcome, "outcome": Ok = "ok", Refused = "refused", Failed = "failed", Unanswered = "unanswered");

/// Why there was no response that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestError {
    /// The name could not be resolved.
    Name,
    /// There was no connection.
    Connection,
    /// Its certificate is not trusted.
    Tls,
    Timeout,
    /// The response broke off.
    Broken,
    TooLarge,
    /// It may not be sent there.
    Forbidden,
    Other,
}

words!(
    RequestError, "error":
    Name = "name", Connection = "connection", Tls = "tls", Timeout = "timeout", Broken = "broken", TooLarge = "too_large",
    Forbidden = "forbidden", Other = "other"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_error_decide_the_outcome() {
        let check = |status: Option<u16>, error: Option<RequestError>, expected: &str| {
            let request = ProviderRequest {
                at: Timestamp(0),
                platform: String::new(),
                endpoint: String::new(),
                connection: None,
                accounts: 1,
                status,
                error,
                duration_ms: 0,
                bytes: 0,
            };
            assert_eq!(request.outcome().as_str(), expected, "{status:?} {error:?}");
        };
        check(Some(200), None, "ok");
        check(Some(304), None, "ok");
        check(Some(429), None, "refused");
        check(Some(503), None, "failed");
        check(Some(200), Some(RequestError::Broken), "failed");
        check(None, Some(RequestError::Timeout), "unanswered");
    }
}
