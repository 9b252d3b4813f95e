//! The time as platforms say it in their responses, beside ours: by that a clock that is off is known.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use parking_lot::Mutex;
use roster_protocol::time::Timestamp;

use super::Response;

/// The time in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenDate {
    pub host: String,
    /// What it said.
    pub theirs: Timestamp,
    /// What the time was here when it arrived.
    pub ours: Timestamp,
}

/// The newest response's `Date`, as text: it is read when it is wanted, and not for each response.
#[derive(Clone, Debug, Default)]
pub(super) struct Dates(Arc<Mutex<Option<(String, String, Timestamp)>>>);

impl Dates {
    /// Takes a response that arrived now. One of a cache says when it was made.
    pub fn see(&self, response: &Response, now: Timestamp) {
        let Some(date) = response.header("date").filter(|_| response.header("age").is_none()) else { return };
        let mut newest = self.0.lock();
        match newest.as_mut() {
            // The texts have the same length each time, and need no new room.
            Some((host, text, at)) => {
                host.clear();
                host.push_str(response.host());
                text.clear();
                text.push_str(date);
                *at = now;
            }
            None => *newest = Some((response.host().to_owned(), date.to_owned(), now)),
        }
    }

    pub fn newest(&self) -> Option<SeenDate> {
        let (host, text, ours) = self.0.lock().clone()?;
        let at = httpdate::parse_http_date(&text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(SeenDate { host, theirs: Timestamp(i64::try_from(at.as_millis()).ok()?), ours })
    }
}
