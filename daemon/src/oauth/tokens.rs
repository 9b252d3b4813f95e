//! Tokens and codes as values. Each secret is wiped when it is dropped, and none prints.

use std::sync::Arc;

use roster_protocol::time::Seconds;
use serde::de::DeserializeOwned;

use crate::http_client::{HttpErrorKind, Response, read_json};
use crate::secret::Secret;

/// Tokens as the provider gave them just now.
pub struct Tokens {
    pub access: Secret,
    /// `None`: the response held none, and a stored one stays good.
    pub refresh: Option<Secret>,
    /// From the moment of the request on; `None`: unknown, or no end.
    pub access_lives: Option<Seconds>,
    pub refresh_lives: Option<Seconds>,
    /// What was really granted, where the response says so.
    pub scopes: Option<Vec<String>>,
}

/// Tokens in use, opened.
#[derive(Clone)]
pub struct Held {
    pub access: Arc<Secret>,
    pub refresh: Option<Arc<Secret>>,
}

/// A response of a token endpoint, unread. It is kept sealed until it is read.
pub struct Reply {
    pub status: u16,
    pub body: Secret,
}

impl Reply {
    /// The response's bytes; what is not UTF-8 is no token either.
    pub fn of(response: &Response) -> Self {
        Self { status: response.status, body: Secret::new(String::from_utf8_lossy(response.body()).into_owned()) }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as `T`; an error names the field, never its value.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, HttpErrorKind> {
        read_json(self.body.expose().as_bytes())
    }
}

/// A code for a device without a browser.
pub struct DeviceCode {
    pub code: Secret,
    /// What the owner types; clean.
    pub user_code: String,
    /// Where they type it.
    pub url: String,
    pub lives: Seconds,
    /// The shortest wait between two requests.
    pub interval: Seconds,
}

/// The state of a device code.
pub enum DeviceResponse {
    Pending,
    /// Request less often from now on.
    SlowDown,
    Denied,
    /// The code has expired: begin again.
    Over,
    Granted(Box<Tokens>),
}
