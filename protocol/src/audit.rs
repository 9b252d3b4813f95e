//! Who did what, when.

use serde::{Deserialize, Serialize};

use crate::folding::folded;
use crate::metric::UnknownName;
use crate::time::Timestamp;

/// A person on this host, from the socket's peer credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    pub uid: u32,
    /// The account's name; empty when the uid has none.
    pub name: String,
}

impl Who {
    /// How the user is named in what is stored.
    pub fn user(&self) -> String {
        if self.name.is_empty() { format!("uid {}", self.uid) } else { self.name.clone() }
    }
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its position in the log, counted from 1 without gaps.
    pub number: u64,
    pub at: Timestamp,
    /// The acting user; `None` for the daemon.
    pub who: Option<Who>,
    /// What was done, such as `influencer.add` or `profile.update`.
    pub action: String,
    /// To what: an id and a readable name.
    pub on: String,
    /// The value before, for display.
    pub old: Option<String>,
    /// The value after, for display.
    pub new: Option<String>,
    /// What caused it: `person`, `sync`, `manual` …
    pub cause: String,
}

/// What a check of the whole audit log found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCheck {
    /// How many entries there are.
    pub entries: u64,
    /// The number of the last one, 0 before the first, and its hash in hexadecimal digits; the daemon's log has the same.
    pub last: u64,
    pub hash: String,
    /// What is wrong, in words that name the entry; the first hundred.
    pub faults: Vec<String>,
}

/// What can be paused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseTarget {
    All,
    Platform(String),
    /// An influencer or connection, as a person names it.
    One(String),
}

impl std::str::FromStr for PauseTarget {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        match text.split_once(':') {
            _ if text == "all" => Ok(PauseTarget::All),
            Some(("platform", "")) => Err(UnknownName::new("platform", "", "write platform:bluesky")),
            Some(("platform", slug)) => Ok(PauseTarget::Platform(folded(slug))),
            _ => Ok(PauseTarget::One(text.to_owned())),
        }
    }
}
