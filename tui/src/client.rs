//! Reaches the daemon: finds its socket, explains why it cannot be reached, and starts one for this user.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::unistd::{Gid, Group};
use roster_protocol::paths::{Paths, sockets_to_try};
use roster_protocol::text::clean;
use roster_protocol::transport::{self, ConnectError, within};
use roster_protocol::{ErrorKind, RosterClient, RosterError};
use tarpc::client::RpcError;
use tarpc::context::Context;

/// How long a plain call may take.
const SHORT_CALL: Duration = Duration::from_secs(30);

/// How long a call may take that sends requests to a platform, or waits for an event.
const LONG_CALL: Duration = Duration::from_secs(100);

/// A context for a plain call.
pub fn short_call() -> Context {
    within(SHORT_CALL)
}

/// A context for a call that sends requests to a platform.
pub fn long_call() -> Context {
    within(LONG_CALL)
}

/// Connects to the given socket, or else to the first of the user's and the system's that responds.
/// Returns the socket's path too.
///
/// # Errors
/// `Unreachable` when no daemon listens or the versions differ, `NotPermitted` when the daemon refuses this user.
pub async fn connect(given: Option<&Path>) -> Result<(RosterClient, PathBuf), RosterError> {
    find(given).await.map_err(|error| unreachable(&error, given))
}

