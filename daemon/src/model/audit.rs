//! Lines of the audit log, and the chain that they make.

use roster_protocol::audit::Who;
use roster_protocol::ids::InfluencerId;
use roster_protocol::time::Timestamp;

use super::Sealed;

/// One line of the audit log before it has its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    pub at: Timestamp,
    pub who: Option<Who>,
    pub action: String,
    pub on: On,
    pub old: Option<String>,
    pub new: Option<String>,
    pub cause: String,
    /// The name in `on`, `old` and `new`, sealed under the influencer's data key; these are then `None`.
    pub sealed: Option<Sealed>,
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    /// An id, or words that name no influencer. It is stored in the clear.
    pub what: String,
    /// A readable name.
    pub name: Option<String>,
    /// Whom it is about: their data key seals the name, and what was and is.
    pub influencer: Option<InfluencerId>,
}

impl On {
    /// Something about an influencer.
    pub fn of(influencer: InfluencerId, id: impl ToString, name: impl Into<String>) -> Self {
        Self { what: id.to_string(), name: Some(name.into()), influencer: Some(influencer) }
    }
}

impl From<String> for On {
    /// What is about no influencer.
    fn from(what: String) -> Self {
        Self { what, name: None, influencer: None }
    }
}

impl From<&str> for On {
    fn from(what: &str) -> Self {
        what.to_owned().into()
    }
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// A line's place in the chain: its number, and the hash over it and all lines before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainEnd {
    pub number: u64,
    pub hash: [u8; 32],
}

/// What is wrong with the chain of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditFault {
    /// These lines are missing.
    Missing { from: u64, to: u64 },
    /// This line cannot be read.
    Damaged(u64),
    /// This line does not follow from the one before it: one of both was changed.
    Changed(u64),
    /// This line is behind the end.
    Added(u64),
    /// The log does not say how it ends or begins.
    NoEnd,
}

impl std::fmt::Display for AuditFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AuditFault::Missing { from, to } if from == to => write!(f, "entry {from} is missing"),
            AuditFault::Missing { from, to } => write!(f, "entries {from} to {to} are missing"),
            AuditFault::Damaged(number) => write!(f, "entry {number} is damaged"),
            AuditFault::Changed(number) => {
                write!(f, "entry {number} does not follow from the one before it: one of both was changed")
            }
            AuditFault::Added(number) => write!(f, "entry {number} was added behind the end"),
            AuditFault::NoEnd => f.write_str("the record of where it begins and ends is damaged"),
        }
    }
}
