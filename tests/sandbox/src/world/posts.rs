//! When an account posts, and how its posts do.

use jiff::Timestamp;

use super::account::Account;
use super::noise::{bell, draw, unit};
use crate::Platform;

/// How many of the newest posts are served; older ones are counted only.
pub const SERVED: u64 = 200;

/// An account's posts, numbered from 1 (the oldest) upwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Posting {
    pub origin: Timestamp,
    /// How many there are at `origin`.
    pub count: u64,
    /// Seconds between two posts.
    pub every: f64,
    /// Whether posts are added as time passes.
    pub grows: bool,
    /// Whether every sixth is a reply to another account.
    pub replies: bool,
    /// What every post carries exactly, where the control set it.
    pub given: Option<PostNumbers>,
}

/// One post.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// From 1, the oldest.
    pub number: u64,
    pub published: Timestamp,
    /// A reply to another account, which engagement leaves out.
    pub reply: bool,
    pub numbers: PostNumbers,
}

/// What a platform reports of one post. `None` = this platform does not report it, or the owner hides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PostNumbers {
    pub likes: Option<u64>,
    pub comments: Option<u64>,
    pub reposts: Option<u64>,
    pub quotes: Option<u64>,
    pub views: Option<u64>,
    /// How many accounts saw it.
    pub reach: Option<u64>,
    pub saves: Option<u64>,
}

impl Posting {
    /// Exactly `count` posts, one a day up to `now`.
    pub fn fixed(count: u64, now: Timestamp) -> Posting {
        Posting { origin: now, count, every: 86_400.0, grows: false, replies: false, given: None }
    }

    pub fn count_at(&self, when: Timestamp) -> u64 {
        if !self.grows {
            return self.count;
        }
        let passed = (when.as_millisecond() - self.origin.as_millisecond()) as f64 / 1000.0 / self.every;
        let newest = self.count as i64 + 1 + passed.floor() as i64;
        let newest = if newest > 0 && self.published(newest as u64) > when { newest - 1 } else { newest };
        newest.max(0) as u64
    }

    /// Up to seven tenths of the interval late, so that posts do not tick like a clock and stay in order.
    pub fn published(&self, number: u64) -> Timestamp {
        let late = 0.7 * unit(draw(self.every.to_bits(), number));
        let steps = number as f64 - self.count as f64 - 1.0 + late;
        let ms = self.origin.as_millisecond().saturating_add((steps * self.every * 1000.0) as i64);
        Timestamp::from_millisecond(ms.max(0)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub fn is_reply(&self, number: u64) -> bool {
        self.replies && number.is_multiple_of(6)
    }
}

/// Engagements of an ordinary post ÷ followers: 9 % at a thousand followers, 2 % at a million.
fn usual_engagement(followers: f64) -> f64 {
    0.09 * (followers.max(1.0) / 1000.0).powf(-0.22)
}

/// How post `number` of `account` does at `when`: by the followers it met, with luck, most of it in the first day.
pub fn post_numbers(account: &Account, number: u64, when: Timestamp) -> PostNumbers {
    if let Some(given) = account.posting.given {
        return reported(account, given);
    }
    let published = account.posting.published(number);
    let hours = (when.as_millisecond() - published.as_millisecond()) as f64 / 3_600_000.0;
    let drawn = draw(account.seed, number);
    let followers = account.followers.at(published) as f64;
    let engagements =
        followers * usual_engagement(followers) * (0.55 * bell(drawn)).exp() * (1.0 - (-hours.max(0.0) / 9.0).exp());
    let part = |share: f64| Some((engagements * share) as u64);
    let shown = 14.0 + 12.0 * unit(draw(drawn, 1));
    let all = PostNumbers {
        likes: part(0.85),
        comments: part(0.08),
        reposts: part(0.06),
        quotes: part(0.01),
        views: part(shown),
        reach: part(shown * 0.7),
        saves: part(0.05),
    };
    reported(account, all)
}

/// Leaves what the account's platform reports.
fn reported(account: &Account, all: PostNumbers) -> PostNumbers {
    match account.platform {
        Platform::Youtube => {
            let comments = all.comments.filter(|_| !account.comments_off);
            PostNumbers { comments, reposts: None, quotes: None, reach: None, saves: None, ..all }
        }
        Platform::Bluesky | Platform::Mastodon => PostNumbers { views: None, reach: None, saves: None, ..all },
        Platform::Instagram => PostNumbers { quotes: None, ..all },
        Platform::Facebook => PostNumbers { quotes: None, saves: None, ..all },
        Platform::Tiktok => PostNumbers { quotes: None, reach: None, saves: None, ..all },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_appear_when_they_are_published_and_not_before() {
        let origin = Timestamp::from_second(1_767_225_600).unwrap();
        let posting = Posting { origin, count: 40, every: 50_000.0, grows: true, replies: false, given: None };
        for hour in -2000..2000 {
            let when = origin + jiff::SignedDuration::from_hours(hour);
            let count = posting.count_at(when);
            assert!(count == 0 || posting.published(count) <= when, "hour {hour}");
            assert!(posting.published(count + 1) > when, "hour {hour}");
        }
    }

    #[test]
    fn engagement_falls_with_size() {
        let check = |followers, expected: f64| assert!((usual_engagement(followers) - expected).abs() < 0.002);
        check(1_000.0, 0.09);
        check(100_000.0, 0.0327);
        check(1_000_000.0, 0.0197);
    }
}
