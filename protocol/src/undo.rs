//! What taking a change back did.

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, InfluencerId};

/// A change that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// What is as it was before, such as `the note, tags`.
    pub what: String,
    /// Of whom or what, by name; `None` where there are several.
    pub on: Option<String>,
    /// Whose it is; `None` where it is of no single influencer.
    pub influencer: Option<InfluencerId>,
    /// Of which connection it is; `None` where it is of none.
    pub connection: Option<ConnectionId>,
}

/// What is said when there is nothing to take back.
pub const NOTHING: &str = "there is no change of yours of the last day to take back";

impl std::fmt::Display for Undone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "taken back: {}", self.what)?;
        self.on.iter().try_for_each(|on| write!(f, " of {on}"))
    }
}
