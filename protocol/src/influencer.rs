//! The person or brand persona, and the lists of them.

use serde::{Deserialize, Serialize};

use crate::connection::{Account, Badge, Connection};
use crate::ids::{ConnectionId, InfluencerId};
use crate::metric::{Ratio, UnknownName};
use crate::time::Timestamp;

/// One influencer with the connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Influencer {
    /// What a list shows of them.
    pub row: InfluencerRow,
    /// Free text.
    pub note: Option<String>,
    /// Connections in order of followers, most first.
    pub connections: Vec<Connection>,
}

/// One influencer as a row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfluencerRow {
    pub id: InfluencerId,
    pub name: String,
    /// In alphabetical order.
    pub tags: Vec<String>,
    pub note: Option<String>,
    /// Newest measured followers of the main connection.
    pub followers: Option<u64>,
    /// The newest measured followers of all connections together; `None` when none is known.
    pub followers_total: Option<u64>,
    /// Newest measured engagement rate of the main connection.
    pub engagement_rate: Option<Ratio>,
    /// Change of the main connection's followers since the day before; `None` when one end is unknown.
    pub growth_1d: Option<Ratio>,
    /// The same over 7 days.
    pub growth_7d: Option<Ratio>,
    /// The same over 30 days.
    pub growth_30d: Option<Ratio>,
    /// Followers of the main connection over the last 30 days, oldest first; `None` where not measured.
    pub recent: Vec<Option<u64>>,
    /// False when the influencer is paused.
    pub sync_enabled: bool,
    /// The newest sync of any connection.
    pub synced_at: Option<Timestamp>,
    /// The platform of that sync.
    pub last_sync_platform: Option<String>,
    /// The main connection: chosen, or the one with most followers.
    pub main: Option<ConnectionId>,
    /// Whether the main connection was chosen by a person.
    pub main_chosen: bool,
    /// Alerts that are open.
    pub open_alerts: u32,
    /// Platform and badge of each connection, in order of followers.
    pub platforms: Vec<PlatformBadge>,
}

/// One connection in a row: its platform and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformBadge {
    /// The platform's slug.
    pub platform: String,
    pub badge: Badge,
    pub paused: bool,
}

/// What `add` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewInfluencer {
    pub name: String,
    pub accounts: Vec<Account>,
    pub tags: Vec<String>,
    pub note: Option<String>,
}

/// What `edit` changes; what is `None` or empty stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfluencerEdit {
    pub name: Option<String>,
    pub tag: Vec<String>,
    pub untag: Vec<String>,
    /// A new note; an empty one removes it.
    pub note: Option<String>,
    /// The main connection, as a person names it; `auto` selects the largest again.
    pub main: Option<String>,
    /// What the caller saw before the change: a value that is another one by now is left as it is.
    pub based_on: EditBase,
}

/// Whole values as a caller saw them before changing them; what is `None` is overwritten, whatever it is by now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditBase {
    pub name: Option<String>,
    /// Empty: there was no note.
    pub note: Option<String>,
}

/// The order of a list; numbers are largest first and unknown last, names are alphabetical.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SortBy {
    /// Followers of the main connection.
    #[default]
    Followers,
    /// Followers of all connections together.
    Total,
    /// Growth over 1, 7 and 30 days.
    Growth1,
    Growth7,
    Growth,
    Engagement,
    Name,
    /// Newest sync first.
    Synced,
}

impl SortBy {
    /// Every order, in the order in which a key press steps through them.
    pub const ALL: [SortBy; 8] = [
        SortBy::Followers,
        SortBy::Total,
        SortBy::Growth1,
        SortBy::Growth7,
        SortBy::Growth,
        SortBy::Engagement,
        SortBy::Name,
        SortBy::Synced,
    ];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        ["followers", "total", "growth1", "growth7", "growth30", "engagement", "name", "synced"][self as usize]
    }
}

impl std::str::FromStr for SortBy {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        // What the order was called when there was one of growth.
        let word = if text == "growth" { "growth30" } else { text };
        Self::ALL.into_iter().find(|sort| sort.as_str() == word).ok_or_else(|| {
            let known = Self::ALL.map(SortBy::as_str).join(", ");
            UnknownName::new("sort", text, known)
        })
    }
}

/// Which influencers, in which order, from where on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfluencerQuery {
    /// The filter language of [`crate::query`]; empty means every influencer.
    pub filter: String,
    pub sort: SortBy,
    /// Smallest, oldest or last in the alphabet first; what is unknown stays last.
    pub reverse: bool,
    pub offset: u64,
    /// At most [`crate::service::PAGE_ROWS`] are given.
    pub limit: u64,
    /// Gives the part of the list around this influencer, whatever the offset; one that does not fit changes nothing.
    pub near: Option<InfluencerId>,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfluencerPage {
    /// How many fit the filter.
    pub matching: u64,
    /// How many there are at all.
    pub total: u64,
    /// How many that fit precede the first row.
    pub offset: u64,
    pub rows: Vec<InfluencerRow>,
}
