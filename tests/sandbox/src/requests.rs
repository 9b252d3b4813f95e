//! What was asked of the platforms, so that tests can look at it. Bounded, and without secrets.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::Platform;
use crate::faults::FaultKind;
use crate::platforms::{Answer, Ask};

/// Beyond this many the oldest are forgotten.
const KEPT: usize = 20_000;

/// Parameters whose values are nobody's business.
const SECRET: &[&str] =
    &["key", "access_token", "oauth_token", "refresh_token", "token", "code", "code_verifier", "client_secret"];

/// One request to a platform and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct LoggedRequest {
    pub at: Timestamp,
    pub platform: Platform,
    /// Whom the asker meant to ask.
    pub host: String,
    pub method: String,
    pub path: String,
    /// In the order sent; the values of secrets are `***`.
    pub query: Vec<(String, String)>,
    pub user_agent: Option<String>,
    /// What the platform would have answered, or did.
    pub status: u16,
    /// What was made of it.
    pub fault: Option<FaultKind>,
    /// The accounts the answer is about.
    pub handles: Vec<String>,
}

impl LoggedRequest {
    pub fn new(at: Timestamp, platform: Platform, ask: &Ask, answer: &Answer, fault: Option<FaultKind>) -> Self {
        let hide = |(name, value): &(String, String)| {
            let shown = if SECRET.contains(&name.as_str()) { "***" } else { value };
            (name.clone(), shown.to_owned())
        };
        LoggedRequest {
            at,
            platform,
            host: ask.host.clone(),
            method: ask.method.to_string(),
            path: format!("/{}", ask.segments.join("/")),
            query: ask.query.iter().map(hide).collect(),
            user_agent: ask.header("user-agent").map(str::to_owned),
            status: answer.status.as_u16(),
            fault,
            handles: answer.about.iter().map(|account| account.handle.clone()).collect(),
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
