//! Who has which role.

use roster_protocol as protocol;
use serde::Serialize;

/// `access`
#[derive(Debug, Serialize)]
pub struct Access {
    you: You,
    /// Whether the config gives roles.
    configured: bool,
    roles: Vec<Given>,
}

#[derive(Debug, Serialize)]
struct You {
    uid: u32,
    name: String,
    role: &'static str,
    because: String,
}

#[derive(Debug, Serialize)]
struct Given {
    role: &'static str,
    to: String,
    from: String,
    /// `null` for a user, and where the group is not known.
    members: Option<Vec<String>>,
    /// Members that are not listed.
    more: u64,
    trouble: Option<String>,
}

impl From<&protocol::Access> for Access {
    fn from(access: &protocol::Access) -> Self {
        let protocol::Access { who, role, because, has_roles, given } = access;
        let you = You { uid: who.uid, name: who.name.clone(), role: role.as_str(), because: because.clone() };
        Self { you, configured: *has_roles, roles: given.iter().map(Given::from).collect() }
    }
}

impl From<&protocol::GivenRole> for Given {
    fn from(given: &protocol::GivenRole) -> Self {
        Self {
            role: given.role.as_str(),
            to: given.to.clone(),
            from: given.from.clone(),
            members: given.members.clone(),
            more: given.more,
            trouble: given.trouble.clone(),
        }
    }
}
