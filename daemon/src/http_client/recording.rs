//! What was requested of providers, until it is stored: a line for each request, in memory for a second or so.

use std::sync::Arc;

use parking_lot::Mutex;
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;
use roster_protocol::{ProviderRequest, RequestError};
use tokio::sync::Notify;

use super::HttpErrorKind;
use crate::model::RequestBlock;

/// How long lines wait for company: a row a second, however many requests there are.
const TOGETHER_MS: i64 = 1_000;
/// More than are sent in the time in which none can be stored; older ones are dropped.
const MOST_LINES: usize = 50_000;

/// What a request is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestSubject {
    /// No account: a consent, a look-up, a test.
    #[default]
    None,
    One(ConnectionId),
    Several(u32),
}

impl RequestSubject {
    /// These connections.
    pub fn of(connections: &[ConnectionId]) -> Self {
        match connections {
            [] => RequestSubject::None,
            [one] => RequestSubject::One(*one),
            several => RequestSubject::Several(several.len() as u32),
        }
    }

    pub(super) fn parts(self) -> (Option<ConnectionId>, u32) {
        match self {
            RequestSubject::None => (None, 0),
            RequestSubject::One(connection) => (Some(connection), 1),
            RequestSubject::Several(accounts) => (None, accounts),
        }
    }
}

/// Requests that ended and are not stored yet. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Recording(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    lines: Mutex<Lines>,
    has_some: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    waiting: Vec<ProviderRequest>,
    /// The time of the last block.
    last: Timestamp,
    /// How many blocks there were.
    blocks: u64,
}

impl Recording {
    pub(super) fn add(&self, request: ProviderRequest) {
        let mut lines = self.0.lines.lock();
        if lines.waiting.len() >= MOST_LINES {
            lines.waiting.drain(..MOST_LINES / 10);
        }
        lines.waiting.push(request);
        drop(lines);
        self.0.has_some.notify_one();
    }

    /// Waits until there is something to store.
    pub async fn has_some(&self) {
        self.0.has_some.notified().await;
    }

    /// What is to be stored with a commit that is made anyway; `None` where the last block is not a second old.
    pub fn take_beside(&self, now: Timestamp) -> Option<RequestBlock> {
        let is_due = now.since(self.0.lines.lock().last).abs() >= TOGETHER_MS;
        if is_due { self.take(now) } else { None }
    }

    /// All that is to be stored.
    pub fn take(&self, now: Timestamp) -> Option<RequestBlock> {
        let mut lines = self.0.lines.lock();
        if lines.waiting.is_empty() {
            return None;
        }
        let mut requests = std::mem::take(&mut lines.waiting);
        requests.sort_by_key(|request| request.at);
        // No two blocks have the same key, also where they are of one millisecond.
        let newest = requests.last().map_or(now, |request| request.at.max(now));
        let at = if newest.0 == lines.last.0 { Timestamp(newest.0 + 1) } else { newest };
        (lines.last, lines.blocks) = (at, lines.blocks + 1);
        Some(RequestBlock { at, requests })
    }

    /// How many blocks there were since the start.
    pub fn blocks(&self) -> u64 {
        self.0.lines.lock().blocks
    }
}

/// The word for an error.
pub(super) fn error_of(kind: &HttpErrorKind) -> RequestError {
    use HttpErrorKind as Kind;
    match kind {
        Kind::Dns => RequestError::Name,
        Kind::Connect | Kind::Gateway | Kind::Proxy | Kind::Refused => RequestError::Connection,
        Kind::Tls | Kind::NoCertificates => RequestError::Tls,
        Kind::Timeout => RequestError::Timeout,
        Kind::Broken | Kind::CutOff => RequestError::Broken,
        Kind::TooLarge => RequestError::TooLarge,
        Kind::BadHost | Kind::Insecure | Kind::Private => RequestError::Forbidden,
        Kind::Limit { .. } | Kind::Html | Kind::NotJson | Kind::Shape { .. } => RequestError::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64) -> ProviderRequest {
        ProviderRequest {
            at: Timestamp(at),
            platform: "youtube".to_owned(),
            endpoint: "GET /x".to_owned(),
            connection: None,
            accounts: 0,
            status: Some(200),
            error: None,
            duration_ms: 1,
            bytes: 1,
        }
    }

    #[test]
    fn lines_wait_a_second_for_company_and_no_two_blocks_are_of_one_time() {
        let recording = Recording::default();
        let times = |block: Option<RequestBlock>| block.map(|it| (it.at.0, it.requests.len()));
        assert_eq!(times(recording.take_beside(Timestamp(10_000))), None);
        recording.add(line(9_990));
        assert_eq!(times(recording.take_beside(Timestamp(10_000))), Some((10_000, 1)));
        recording.add(line(10_000));
        assert_eq!(times(recording.take_beside(Timestamp(10_999))), None);
        recording.add(line(10_500));
        assert_eq!(times(recording.take_beside(Timestamp(11_000))), Some((11_000, 2)));
        recording.add(line(11_000));
        assert_eq!(times(recording.take(Timestamp(11_000))), Some((11_001, 1)));
        assert_eq!(recording.blocks(), 3);
    }

    #[test]
    fn what_cannot_be_stored_does_not_fill_the_memory() {
        let recording = Recording::default();
        (0..MOST_LINES as i64 + 1).for_each(|at| recording.add(line(at)));
        let block = recording.take(Timestamp(0)).expect("some");
        assert_eq!((block.requests.len(), block.requests[0].at), (MOST_LINES * 9 / 10 + 1, Timestamp(5_000)));
    }
}
