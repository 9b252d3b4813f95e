//! The requests that the platforms received, so that tests can look at them. Bounded, and without secrets.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

use crate::Platform;
use crate::faults::{FaultKind, Stage};
use crate::platforms::{ApiRequest, ApiResponse};
use crate::world::account::Account;

/// Beyond this many the oldest are forgotten.
const KEPT: usize = 20_000;

/// Parameters whose values are secret.
const SECRET: &[&str] = &[
    "key",
    "access_token",
    "oauth_token",
    "refresh_token",
    "token",
    "code",
    "auth_code",
    "code_verifier",
    "client_secret",
    "device_code",
    "user_code",
    "fb_exchange_token",
    "input_token",
    "appsecret_proof",
    "batch",
    "state",
    "hub.secret",
    "hub.callback",
];

/// One request to a platform and its outcome.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    pub at: Timestamp,
    pub platform: Platform,
    /// The host that the client addressed.
    pub host: String,
    pub method: String,
    pub path: String,
    /// In the order sent; the values of secrets are `***`.
    pub query: Vec<(String, String)>,
    /// The body's fields where it was a form, treated the same.
    pub form: Vec<(String, String)>,
    /// `None` for consent pages.
    pub stage: Option<Stage>,
    pub user_agent: Option<String>,
    /// What the platform responded or would have responded; 0 where a fault at a token endpoint was earlier.
    pub status: u16,
    /// What was made of it.
    pub fault: Option<FaultKind>,
    /// The accounts it was about.
    pub handles: Vec<String>,
}

impl LoggedRequest {
    /// `response` is what the platform gave or would have given; `None` when a fault hit before the platform made one.
    pub fn new(
        at: Timestamp,
        platform: Platform,
        request: &ApiRequest,
        response: Option<&ApiResponse>,
        about: &[Arc<Account>],
        fault: Option<FaultKind>,
    ) -> Self {
        let hide = |(name, value): &(String, String)| {
            let shown = if SECRET.contains(&name.as_str()) { "***" } else { value };
            (name.clone(), shown.to_owned())
        };
        LoggedRequest {
            at,
            platform,
            host: request.host.clone(),
            method: request.method.to_string(),
            path: format!("/{}", request.segments.join("/")),
            query: request.query.iter().map(hide).collect(),
            form: request.form.iter().map(hide).collect(),
            stage: platform.stage(request),
            user_agent: request.header("user-agent").map(str::to_owned),
            status: response.map_or(0, |response| response.status.as_u16()),
            fault,
            handles: about.iter().map(|account| account.handle.clone()).collect(),
        }
    }
}

#[derive(Default)]
pub struct Requests(Mutex<VecDeque<LoggedRequest>>);

impl Requests {
    pub fn add(&self, request: LoggedRequest) {
        let mut kept = self.kept();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(request);
    }

    pub fn all(&self) -> Vec<LoggedRequest> {
        self.kept().iter().cloned().collect()
    }

    pub fn clear(&self) {
        self.kept().clear();
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<LoggedRequest>> {
        self.0.lock()
    }
}
