//! One account on one platform.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::growth::Growth;
use super::posts::{Post, PostNumbers, Posting, SERVED, post_numbers};
use crate::Platform;

/// How many of the newest posts [`Numbers::recent`] has: what an engagement rate is made of.
const RECENT: usize = 12;

/// An account as the sandbox knows it: the truth behind what the platforms report.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub platform: Platform,
    /// As the platform writes it: `name.sky.test`, `user@host`, `@name`.
    pub handle: String,
    /// The platform's own id: a DID, a number as text, `UC…`. Survives a change of handle.
    pub id: String,
    pub display_name: String,
    pub description: String,
    pub created_at: Timestamp,
    pub state: State,
    /// Mastodon: the new home, as `user@host`.
    pub moved_to: Option<String>,
    /// The owner hides the counts; on Instagram the likes only, on Facebook and TikTok that cannot be done.
    pub hidden: bool,
    /// Mastodon: the owner hides who follows, though not how many.
    pub hide_collections: bool,
    /// Mastodon: what its server runs.
    pub software: Software,
    /// Mastodon: the host that serves it, where that is not the handle's.
    pub web_host: Option<String>,
    /// YouTube: how many announced broadcasts are above its videos.
    pub announced: u64,
    /// Bluesky: a request for many that names it fails.
    pub fails_batches: bool,
    /// YouTube: comments are switched off.
    pub comments_off: bool,
    pub followers: Growth,
    pub following: Growth,
    pub posting: Posting,
    /// Who signs in to it: one person may own several.
    pub owner: String,
    /// Facebook: the business portfolio that holds the Page.
    pub portfolio: Option<String>,
    /// Facebook: the list of its owner's Pages leaves it out, whatever was allowed.
    pub unlisted: bool,
    /// Meta: what is refused of it or of its posts, though it was allowed.
    pub refuses: Vec<Refuses>,
    /// Meta: the id of the Page an Instagram account is linked to, and the reverse.
    pub linked: Option<String>,
    /// The seed of all chance about this account.
    pub seed: u64,
}

/// What is refused of an account or of its posts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refuses {
    /// A metric; `insights` for all of them, `sums` for the sums in lists of posts.
    pub what: String,
    /// Of one post only, by its number: 1 is the oldest.
    #[serde(default)]
    pub post: Option<u64>,
    /// Without a subcode.
    pub code: u32,
}

/// Whether an account can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    /// Switched off by its owner.
    Deactivated,
    /// Taken down by the platform.
    Suspended,
    /// Deleted; the platform does not know it any more.
    Gone,
    /// It exists, but its server responds with nothing but errors.
    Failing,
}

/// What a server runs that speaks Mastodon's API, by what it does differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Software {
    #[default]
    Mastodon,
    /// Hidden followers are -1.
    Glitch,
    /// Hidden counts are 0 and marked.
    Pleroma,
    /// Hidden counts are 0 without a mark.
    Misskey,
    /// It refuses strangers with 401.
    Gotosocial,
    /// It sends strangers to a page to sign in at.
    Pixelfed,
    /// A very old relative, whose ids are numbers.
    Ancient,
}

/// An account's numbers at one moment, unrounded and whether or not the platform would report them.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub followers: u64,
    /// `None` = the platform has no such count.
    pub following: Option<u64>,
    pub posts: u64,
    /// The platform would not report followers.
    pub hidden: bool,
    /// The newest own posts, newest first, at most 12, without replies.
    pub recent: Vec<PostNumbers>,
}

impl Account {
    /// What was or will be true at `when`, judging by the account as it is now. Pure: equal arguments, equal result.
    pub fn numbers_at(&self, when: Timestamp) -> Numbers {
        let recent = self.numbers_served(when).filter(|&number| !self.posting.is_reply(number));
        Numbers {
            followers: self.followers.at(when),
            following: self.platform.reports_following().then(|| self.following.at(when)),
            posts: self.posting.count_at(when),
            hidden: self.hidden && self.platform.hides_followers(),
            recent: recent.take(RECENT).map(|number| post_numbers(self, number, when)).collect(),
        }
    }

    /// The numbers of the posts that are served, newest first.
    pub fn numbers_served(&self, when: Timestamp) -> impl Iterator<Item = u64> + use<> {
        let count = self.posting.count_at(when);
        (count.saturating_sub(SERVED) + 1..=count).rev()
    }

    /// One post as it is at `when`; `None` when it is not served.
    pub fn post(&self, number: u64, when: Timestamp) -> Option<Post> {
        let count = self.posting.count_at(when);
        (number <= count && number > count.saturating_sub(SERVED)).then(|| Post {
            number,
            published: self.posting.published(number),
            reply: self.posting.is_reply(number),
            numbers: post_numbers(self, number, when),
        })
    }

    /// An upload of a channel: an announced broadcast where it comes after the newest post, else the post.
    pub fn upload(&self, number: u64, when: Timestamp) -> Option<Post> {
        let count = self.posting.count_at(when);
        if number <= count || number > count + self.announced {
            return self.post(number, when);
        }
        Some(Post { number, published: when, reply: false, numbers: PostNumbers::default() })
    }

    /// Meta: the code with which `what` is refused, of a post by its number; 0 is the account itself.
    pub fn refused(&self, what: &str, post: u64) -> Option<u32> {
        let is_it = |refuses: &&Refuses| refuses.what == what && refuses.post.is_none_or(|number| number == post);
        self.refuses.iter().find(is_it).map(|refuses| refuses.code)
    }

    /// Mastodon: the host that serves it.
    pub fn served_by(&self) -> &str {
        self.web_host.as_deref().unwrap_or_else(|| self.host())
    }

    /// Mastodon: the user of `user@host`; elsewhere the whole handle.
    pub fn user(&self) -> &str {
        self.handle.split_once('@').map_or(&self.handle, |(user, _)| user)
    }

    /// Mastodon: the host of `user@host`; elsewhere empty.
    pub fn host(&self) -> &str {
        self.handle.split_once('@').map_or("", |(_, host)| host)
    }
}
