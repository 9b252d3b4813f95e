//! Who has which role and why, in words: for those who have one, for those who have none, and for a config that names users
//! whom this host does not know.

use std::path::Path;

use futures::future::join_all;
use roster_protocol::Role;
use roster_protocol::access::{Access, GivenRole, MOST_MEMBERS};
use roster_protocol::audit::Who;
use roster_protocol::text::clean;

use super::role::{Given, Reason};
use super::{Judge, Judged, Peer, host};
use crate::app::App;
use crate::process::config::{self, Grant, Principal};

/// The longest path that is shown.
const PATH_CHARACTERS: usize = 200;

/// Who may do what, the caller first.
pub async fn report(judge: &Judge, app: &App, peer: Peer, who: &Who) -> Access {
    let file = shown(&app.setup().file);
    let (role, because) = match judge.judge(peer).await {
        Judged::May(role, reason) => (role, because(judge, &reason, &file).await),
        // It was let in, and is about to be let out.
        Judged::MayNot | Judged::Unclear => (Role::Viewer, "your role ends now".to_owned()),
    };
    let roles = judge.roles.borrow().clone();
    let always = |to: String, from: &str| GivenRole {
        role: Role::Admin,
        to,
        from: from.to_owned(),
        members: None,
        more: 0,
        trouble: None,
    };
    let mut given = vec![always("user:root".to_owned(), "always")];
    if roles.owner != 0 {
        let owner = Who { uid: roles.owner, name: judge.name(roles.owner).await };
        given.push(always(format!("user:{}", owner.user()), "rosterd runs as it"));
    }
    match &roles.given {
        Given::NoOne => {}
        Given::Members(gid) => {
            let name = judge.group_name(*gid).await;
            given
                .push(judge.with_members(always(format!("group:{name}"), "the socket's directory has it"), *gid).await);
        }
        Given::Granted(grants) => {
            let lines = grants.iter().rev().map(|(grant, id)| granted(judge, grant, *id, &file));
            given.extend(join_all(lines).await);
        }
    }
    Access { who: who.clone(), role, because, has_roles: matches!(roles.given, Given::Granted(_)), given }
}

/// What one line of the config gives.
async fn granted(judge: &Judge, grant: &Grant, id: Option<u32>, file: &str) -> GivenRole {
    let given = GivenRole {
        role: grant.role,
        to: grant.to.to_string(),
        from: format!("{file}:{}", grant.line),
        members: None,
        more: 0,
        trouble: None,
    };
    match (id, &grant.to) {
        (Some(gid), Principal::Group(_)) => judge.with_members(given, gid).await,
        (Some(_), Principal::User(_)) => given,
        (None, _) => GivenRole { trouble: Some("this host has no such name".to_owned()), ..given },
    }
}

async fn because(judge: &Judge, reason: &Reason, file: &str) -> String {
    match reason {
        Reason::Root => "root is always an admin".to_owned(),
        Reason::Owner => "rosterd runs as this user".to_owned(),
        Reason::Member(gid) => {
            format!("a member of the group {}, which the socket's directory has", judge.group_name(*gid).await)
        }
        Reason::Granted(Grant { to: Principal::User(_), line, .. }) => format!("by {file}:{line}"),
        Reason::Granted(Grant { to: Principal::Group(name), line, .. }) => {
            format!("a member of the group {name}, by {file}:{line}")
        }
    }
}

impl Judge {
    /// The name of a group, or its number.
    async fn group_name(&self, gid: u32) -> String {
        let group = self.groups.get(&gid).await;
        group.as_deref().cloned().flatten().map_or_else(|| format!("gid {gid}"), |group| group.name)
    }

    async fn with_members(&self, given: GivenRole, gid: u32) -> GivenRole {
        match self.groups.get(&gid).await.as_deref() {
            None => GivenRole { trouble: Some("the host's user database does not respond".to_owned()), ..given },
            Some(None) => GivenRole { trouble: Some("this host has no such name".to_owned()), ..given },
            Some(Some(group)) => {
                let members: Vec<String> = group.members.iter().take(MOST_MEMBERS).cloned().collect();
                let more = (group.members.len() - members.len()) as u64;
                GivenRole { members: Some(members), more, ..given }
            }
        }
    }

    /// Whom a user turns to who has no role: the groups whose members have one.
    pub async fn turn_to(&self, config: &Path) -> String {
        let roles = self.roles.borrow().clone();
        match &roles.given {
            Given::NoOne => "it belongs to another user; start one of your own: `rosterd run`".to_owned(),
            Given::Members(gid) => {
                format!("ask to be added to the group `{}`, then log in again", self.group_name(*gid).await)
            }
            Given::Granted(grants) => match groups(grants) {
                Some(groups) => format!("ask to be added to {groups}; that counts within a minute"),
                None => format!("ask an admin of this host for a role: [access] in {} gives it", shown(config)),
            },
        }
    }
}

/// The groups that give a role, the least first.
fn groups(grants: &[(Grant, Option<u32>)]) -> Option<String> {
    let groups = grants.iter().filter_map(|(grant, id)| match &grant.to {
        Principal::Group(name) if id.is_some() => Some(format!("the group `{name}` ({})", grant.role)),
        Principal::Group(_) | Principal::User(_) => None,
    });
    let groups: Vec<String> = groups.take(8).collect();
    (!groups.is_empty()).then(|| groups.join(" or "))
}

/// The names of `[access]` that this host does not know, each with its line and what that means. `true`: no directory service
/// can have them, so they are mistyped.
pub fn unknown_names(access: &config::Access) -> Vec<(usize, String, bool)> {
    let said = access.grants.iter().filter_map(|grant| match host::id(&grant.to) {
        Some(Some(_)) => None,
        None => {
            let message = format!("{} cannot be looked up now: the host's user database does not respond", grant.to);
            Some((grant.line, message, false))
        }
        Some(None) if host::has_directory_service(&grant.to) => {
            let message = format!("this host has no {}, unless its directory service has it later", grant.to);
            Some((grant.line, message, false))
        }
        Some(None) => Some((grant.line, format!("this host has no {}", grant.to), true)),
    });
    said.collect()
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string(), PATH_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_to_turn_to_is_the_groups_that_give_a_role() {
        let grant = |role, to, id| (Grant { role, to, line: 2 }, id);
        let group = |name: &str| Principal::Group(name.to_owned());
        let grants = [
            grant(Role::Viewer, group("marketing"), Some(1)),
            grant(Role::Viewer, group("gone"), None),
            grant(Role::Analyst, Principal::User("bo".to_owned()), Some(2)),
            grant(Role::Analyst, group("roster"), Some(3)),
        ];
        let said = "the group `marketing` (viewer) or the group `roster` (analyst)";
        assert_eq!(groups(&grants).as_deref(), Some(said));
        assert_eq!(groups(&grants[1..3]), None);
    }

    #[test]
    fn names_that_this_host_does_not_know_are_said_with_their_line() {
        let text = "[access]\nviewer = [\"user:root\"]\nadmin = [\"group:no-such-group-here\"]\n";
        let access = config::Config::parse(text, "f").expect("a config").access.expect("the section");
        let [(line, message, _)] = &unknown_names(&access)[..] else { panic!("one") };
        assert!(*line == 3 && message.starts_with("this host has no group:no-such-group-here"), "{message}");
    }
}
