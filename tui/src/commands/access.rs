//! `roster access`: who has which role and why, the caller first.

use roster_protocol::{Access as Given, GivenRole};

use crate::client::{response, short_call};
use crate::output::json;
use crate::output::table::{Cell, Table, Tone};
use crate::output::{Ending, Failure, Look};
use crate::session::Session;

/// `roster access`
#[derive(Debug, clap::Args)]
pub struct Access {}

impl Access {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let access = response(client.access(short_call()).await)?;
        session.output.print(|| json::access::Access::from(&access), |look| text(&access, look))?;
        if !access.has_roles {
            session
                .output
                .remark("the config gives no roles: all who can connect may do everything; see [access] in the README");
        }
        Ok(Ending::Done)
    }
}

fn text(access: &Given, look: &Look) -> String {
    let mut table = Table::new(&["ROLE", "GIVEN TO", "BY", "MEMBERS"]);
    for given in &access.given {
        table.row([given.role.as_str().into(), given.to.as_str().into(), given.from.as_str().into(), members(given)]);
    }
    let Given { who, role, because, .. } = access;
    format!("{} is {}: {because}\n\n{}", who.user(), role.with_article(), table.render(look.paint))
}

fn members(given: &GivenRole) -> Cell {
    if let Some(trouble) = &given.trouble {
        return Cell::new(trouble.as_str(), Tone::Warn);
    }
    let more = (given.more > 0).then(|| format!("{} more", given.more));
    match &given.members {
        None => "".into(),
        Some(members) if members.is_empty() => Cell::new("none", Tone::Quiet),
        Some(members) => members.iter().cloned().chain(more).collect::<Vec<_>>().join(", ").into(),
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::{Role, Who};

    use super::*;
    use crate::samples;

    fn access() -> Given {
        let given = |role, to: &str, from: &str| GivenRole {
            role,
            to: to.to_owned(),
            from: from.to_owned(),
            members: None,
            more: 0,
            trouble: None,
        };
        let marketing = given(Role::Viewer, "group:marketing", "/etc/roster/rosterd.toml:12");
        let gone = given(Role::Viewer, "user:gone", "/etc/roster/rosterd.toml:12");
        let members = Some(vec!["ana".to_owned(), "bo".to_owned()]);
        Given {
            who: Who { uid: 1001, name: "ana".to_owned() },
            role: Role::Viewer,
            because: "a member of the group marketing, by /etc/roster/rosterd.toml:12".to_owned(),
            has_roles: true,
            given: vec![
                given(Role::Admin, "user:root", "always"),
                GivenRole { members, more: 3, ..marketing },
                GivenRole { trouble: Some("this host has no such name".to_owned()), ..gone },
            ],
        }
    }

    #[test]
    fn the_caller_is_first_then_each_role_with_those_who_have_it() {
        insta::assert_snapshot!(text(&access(), &samples::look()), @r"
        ana is a viewer: a member of the group marketing, by /etc/roster/rosterd.toml:12

        ROLE    GIVEN TO         BY                           MEMBERS
        admin   user:root        always
        viewer  group:marketing  /etc/roster/rosterd.toml:12  ana, bo, 3 more
        viewer  user:gone        /etc/roster/rosterd.toml:12  this host has no such name
        ");
    }

    #[test]
    fn json_has_the_names_scripts_rely_on() {
        insta::assert_snapshot!(samples::lines(json::access::Access::from(&access())), @r#"
        {"you":{"uid":1001,"name":"ana","role":"viewer","because":"a member of the group marketing,
         by /etc/roster/rosterd.toml:12"},"configured":true,"roles":[{"role":"admin","to":"user:root",
        "from":"always","members":null,"more":0,"trouble":null},{"role":"viewer","to":"group:marketing",
        "from":"/etc/roster/rosterd.toml:12","members":["ana","bo"],"more":3,"trouble":null},
        {"role":"viewer","to":"user:gone","from":"/etc/roster/rosterd.toml:12","members":null,"more":0,
        "trouble":"this host has no such name"}]}
        "#);
    }
}
