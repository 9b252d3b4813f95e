//! Which role a user has, and why. Pure.

use roster_protocol::Role;

use crate::process::config::{Grant, Principal};

/// A client's user, as the kernel reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub uid: u32,
    pub gid: u32,
}

/// A user as the host's user database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Empty when the uid has none.
    pub name: String,
    /// `None` when the database does not have the uid.
    pub groups: Option<Vec<u32>>,
}

/// Who has which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// The daemon's own uid.
    pub owner: u32,
    pub given: Given,
}

/// To whom roles are given besides root and the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    NoOne,
    /// Without `[access]`: members of the group of the socket's directory may do everything.
    Members(u32),
    /// What the config gives, each with the uid or gid; `None`: the host has no such name, as far as is known.
    Granted(Vec<(Grant, Option<u32>)>),
}

/// Why a user has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Root,
    Owner,
    /// It is a member of the group of the socket's directory.
    Member(u32),
    Granted(Grant),
}

impl Roles {
    /// Whether this is root or the daemon's owner.
    pub fn is_operator(&self, uid: u32) -> bool {
        uid == 0 || uid == self.owner
    }

    /// The role of a user, the highest of those that it has; `None` when it has none. `user`: what is known of it.
    pub fn of(&self, peer: Peer, user: Option<&User>) -> Option<(Role, Reason)> {
        if self.is_operator(peer.uid) {
            return Some((Role::Admin, if peer.uid == 0 { Reason::Root } else { Reason::Owner }));
        }
        let groups = user.and_then(|user| user.groups.as_deref());
        match &self.given {
            Given::NoOne => None,
            Given::Members(group) => {
                let is_member = peer.gid == *group || groups.is_some_and(|groups| groups.contains(group));
                is_member.then_some((Role::Admin, Reason::Member(*group)))
            }
            Given::Granted(grants) => {
                // A process keeps the group that it began with after its user has left it: that counts only for a uid that
                // is in no database, and can leave no group.
                let is_in_none = user.is_some_and(|user| user.groups.is_none());
                let is_in = |group| groups.map_or(is_in_none && peer.gid == group, |groups| groups.contains(&group));
                let fits = |(grant, id): &&(Grant, Option<u32>)| match (&grant.to, id) {
                    (_, None) => false,
                    (Principal::User(_), Some(uid)) => *uid == peer.uid,
                    (Principal::Group(_), Some(group)) => is_in(*group),
                };
                let highest =
                    grants.iter().filter(fits).max_by_key(|(grant, _)| (grant.role, std::cmp::Reverse(grant.line)));
                highest.map(|(grant, _)| (grant.role, Reason::Granted(grant.clone())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: u32 = 1001;
    const MARKETING: u32 = 501;
    const ROSTER: u32 = 502;

    fn granted() -> Roles {
        let grant = |role, to, line, id| (Grant { role, to, line }, id);
        let (user, group) =
            (|name: &str| Principal::User(name.to_owned()), |name: &str| Principal::Group(name.to_owned()));
        let grants = vec![
            grant(Role::Viewer, group("marketing"), 2, Some(MARKETING)),
            grant(Role::Analyst, group("roster"), 3, Some(ROSTER)),
            grant(Role::Admin, user("ana"), 4, Some(ANA)),
            grant(Role::Admin, user("gone"), 4, None),
        ];
        Roles { owner: 900, given: Given::Granted(grants) }
    }

    fn user(groups: &[u32]) -> User {
        User { name: "bo".to_owned(), groups: Some(groups.to_vec()) }
    }

    #[test]
    fn the_highest_role_counts_and_says_why() {
        let check = |uid, groups: &[u32], expected: Option<(Role, Option<usize>)>| {
            // A group that the process carries and the database does not have is none.
            let found = granted().of(Peer { uid, gid: ROSTER }, Some(&user(groups)));
            let line = |reason| if let Reason::Granted(grant) = reason { Some(grant.line) } else { None };
            assert_eq!(found.map(|(role, reason)| (role, line(reason))), expected, "{uid} {groups:?}");
        };
        check(0, &[], Some((Role::Admin, None)));
        check(900, &[], Some((Role::Admin, None)));
        check(ANA, &[], Some((Role::Admin, Some(4))));
        check(ANA, &[MARKETING], Some((Role::Admin, Some(4))));
        check(1002, &[7, MARKETING], Some((Role::Viewer, Some(2))));
        check(1002, &[MARKETING, ROSTER], Some((Role::Analyst, Some(3))));
        check(1002, &[7], None);
        check(1002, &[], None);
    }

    #[test]
    fn a_uid_that_no_database_has_is_in_the_group_of_its_process() {
        let nameless = User { name: String::new(), groups: None };
        let of = |gid, user| granted().of(Peer { uid: 5000, gid }, user).map(|(role, _)| role);
        assert_eq!(of(ROSTER, Some(&nameless)), Some(Role::Analyst));
        assert_eq!(of(7, Some(&nameless)), None);
        assert_eq!(of(ROSTER, None), None, "whether it is in one is not known");
    }

    #[test]
    fn without_roles_members_may_do_everything() {
        let check = |given, uid, gid, groups: Option<&[u32]>, is_admin| {
            let user = groups.map(user);
            let role = Roles { owner: 900, given }.of(Peer { uid, gid }, user.as_ref()).map(|(role, _)| role);
            assert_eq!(role, if is_admin { Some(Role::Admin) } else { None }, "{uid} {gid} {groups:?}");
        };
        check(Given::Members(ROSTER), 1002, ROSTER, None, true);
        check(Given::Members(ROSTER), 1002, 7, Some(&[ROSTER]), true);
        check(Given::Members(ROSTER), 1002, 7, Some(&[7]), false);
        check(Given::NoOne, 1002, ROSTER, Some(&[ROSTER]), false);
        check(Given::NoOne, 900, 7, None, true);
    }
}
