//! One influencer's account on one platform, and what was last measured of it.

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, InfluencerId};
use crate::metric::{Mean, Metric, MetricSet, Numbers, Ratio};
use crate::time::{Date, Day, Seconds, Timestamp};

/// An account as users name it: platform slug and handle, `youtube:@x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account {
    /// The platform's stable slug, such as `bluesky`.
    pub platform: String,
    /// The handle as typed, or a profile's URL; the platform's module makes it canonical.
    pub handle: String,
}

/// Who an account is, seen before it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPreview {
    /// The platform's slug.
    pub platform: String,
    /// The canonical handle.
    pub handle: String,
    /// The platform's own id of the account; empty when it needs consent.
    pub platform_user_id: String,
    /// Whether the platform reports nothing before the account's owner consents. Until then only the handle is known, and
    /// not even whether the account exists.
    pub needs_consent: bool,
    /// The name it shows, cleaned; `None` when it has none.
    pub display_name: Option<String>,
    /// Its followers now; `None` when hidden.
    pub followers: Option<u64>,
    /// The influencer who has this account already, if any.
    pub taken_by: Option<InfluencerId>,
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConnectionStatus {
    /// Synced within 24 h, or within its interval when that is longer.
    Fresh,
    /// Synced, but longer ago.
    Stale,
    /// Never synced.
    Never,
    /// The last attempt failed for a reason that waiting alone may not fix.
    Error,
    /// Consent is gone; a person must connect it again.
    Reauthorize,
    /// Paused by a person.
    Paused,
}

impl ConnectionStatus {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["fresh", "stale", "never", "error", "reauthorize", "paused"][self as usize]
    }
}

/// The colour beside a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Badge {
    /// Synced within 24 h, or within its interval when that is longer.
    Green,
    /// Synced longer ago.
    Yellow,
    /// Never synced, needs a person, or failing for longer than its interval.
    Red,
}

impl Badge {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["green", "yellow", "red"][self as usize]
    }
}

/// The source of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// The platform's API.
    Api,
    /// A person typed it.
    Manual,
    /// A file.
    Import,
}

impl Source {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["api", "manual", "import"][self as usize]
    }
}

/// How a platform's numbers were read: its terms may treat them differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ReadWith {
    #[default]
    /// Without a consent: what the platform shows to everyone, or to the operator's key.
    Public,
    /// With the consent of the account's owner.
    Consent,
}

impl ReadWith {
    /// Both, in their order.
    pub const ALL: [ReadWith; 2] = [ReadWith::Public, ReadWith::Consent];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        ["public", "consent"][self as usize]
    }
}

/// The numbers a team works with: each follows the measured one when that changed significantly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Followers.
    pub followers: Option<u64>,
    /// Engagement rate by followers.
    pub engagement_rate: Option<Ratio>,
    /// Mean likes per post.
    pub avg_likes: Option<Mean>,
    /// When one of the three last followed.
    pub as_of: Timestamp,
    /// The source of that value.
    pub source: Source,
}

/// An observation with our time; one a connection and day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The day in the daemon's configured zone.
    pub date: Date,
    /// When it was observed.
    pub observed_at: Timestamp,
    /// The source of the numbers.
    pub source: Source,
    /// How coarsely the platform reports followers: 100 means rounded to hundreds. `None`: exact or unknown.
    pub followers_step: Option<u64>,
    /// Which of the platform's definitions the numbers follow; platforms redefine what a view is.
    pub definition: u16,
    /// How what was measured was read; `None` where nothing was, or where that was not recorded yet.
    pub read_with: Option<ReadWith>,
    /// Which of the numbers a person recorded; the others were measured. Empty on a day that is not the platform's: that
    /// was not recorded yet, and any may be a person's.
    pub by_hand: MetricSet,
    /// The numbers.
    pub numbers: Numbers,
}

/// What is left of a week's days that are long past: of those whose numbers are from one place. One that some of a day's
/// numbers were recorded on may be in two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Week {
    /// The Monday on which it begins.
    pub date: Date,
    /// How many of its days had numbers from there.
    pub days: u8,
    pub source: Source,
    /// As in [`Snapshot`].
    pub read_with: Option<ReadWith>,
    /// As in [`Snapshot`], of the last day.
    pub followers_step: Option<u64>,
    pub definition: u16,
    /// Of each metric the number of the first day that it was known on.
    pub first: Numbers,
    /// Of the last day.
    pub last: Numbers,
    /// The least one.
    pub least: Numbers,
    /// The greatest one.
    pub most: Numbers,
}

/// What a person records of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub day: Day,
    /// The given numbers; the day keeps its others.
    pub numbers: Numbers,
    /// Whether they may replace measured ones.
    pub replace: bool,
    /// Whether they are held against later syncs of the same day.
    pub keep: bool,
}

/// What became of a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The day as it is now.
    pub snapshot: Snapshot,
    /// Whether the recorded numbers stay: they are held, or the day is over. If not, the next sync of the day replaces
    /// those that the platform reports.
    pub kept: bool,
}

/// A number that a person recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByHand {
    pub metric: Metric,
    /// Whether it is held against later syncs of the day. If not, the next one that reports it replaces it.
    pub kept: bool,
}

/// A platform, or one host of it, that is down; or all of them, when nothing can be reached from the daemon's host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The platform's slug, or the host.
    pub what: String,
    pub since: Timestamp,
}

/// One influencer's account on one platform, as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub id: ConnectionId,
    pub influencer: InfluencerId,
    /// The platform's slug.
    pub platform: String,
    /// The canonical handle, cleaned.
    pub handle: String,
    /// The platform's own id, which survives a change of handle; `None` before the first successful sync.
    pub platform_user_id: Option<String>,
    pub status: ConnectionStatus,
    pub badge: Badge,
    /// Whether a person paused it, its influencer, its platform, or everything.
    pub paused: bool,
    pub last_synced_at: Option<Timestamp>,
    /// Why the last attempt failed, in a sentence; `None` after a successful one.
    pub last_error: Option<String>,
    /// What keeps it from being synced when it is not its own fault: `platform`, `limit`, `network` or `setup`. It need
    /// not have been tried itself.
    pub blocked_by: Option<String>,
    /// What is down and keeps it from being synced, whether it was tried itself or not.
    pub outage: Option<Outage>,
    /// When it is due next; `None` while paused.
    pub next_due_at: Option<Timestamp>,
    /// Its own interval; `None` follows the configured one.
    pub interval: Option<Seconds>,
    /// When its token, or what that opens, ends; `None` where there is none.
    pub token_expires_at: Option<Timestamp>,
    /// What its owner was asked for and did not allow, in words: `audience`. Empty without consent.
    pub not_given: Vec<String>,
    pub connected_at: Timestamp,
    pub profile: Option<Profile>,
    /// The newest snapshot.
    pub latest: Option<Snapshot>,
    /// Which numbers of the newest snapshot a person recorded, in the order of the metrics.
    pub by_hand: Vec<ByHand>,
    /// The handle of the account to which the owner moved, as the platform reports it.
    pub moved_to: Option<String>,
}
