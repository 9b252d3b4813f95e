//! The way to the daemon, and what it finds on its side; without one, what this user can find out about its start.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{Gid, Group, User, getgrouplist, getgroups};
use roster_protocol::paths::sockets_to_try;
use roster_protocol::transport::ConnectError;
use roster_protocol::{Finding, RosterClient, RosterError, Status};

use super::{program, service};
use crate::client::{find, long_call, response, short_call, unreachable};

/// How long `rosterd check-config` may take: it waits for disks itself.
const CHECK: Duration = Duration::from_secs(15);
/// The group that the package makes.
const GROUP: &str = "roster";

/// What was found, and whether a daemon responded.
pub struct Reached {
    pub findings: Vec<Finding>,
    pub is_reached: bool,
}

/// The daemon at a socket, or else the user's or the system's.
pub async fn look(given: Option<&Path>) -> Reached {
    match find(given).await {
        Ok((client, socket)) => Reached { findings: of_daemon(&client, &socket).await, is_reached: true },
        Err(error) => Reached { findings: without(&error, given).await, is_reached: false },
    }
}

async fn of_daemon(client: &RosterClient, socket: &Path) -> Vec<Finding> {
    let (status, examined) = tokio::join!(client.status(short_call()), client.examine(long_call()));
    let mut found = match response(status) {
        Ok(status) => vec![of_version(&status, socket)],
        Err(error) => vec![refused("daemon", error)],
    };
    match response(examined) {
        Ok(examined) => {
            found.extend(examined.findings);
            if let Some(unit) = &examined.unit {
                found.extend(service::look(unit, examined.ends_within).await);
            }
        }
        Err(error) => found.push(refused("daemon's side", error)),
    }
    found
}

fn refused(what: &str, error: RosterError) -> Finding {
    Finding::fault(what, error.message, error.hint.unwrap_or_default())
}

fn of_version(status: &Status, socket: &Path) -> Finding {
    let (ours, theirs, socket) = (env!("CARGO_PKG_VERSION"), &status.version, socket.display());
    match ours == theirs {
        true => Finding::well("daemon", format!("rosterd {theirs} responds on {socket}")),
        false => Finding::warning(
            "daemon",
            format!("rosterd {theirs} responds on {socket}, and this is roster {ours}"),
            "restart rosterd where it was upgraded meanwhile; install the same version of both",
        ),
    }
}

/// Why none responds, and what would keep one from starting.
async fn without(error: &ConnectError, given: Option<&Path>) -> Vec<Finding> {
    let reported = unreachable(error, given);
    let fix = match error {
        ConnectError::NotPermitted { turn_to: Some(turn_to), .. } => turn_to.clone(),
        ConnectError::NotPermitted { path, turn_to: None } => how_to_join(Path::new(path)),
        _ => reported.hint.unwrap_or_default(),
    };
    let mut found = vec![Finding::fault("daemon", reported.message, fix)];
    if let ConnectError::NotThere { .. } = error {
        let tried: Vec<String> = sockets_to_try(given).iter().map(|path| path.display().to_string()).collect();
        found.push(Finding::note("socket", format!("looked for at {}", tried.join(", then "))));
        found.extend(of_config().await);
    }
    found
}

/// What this user does to be let in.
fn how_to_join(socket: &Path) -> String {
    let meta = std::fs::metadata(socket).or_else(|_| std::fs::metadata(socket.parent().unwrap_or(socket)));
    let group =
        meta.ok().filter(|it| it.gid() != 0).and_then(|it| Group::from_gid(Gid::from_raw(it.gid())).ok().flatten());
    let group = group.or_else(|| Group::from_name(GROUP).ok().flatten());
    let user = User::from_uid(nix::unistd::getuid()).ok().flatten();
    let (Some(group), Some(user)) = (group, user) else {
        return format!("have an administrator add you to the group `{GROUP}`, then log in again");
    };
    let name = std::ffi::CString::new(user.name.clone()).unwrap_or_default();
    let listed = getgrouplist(&name, user.gid).is_ok_and(|groups| groups.contains(&group.gid));
    let has = getgroups().is_ok_and(|groups| groups.contains(&group.gid));
    joining(&group.name, &user.name, listed, has)
}

fn joining(group: &str, user: &str, is_listed: bool, has: bool) -> String {
    match (is_listed, has) {
        (_, true) => format!(
            "you are in the group `{group}`: the administrator's [access] lets others in, or it is another user's"
        ),
        (true, false) => {
            format!("you are in the group `{group}` since after you logged in: log in again, or `newgrp {group}`")
        }
        (false, false) => format!("`sudo usermod -aG {group} {user}`, then log in again"),
    }
}

/// What `rosterd check-config` says, where rosterd is installed.
async fn of_config() -> Vec<Finding> {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("rosterd")).filter(|it| it.is_file());
    let rosterd = beside.unwrap_or_else(|| PathBuf::from("rosterd"));
    match program::run(&rosterd, &["check-config"], CHECK).await {
        None => vec![Finding::warning(
            "rosterd",
            "it is not installed here",
            "install the package `rosterd`, or build it beside roster",
        )],
        Some(said) => checked(said.well, &said.out, &said.err),
    }
}

/// The lines of a check as findings.
fn checked(well: bool, out: &str, err: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for line in err.lines() {
        match line.split_once(": ") {
            Some(("warning", said)) => found.push(Finding { fix: None, ..Finding::warning("config", said, "") }),
            Some(("note", said)) => found.push(Finding::note("config", said)),
            Some(("error", said)) => {
                found.push(Finding::fault("config", said, "correct that before rosterd is started"))
            }
            Some(("hint", said)) => {
                found.iter_mut().last().into_iter().for_each(|last| last.fix = Some(said.to_owned()))
            }
            _ => {}
        }
    }
    if well {
        found.insert(0, Finding::well("config", out.lines().next().unwrap_or("it is fine")));
    }
    found
}

#[cfg(test)]
mod tests {
    use roster_protocol::Verdict;

    use super::*;

    #[test]
    fn who_is_not_let_in_learns_what_to_do() {
        let check = |is_listed, has, words: &str| {
            let said = joining("roster", "ana", is_listed, has);
            assert!(said.contains(words), "{said}");
        };
        check(false, false, "`sudo usermod -aG roster ana`, then log in again");
        check(true, false, "log in again, or `newgrp roster`");
        check(true, true, "[access]");
    }

    #[test]
    fn a_check_s_lines_are_findings() {
        let err = "error: /etc/x.toml:3: unknown key\nhint: did you mean y?\n";
        let found = checked(false, "", err);
        assert_eq!((found.len(), found[0].verdict), (1, Verdict::Fault));
        assert_eq!(
            (found[0].found.as_str(), found[0].fix.as_deref()),
            ("/etc/x.toml:3: unknown key", Some("did you mean y?"))
        );
        let found = checked(true, "/etc/x.toml is fine\n", "warning: it is open\nnote: scopes\n");
        let verdicts: Vec<Verdict> = found.iter().map(|it| it.verdict).collect();
        assert_eq!(verdicts, [Verdict::Well, Verdict::Warning, Verdict::Note]);
    }
}
