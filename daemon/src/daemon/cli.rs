//! The program `rosterd`: arguments, paths, logs, signals, exit codes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use roster_protocol::paths::{Paths, SOCKET_NAME};
use tokio::signal::unix::{SignalKind, signal};

use super::config_report::{self, Placed};
use crate::app::setup::Source;
use crate::daemon::{Daemon, Options, StartError};
use crate::delivery::desktop;
use crate::http_client::HttpLimits;
use crate::process::config::Config;
use crate::process::environment::Environment;
use crate::process::logs::Logs;
use crate::secret::vault::MasterKey;

/// The Roster daemon: owns the store, the schedule, snapshots and alerts; `roster` talks to it.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, after_help = ENDS)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The config file [default: /etc/roster/rosterd.toml for a system service, else the user's]
    #[arg(long, global = true, env = "ROSTER_CONFIG")]
    config: Option<PathBuf>,
    /// Where the store lies [default: $STATE_DIRECTORY, else the user's data directory]
    #[arg(long, global = true)]
    state_dir: Option<PathBuf>,
    /// Where to listen for `roster` [default: in $RUNTIME_DIRECTORY, else the user's runtime directory]
    #[arg(long, global = true, env = "ROSTER_SOCKET")]
    socket: Option<PathBuf>,
}

const ENDS: &str = "SIGHUP loads the config again, and changes nothing when it is wrong; SIGTERM and SIGINT end it. Exit codes: 0 \
                    ended as asked, 1 failed, 2 usage, 78 the config, the key or the store needs a person.";

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Runs in the foreground until SIGINT or SIGTERM; what a bare `rosterd` does
    Run,
    /// Checks the config and says what is wrong with it, touching nothing else
    CheckConfig {
        /// Print every setting as it is in effect, and where it came from
        #[arg(long)]
        effective: bool,
    },
    /// Prints a new master key, 64 hexadecimal digits, and stores it nowhere
    Keygen,
}

/// Worker threads: fixed, so that a limit on tasks cannot surprise the runtime.
const WORKERS: usize = 2;
/// Threads for reading the store.
const BLOCKING: usize = 8;

/// What can be typed after `rosterd`, for manual pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The whole program.
pub fn main() -> ExitCode {
    let typed = command().get_matches();
    let arguments = Arguments::from_arg_matches(&typed).unwrap_or_else(|error| error.exit());
    if let Some(Command::Keygen) = arguments.command {
        return keygen();
    }
    let Some(paths) = Where::find(&arguments, &typed) else {
        eprintln!("error: there is no home directory\nhint: say --config, --state-dir and --socket");
        return ExitCode::from(78);
    };
    let config = match Config::load(&paths.config.path) {
        Ok(config) => config,
        Err(error) => return refuse(&StartError::Config(error)),
    };
    match arguments.command.unwrap_or(Command::Run) {
        Command::CheckConfig { effective } => check(config, &paths, effective),
        Command::Run | Command::Keygen => run(config, paths),
    }
}

fn check(config: Config, paths: &Where, effective: bool) -> ExitCode {
    let source = paths.source();
    if let Err(error) = source.set_up(config.clone()) {
        return refuse(&StartError::Config(error));
    }
    if !effective {
        println!("{} is fine", paths.config.path.display());
        return ExitCode::SUCCESS;
    }
    let text = std::fs::read_to_string(&paths.config.path).unwrap_or_default();
    let file = config.store.master_key_file.as_deref();
    let key = source.environment.key_sources(file, &paths.state_dir.path);
    let found = [&paths.config, &paths.state_dir, &paths.socket].map(Placed::clone);
    print!("{}", config_report::shown(&source, &text, &found, &key));
    ExitCode::SUCCESS
}

