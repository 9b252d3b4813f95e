//! Who asked the hub for notifications, and confirmed it.

use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

/// One subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub topic: String,
    pub callback: String,
    pub secret: String,
    pub lasts: Duration,
    /// `None` before the subscriber confirmed it.
    pub ends_at: Option<Timestamp>,
}

/// All of them, and those that were asked for and are not verified yet.
#[derive(Default)]
pub struct Subscriptions(Mutex<Book>);

#[derive(Default)]
struct Book {
    asked: Vec<Subscription>,
    confirmed: Vec<Subscription>,
}

impl Subscriptions {
    /// Notes what was asked for.
    pub fn ask(&self, subscription: Subscription) {
        self.0.lock().asked.push(subscription);
    }

    /// What waits for its subscriber's confirmation; nothing waits any more.
    pub fn take_asked(&self) -> Vec<Subscription> {
        std::mem::take(&mut self.0.lock().asked)
    }

    /// Notes what was confirmed; one to the same callback is replaced.
    pub fn confirm(&self, subscription: Subscription) {
        let mut book = self.0.lock();
        book.confirmed.retain(|known| known.callback != subscription.callback);
        book.confirmed.push(subscription);
    }

    /// What each was asked for with.
    pub fn secrets(&self) -> Vec<String> {
        let book = self.0.lock();
        book.asked.iter().chain(&book.confirmed).map(|known| known.secret.clone()).collect()
    }

    /// The subscriptions to a topic that last.
    pub fn to(&self, topic: &str, now: Timestamp) -> Vec<Subscription> {
        let book = self.0.lock();
        let lasts = |known: &&Subscription| known.topic == topic && known.ends_at.is_some_and(|ends| ends > now);
        book.confirmed.iter().filter(lasts).cloned().collect()
    }
}
