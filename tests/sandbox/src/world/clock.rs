//! Sandbox time: still until advanced, unless it is live.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A hundred years: further than anything the numbers are good for.
const MOST_ADVANCE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What time it is in the sandbox.
pub struct Clock {
    start: Timestamp,
    started: Instant,
    live: bool,
    /// No start was chosen, so headers should agree with the client's own clock.
    wall: bool,
    advanced_ms: AtomicI64,
}

impl Clock {
    pub fn new(start: Option<Timestamp>, live: bool) -> Clock {
        Clock {
            start: start.unwrap_or_else(Timestamp::now),
            started: Instant::now(),
            live,
            wall: start.is_none(),
            advanced_ms: AtomicI64::new(0),
        }
    }

    /// The time by which numbers are reported.
    pub fn now(&self) -> Timestamp {
        self.after(if self.live { self.started.elapsed() } else { Duration::ZERO })
    }

    /// The time for headers and logs: like [`Clock::now`], but running where no start was chosen, since a client
    /// compares "retry at" with a running clock.
    pub fn shown(&self) -> Timestamp {
        self.after(if self.live || self.wall { self.started.elapsed() } else { Duration::ZERO })
    }

    pub fn advance(&self, by: Duration) {
        let by_ms = by.min(MOST_ADVANCE).as_millis() as i64;
        self.advanced_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    fn after(&self, elapsed: Duration) -> Timestamp {
        let ms = self.start.as_millisecond() + self.advanced_ms.load(Ordering::Relaxed) + elapsed.as_millis() as i64;
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
    }
}