/// Like [`connect`], for callers that distinguish the causes.
///
/// A daemon that responds but refuses ends the search: another one would hold other data.
pub(crate) async fn find(given: Option<&Path>) -> Result<(RosterClient, PathBuf), ConnectError> {
    let mut first_miss = None;
    for socket in sockets_to_try(given) {
        match transport::connect(&socket).await {
            Ok(client) => return Ok((client, socket)),
            Err(miss @ (ConnectError::NotThere { .. } | ConnectError::TooLong { .. })) => {
                first_miss = first_miss.or(Some(miss))
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Err(first_miss.unwrap_or_else(|| ConnectError::NotThere {
        path: "any known socket".to_owned(),
        source: io::ErrorKind::NotFound.into(),
    }))
}

/// A failure to connect, as users read it.
pub(crate) fn unreachable(error: &ConnectError, given: Option<&Path>) -> RosterError {
    let (kind, message, hint) = match error {
        ConnectError::NotThere { .. } if given.is_none() => {
            (ErrorKind::Unreachable, "rosterd is not running".to_owned(), START_HINT)
        }
        ConnectError::NotThere { .. } => (ErrorKind::Unreachable, error.to_string(), START_HINT),
        ConnectError::TooLong { .. } => (
            ErrorKind::Unreachable,
            error.to_string(),
            "give a shorter one with --socket or ROSTER_SOCKET, to rosterd too",
        ),
        ConnectError::NotPermitted { turn_to: Some(turn_to), .. } => {
            return RosterError::new(ErrorKind::NotPermitted, error.to_string()).hint(turn_to);
        }
        ConnectError::NotPermitted { path, turn_to: None } => {
            return RosterError::new(ErrorKind::NotPermitted, error.to_string()).hint(kept_out(Path::new(path)));
        }
        ConnectError::Unclear { .. } => {
            (ErrorKind::Unreachable, error.to_string(), "try again; `id` shows whether the database responds to you")
        }
        ConnectError::Busy { .. } => (ErrorKind::Unreachable, error.to_string(), "close some clients and try again"),
        ConnectError::WrongVersion { ours, theirs } if ours < theirs => (
            ErrorKind::Unreachable,
            error.to_string(),
            "leave and start it again; if it says the same, upgrade roster too",
        ),
        ConnectError::WrongVersion { .. } => {
            (ErrorKind::Unreachable, error.to_string(), "`systemctl restart rosterd`, or upgrade rosterd too")
        }
        ConnectError::NotRoster { .. } => {
            (ErrorKind::Unreachable, error.to_string(), "check --socket and ROSTER_SOCKET, or restart rosterd")
        }
    };
    RosterError::new(kind, message).hint(hint)
}

/// Whom a user turns to whom the modes of the socket or its directory keep out.
fn kept_out(socket: &Path) -> String {
    let modes = [Some(socket), socket.parent()].map(|path| path.and_then(|path| std::fs::metadata(path).ok()));
    // The socket itself cannot be looked at where its directory keeps the user out.
    let group = modes.iter().flatten().next_back().filter(|found| found.mode() & 0o010 != 0).map(MetadataExt::gid);
    let name =
        group.and_then(|gid| Group::from_gid(Gid::from_raw(gid)).ok().flatten()).map(|group| clean(&group.name, 64));
    match (name, modes.iter().flatten().next_back()) {
        (Some(name), _) => format!("ask to be added to the group `{name}`, then log in again"),
        (None, Some(_)) => "it is for its owner only; start one of your own: `rosterd run`".to_owned(),
        (None, None) => "ask a sysadmin of this host for access to its directory".to_owned(),
    }
}

const START_HINT: &str = "start one: `systemctl --user start rosterd`, or `rosterd run`";

/// A call without a response, as users read it.
pub fn describe(error: RpcError) -> RosterError {
    let lost = |message: &str| RosterError::new(ErrorKind::Unreachable, message);
    match error {
        RpcError::Shutdown | RpcError::Send(_) | RpcError::Channel(_) => lost("the connection to rosterd was lost")
            .hint("look whether it still runs: `systemctl status rosterd`, with --user where it is your own"),
        RpcError::DeadlineExceeded => lost("rosterd did not respond in time").hint("try again, or look at its log"),
        RpcError::Server(failure) if failure.kind == io::ErrorKind::WouldBlock => {
            RosterError::failed("rosterd has too many calls at once").hint("try again in a moment")
        }
        RpcError::Server(failure) if failure.kind == io::ErrorKind::PermissionDenied => {
            RosterError::new(ErrorKind::NotPermitted, failure.detail)
        }
        RpcError::Server(failure) => RosterError::failed(failure.detail).hint("look at rosterd's log"),
    }
}

/// The response, or why there is none, whichever side failed.
///
/// # Errors
/// The error that the daemon returned, or [`describe`] of why it did not respond.
pub fn response<T>(called: Result<Result<T, RosterError>, RpcError>) -> Result<T, RosterError> {
    called.map_err(describe)?
}

/// Starts `rosterd` for this user, detached from the terminal, and returns at once.
///
/// The one beside this program is taken, or else the one in `PATH`. What it prints goes to `rosterd.log`
/// in the user's state directory. The caller calls [`connect`] until it succeeds.
///
/// # Errors
/// When there is no home directory, its log cannot be opened, or the program is not found.
pub fn start_user_daemon() -> Result<(), RosterError> {
    let paths = Paths::of_user().ok_or_else(|| RosterError::failed("this user has no home directory"))?;
    let log = open_log(&paths.state)
        .map_err(|error| RosterError::failed(format!("no log can be kept in {}: {error}", paths.state.display())))?;
    spawn_detached(&daemon_program(), log).map_err(|error| {
        RosterError::failed(format!("rosterd cannot be started: {error}"))
            .hint("install rosterd beside roster, or start it by hand: `rosterd run`")
    })
}

fn daemon_program() -> PathBuf {
    std::env::current_exe()
        .map(|own| own.with_file_name("rosterd"))
        .ok()
        .filter(|beside| beside.is_file())
        .unwrap_or_else(|| PathBuf::from("rosterd"))
}

/// Opens the log for appending, readable by its user only.
fn open_log(state: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    OpenOptions::new().create(true).append(true).mode(0o600).open(state.join("rosterd.log"))
}

fn spawn_detached(program: &Path, log: File) -> io::Result<()> {
    let errors = log.try_clone()?;
    let mut child = Command::new(program)
        .arg("run")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // A group of its own: Ctrl-C and the terminal's end do not reach it.
        .process_group(0)
        .spawn()?;
    // A parent must wait for its child; one that ends early would otherwise stay as a zombie.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn causes_decide_the_exit_code() {
        let path = || "/run/x.sock".to_owned();
        let check = |error: ConnectError, code: u8| {
            let reported = unreachable(&error, Some(Path::new("/run/x.sock")));
            assert_eq!(reported.kind.exit_code(), code, "{reported:?}");
            assert!(reported.hint.is_some(), "{reported:?}");
        };
        check(ConnectError::NotThere { path: path(), source: io::ErrorKind::NotFound.into() }, 3);
        check(ConnectError::NotPermitted { path: path(), turn_to: None }, 5);
        check(ConnectError::NotPermitted { path: path(), turn_to: Some("ask".to_owned()) }, 5);
        check(ConnectError::Unclear { path: path() }, 3);
        check(ConnectError::Busy { path: path() }, 3);
        check(ConnectError::WrongVersion { ours: 1, theirs: 2 }, 3);
        check(ConnectError::NotRoster { path: path() }, 3);
        check(ConnectError::TooLong { path: path(), length: 108 }, 3);
    }

    #[test]
    fn calls_without_a_response_are_described() {
        assert_eq!(describe(RpcError::Shutdown).kind, ErrorKind::Unreachable);
        assert_eq!(describe(RpcError::DeadlineExceeded).kind, ErrorKind::Unreachable);
        let busy = tarpc::ServerError::new(io::ErrorKind::WouldBlock, "throttled".to_owned());
        assert_eq!(describe(RpcError::Server(busy)).kind, ErrorKind::Failed);
        let refused = tarpc::ServerError::new(io::ErrorKind::PermissionDenied, "refused".to_owned());
        assert_eq!(describe(RpcError::Server(refused)).kind, ErrorKind::NotPermitted);
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_unreachable() {
        let nowhere = std::env::temp_dir().join("roster-no-such-directory/rosterd.sock");
        let error = connect(Some(&nowhere)).await.expect_err("no daemon listens there");
        assert_eq!(error.kind, ErrorKind::Unreachable);
        assert!(error.hint.is_some_and(|hint| hint.contains("rosterd run")));
    }

    #[test]
    fn the_log_is_for_its_user_only() {
        let state = std::env::temp_dir().join(format!("roster-log-{}", std::process::id()));
        let log = open_log(&state).expect("the temporary directory is writable");
        let mode = log.metadata().expect("just opened").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&state).expect("just made");
    }
}
