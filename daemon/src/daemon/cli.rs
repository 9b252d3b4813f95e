//! The program `rosterd`: arguments, logs, signals, exit codes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use super::check::{Checked, Remarks};
use super::config_report::{self, PathSetting};
use super::program_paths::{PathArguments, ProgramPaths};
use super::{check, check_store, compact, owner, repair, restore};
use crate::app::ending::LAST_READS;
use crate::app::setup::Source;
use crate::daemon::{Daemon, Options, StartError};
use crate::delivery::desktop;
use crate::process::config::{self, Config};
use crate::process::logs::Logs;
use crate::process::reading::in_time_now;
use crate::secret::vault::MasterKey;
use crate::serve::rpc::access;
use crate::store::Store;

/// The Roster daemon: owns the store, the schedule, snapshots and alerts; `roster` talks to it.
#[derive(Debug, Parser)]
#[command(name = "rosterd", version, after_help = ENDS)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
    #[command(flatten)]
    paths: PathArguments,
}

const ENDS: &str = "SIGHUP loads the config again, and changes nothing when it is wrong; SIGTERM and SIGINT end it. Exit codes: 0 \
                    ended as requested, 1 failed, or `check` found damage, 2 usage, 78 the config, the key or the store \
                    needs a person.";

/// What only running takes, with and without the word `run`.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
struct RunArguments {
    /// Begin an empty store where one has been and none is; a store that is there stays as it is
    #[arg(long)]
    new_store: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Runs in the foreground until SIGINT or SIGTERM; what a bare `rosterd` does
    Run(RunArguments),
    /// Checks the config and says what is wrong with it, touching nothing else
    CheckConfig {
        /// Print every setting as it is in effect, and where it came from
        #[arg(long = "effective")]
        reports: bool,
    },
    /// Reads the whole store and says what is whole and what is damaged, changing nothing; where a daemon has it, that one does
    Check {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Gives the space that is free in the store's file back to the disk; not while a daemon has it
    Compact {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Writes a new store from what is whole in a damaged one, which stays as it is; exit 0 all, 6 in part, 1 nothing
    Repair {
        /// The new store's directory: one that does not exist yet, or has no store
        new: PathBuf,
        /// Print what was found and made as JSON
        #[arg(long)]
        json: bool,
    },
    /// Puts a backup in the store's place, after all of it was verified; not while a daemon has the store
    Restore(restore::Restore),
    /// Prints a new master key, 64 hexadecimal digits, and stores it nowhere
    Keygen,
}

impl Command {
    /// Whether it is about a store that no daemon has.
    fn is_of_a_store(&self) -> bool {
        matches!(self, Command::Check { .. } | Command::Compact { .. } | Command::Repair { .. } | Command::Restore(_))
    }
}

/// Worker threads: a fixed number, so that the runtime stays within the service's limit on tasks.
const WORKERS: usize = 2;
/// Threads for reading the store, and those that a user database which hangs can hold.
const BLOCKING: usize = 8 + access::THREADS;

/// The command line of `rosterd`, for manual pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program.
pub fn main() -> ExitCode {
    let typed = command().get_matches();
    let arguments = Arguments::from_arg_matches(&typed).unwrap_or_else(|error| error.exit());
    if let Some(Command::Keygen) = arguments.command {
        return keygen();
    }
    let is_of_a_store = arguments.command.as_ref().is_some_and(Command::is_of_a_store);
    let checks = is_of_a_store || matches!(arguments.command, Some(Command::CheckConfig { .. }));
    let Some(paths) = ProgramPaths::find(&arguments.paths, &typed, checks) else {
        eprintln!("error: there is no home directory\nhint: say --config, --state-dir and --socket");
        return ExitCode::from(78);
    };
    harden();
    // Who restores can read the backup; the store's owner need not be able to.
    let backup = match &arguments.command {
        Some(Command::Restore(restore)) => match restore.open() {
            Ok(backup) => Some(backup),
            Err(code) => return ExitCode::from(code),
        },
        _ => None,
    };
    if (paths.system || is_of_a_store) && !matches!(arguments.command, None | Some(Command::Run(_))) {
        owner::become_owner_of(&paths.state_dir.path);
    }
    if let Some(Command::Check { json }) = arguments.command {
        return ExitCode::from(check_store::check(&paths.state_dir.path, &paths.socket.path, json));
    }
    if let Some(Command::Compact { json }) = arguments.command {
        return ExitCode::from(compact::run(&paths.state_dir.path, json));
    }
    if let Some(Command::Repair { new, json }) = &arguments.command {
        return ExitCode::from(repair::run(&paths.state_dir.path, new, *json));
    }
    if let (Some(Command::Restore(arguments)), Some(backup)) = (&arguments.command, &backup) {
        return ExitCode::from(restore::run(arguments, backup, &paths));
    }
    // A config that was named must be there: the defaults would request the real platforms.
    let is_named = paths.config.from != "default";
    let load = if is_named { Config::load } else { Config::load_if_there };
    let file = paths.config.path.clone();
    let config = match in_time_now(&paths.config.path, move || load(&file)).and_then(|loaded| loaded) {
        Ok(config) => config,
        Err(error) => return refuse(&StartError::Config(error)),
    };
    let RunArguments { new_store } = arguments.run;
    match arguments.command {
        Some(Command::CheckConfig { reports }) => check(config, paths, reports),
        Some(Command::Run(run_arguments)) => run(config, paths, new_store || run_arguments.new_store),
        None | Some(_) => run(config, paths, new_store),
    }
}

/// Keeps the master key out of core files, and out of reach of the user's other programs.
fn harden() {
    let no_dumps = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let no_cores = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    if let Err(error) = no_dumps.and(no_cores) {
        eprintln!("warning: core files could not be switched off: {error}");
    }
}

/// Says what a start would say, with its exit code, and changes nothing.
fn check(config: Config, paths: ProgramPaths, reports: bool) -> ExitCode {
    let file = paths.config.path.clone();
    let checked = in_time_now(&file, move || {
        let source = paths.source();
        let (state_dir, socket) = (paths.state_dir.path.as_path(), paths.socket.path.as_path());
        let remarks = check::check(&source, &config, &Checked { state_dir, socket, is_service: paths.system })?;
        Ok((remarks, if reports { report(&config, &source, &paths) } else { verdict(&config, &paths) }))
    });
    match checked.map_err(StartError::Config).and_then(|checked| checked) {
        Ok((Remarks { warnings, notes }, text)) => {
            warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
            notes.iter().for_each(|note| eprintln!("note: {note}"));
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

fn verdict(config: &Config, paths: &ProgramPaths) -> String {
    let file = paths.config.path.display();
    match config.has_file {
        true => format!("{file} is fine\n"),
        false => format!("{file} is not there: the defaults are in effect\n"),
    }
}

fn report(config: &Config, source: &Source, paths: &ProgramPaths) -> String {
    let text = config::text_of(&paths.config.path).unwrap_or_default();
    let needs = Store::keys_needed(&paths.state_dir.path, false).unwrap_or_default();
    let key =
        source.environment.key_sources(&config.store, &paths.state_dir.path).of_store(needs.store.unwrap_or_default());
    let found = [&paths.config, &paths.state_dir, &paths.socket].map(PathSetting::clone);
    config_report::report(source, &text, &found, &key).to_string()
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
    if let Some(hint) = error.hint() {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(error.exit_code())
}

fn run(config: Config, paths: ProgramPaths, new_store: bool) -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).max_blocking_threads(BLOCKING).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(live(config, paths, new_store));
    // Reads still under way must not delay the end: they have nothing to lose.
    runtime.shutdown_timeout(LAST_READS);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&error),
    }
}

async fn live(config: Config, paths: ProgramPaths, new_store: bool) -> Result<(), StartError> {
    let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok();
    let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let source = paths.source();
    let logs = Logs::start(&config.log, &source.environment);
    let options = Options {
        source,
        logs: Some(logs),
        new_store,
        group_may: paths.system,
        session: !paths.system && desktop::has_session(bus.as_deref(), runtime_dir.as_deref()),
        ..Options::new(config, paths.state_dir.path, paths.socket.path)
    };
    let mut interrupted = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut hung_up = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
    let daemon = tokio::select! {
        started = Daemon::start(options) => started?,
        _ = interrupted.recv() => return Ok(()),
        _ = terminated.recv() => return Ok(()),
    };
    tracing::info!(socket = %daemon.socket.display(), http = ?daemon.http, "ready");
    notify_manager(&[sd_notify::NotifyState::Ready]);
    let watchdog =
        sd_notify::watchdog_enabled().map(|limit| tokio::spawn(feed_watchdog(daemon.app.clone(), limit / 3)));
    loop {
        tokio::select! {
            _ = interrupted.recv() => break,
            _ = terminated.recv() => break,
            // An end need not wait for a config that a disk keeps waiting.
            _ = hung_up.recv() => tokio::select! {
                () = reload(&daemon) => {}
                _ = interrupted.recv() => break,
                _ = terminated.recv() => break,
            },
        }
    }
    notify_manager(&[sd_notify::NotifyState::Stopping]);
    if let Some(watchdog) = watchdog {
        watchdog.abort();
    }
    daemon.end().await;
    tracing::info!("ended");
    Ok(())
}

/// Reloads, and notifies the service manager either way; the log and `roster status` say why a reload failed.
async fn reload(daemon: &Daemon) {
    let begun = sd_notify::NotifyState::monotonic_usec_now().ok();
    let states: Vec<_> = [sd_notify::NotifyState::Reloading].into_iter().chain(begun).collect();
    notify_manager(&states);
    let _ = daemon.reload().await;
    notify_manager(&[sd_notify::NotifyState::Ready]);
}

fn notify_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not notified");
    }
}

/// Notifies the watchdog, but only after the runtime and the store's writer have both responded.
async fn feed_watchdog(app: std::sync::Arc<crate::app::App>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if app.store.writer_responds().await {
            notify_manager(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}
