//! The program `rosterd`: arguments, places, logs, signals, exit codes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use roster_protocol::places::{Places, SOCKET_NAME};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::consent::vault::MasterKey;
use crate::daemon::{self, Daemon, Options, StartError};
use crate::delivery::desktop;
use crate::surroundings::Surroundings;

/// The Roster daemon: owns the store, the schedule, snapshots and alerts; `roster` talks to it.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version)]
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

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// Runs in the foreground until SIGINT or SIGTERM; what a bare `rosterd` does
    Run,
    /// Checks the config and says what is wrong with it, touching nothing else
    CheckConfig,
    /// Prints a new master key, 64 hexadecimal digits, and stores it nowhere
    Keygen,
}

/// Worker threads: fixed, so that a limit on tasks cannot surprise the runtime.
const WORKERS: usize = 2;
/// Threads for reading the store.
const BLOCKING: usize = 8;

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_as_configured();
    if let Some(Command::Keygen) = arguments.command {
        return keygen();
    }
    let Some(places) = Where::find(&arguments) else {
        eprintln!("error: there is no home directory\nhint: say --config, --state-dir and --socket");
        return ExitCode::from(78);
    };
    let config = match Config::load(&places.config) {
        Ok(config) => config,
        Err(error) => return refuse(&StartError::Config(error)),
    };
    match arguments.command.unwrap_or(Command::Run) {
        Command::CheckConfig => match daemon::check(&config, &places.config, Surroundings::of_process()) {
            Ok(()) => {
                println!("{} is fine", places.config.display());
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&StartError::Config(error)),
        },
        Command::Run | Command::Keygen => run(config, places),
    }
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

/// The three places, and whether they are the system's.
struct Where {
    config: PathBuf,
    state_dir: PathBuf,
    socket: PathBuf,
    system: bool,
}

impl Where {
    /// Flag before environment before default; `None` without a home to fall back to.
    fn find(arguments: &Arguments) -> Option<Self> {
        let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
        let (state, runtime) = (directory("STATE_DIRECTORY"), directory("RUNTIME_DIRECTORY"));
        // The system's manager gives /var/lib and /run; a user's manager gives places in the home.
        let system = state.as_deref().is_some_and(|dir| dir.starts_with("/var/lib"));
        let user = Places::of_user();
        let user = |place: fn(&Places) -> PathBuf| user.as_ref().map(place);
        let config = arguments.config.clone();
        let config = config.or_else(|| system.then(|| PathBuf::from("/etc/roster/rosterd.toml")));
        Some(Self {
            config: config.or_else(|| user(|places| places.config.join("rosterd.toml")))?,
            state_dir: arguments.state_dir.clone().or(state).or_else(|| user(|places| places.state.clone()))?,
            socket: arguments
                .socket
                .clone()
                .or_else(|| runtime.map(|dir| dir.join(SOCKET_NAME)))
                .or_else(|| user(|places| places.socket.clone()))?,
            system,
        })
    }
}

fn run(config: Config, places: Where) -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).max_blocking_threads(BLOCKING).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(live(config, places));
    // Reads that still run must not hold the end up; there is nothing to lose in them.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

async fn live(config: Config, places: Where) -> Result<(), StartError> {
    let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok();
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let options = Options {
        config_file: places.config,
        surroundings: Surroundings::of_process(),
        group_may: places.system,
        session: !places.system && desktop::has_session(bus.as_deref(), runtime_dir.as_deref()),
        ..Options::new(config, places.state_dir, places.socket)
    };
    let mut interrupted = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(no_signals)?;
    let daemon = Daemon::start(options).await?;
    tracing::info!(socket = %shown(&daemon.socket), http = ?daemon.http, "ready");
    tell_manager(sd_notify::NotifyState::Ready);
    let watchdog =
        sd_notify::watchdog_enabled().map(|limit| tokio::spawn(feed_watchdog(daemon.app.clone(), limit / 3)));
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    tell_manager(sd_notify::NotifyState::Stopping);
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

fn no_signals(error: std::io::Error) -> StartError {
    StartError::Http(format!("signals cannot be waited for: {error}"))
}

fn tell_manager(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Feeds the watchdog only after the runtime and the store's writer have both answered.
async fn feed_watchdog(app: std::sync::Arc<crate::app::App>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if app.store.writer_answers().await {
            tell_manager(sd_notify::NotifyState::Watchdog);
        }
    }
}

/// Logs to stderr: `LOG_LEVEL` (a level, or a filter as tracing understands it) and `LOG_FORMAT` (`standard`, `json`).
fn log_as_configured() {
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    // tarpc warns of every client that leaves in the middle; we count and tell those ourselves.
    let filter = EnvFilter::try_new(format!("{level},tarpc=off")).unwrap_or_else(|_| EnvFilter::new("info,tarpc=off"));
    let format = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Told of on stderr, a line that stderr does not take, its disk being full, would be a panic: of the store's writer, too.
    let format = format.log_internal_errors(false);
    // A second logger in one process stays the first one.
    let _ = match std::env::var("LOG_FORMAT").as_deref() {
        Ok("json") => format.json().flatten_event(true).try_init(),
        _ => format.with_ansi(false).try_init(),
    };
}
