//! `[access]`: which users of this host may do what. Whether the names are known here is not checked: the host's user database
//! may be a directory service that has them later, or does not respond now.

use std::fmt;

use roster_protocol::Role;
use serde::Deserialize;
use toml::Spanned;

use super::keys::line_of;

/// Who has which role besides root and the daemon's owner, who are admins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// In the order of the roles, the least first, and then as written.
    pub grants: Vec<Grant>,
}

/// A role that the config gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    pub to: Principal,
    /// From 1.
    pub line: usize,
}

/// To whom a role is given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    User(String),
    /// Each member.
    Group(String),
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::User(name) => write!(f, "user:{name}"),
            Principal::Group(name) => write!(f, "group:{name}"),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAccess {
    viewer: Vec<Spanned<String>>,
    analyst: Vec<Spanned<String>>,
    admin: Vec<Spanned<String>>,
}

/// More are a directory's work: a group has as many members as it likes.
const MOST_GRANTS: usize = 256;
/// The longest name that Linux has for a user or a group.
const LONGEST_NAME: usize = 32;
/// A directory's names may be longer: with their domain.
const LONGEST_DIRECTORY_NAME: usize = 256;

/// What the section means; an error has the line.
pub(super) fn read(raw: RawAccess, text: &str) -> Result<Access, (usize, String)> {
    let roles = [(Role::Viewer, raw.viewer), (Role::Analyst, raw.analyst), (Role::Admin, raw.admin)];
    let mut grants: Vec<Grant> = Vec::new();
    for (role, written) in roles.into_iter().flat_map(|(role, all)| all.into_iter().map(move |one| (role, one))) {
        let line = line_of(text, written.span().start);
        let to = principal(written.as_ref()).ok_or_else(|| {
            let message =
                format!("{:?} is no user or group: write \"user:ana\" or \"group:marketing\"", written.as_ref());
            (line, message)
        })?;
        if let Some(before) = grants.iter().find(|grant| grant.to == to) {
            let message = format!("{to} is {} already, by line {}", before.role.with_article(), before.line);
            return Err((line, message));
        }
        if grants.len() == MOST_GRANTS {
            return Err((line, format!("more than {MOST_GRANTS} names: give the role to a group instead")));
        }
        grants.push(Grant { role, to, line });
    }
    Ok(Access { grants })
}

fn principal(text: &str) -> Option<Principal> {
    let (kind, name) = text.split_once(':')?;
    let most = if name.contains(['@', '\\']) { LONGEST_DIRECTORY_NAME } else { LONGEST_NAME };
    let is_name = (1..=most).contains(&name.len())
        && !name.starts_with('-')
        && !name.contains(|c: char| c.is_control() || c == ':' || c == '/');
    match kind {
        _ if !is_name => None,
        "user" => Some(Principal::User(name.to_owned())),
        "group" => Some(Principal::Group(name.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn check(keys: &str, expected: &str) {
        let error = Config::parse(&format!("[access]\n{keys}\n"), "rosterd.toml").expect_err(keys);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn roles_are_given_to_users_and_groups_each_with_its_line() {
        assert_eq!(Config::parse("", "f").expect("defaults").access, None);
        let empty = Config::parse("[access]\n", "f").expect("a good config").access;
        assert_eq!(empty, Some(Access { grants: Vec::new() }), "only root and the owner");
        let text =
            "[access]\nadmin = [\"user:ana\"]\nviewer = [\n  \"group:marketing\",\n  \"user:bo@corp.example\",\n]\n";
        let grants = Config::parse(text, "f").expect("a good config").access.expect("the section").grants;
        let grants: Vec<_> = grants.iter().map(|it| (it.role.as_str(), it.to.to_string(), it.line)).collect();
        let expected = [
            ("viewer", "group:marketing".to_owned(), 4),
            ("viewer", "user:bo@corp.example".to_owned(), 5),
            ("admin", "user:ana".to_owned(), 2),
        ];
        assert_eq!(grants, expected);
    }

    #[test]
    fn what_gives_no_role_is_refused_with_its_line() {
        let form = |name: &str| format!("{name:?} is no user or group: write \"user:ana\" or \"group:marketing\"");
        check("admin = [\"ana\"]", &format!("rosterd.toml:2: {}", form("ana")));
        check("admin = [\"user:\"]", &format!("rosterd.toml:2: {}", form("user:")));
        check("admin = [\n\"user:a\",\n\"host:b\"]", &format!("rosterd.toml:4: {}", form("host:b")));
        check("viewer = [\"user:a\\u001bb\"]", &format!("rosterd.toml:2: {}", form("user:a\u{1b}b")));
        check("viewers = []", "rosterd.toml:2: unknown key access.viewers; did you mean viewer?");
        check("viewer = [\"user:a\"]\nadmin = [\"user:a\"]", "rosterd.toml:3: user:a is a viewer already, by line 2");
        check("viewer = \"user:a\"", "rosterd.toml:2: invalid type: string \"user:a\": write a list such as [\"x\"]");
        let many: Vec<String> = (0..=MOST_GRANTS).map(|number| format!("\"user:u{number}\"")).collect();
        let more = "rosterd.toml:2: more than 256 names: give the role to a group instead";
        check(&format!("viewer = [{}]", many.join(",")), more);
    }
}
