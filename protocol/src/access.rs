//! Roles: what a user may do, and which users have which role.

use serde::{Deserialize, Serialize};

use crate::audit::Who;
use crate::words::words;

/// What a user may do. Each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Sees everything but secrets, and keeps its own desktop and what it has read up to date.
    Viewer,
    /// Works with the roster: syncs, acknowledges, edits, records, connects, pauses, merges.
    Analyst,
    /// Removes, disconnects, and changes rules and how the daemon runs.
    Admin,
}

words!(Role, "role": Viewer = "viewer", Analyst = "analyst", Admin = "admin");

impl Role {
    /// The role with its article: `an analyst`.
    pub fn with_article(self) -> &'static str {
        match self {
            Role::Viewer => "a viewer",
            Role::Analyst => "an analyst",
            Role::Admin => "an admin",
        }
    }

    /// That something needs this role, which one with another does not have.
    pub fn is_needed(self, own: Role) -> String {
        format!("this needs {}, and you are {} here", self.with_article(), own.with_article())
    }
}

/// How many members of a group are listed.
pub const MOST_MEMBERS: usize = 50;

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The caller.
    pub who: Who,
    pub role: Role,
    /// Why the caller has this role, in a sentence.
    pub because: String,
    /// Whether the config gives roles; without, all who can connect may do everything.
    pub has_roles: bool,
    /// All that gives a role, admins first.
    pub given: Vec<GivenRole>,
}

/// A role, and to whom it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenRole {
    pub role: Role,
    /// `user:ana` or `group:marketing`.
    pub to: String,
    /// What gives it: a line of the config, or a rule that always holds.
    pub from: String,
    /// The members of a group in alphabetical order, [`MOST_MEMBERS`] at most; `None` for a user, and where the group is not
    /// known.
    pub members: Option<Vec<String>>,
    /// How many members more there are.
    pub more: u64,
    /// Why it gives no user anything now: the name is unknown here, or the user database does not respond. `None` when it does.
    pub trouble: Option<String>,
}
