//! What was refused at the socket and at the listener's addresses: how often lately, what of it the audit log says, and whether
//! it is more than usual.
//!
//! Bounded, whatever is tried: so many requesters are remembered, and so many lines an hour are written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use roster_protocol::audit::Who;
use roster_protocol::time::Timestamp;
use tokio::sync::watch;

use super::App;
use crate::model::On;

/// Where something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entrance {
    /// The control socket.
    Socket,
    /// The pages that owners open: the callback of a consent, and the links that lead to one.
    Pages,
    /// The addresses to which platforms send notifications.
    Webhooks,
}

impl Entrance {
    /// The words of the metrics and of the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Entrance::Socket => "socket",
            Entrance::Pages => "pages",
            Entrance::Webhooks => "webhooks",
        }
    }
}

/// Whose requests are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Requester {
    /// A user at the socket.
    User(u32),
    /// A browser, at a page of this platform where there is one.
    Browser(Option<&'static str>),
    /// What sends to the address of this platform; `None`: of one that is not known.
    Sender(Option<&'static str>),
}

impl Requester {
    fn entrance(self) -> Entrance {
        match self {
            Requester::User(_) => Entrance::Socket,
            Requester::Browser(_) => Entrance::Pages,
            Requester::Sender(_) => Entrance::Webhooks,
        }
    }

    /// What the audit log says was requested.
    fn on(self) -> On {
        match self {
            Requester::User(_) => "socket".into(),
            Requester::Browser(platform) => format!("pages {}", platform.unwrap_or("of no platform")).into(),
            Requester::Sender(platform) => format!("webhooks {}", platform.unwrap_or("of no platform")).into(),
        }
    }
}

/// Why a connection, a call or a request was refused.
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
    /// It was for another host than ours.
    OtherHost,
    /// It is not understood.
    Malformed,
    /// It belongs to no consent that waits.
    NoConsent,
    /// There is no such address.
    NoAddress,
    /// It is not signed with our secret.
    Forged,
    /// It was signed too long ago, or in the future.
    Old,
}

impl Refusal {
    /// The word of the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::NotPermitted => "not_permitted",
            Refusal::Unclear => "unclear",
            Refusal::Busy => "busy",
            Refusal::Role => "role",
            Refusal::OtherHost => "other_host",
            Refusal::Malformed => "malformed",
            Refusal::NoConsent => "no_consent",
            Refusal::NoAddress => "no_address",
            Refusal::Forged => "forged",
            Refusal::Old => "old",
        }
    }

    /// The words of the audit log.
    pub fn in_words(self) -> &'static str {
        match self {
            Refusal::NotPermitted => "no role",
            Refusal::Unclear => "the user database did not respond",
            Refusal::Busy => "too many connections",
            Refusal::Role => "a call that needs a higher role",
            Refusal::OtherHost => "for another host",
            Refusal::Malformed => "not understood",
            Refusal::NoConsent => "no consent waits for it",
            Refusal::NoAddress => "no such address",
            Refusal::Forged => "not signed with the secret",
            Refusal::Old => "signed too long ago, or in the future",
        }
    }
}

/// The audit log has the first, the tenth, the hundredth of a requester's refusals of one kind within so long.
const WINDOW_MS: i64 = 3_600_000;
/// Lines in the audit log within that time, of all at one entrance together.
const MOST_LINES: u64 = 12;
/// Requesters and kinds that are counted apart; of others only the sum is known.
const MOST_KEYS: usize = 512;

/// So many within a short time are unusual: a client that tries again is slower, and a script that is not permitted is seen.
pub const MANY: u64 = 100;
/// What a short time is.
pub const SHORT_MINUTES: i64 = 10;

/// When there were more refusals than usual, by where.
pub type Unusual = BTreeMap<Entrance, Timestamp>;

/// What was refused lately.
#[derive(Debug, Default)]
pub struct Refusals {
    counted: Mutex<Counted>,
    /// When there were so many last at each entrance.
    unusual: watch::Sender<Unusual>,
}

