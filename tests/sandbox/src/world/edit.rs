//! Changing an account from outside.

use jiff::Timestamp;
use serde::Deserialize;

use super::account::{Account, Refuses, Software, State};
use super::growth::Growth;
use super::posts::{PostNumbers, Posting};

/// What a made account grows by a day unless the edit sets it.
const USUAL_GROWTH: f64 = 0.001;

/// What to change; what is `None` stays as it is.
///
/// Counts are exact from this moment. Followers go on from there by `growth_per_day` when the clock advances; the
/// other counts stay.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountEdit {
    pub followers: Option<u64>,
    pub following: Option<u64>,
    pub posts: Option<u64>,
    pub hidden: Option<bool>,
    pub hide_collections: Option<bool>,
    /// Mastodon: what its server runs.
    pub software: Option<Software>,
    /// Mastodon: the host that serves it from now on; the handle's host only says where that is.
    pub web_host: Option<String>,
    /// YouTube: announced broadcasts above its videos.
    pub announced: Option<u64>,
    /// Bluesky: a request for many that names it fails.
    pub fails_batches: Option<bool>,
    /// Facebook: the business portfolio that holds the Page; empty = none.
    pub portfolio: Option<String>,
    /// Facebook: the list of its owner's Pages leaves it out.
    pub unlisted: Option<bool>,
    /// Meta: what is refused of it or of its posts, though it was allowed.
    pub refuses: Option<Vec<Refuses>>,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub deactivated: Option<bool>,
    pub suspended: Option<bool>,
    pub gone: Option<bool>,
    /// Its server responds with nothing but errors.
    pub failing: Option<bool>,
    /// Mastodon: `user@host`; empty = not moved.
    pub moved_to: Option<String>,
    /// Another handle for the same account.
    pub handle: Option<String>,
    /// Who signs in to it; a new account has an owner of its own.
    pub owner: Option<String>,
    /// What every post carries; giving one of these seven makes the others 0, so that sums can be checked by hand.
    pub likes: Option<u64>,
    pub comments: Option<u64>,
    pub reposts: Option<u64>,
    pub quotes: Option<u64>,
    pub views: Option<u64>,
    pub reach: Option<u64>,
    pub saves: Option<u64>,
    pub comments_off: Option<bool>,
    /// 0.01 = one per cent a day; 0.001 where it was never set.
    pub growth_per_day: Option<f64>,
}

/// Why an account could not be made or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// No such handle is possible on the platform; the text says what one looks like.
    Handle(&'static str),
    /// The new handle belongs to another account.
    Taken,
    /// A growth that is no number or below -1.
    Growth,
}

impl std::fmt::Display for EditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EditError::Handle(example) => write!(f, "not a handle of this platform; one looks like {example}"),
            EditError::Taken => write!(f, "another account has this handle"),
            EditError::Growth => write!(f, "growth_per_day is a ratio of at least -1, as 0.01 for one per cent"),
        }
    }
}

impl std::error::Error for EditError {}

impl AccountEdit {
    pub fn check(&self) -> Result<(), EditError> {
        match self.growth_per_day {
            Some(ratio) if !ratio.is_finite() || !(-1.0..=1000.0).contains(&ratio) => Err(EditError::Growth),
            _ => Ok(()),
        }
    }

    /// Changes all but the handle, which belongs to the world's index.
    pub fn apply(&self, account: &mut Account, now: Timestamp) {
        self.apply_words(account);
        self.apply_state(account);
        self.apply_followers(account, now);
        if let Some(following) = self.following {
            account.following = Growth::still(following);
        }
        if let Some(posts) = self.posts {
            account.posting = Posting { given: account.posting.given, ..Posting::fixed(posts, now) };
        }
        self.apply_post_numbers(account);
    }

    fn apply_words(&self, account: &mut Account) {
        set(&mut account.display_name, &self.display_name);
        set(&mut account.description, &self.description);
        set(&mut account.hidden, &self.hidden);
        set(&mut account.hide_collections, &self.hide_collections);
        set(&mut account.software, &self.software);
        set(&mut account.announced, &self.announced);
        set(&mut account.fails_batches, &self.fails_batches);
        if let Some(web_host) = &self.web_host {
            account.web_host = Some(web_host.clone());
        }
        set(&mut account.refuses, &self.refuses);
        set(&mut account.unlisted, &self.unlisted);
        if let Some(portfolio) = &self.portfolio {
            account.portfolio = Some(portfolio.clone()).filter(|name| !name.is_empty());
        }
        set(&mut account.comments_off, &self.comments_off);
        set(&mut account.owner, &self.owner);
        if let Some(moved_to) = &self.moved_to {
            account.moved_to = Some(moved_to.trim_start_matches('@').to_owned()).filter(|handle| !handle.is_empty());
        }
    }

    fn apply_state(&self, account: &mut Account) {
        let changes = [
            (self.deactivated, State::Deactivated),
            (self.suspended, State::Suspended),
            (self.gone, State::Gone),
            (self.failing, State::Failing),
        ];
        for (wanted, state) in changes {
            match wanted {
                Some(true) => account.state = state,
                Some(false) if account.state == state => account.state = State::Active,
                _ => {}
            }
        }
    }

    fn apply_followers(&self, account: &mut Account, now: Timestamp) {
        if self.followers.is_none() && self.growth_per_day.is_none() {
            return;
        }
        let count = self.followers.unwrap_or_else(|| account.followers.at(now));
        let per_day = self.growth_per_day.unwrap_or_else(|| account.followers.per_day());
        account.followers = Growth::Given { count, at: now, per_day };
    }

    fn apply_post_numbers(&self, account: &mut Account) {
        let wanted = [self.likes, self.comments, self.reposts, self.quotes, self.views, self.reach, self.saves];
        if wanted.iter().all(Option::is_none) {
            return;
        }
        let before = account.posting.given.unwrap_or_default();
        let exact = |new: Option<u64>, old: Option<u64>| Some(new.or(old).unwrap_or(0));
        account.posting.given = Some(PostNumbers {
            likes: exact(self.likes, before.likes),
            comments: exact(self.comments, before.comments),
            reposts: exact(self.reposts, before.reposts),
            quotes: exact(self.quotes, before.quotes),
            views: exact(self.views, before.views),
            reach: exact(self.reach, before.reach),
            saves: exact(self.saves, before.saves),
        });
    }
}

/// How an account made through the control starts: 1,000 followers, 100 followed, 24 posts.
pub fn usual_numbers(now: Timestamp) -> (Growth, Growth, Posting) {
    let followers = Growth::Given { count: 1000, at: now, per_day: USUAL_GROWTH };
    (followers, Growth::still(100), Posting::fixed(24, now))
}

fn set<T: Clone>(field: &mut T, wanted: &Option<T>) {
    if let Some(value) = wanted {
        *field = value.clone();
    }
}
