//! Where the program's files are: by its arguments, its environment, or as usual for the system's service or a user.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use roster_protocol::paths::{Paths, SOCKET_NAME};

use super::config_report::PathSetting;
use crate::app::setup::Source;
use crate::http_client::HttpLimits;
use crate::process::environment::Environment;

/// The paths that can be given.
#[derive(Debug, clap::Args)]
pub struct PathArguments {
    /// The config file [default: /etc/roster/rosterd.toml for a system service, else the user's]
    #[arg(long, global = true, env = "ROSTER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the store is [default: $STATE_DIRECTORY, else the user's data directory]
    #[arg(long, global = true)]
    pub state_dir: Option<PathBuf>,
    /// Where to listen for `roster` [default: in $RUNTIME_DIRECTORY, else the user's runtime directory]
    #[arg(long, global = true, env = "ROSTER_SOCKET")]
    pub socket: Option<PathBuf>,
}

/// The three paths, and whether they are the system's.
pub struct ProgramPaths {
    pub config: PathSetting,
    pub state_dir: PathSetting,
    pub socket: PathSetting,
    pub system: bool,
}

impl ProgramPaths {
    /// A flag overrides the environment, which overrides the default; `None` when there is no home directory to fall back to.
    /// `checks`: without a config of the user's, it may be the system service's that is to be checked.
    pub fn find(arguments: &PathArguments, typed: &ArgMatches, checks: bool) -> Option<Self> {
        let given = |name, path: &Option<PathBuf>, flag, variable| {
            let by_variable = typed.value_source(name) == Some(ValueSource::EnvVariable);
            let path = path.clone()?;
            Some(PathSetting { name, path, from: if by_variable { variable } else { flag } })
        };
        let managed = |name, variable: &'static str| {
            // The manager separates several directories by colons; the first is the main one.
            let all = std::env::var_os(variable)?;
            let first = all.as_bytes().split(|byte| *byte == b':').next()?;
            let path = Some(PathBuf::from(OsStr::from_bytes(first))).filter(|dir| dir.is_absolute())?;
            Some(PathSetting { name, path, from: variable })
        };
        let state_dir = managed("state_dir", "STATE_DIRECTORY");
        let mut socket = managed("socket", "RUNTIME_DIRECTORY");
        socket.iter_mut().for_each(|socket| socket.path.push(SOCKET_NAME));
        // The system's service manager gives paths in /var/lib and /run; a user's manager gives paths in the home directory.
        let as_service = state_dir.as_ref().is_some_and(|dir| dir.path.starts_with("/var/lib"));
        let system = as_service || checks && means_the_systems(arguments);
        let usual = if system { Some(Paths::of_system()) } else { Paths::of_user() };
        let usual = |name, path: fn(&Paths) -> PathBuf| {
            usual.as_ref().map(|paths| PathSetting { name, path: path(paths), from: "default" })
        };
        Some(Self {
            config: given("config", &arguments.config, "--config", "ROSTER_CONFIG")
                .or_else(|| usual("config", config_in))?,
            state_dir: given("state_dir", &arguments.state_dir, "--state-dir", "")
                .or(state_dir)
                .or_else(|| usual("state_dir", |paths| paths.state.clone()))?,
            socket: given("socket", &arguments.socket, "--socket", "ROSTER_SOCKET")
                .or(socket)
                .or_else(|| usual("socket", |paths| paths.socket.clone()))?,
            system,
        })
    }

    /// The config's source in this process.
    pub fn source(&self) -> Source {
        Source { file: self.config.path.clone(), environment: Environment::of_process(), limits: HttpLimits::default() }
    }
}

/// Whether the system service's config is meant: it was given, or none was and this user has none.
fn means_the_systems(arguments: &PathArguments) -> bool {
    let systems = config_in(&Paths::of_system());
    let is_meant = match &arguments.config {
        Some(given) => *given == systems,
        None => !Paths::of_user().is_some_and(|paths| config_in(&paths).exists()),
    };
    is_meant && systems.exists()
}

fn config_in(paths: &Paths) -> PathBuf {
    paths.config.join("rosterd.toml")
}
