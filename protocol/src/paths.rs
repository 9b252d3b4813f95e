//! Where socket and files are, per the XDG base directories. Environments are values, so that tests can move them.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The socket of a daemon that runs for the whole host.
pub const SYSTEM_SOCKET: &str = "/run/roster/rosterd.sock";

/// The file name of the socket wherever it is.
pub const SOCKET_NAME: &str = "rosterd.sock";

/// The longest path of a socket, in bytes: the system has 108, the last of them 0.
pub const SOCKET_BYTES: usize = 107;

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `rosterd.toml` and `roster.toml`.
    pub config: PathBuf,
    /// The store, and `master.key`.
    pub state: PathBuf,
    /// The socket's file.
    pub socket: PathBuf,
}

impl Paths {
    /// The paths of a system service.
    pub fn of_system() -> Self {
        Self { config: "/etc/roster".into(), state: "/var/lib/roster".into(), socket: SYSTEM_SOCKET.into() }
    }

    /// The paths of the user this process runs as; `None` without a home directory.
    pub fn of_user() -> Option<Self> {
        let base = directories::BaseDirs::new()?;
        let state = base.data_dir().join("roster");
        let runtime = base.runtime_dir().filter(|dir| is_own(dir));
        let socket = runtime.map_or_else(|| state.clone(), |dir| dir.join("roster")).join(SOCKET_NAME);
        Some(Self { config: base.config_dir().join("roster"), state, socket })
    }
}

/// Where the terminal UI keeps what lasts until its next start; `None` without a home directory.
pub fn of_client_state() -> Option<PathBuf> {
    let base = directories::BaseDirs::new()?;
    Some(base.state_dir().unwrap_or(base.data_dir()).join("roster/terminal.toml"))
}

/// Whether a directory may be this user's. After `su` the environment still names the other user's, which holds the
/// other user's daemon, or cannot be entered.
fn is_own(dir: &Path) -> bool {
    std::fs::metadata(dir).map_or(true, |found| found.uid() == rustix::process::geteuid().as_raw())
}

/// The sockets to try, in order: the given one, or else the user's, then the system's.
pub fn sockets_to_try(given: Option<&Path>) -> Vec<PathBuf> {
    match given {
        Some(socket) => vec![socket.to_owned()],
        None => Paths::of_user().map(|paths| paths.socket).into_iter().chain([PathBuf::from(SYSTEM_SOCKET)]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_user_is_not_ours() {
        let user = rustix::process::geteuid().as_raw();
        let of_root = |dir: &Path| std::fs::metadata(dir).expect("a directory").uid() == 0;
        assert!(of_root(Path::new("/proc")));
        assert_eq!(is_own(Path::new("/proc")), user == 0);
        assert!(is_own(&std::env::current_exe().expect("a test")));
        // One that is not there yet is created by the daemon.
        assert!(is_own(Path::new("/nonexistent/run")));
    }
}
