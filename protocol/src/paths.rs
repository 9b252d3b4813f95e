//! Where socket and files are, per the XDG base directories. Environments are values, so that tests can move them.

use std::path::{Path, PathBuf};

/// The socket of a daemon that runs for the whole host.
pub const SYSTEM_SOCKET: &str = "/run/roster/rosterd.sock";

/// The file name of the socket wherever it is.
pub const SOCKET_NAME: &str = "rosterd.sock";

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
        let socket = base.runtime_dir().map_or_else(|| state.clone(), |dir| dir.join("roster")).join(SOCKET_NAME);
        Some(Self { config: base.config_dir().join("roster"), state, socket })
    }
}

/// The sockets to try, in order: the given one, or else the user's, then the system's.
pub fn sockets_to_try(given: Option<&Path>) -> Vec<PathBuf> {
    match given {
        Some(socket) => vec![socket.to_owned()],
        None => Paths::of_user().map(|paths| paths.socket).into_iter().chain([PathBuf::from(SYSTEM_SOCKET)]).collect(),
    }
}
