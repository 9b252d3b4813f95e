//! A running daemon: started from options, kept up, reloaded and ended. Tests and the demo start the same one in their own
//! process.

pub mod check;
pub mod check_store;
mod compact;
pub mod cli;
pub mod config_report;
mod erased;
pub mod owner;
pub mod program_paths;
pub mod reload;
mod repair;
mod restore;
pub mod retaining;
mod troubles;
mod upkeep;
pub mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use roster_protocol::time::Timestamp;
use tokio::task::JoinHandle;

use crate::app::ending::{CLOSING, LAST_RENEWALS, LAST_WORK, LAST_WRITE};
use crate::app::setup::{Source, StartedWith};
use crate::app::{App, Parts, Vaults, personal};
use crate::backups::scheduled;
use crate::consent::keeper;
use crate::decision::keys;
use crate::delivery::outbox::Outbox;
use crate::delivery::{desktop, outbox};
use crate::erasing;
use crate::http_client::HttpLimits;
use crate::keys::reseal;
use crate::model::{Commit, ConsentsCommit, Loaded};
use crate::process::clock::{Clock, SystemClock};
use crate::process::config::{self, Config, ConfigError};
use crate::process::environment::Environment;
use crate::process::logs::Logs;
use crate::process::reading::in_time;
use crate::secret::master_key::{Found, KeyError};
use crate::secret::vault::{KeyId, Vault};
use crate::serve::rpc::socket::{Socket, SocketError};
use crate::serve::{http, rpc};
use crate::store::{Needs, OpenOptions, Salvaged, Store, StoreError, own_dir};
use crate::sync::scheduler;
use crate::webhooks::leases;

/// The paths of a daemon, and what it is given.
pub struct Options {
    pub config: Config,
    pub source: Source,
    pub state_dir: PathBuf,
    pub socket: PathBuf,
    /// Whether an empty store may be begun where one has been and none is.
    pub new_store: bool,
    /// Whether the members of the socket directory's group are admitted, as a system service does.
    pub group_may: bool,
    /// Whether it runs in a user's session that may have a desktop.
    pub session: bool,
    pub clock: Arc<dyn Clock>,
    /// The process's log, when it is the daemon's.
    pub logs: Option<Logs>,
    pub rpc_timeouts: roster_protocol::transport::Timeouts,
    pub http_timeouts: http::Timeouts,
}

impl Options {
    /// A daemon with this config and these paths, the system's clock and the usual limits.
    pub fn new(config: Config, state_dir: PathBuf, socket: PathBuf) -> Self {
        Self {
            config,
            source: Source {
                file: PathBuf::from("rosterd.toml"),
                environment: Environment::default(),
                limits: HttpLimits::default(),
            },
            state_dir,
            socket,
            new_store: false,
            group_may: false,
            session: false,
            clock: Arc::new(SystemClock),
            logs: None,
            rpc_timeouts: roster_protocol::transport::Timeouts::default(),
            http_timeouts: http::Timeouts::default(),
        }
    }
}

/// Why a daemon cannot start, by what the operator does.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Correct the config.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Provide the right master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The program cannot receive the signals that end or reload it.
    #[error("signals cannot be waited for: {0}")]
    Signals(std::io::Error),
    /// An older copy of the store brought back what was erased, and it could not be taken out again.
    #[error("what was erased cannot be taken out of this older copy of the store: {0}")]
    Erased(roster_protocol::RosterError),
    /// The system provides no randomness.
    #[error("no randomness: {0}")]
    Randomness(String),
}

impl StartError {
    /// 78 where starting again cannot help, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            StartError::Config(_)
            | StartError::Key(_)
            | StartError::Socket(SocketError::TooLong { .. })
            | StartError::Store(
                StoreError::Newer { .. }
                | StoreError::NewerRecord { .. }
                | StoreError::NotOurs { .. }
                | StoreError::Gone { .. }
                | StoreError::Damaged { .. },
            ) => 78,
            _ => 1,
        }
    }

    /// What to do now, where the error does not say it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            StartError::Store(StoreError::Gone { .. }) => Some(
                "put the store back, with `rosterd restore` if need be; `rosterd run --new-store` begins an empty one",
            ),
            StartError::Store(StoreError::Damaged { .. }) => Some(
                "`rosterd check` says what is whole; put a backup in its place, or what `rosterd repair` saves of it",
            ),
            StartError::Store(StoreError::Newer { .. } | StoreError::NewerRecord { .. }) => {
                Some("install the newer rosterd again; nothing was changed")
            }
            StartError::Store(StoreError::NotOurs { .. }) => Some(
                "it must belong to the user that runs rosterd, and only that user may write to it; or give another \
                 directory with --state-dir",
            ),
            StartError::Store(StoreError::InUse { .. }) => {
                Some("a store has one rosterd: use the one that runs (`roster status`), or end it first")
            }
            _ => None,
        }
    }
}

