//! Which metrics were refused for which posts and accounts, so that they are not requested again for a while. Pure but
//! for its lock.
//!
//! A refusal is kept for what it was about: a post, or an account when all of its posts refuse. No account's refusal
//! keeps a metric from being requested for another account.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use roster_protocol::time::Timestamp;

use crate::secret::Secret;
use crate::secret::vault::fingerprint;

/// After a day a refused metric is requested again: metrics return, and so do permissions.
const A_DAY_S: i64 = 24 * 3600;
/// Posts from before the account became a professional one have no metrics, ever.
const FOR_LONG_S: i64 = 30 * A_DAY_S;
/// When the accounts of so many people refuse a metric, and none reports it, it is the metric.
const SEVERAL: usize = 3;
/// The most posts that are remembered. What does not fit is requested again.
const MOST_POSTS: usize = 20_000;

/// Whose account is read: one person may have consented for several.
#[derive(Clone, Copy)]
pub(in crate::platforms) struct Owner<'a> {
    /// The platform's id.
    pub(in crate::platforms) account: &'a str,
    /// The consent it is read with. A new consent may open what the one before did not.
    pub(super) person: u64,
}

impl<'a> Owner<'a> {
    /// `token` is the person's own, which all accounts of one consent share until it is renewed.
    pub(in crate::platforms) fn of(account: &'a str, token: &Secret) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = fingerprint(token);
        Self { account, person: u64::from_be_bytes([a, b, c, d, e, f, g, h]) }
    }
}

/// Lives as long as the process.
#[derive(Default)]
pub(in crate::platforms) struct Refusals(Mutex<Book>);

/// Until when each name is not requested.
type Until = BTreeMap<&'static str, Timestamp>;

#[derive(Default)]
struct Book {
    posts: HashMap<(u64, String), Until>,
    /// Posts without any metrics.
    old_posts: HashMap<(u64, String), Timestamp>,
    accounts: HashMap<(u64, String), Until>,
    /// When each name was last reported, by any account.
    reported: BTreeMap<&'static str, Timestamp>,
}

impl Refusals {
    /// Whether a post refused a name lately.
    pub(super) fn holds_post(&self, owner: Owner<'_>, post: &str, name: &str, now: Timestamp) -> bool {
        is_held(&self.0.lock().posts, owner.person, post, name, now)
    }

    /// Whether all posts of an account refused a name lately.
    pub(in crate::platforms) fn holds_account(&self, owner: Owner<'_>, name: &str, now: Timestamp) -> bool {
        is_held(&self.0.lock().accounts, owner.person, owner.account, name, now)
    }

    /// Whether a post has no metrics at all.
    pub(super) fn is_old(&self, owner: Owner<'_>, post: &str, now: Timestamp) -> bool {
        let until = self.0.lock().old_posts.get(&(owner.person, post.to_owned())).copied();
        until.is_some_and(|until| now < until)
    }

    /// Notes that one post refused a name.
    pub(super) fn note_post(&self, owner: Owner<'_>, post: &str, name: &'static str, now: Timestamp) {
        let (mut book, key) = (self.0.lock(), (owner.person, post.to_owned()));
        if book.posts.len() >= MOST_POSTS {
            drop_past(&mut book.posts, now);
        }
        if book.posts.len() < MOST_POSTS || book.posts.contains_key(&key) {
            book.posts.entry(key).or_default().insert(name, now.plus_seconds(A_DAY_S));
        }
    }

    /// Notes that a post has no metrics at all.
    pub(super) fn note_old(&self, owner: Owner<'_>, post: &str, now: Timestamp) {
        let mut book = self.0.lock();
        if book.old_posts.len() >= MOST_POSTS {
            book.old_posts.retain(|_, until| now < *until);
        }
        if book.old_posts.len() < MOST_POSTS {
            book.old_posts.insert((owner.person, post.to_owned()), now.plus_seconds(FOR_LONG_S));
        }
    }

    /// Notes that all posts of an account refused a name.
    pub(in crate::platforms) fn note_account(&self, owner: Owner<'_>, name: &'static str, now: Timestamp) {
        let mut book = self.0.lock();
        drop_past(&mut book.accounts, now);
        let kept = book.accounts.entry((owner.person, owner.account.to_owned())).or_default();
        kept.insert(name, now.plus_seconds(A_DAY_S));
    }

    /// Notes that an account reported a name.
    pub(super) fn note_reported(&self, name: &'static str, now: Timestamp) {
        self.0.lock().reported.insert(name, now);
    }

    /// Whether it is the metric that is refused: for several people's accounts, and reported by none within a day.
    pub(super) fn is_withdrawn(&self, name: &str, now: Timestamp) -> bool {
        let book = self.0.lock();
        if book.reported.get(name).is_some_and(|at| now.since(*at) < A_DAY_S * 1000) {
            return false;
        }
        let refused = book.accounts.iter().filter(|(_, kept)| kept.get(name).is_some_and(|until| now < *until));
        let mut people: Vec<u64> = refused.map(|((person, _), _)| *person).collect();
        people.sort_unstable();
        people.dedup();
        people.len() >= SEVERAL
    }
}

fn is_held(kept: &HashMap<(u64, String), Until>, person: u64, id: &str, name: &str, now: Timestamp) -> bool {
    kept.get(&(person, id.to_owned())).and_then(|kept| kept.get(name)).is_some_and(|until| now < *until)
}

fn drop_past(kept: &mut HashMap<(u64, String), Until>, now: Timestamp) {
    kept.retain(|_, names| {
        names.retain(|_, until| now < *until);
        !names.is_empty()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn owner(account: &str, person: u64) -> Owner<'_> {
        Owner { account, person }
    }

    #[test]
    fn a_refusal_is_of_its_post_or_account_for_a_day() {
        let (refusals, a, b) = (Refusals::default(), owner("a", 1), owner("b", 2));
        refusals.note_post(a, "a_1", "views", NOW);
        assert!(refusals.holds_post(a, "a_1", "views", NOW.plus_seconds(86_399)));
        assert!(!refusals.holds_post(a, "a_1", "views", NOW.plus_seconds(86_400)));
        assert!(!refusals.holds_post(a, "a_2", "views", NOW) && !refusals.holds_post(a, "a_1", "saved", NOW));
        refusals.note_account(b, "views", NOW);
        assert!(refusals.holds_account(b, "views", NOW));
        assert!(!refusals.holds_post(a, "a_2", "views", NOW) && !refusals.holds_account(a, "views", NOW));
        // A new consent is another try.
        assert!(!refusals.holds_account(owner("b", 3), "views", NOW));
        refusals.note_old(a, "a_3", NOW);
        assert!(refusals.is_old(a, "a_3", NOW.plus_seconds(29 * 86_400)) && !refusals.is_old(a, "a_2", NOW));
    }

    #[test]
    fn a_metric_is_withdrawn_when_several_people_lost_it_and_none_has_it() {
        let refusals = Refusals::default();
        for account in ["a", "b", "c", "d"] {
            refusals.note_account(owner(account, 1), "views", NOW);
        }
        refusals.note_account(owner("e", 2), "views", NOW);
        assert!(!refusals.is_withdrawn("views", NOW), "two people's accounts");
        refusals.note_account(owner("f", 3), "views", NOW);
        assert!(refusals.is_withdrawn("views", NOW) && !refusals.is_withdrawn("saved", NOW));
        refusals.note_reported("views", NOW);
        assert!(!refusals.is_withdrawn("views", NOW.plus_seconds(86_399)));
        assert!(!refusals.is_withdrawn("views", NOW.plus_seconds(86_400)), "the refusals are a day old, too");
    }
}
