//! The host's user database, through the C library: files, or a directory service. Every call here may block.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, getgrouplist};
use roster_protocol::text::clean;

use super::role::User;
use crate::process::config::Principal;

/// The longest name that is shown.
const NAME_CHARACTERS: usize = 64;
/// Where it says which databases there are.
const SWITCH: &str = "/etc/nsswitch.conf";
/// Databases that are files of this host.
const LOCAL: [&str; 4] = ["files", "compat", "db", "systemd"];

/// A user by its uid; `None` when there was no response. `with_groups`: also the groups it is in, which directory services
/// are looked through for.
pub fn user(uid: u32, with_groups: bool) -> Option<User> {
    let found = responded(nix::unistd::User::from_uid(Uid::from_raw(uid)))?;
    let Some(found) = found else { return Some(User { name: String::new(), groups: None }) };
    let groups = match CString::new(found.name.as_str()) {
        Ok(name) if with_groups => getgrouplist(&name, found.gid).ok()?,
        _ => Vec::new(),
    };
    let groups = groups.into_iter().map(Gid::as_raw).collect();
    Some(User { name: clean(&found.name, NAME_CHARACTERS), groups: Some(groups) })
}

/// The uid or gid of a name, `None` in it when there is no such name; `None` when there was no response.
pub fn id(principal: &Principal) -> Option<Option<u32>> {
    match principal {
        Principal::User(name) => Some(responded(nix::unistd::User::from_name(name))?.map(|user| user.uid.as_raw())),
        Principal::Group(name) => Some(responded(Group::from_name(name))?.map(|group| group.gid.as_raw())),
    }
}

/// A group as the host has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// The group's name.
    pub name: String,
    /// The names of its members, in order; those whose own group it is are among them as far as they are users of this host.
    pub members: Vec<String>,
}

/// The members of a group; `None` when there was no response, `None` in it when there is no such group.
pub fn members(gid: u32) -> Option<Option<Members>> {
    let Some(group) = responded(Group::from_gid(Gid::from_raw(gid)))? else { return Some(None) };
    let own = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut members: Vec<String> = group.mem.iter().map(|name| clean(name, NAME_CHARACTERS)).collect();
    members.extend(whose_own_group(&own, gid));
    members.sort_unstable();
    members.dedup();
    Some(Some(Members { name: clean(&group.name, NAME_CHARACTERS), members }))
}

/// The users in a passwd file whose own group this is.
fn whose_own_group(passwd: &str, gid: u32) -> impl Iterator<Item = String> {
    passwd.lines().filter_map(move |line| {
        let mut fields = line.split(':');
        let (name, own) = (fields.next()?, fields.nth(2)?);
        (own.parse() == Ok(gid)).then(|| clean(name, NAME_CHARACTERS))
    })
}

/// Whether names may be in a directory service, which can have them later: by the line of `passwd` or `group`.
pub fn has_directory_service(principal: &Principal) -> bool {
    let database = match principal {
        Principal::User(_) => "passwd",
        Principal::Group(_) => "group",
    };
    names_a_service(&std::fs::read_to_string(SWITCH).unwrap_or_default(), database)
}

fn names_a_service(switch: &str, database: &str) -> bool {
    let lines = switch.lines().filter_map(|line| line.split('#').next()?.split_once(':'));
    let mut services = lines.filter(|(name, _)| name.trim() == database).flat_map(|(_, rest)| rest.split_whitespace());
    // What is in brackets says what follows from a result.
    services.any(|service| !service.starts_with('[') && !service.contains('=') && !LOCAL.contains(&service))
}

/// A response of the C library, which has several errors for a name that is not there; `None` for others.
fn responded<T>(found: nix::Result<Option<T>>) -> Option<Option<T>> {
    match found {
        Ok(found) => Some(found),
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Some(None),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_service_is_what_is_no_file() {
        let switch =
            "# comment\npasswd:  files systemd\ngroup: files [SUCCESS=merge] sss # local first\nhosts: files dns\n";
        assert!(!names_a_service(switch, "passwd"));
        assert!(names_a_service(switch, "group"));
        assert!(!names_a_service("", "group"));
        assert!(!names_a_service("group: files [NOTFOUND = return]", "passwd"));
    }

    #[test]
    fn those_whose_own_group_it_is_are_members_too() {
        let passwd = "root:x:0:0::/root:/bin/sh\nana:x:1001:50::/home/ana:/bin/sh\nbroken\nbo:x:1002:x::/:/\n";
        assert_eq!(whose_own_group(passwd, 50).collect::<Vec<_>>(), ["ana"]);
        assert_eq!(whose_own_group(passwd, 0).collect::<Vec<_>>(), ["root"]);
    }

    #[test]
    fn this_host_has_root() {
        assert_eq!(id(&Principal::User("root".to_owned())), Some(Some(0)));
        assert_eq!(id(&Principal::Group("no-such-group-here".to_owned())), Some(None));
        let root = user(0, true).expect("a response");
        assert!(root.name == "root" && root.groups.is_some_and(|groups| groups.contains(&0)));
        assert_eq!(user(4_000_000_000, true), Some(User { name: String::new(), groups: None }));
    }
}