/// A daemon that runs.
pub struct Daemon {
    pub app: Arc<App>,
    /// Where messages leave.
    pub outbox: Arc<Outbox>,
    pub socket: PathBuf,
    /// Where HTTP is served; `None` when it is off, or its port was taken.
    pub http: Option<SocketAddr>,
    listens: Arc<Socket>,
    work: Vec<JoinHandle<()>>,
}

impl Daemon {
    /// Opens the store, listens, and begins to schedule.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (source, config) = (Arc::new(options.source), options.config.clone());
        let read = source.clone();
        let set_up = move || {
            let exposed = read.exposed(&config);
            reload::ready(&read, config).map(|ready| (ready, exposed))
        };
        let ((setup, platforms, channels), exposed) = in_time(&source.file, set_up).await??;
        exposed.iter().for_each(|warning| tracing::warn!("{warning}"));
        let opening = Opening {
            dir: options.state_dir.clone(),
            config: options.config.store.clone(),
            new_store: options.new_store,
            now: options.clock.now(),
        };
        let mut opened = match open(&source, opening.clone()).await {
            Err(StartError::Store(error @ StoreError::Damaged { .. })) => {
                open_salvaged(&source, opening, error).await?
            }
            opened => opened?,
        };
        if opened.store.writable().is_ok() {
            erasing::take_up(&opened.store, &mut opened.loaded, &options.state_dir).await?;
        }
        let (socket, listener) = Socket::listen(options.socket.clone(), options.group_may)?;
        let seed = getrandom::u64().map_err(|error| StartError::Randomness(error.to_string()))?;
        let (http, http_listener) = http::bind(options.config.http.listen);
        http::warn_if_lost(&http_listener);
        let (clock, logs) = (options.clock.clone(), options.logs);
        let Opened { store, loaded, vaults } = opened;
        let started_with = StartedWith { source, state_dir: options.state_dir.clone(), socket: options.socket.clone() };
        let parts = Parts { started_with, setup, platforms, clock, store, loaded, vaults, logs, seed };
        let app = App::build(parts);
        let outbox = Outbox::new(channels, options.session);
        app.consents.listening(http_listener);
        let http_at = app.consents.listens_at();
        let socket_dir = options.socket.parent().map(Path::to_owned).unwrap_or_default();
        let loads = app.clone();
        let loading = tokio::spawn(async move { loads.load_recent().await });
        erasing::replay(&app).await.map_err(StartError::Erased)?;
        let work = vec![
            loading,
            tokio::spawn(rpc::serve(app.clone(), outbox.clone(), socket.clone(), listener, options.rpc_timeouts)),
            tokio::spawn(scheduler::run(app.clone())),
            tokio::spawn(app.clone().keep_budgets()),
            tokio::spawn(app.clone().keep_requests()),
            tokio::spawn(desktop::run(app.clone(), options.session)),
            tokio::spawn(outbox::run(app.clone(), outbox.clone())),
            tokio::spawn(upkeep::run(app.clone())),
            tokio::spawn(scheduled::run(app.clone())),
            tokio::spawn(erasing::run(app.clone())),
            tokio::spawn(troubles::run(app.clone())),
            tokio::spawn(watch::run(app.clone(), [options.state_dir, socket_dir])),
            tokio::spawn(http::run(app.clone(), http, options.http_timeouts)),
            // After the listener was bound, because consents contain its address.
            tokio::spawn(keeper::run(app.clone())),
            tokio::spawn(leases::run(app.clone())),
            tokio::spawn(reseal::run(app.clone())),
        ];
        Ok(Self { app, outbox, socket: options.socket, http: http_at, listens: socket, work })
    }

    /// Reads the config file again and puts it into use; see [`reload`].
    ///
    /// # Errors
    /// What is wrong with the config; nothing has changed then.
    pub async fn reload(&self) -> Result<(), ConfigError> {
        let reloaded = reload::reload(&self.app, &self.outbox).await;
        // A port or a socket that was lost is taken up at once.
        self.app.look_again.send_replace(());
        reloaded
    }

    /// Ends the daemon: it accepts no new calls, lets runs under way finish for a moment, and closes the store cleanly.
    pub async fn end(self) {
        self.app.ending.cancel();
        self.listens.remove();
        self.app.tasks.close();
        self.app.consents.work.close();
        if tokio::time::timeout(LAST_WORK, self.app.tasks.wait()).await.is_err() {
            tracing::info!("runs under way were cut off; they are due again at the next start");
            self.app.cut_off.cancel();
            self.app.tasks.wait().await;
        }
        // A provider issues a token only once, so we wait until it is stored.
        if tokio::time::timeout(LAST_RENEWALS, self.app.consents.work.wait()).await.is_err() {
            tracing::warn!("a renewal of tokens was cut off; it is taken up at the next start");
        }
        // They are counted anew from what platforms report.
        let last = async { tokio::join!(self.app.store_all_budgets(), self.app.store_requests()) };
        if tokio::time::timeout(LAST_WRITE, last).await.is_err() {
            tracing::warn!("what was spent of limits could not be stored in time");
        }
        for work in self.work {
            work.abort();
            // Aborted or finished: either way it has ended.
            let _ = work.await;
        }
        // It may have been made again in the moment in which it was removed.
        self.listens.remove();
        close(self.app).await;
    }
}

