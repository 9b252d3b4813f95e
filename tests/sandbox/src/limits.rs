//! What a platform allows within a window, where that was set: what goes beyond is refused, as that platform does it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::Platform;
use crate::faults::{Fault, FaultKind};

/// Limits on requests to the API, by platform; without one, requests are not counted.
#[derive(Default)]
pub struct Limits(Mutex<BTreeMap<Platform, Limit>>);

struct Limit {
    most: u64,
    window_s: i64,
    /// The number of the window that `used` is of.
    window: i64,
    used: u64,
    refused: u64,
}

/// YouTube's days begin at midnight in Los Angeles, in winter.
const MIDNIGHT_THERE_S: i64 = 8 * 3600;

impl Limits {
    /// Allows `most` requests to a platform in each window of so many seconds.
    pub fn set(&self, platform: Platform, most: u64, window_s: i64) {
        self.0.lock().insert(platform, Limit { most, window_s, window: i64::MIN, used: 0, refused: 0 });
    }

    /// How many requests went beyond a platform's limit.
    pub fn refused(&self, platform: Platform) -> u64 {
        self.0.lock().get(&platform).map_or(0, |limit| limit.refused)
    }

    /// Counts a request; the refusal when it goes beyond the limit.
    pub fn count(&self, platform: Platform, now: Timestamp) -> Option<Fault> {
        let mut limits = self.0.lock();
        let limit = limits.get_mut(&platform)?;
        let at = now.as_second() - if platform == Platform::Youtube { MIDNIGHT_THERE_S } else { 0 };
        let window = at.div_euclid(limit.window_s);
        if window != limit.window {
            (limit.window, limit.used) = (window, 0);
        }
        limit.used += 1;
        if limit.used <= limit.most {
            return None;
        }
        limit.refused += 1;
        let left = limit.window_s - at.rem_euclid(limit.window_s);
        let kind = if platform == Platform::Youtube { FaultKind::QuotaExceeded } else { FaultKind::RateLimited };
        Some(Fault { retry_after: u64::try_from(left).ok(), ..Fault::new(platform, kind) })
    }
}