#[derive(Debug, Default)]
struct Counted {
    by_requester: HashMap<(Requester, Refusal), Window>,
    lines: HashMap<Entrance, Window>,
    all: HashMap<Entrance, Window>,
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
fn count(windows: &mut HashMap<Entrance, Window>, at: Entrance, now: Timestamp, length_ms: i64) -> u64 {
    let window = windows.entry(at).or_insert(Window::begun(now));
    if !window.is_open(now, length_ms) {
        *window = Window::begun(now);
    }
    window.count += 1;
    window.count
}

impl Refusals {
    /// Counts one; returns how many of its kind that requester had when the audit log should say so.
    pub fn count(&self, of: Requester, refusal: Refusal, now: Timestamp) -> Option<u64> {
        let mut counted = self.counted.lock();
        let at = of.entrance();
        if count(&mut counted.all, at, now, SHORT_MINUTES * 60_000) == MANY {
            self.unusual.send_modify(|unusual| _ = unusual.insert(at, now));
        }
        let known = &mut counted.by_requester;
        known.retain(|_, window| window.is_open(now, WINDOW_MS));
        if known.len() >= MOST_KEYS && !known.contains_key(&(of, refusal)) {
            return None;
        }
        let window = known.entry((of, refusal)).or_insert(Window::begun(now));
        window.count += 1;
        let own = window.count;
        let is_noted = 10_u64.checked_pow(own.ilog10()) == Some(own);
        (is_noted && count(&mut counted.lines, at, now, WINDOW_MS) <= MOST_LINES).then_some(own)
    }

    /// When there were so many last.
    pub fn watch(&self) -> watch::Receiver<Unusual> {
        self.unusual.subscribe()
    }
}

impl App {
    /// Counts a refusal, and notes it in the audit log when it is among the few that are noted. `who`: the user, where there
    /// is one.
    pub async fn refused(self: &Arc<Self>, of: Requester, refusal: Refusal, who: impl AsyncFnOnce() -> Option<Who>) {
        let Some(count) = self.refusals.count(of, refusal, self.clock.now()) else { return };
        let result = format!("{}, {count} within an hour", refusal.in_words());
        self.note(who().await.as_ref(), "access.refuse", of.on(), result).await;
    }

    /// The same of a request to the listener, which has no user.
    pub async fn refused_request(self: &Arc<Self>, of: Requester, refusal: Refusal) {
        self.meters.record_refused_request(of.entrance().as_str(), refusal.as_str());
        self.refused(of, refusal, async || None).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn user(uid: u32) -> Requester {
        Requester::User(uid)
    }

    #[test]
    fn the_first_the_tenth_and_the_hundredth_are_noted_for_each_user_and_kind() {
        let refusals = Refusals::default();
        let noted: Vec<u64> = (0..999).filter_map(|_| refusals.count(user(1), Refusal::NotPermitted, NOW)).collect();
        assert_eq!(noted, [1, 10, 100]);
        assert_eq!(refusals.count(user(1), Refusal::Role, NOW), Some(1));
        assert_eq!(refusals.count(user(2), Refusal::NotPermitted, NOW), Some(1));
        let later = NOW.plus_seconds(3600);
        assert_eq!(refusals.count(user(1), Refusal::NotPermitted, later), Some(1), "another hour");
        assert_eq!(refusals.count(user(1), Refusal::NotPermitted, NOW), Some(1), "the clock was set back");
    }

    #[test]
    fn a_flood_of_many_users_writes_few_lines_and_is_not_remembered() {
        let refusals = Refusals::default();
        let noted = (0..100_000).filter_map(|uid| refusals.count(user(uid), Refusal::NotPermitted, NOW)).count();
        assert_eq!(noted as u64, MOST_LINES);
        assert_eq!(refusals.counted.lock().by_requester.len(), MOST_KEYS);
    }

    #[test]
    fn what_is_refused_at_the_listener_is_counted_from_zero_on() {
        use crate::meters::{REFUSED_AT, REFUSED_FOR};
        let entrances = [Requester::Browser(None), Requester::Sender(None)].map(|of| of.entrance().as_str());
        assert_eq!(entrances, REFUSED_AT);
        let of_listener = [
            Refusal::OtherHost,
            Refusal::Malformed,
            Refusal::NoConsent,
            Refusal::NoAddress,
            Refusal::Forged,
            Refusal::Old,
        ];
        assert_eq!(of_listener.map(Refusal::as_str), REFUSED_FOR);
    }

    #[test]
    fn many_within_a_short_time_are_unusual() {
        let refusals = Refusals::default();
        let unusual = refusals.watch();
        (0..MANY - 1).for_each(|_| _ = refusals.count(user(1), Refusal::Role, NOW));
        let later = NOW.plus_seconds(SHORT_MINUTES * 60);
        (0..MANY - 1).for_each(|_| _ = refusals.count(user(1), Refusal::Role, later));
        let sender = Requester::Sender(Some("youtube"));
        (0..MANY - 1).for_each(|_| _ = refusals.count(sender, Refusal::Forged, later));
        assert_eq!(*unusual.borrow(), Unusual::new(), "each entrance by itself");
        refusals.count(user(2), Refusal::Busy, later);
        assert_eq!(*unusual.borrow(), Unusual::from([(Entrance::Socket, later)]));
        refusals.count(Requester::Sender(None), Refusal::NoAddress, later);
        assert_eq!(unusual.borrow().keys().copied().collect::<Vec<_>>(), [Entrance::Socket, Entrance::Webhooks]);
    }
}
