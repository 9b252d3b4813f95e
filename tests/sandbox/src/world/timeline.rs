//! The entries of an account's feed: its own posts, and now and then another account's that it passed on.

use std::sync::Arc;

use jiff::Timestamp;

use super::World;
use super::account::{Account, State};
use super::noise::{draw, pick};

/// One line of a feed.
pub struct Entry {
    /// Names the line within its feed for good, and grows from older to newer. Unix milliseconds in form only: they
    /// do not move when the control moves posts.
    pub key_ms: i64,
    pub kind: EntryKind,
}

pub enum EntryKind {
    /// The account's own post of that number.
    Own(u64),
    /// A post of another account, passed on at some time.
    Shared { author: Arc<Account>, number: u64, at: Timestamp },
}

/// An account's feed, newest first.
pub fn timeline(world: &World, account: &Account, when: Timestamp) -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in account.numbers_served(when) {
        entries.push(Entry { key_ms: key_ms(account, number), kind: EntryKind::Own(number) });
        entries.extend(shared(world, account, number, when));
    }
    entries
}

/// The key of an account's own post.
pub fn key_ms(account: &Account, number: u64) -> i64 {
    account.created_at.as_millisecond().saturating_add(number.saturating_mul(1000).min(i64::MAX as u64 / 2) as i64)
}

/// The number of the account's own post under a key.
pub fn number_of(account: &Account, key_ms: i64) -> Option<u64> {
    let since = key_ms - account.created_at.as_millisecond();
    (since > 0 && since % 1000 == 0).then_some(since as u64 / 1000)
}

/// The newest post of another account precedes every ninth post.
fn shared(world: &World, account: &Account, number: u64, when: Timestamp) -> Option<Entry> {
    if number % 9 != 4 {
        return None;
    }
    let others = world.on_platform(account.platform);
    let author = pick(&others.iter().collect::<Vec<_>>(), draw(account.seed, number)).clone();
    let newest = author.posting.count_at(when);
    if author.id == account.id || author.state != State::Active || newest == 0 {
        return None;
    }
    let at = account.posting.published(number) - jiff::SignedDuration::from_secs(60);
    Some(Entry { key_ms: key_ms(account, number) - 500, kind: EntryKind::Shared { author, number: newest, at } })
}