fn keygen() -> ExitCode {
    match MasterKey::random() {
        Ok(key) => {
            println!("{}", key.to_hex().expose());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: no randomness: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(error: &StartError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(error.exit_code())
}

impl Arguments {
    /// Whether the config to check is the system service's: none was told, and this user has none.
    fn means_the_systems(&self) -> bool {
        let has = |paths: Paths| config_in(&paths).exists();
        let checks = matches!(self.command, Some(Command::CheckConfig { .. }));
        checks && self.config.is_none() && !Paths::of_user().is_some_and(has) && has(Paths::of_system())
    }
}

fn config_in(paths: &Paths) -> PathBuf {
    paths.config.join("rosterd.toml")
}

/// The three paths, and whether they are the system's.
struct Where {
    config: Placed,
    state_dir: Placed,
    socket: Placed,
    system: bool,
}

impl Where {
    /// Flag before environment before default; `None` without a home to fall back to.
    fn find(arguments: &Arguments, typed: &ArgMatches) -> Option<Self> {
        let told = |name, path: &Option<PathBuf>, flag, variable| {
            let by_variable = typed.value_source(name) == Some(ValueSource::EnvVariable);
            let path = path.clone()?;
            Some(Placed { name, path, from: if by_variable { variable } else { flag } })
        };
        let managed = |name, variable: &'static str| {
            let path = std::env::var_os(variable).map(PathBuf::from).filter(|dir| dir.is_absolute())?;
            Some(Placed { name, path, from: variable })
        };
        let state_dir = managed("state_dir", "STATE_DIRECTORY");
        let mut socket = managed("socket", "RUNTIME_DIRECTORY");
        socket.iter_mut().for_each(|socket| socket.path.push(SOCKET_NAME));
        // The system's manager gives /var/lib and /run; a user's manager gives paths in the home.
        let as_service = state_dir.as_ref().is_some_and(|dir| dir.path.starts_with("/var/lib"));
        let system = as_service || arguments.means_the_systems();
        let usual = if system { Some(Paths::of_system()) } else { Paths::of_user() };
        let usual = |name, place: fn(&Paths) -> PathBuf| {
            usual.as_ref().map(|paths| Placed { name, path: place(paths), from: "default" })
        };
        Some(Self {
            config: told("config", &arguments.config, "--config", "ROSTER_CONFIG")
                .or_else(|| usual("config", config_in))?,
            state_dir: told("state_dir", &arguments.state_dir, "--state-dir", "")
                .or(state_dir)
                .or_else(|| usual("state_dir", |paths| paths.state.clone()))?,
            socket: told("socket", &arguments.socket, "--socket", "ROSTER_SOCKET")
                .or(socket)
                .or_else(|| usual("socket", |paths| paths.socket.clone()))?,
            system,
        })
    }

    fn source(&self) -> Source {
        Source { file: self.config.path.clone(), environment: Environment::of_process(), limits: HttpLimits::default() }
    }
}

fn run(config: Config, paths: Where) -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).max_blocking_threads(BLOCKING).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(live(config, paths));
    // Reads that still run must not hold the end up; there is nothing to lose in them.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

async fn live(config: Config, paths: Where) -> Result<(), StartError> {
    let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok();
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let source = paths.source();
    let logs = Logs::start(&config.log, &source.environment);
    let options = Options {
        source,
        logs: Some(logs),
        group_may: paths.system,
        session: !paths.system && desktop::has_session(bus.as_deref(), runtime_dir.as_deref()),
        ..Options::new(config, paths.state_dir.path, paths.socket.path)
    };
    let mut interrupted = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
    let daemon = Daemon::start(options).await?;
    tracing::info!(socket = %shown(&daemon.socket), http = ?daemon.http, "ready");
    tell_manager(&[sd_notify::NotifyState::Ready]);
    let watchdog =
        sd_notify::watchdog_enabled().map(|limit| tokio::spawn(feed_watchdog(daemon.app.clone(), limit / 3)));
    loop {
        tokio::select! {
            _ = interrupted.recv() => break,
            _ = terminated.recv() => break,
            _ = hung_up.recv() => reload(&daemon).await,
        }
    }
    tell_manager(&[sd_notify::NotifyState::Stopping]);
    if let Some(watchdog) = watchdog {
        watchdog.abort();
    }
    daemon.end().await;
    tracing::info!("ended");
    Ok(())
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

/// The service manager is told of it either way; why it failed stands in the log and in `roster status`.
async fn reload(daemon: &Daemon) {
    let begun = sd_notify::NotifyState::monotonic_usec_now().ok();
    let states: Vec<_> = [sd_notify::NotifyState::Reloading].into_iter().chain(begun).collect();
    tell_manager(&states);
    let _ = daemon.reload().await;
    tell_manager(&[sd_notify::NotifyState::Ready]);
}

fn tell_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Feeds the watchdog only after the runtime and the store's writer have both answered.
async fn feed_watchdog(app: std::sync::Arc<crate::app::App>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if app.store.writer_responds().await {
            tell_manager(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}