/// A store, and the vault with the keys to what is sealed in it.
struct Opened {
    store: Store,
    loaded: Loaded,
    vaults: Vaults,
}

/// What is needed to open a store.
#[derive(Clone)]
struct Opening {
    dir: PathBuf,
    config: config::Store,
    new_store: bool,
    now: Timestamp,
}

/// Finds the keys that the store needs, or creates one for a store that needs none, and opens the store with them.
async fn open(source: &Arc<Source>, opening: Opening) -> Result<Opened, StartError> {
    let Opening { dir, new_store, now, .. } = opening.clone();
    let needed = in_store({
        let dir = dir.clone();
        move || Store::keys_needed(&dir, new_store)
    });
    let Needs { store, keys } = needed.await?;
    let needed: Vec<KeyId> = keys.into_iter().map(KeyId).collect();
    // A key of a passphrase depends on the store, which is created after the key was found.
    let id = match store {
        Some(id) => id,
        None => new_id()?,
    };
    let keys = source.clone();
    let found = in_time(&source.file, move || {
        let sources = keys.environment.key_sources(&opening.config, &opening.dir).of_store(id);
        if needed.is_empty() && sources.find()?.is_none() {
            own_dir(&opening.dir)?;
        }
        Ok::<_, StartError>(sources.for_store(&needed)?)
    });
    let found = found.await??;
    let options = OpenOptions { new_store, id: Some(id), ..OpenOptions::in_dir(dir, now) };
    let (store, mut loaded) = in_store(move || Store::open(options)).await?;
    // It may have changed in the meantime.
    let needed: Vec<KeyId> = loaded.keys.iter().filter(|key| key.is_needed).map(|key| KeyId(key.id)).collect();
    let Found { ring, from } = found.with_all(&needed)?;
    let vaults = Vaults::new(Vault::new(&ring, loaded.store), from);
    let keys = keys::taken_up(&loaded.keys, ring.sealing().0, &loaded.sealed_with(), now);
    if keys != loaded.keys {
        let commit = ConsentsCommit { keys: Some(keys.clone()), ..ConsentsCommit::default() };
        store.commit(Commit::from(commit)).await?;
        loaded.keys = keys;
    }
    personal::begin_chain(&store, &mut loaded, &vaults.now()).await?;
    Ok(Opened { store, loaded, vaults })
}

fn new_id() -> Result<[u8; 16], StartError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StartError::Randomness(error.to_string()))?;
    Ok(id)
}

/// Opens what is whole of a damaged store, to be read and exported only: nothing is synced, stored or sent.
///
/// # Errors
/// That the store is damaged, where nothing of it can be read, there is no room for it, or its key is not there.
async fn open_salvaged(source: &Arc<Source>, opening: Opening, error: StoreError) -> Result<Opened, StartError> {
    let options = OpenOptions::in_dir(opening.dir.clone(), opening.now);
    let salvaged = in_store(move || Store::open_salvaged(&options)).await;
    let Ok(Salvaged { store, loaded, rows }) = salvaged.inspect_err(|why| {
        tracing::error!(%why, "nothing can be read of the damaged store");
    }) else {
        return Err(error.into());
    };
    let keys = source.clone();
    let id = loaded.store;
    let found =
        in_time(&source.file, move || keys.environment.key_sources(&opening.config, &opening.dir).of_store(id).find());
    let Some(Found { ring, from }) = found.await?? else { return Err(error.into()) };
    tracing::error!(
        %error,
        rows,
        "the store is damaged: what is whole of it can be read and exported, and nothing is synced or stored; end rosterd, then \
         `rosterd repair` writes a new store of it, or a backup takes its place"
    );
    let vaults = Vaults::new(Vault::new(&ring, loaded.store), from);
    Ok(Opened { store, loaded, vaults })
}

/// How long the store may take to open before the log says so: a large one is repaired, an older one migrated.
const LONG: Duration = Duration::from_secs(10);

/// Opens the store on a thread that may block.
async fn in_store<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let mut opening = tokio::task::spawn_blocking(open);
    let opened = tokio::select! {
        opened = &mut opening => opened,
        () = tokio::time::sleep(LONG) => {
            tracing::warn!("the store is still being opened: it is large, or its disk is slow or does not respond");
            opening.await
        }
    };
    opened.unwrap_or(Err(StoreError::Closed))
}

/// Drops the app; the store's file is closed and unlocked once no task uses it any more.
async fn close(app: Arc<App>) {
    let users = Arc::downgrade(&app);
    drop(app);
    let step = Duration::from_millis(5);
    for _ in 0..CLOSING.div_duration_f64(step) as u32 {
        if users.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(step).await;
    }
    tracing::warn!("a task still uses the store; it is closed with the process");
}
