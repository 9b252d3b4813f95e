//! What was refused at the socket: how often lately, what of it the audit log says, and whether it is more than usual.
//!
//! Bounded, whatever is tried: so many users are remembered, and so many lines an hour are written.

use std::collections::HashMap;

use parking_lot::Mutex;
use roster_protocol::time::Timestamp;
use tokio::sync::watch;

/// Why a connection or a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The user has no role.
    NotPermitted,
    /// The host's user database did not respond.
    Unclear,
    /// The user, or all users together, have too many connections.
    Busy,
    /// The call needs a higher role.
    Role,
}

impl Refusal {
    /// The words of the audit log.
    pub fn in_words(self) -> &'static str {
        match self {
            Refusal::NotPermitted => "no role",
            Refusal::Unclear => "the user database did not respond",
            Refusal::Busy => "too many connections",
            Refusal::Role => "a call that needs a higher role",
        }
    }
}

/// The audit log has the first, the tenth, the hundredth of a user's refusals of one kind within so long.
const WINDOW_MS: i64 = 3_600_000;
/// Lines in the audit log within that time, of all users together.
const MOST_LINES: u64 = 12;
/// Users and kinds that are counted apart; of others only the sum is known.
const MOST_KEYS: usize = 512;

/// So many within a short time are unusual: a client that tries again is slower, and a script that is not permitted is seen.
pub const MANY: u64 = 100;
/// What a short time is.
pub const SHORT_MINUTES: i64 = 10;

/// What was refused lately.
#[derive(Debug)]
pub struct Refusals {
    counted: Mutex<Counted>,
    /// When there were so many last.
    unusual: watch::Sender<Option<Timestamp>>,
}

#[derive(Debug, Default)]
struct Counted {
    by_user: HashMap<(u32, Refusal), Window>,
    lines: Option<Window>,
    all: Option<Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    count: u64,
}

impl Window {
    fn begun(now: Timestamp) -> Self {
        Self { since: now, count: 0 }
    }

    /// One that began after `now` did so before the clock was set back.
    fn is_open(&self, now: Timestamp, length_ms: i64) -> bool {
        (0..length_ms).contains(&now.since(self.since))
    }
}

/// Counts one in the window that is open, or in another one; returns the count.
fn count(window: &mut Option<Window>, now: Timestamp, length_ms: i64) -> u64 {
    let open = window.filter(|window| window.is_open(now, length_ms)).unwrap_or(Window::begun(now));
    let counted = Window { count: open.count + 1, ..open };
    *window = Some(counted);
    counted.count
}

impl Default for Refusals {
    fn default() -> Self {
        Self { counted: Mutex::default(), unusual: watch::Sender::new(None) }
    }
}

impl Refusals {
    /// Counts one; returns how many of its kind that user had when the audit log should say so.
    pub fn count(&self, uid: u32, refusal: Refusal, now: Timestamp) -> Option<u64> {
        let mut counted = self.counted.lock();
        if count(&mut counted.all, now, SHORT_MINUTES * 60_000) == MANY {
            self.unusual.send_replace(Some(now));
        }
        let by_user = &mut counted.by_user;
        by_user.retain(|_, window| window.is_open(now, WINDOW_MS));
        if by_user.len() >= MOST_KEYS && !by_user.contains_key(&(uid, refusal)) {
            return None;
        }
        let window = by_user.entry((uid, refusal)).or_insert(Window::begun(now));
        window.count += 1;
        let own = window.count;
        let is_noted = 10_u64.checked_pow(own.ilog10()) == Some(own);
        (is_noted && count(&mut counted.lines, now, WINDOW_MS) <= MOST_LINES).then_some(own)
    }

    /// When there were so many last.
    pub fn watch(&self) -> watch::Receiver<Option<Timestamp>> {
        self.unusual.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    #[test]
    fn the_first_the_tenth_and_the_hundredth_are_noted_for_each_user_and_kind() {
        let refusals = Refusals::default();
        let noted: Vec<u64> = (0..999).filter_map(|_| refusals.count(1, Refusal::NotPermitted, NOW)).collect();
        assert_eq!(noted, [1, 10, 100]);
        assert_eq!(refusals.count(1, Refusal::Role, NOW), Some(1));
        assert_eq!(refusals.count(2, Refusal::NotPermitted, NOW), Some(1));
        let later = NOW.plus_seconds(3600);
        assert_eq!(refusals.count(1, Refusal::NotPermitted, later), Some(1), "another hour");
        assert_eq!(refusals.count(1, Refusal::NotPermitted, NOW), Some(1), "the clock was set back");
    }

    #[test]
    fn a_flood_of_many_users_writes_few_lines_and_is_not_remembered() {
        let refusals = Refusals::default();
        let noted = (0..100_000).filter_map(|uid| refusals.count(uid, Refusal::NotPermitted, NOW)).count();
        assert_eq!(noted as u64, MOST_LINES);
        assert_eq!(refusals.counted.lock().by_user.len(), MOST_KEYS);
    }

    #[test]
    fn many_within_a_short_time_are_unusual() {
        let refusals = Refusals::default();
        let unusual = refusals.watch();
        (0..MANY - 1).for_each(|_| _ = refusals.count(1, Refusal::Role, NOW));
        let later = NOW.plus_seconds(SHORT_MINUTES * 60);
        (0..MANY - 1).for_each(|_| _ = refusals.count(1, Refusal::Role, later));
        assert_eq!(*unusual.borrow(), None);
        refusals.count(2, Refusal::Busy, later);
        assert_eq!(*unusual.borrow(), Some(later));
    }
}
