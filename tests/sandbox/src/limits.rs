//! What a platform allows within a window, where that was set: what goes beyond is refused, as that platform does it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
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

/// Which window a moment is in, and how many seconds of it are left. YouTube's are the days in Los Angeles.
fn window(platform: Platform, length_s: i64, now: Timestamp) -> (i64, i64) {
    let there = TimeZone::get("America/Los_Angeles").ok().filter(|_| platform == Platform::Youtube);
    let day = there.and_then(|zone| {
        let here = now.to_zoned(zone);
        let end = here.tomorrow().ok()?.start_of_day().ok()?;
        let number = here.date().since(civil::date(1970, 1, 1)).ok()?.get_days();
        Some((i64::from(number), end.timestamp().as_second() - now.as_second()))
    });
    let at = now.as_second();
    day.unwrap_or((at.div_euclid(length_s), length_s - at.rem_euclid(length_s)))
}

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
        let (window, left) = window(platform, limit.window_s, now);
        if window != limit.window {
            (limit.window, limit.used) = (window, 0);
        }
        limit.used += 1;
        if limit.used <= limit.most {
            return None;
        }
        limit.refused += 1;
        let kind = if platform == Platform::Youtube { FaultKind::QuotaExceeded } else { FaultKind::RateLimited };
        Some(Fault { retry_after: u64::try_from(left).ok(), ..Fault::new(platform, kind) })
    }
}
