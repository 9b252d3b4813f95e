//! How many accounts each user looks up: one who looks up many spends what all may request of a platform.

use std::collections::HashMap;

use parking_lot::Mutex;
use roster_protocol::time::Timestamp;

/// Look-ups are counted for so long from a user's first one on.
pub const WINDOW_MINUTES: i64 = 10;
const WINDOW_MS: i64 = WINDOW_MINUTES * 60_000;
/// So many in a window are a line in the audit log, and so is each doubling.
const MANY: u64 = 20;

/// The look-ups of each user in the window that began with the first of them.
#[derive(Debug, Default)]
pub struct LookUps(Mutex<HashMap<u32, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    count: u64,
}

impl LookUps {
    /// Counts one; returns how many it makes when the audit log should say so.
    pub fn count(&self, uid: u32, now: Timestamp) -> Option<u64> {
        let mut windows = self.0.lock();
        // One that began after `now` did so before the clock was set back.
        windows.retain(|_, window| (0..WINDOW_MS).contains(&now.since(window.since)));
        let window = windows.entry(uid).or_insert(Window { since: now, count: 0 });
        window.count += 1;
        let is_many = window.count.is_multiple_of(MANY) && (window.count / MANY).is_power_of_two();
        is_many.then_some(window.count)
    }

    /// Whether a user has looked up so many that the audit log has only their number.
    pub fn are_many(&self, uid: u32, now: Timestamp) -> bool {
        let windows = self.0.lock();
        let own = windows.get(&uid).filter(|window| (0..WINDOW_MS).contains(&now.since(window.since)));
        own.is_some_and(|window| window.count >= MANY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_look_ups_in_a_short_time_are_reported_at_each_doubling() {
        let (look_ups, now) = (LookUps::default(), Timestamp(1_000_000));
        let reported: Vec<u64> = (0..400).filter_map(|_| look_ups.count(1, now)).collect();
        assert_eq!(reported, [20, 40, 80, 160, 320]);
        assert!(look_ups.are_many(1, now) && !look_ups.are_many(2, now));
        assert_eq!(look_ups.count(2, now), None, "another user's are their own");
        let later = now.plus_seconds(WINDOW_MINUTES * 60);
        assert!(!look_ups.are_many(1, later), "a new window");
        assert_eq!((0..19).filter_map(|_| look_ups.count(1, later)).count(), 0, "a new window");
        assert_eq!(look_ups.count(1, later), Some(20));
        assert_eq!(look_ups.0.lock().len(), 1, "what is over is forgotten");
        assert_eq!((0..19).filter_map(|_| look_ups.count(1, now)).count(), 0, "the clock was set back");
    }
}
