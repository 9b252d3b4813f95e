//! Roles: what a user may do, and which users have which role.

use serde::{Deserialize, Serialize};

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
}
