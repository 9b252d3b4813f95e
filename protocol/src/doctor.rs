//! What an examination finds: by the daemon on its side, by the client on its own.

use serde::{Deserialize, Serialize};

use crate::time::Seconds;

/// How something is, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Well,
    /// It is as it was chosen, and it may be news what that means.
    Note,
    /// It works, and something is missing or will fail.
    Warning,
    /// Something does not work.
    Fault,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, in a word or two: `config`, `key`, `redirect URI`.
    pub what: String,
    pub verdict: Verdict,
    /// What was found, in a sentence without its end.
    pub found: String,
    /// What to do; `None` where nothing is to be done.
    pub fix: Option<String>,
}

impl Finding {
    /// Something that is as it should be.
    pub fn well(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), verdict: Verdict::Well, found: found.into(), fix: None }
    }

    /// Something that is as it was chosen.
    pub fn note(what: &str, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, ..Self::well(what, found) }
    }

    /// Something that works, but not for good, and what to do.
    pub fn warning(what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, fix: Some(fix.into()), ..Self::well(what, found) }
    }

    /// Something that does not work, and what to do.
    pub fn fault(what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fault, ..Self::warning(what, found, fix) }
    }
}

/// What the daemon found on its side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    pub findings: Vec<Finding>,
    /// The unit of the service manager that started it; `None` where none did.
    pub unit: Option<ServiceUnit>,
    /// The longest that it takes to end.
    pub ends_within: Seconds,
}

/// A unit of a service manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceUnit {
    /// `rosterd.service`.
    pub name: String,
    /// Whether it is of a user's manager, and not of the system's.
    pub of_user: bool,
}
