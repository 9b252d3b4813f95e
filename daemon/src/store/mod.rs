//! Everything the daemon stores: one redb file, one thread that writes, any number that read.
//!
//! [`Store::submit`] queues commits, which are stored completely and durably or not at all, in the order of the calls.
//! [`Store::read`] returns the result of a [`Query`]. The store reads no clock and starts no work of its own: the
//! caller decides when to fold, prune and scrub.
//!
//! Every value carries its own checksum. A damaged row is left out of results; [`Store::damaged`] counts and names it.
//! When the disk fails, the store refuses writes ([`StoreState::Degraded`]) and reopens the file until writing works
//! again. When its file is removed or replaced, it refuses them ([`StoreState::Replaced`]) until that file is back.
//! [`inspect`] verifies a store that is closed.

mod commit;
mod chain;
mod cleaning;
mod compaction;
mod copies;
mod damage;
mod disk;
mod envelope;
mod erasing;
mod error;
mod inspection;
mod lists;
mod log;
mod marker;
mod migrations;
mod needs;
mod open_file;
mod origin;
mod overlay;
mod people;
mod queries;
mod reader;
mod records;
mod repairing;
mod salvaging;
mod requests;
mod restoring;
mod rewriting;
mod rows;
mod spool;
mod scrub;
mod sealed;
mod shared;
mod snapshots;
mod retaining;
mod weeks;
mod reported;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod upkeep;
mod writer;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use redb::WriteTransaction;
use roster_protocol::time::Timestamp;
use tokio::sync::{oneshot, watch};

pub use self::chain::ChainCheck;
pub use self::commit::Encoded;
pub use self::compaction::{Compacted, compact};
pub use self::damage::{Damage, DamagedRow};
pub use self::disk::Disk;
pub use self::erasing::{ErasureCounts, Held};
pub use self::error::StoreError;
pub use self::inspection::{Inspection, inspect};
pub use self::lists::{Mark, Page};
pub use self::needs::Needs;
pub use self::origin::BackendSource;
pub use self::people::{AudiencesOf, ReceiptsOf, tables_about_people};
pub use self::queries::{
    AlertById, AlertCounts, AlertIds, AlertNumbered, AlertsQuery, AuditQuery, ChangesQuery, DeliveriesNamed,
    DeliveriesOf, DeliveriesQuery, FiguresSince, FollowerSum, HistoryQuery, LatestAlerts, Load, MetricHistory, Query,
    RecentValues, ReportedQuery, RequestsQuery, RunDays, RunsInOrder, RunsQuery, SnapshotCount, SnapshotOn, TableBytes,
    WeeksQuery,
};
pub use self::repairing::{Made, Repaired, repair};
pub use self::restoring::{RestoreError, Restored, restore};
pub use self::salvaging::Salvaged;
pub use self::scrub::Scrubbed;
pub use self::sealed::SealedCounts;
pub use self::shared::StoreState;
pub use self::spool::Spool;

use self::damage::DamageLog;
use self::origin::Origin;
pub(crate) use self::origin::{could_own_dir, own_dir};
use self::reader::Reader;
use self::records::Stamp;
use self::shared::{Shared, panics_as_damage};
use self::writer::Job;
use crate::meters::StoreMeters;
use crate::model::{Commit, Loaded};

/// How to open a store.
#[derive(Clone)]
pub struct OpenOptions {
    /// The state directory; created if it is missing, with mode 0700.
    pub dir: PathBuf,
    /// The size of redb's cache, whose default of 1 GiB is too much for us.
    pub cache_bytes: usize,
    /// How long a group of commits waits for more while many arrive.
    pub linger: Duration,
    /// The present time; recorded in a store that is created.
    pub now: Timestamp,
    /// The id of a store that is created; `None`: a random one.
    pub id: Option<[u8; 16]>,
    /// Whether an empty store may be begun where a marker says that there was one.
    pub new_store: bool,
    /// Replaces the file in `dir` each time the store is opened or reopened; for tests. No lock is taken then.
    pub backend: Option<BackendSource>,
}

impl OpenOptions {
    /// The file in `dir` with the cache and linger that were measured to suffice.
    pub fn in_dir(dir: impl Into<PathBuf>, now: Timestamp) -> Self {
        let linger = Duration::from_millis(5);
        Self { dir: dir.into(), cache_bytes: 32 << 20, linger, now, id: None, new_store: false, backend: None }
    }
}

/// The store. Clones share it. Dropping the last one writes what is queued and closes the file, and blocks until then.
///
/// ```
/// use roster_protocol::time::Timestamp;
/// use rosterd::model::{Commit, RosterCommit, Settings};
/// use rosterd::store::{Encoded, OpenOptions, SnapshotCount, Store, StoreError};
///
/// let dir = tempfile::tempdir()?;
/// let (store, loaded) = Store::open(OpenOptions::in_dir(dir.path(), Timestamp(0)))?;
/// let settings = Settings { paused: true, ..loaded.settings };
/// let commit = Commit::from(RosterCommit { settings: Some(settings), ..RosterCommit::default() });
/// store.submit(Encoded::of(&commit)?).wait()?; // Durable from here on.
/// assert_eq!(store.read_now(SnapshotCount)?, 0);
///
/// let again = OpenOptions::in_dir(dir.path(), Timestamp(0));
/// assert!(matches!(Store::open(again.clone()), Err(StoreError::InUse { .. })));
/// drop(store);
/// let (_store, loaded) = Store::open(again)?;
/// assert!(loaded.settings.paused);
/// # Ok::<(), StoreError>(())
/// ```
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    /// `None` only while being dropped.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store, creates it if there is none, and reads what the daemon keeps in memory. Blocks.
    ///
    /// # Errors
    /// `InUse` when another process has it; `Gone`, `Newer` and `NotOurs`, and then nothing is changed; `Damaged` when
    /// its file cannot be read; `Io` when the directory or file cannot be used.
    pub fn open(options: OpenOptions) -> Result<(Store, Loaded), StoreError> {
        let mut id = options.id.unwrap_or_default();
        if options.id.is_none() {
            getrandom::fill(&mut id).map_err(std::io::Error::other)?;
        }
        let stamp = Stamp { id, created_at: options.now };
        let dir = options.dir.clone();
        let opened = panics_as_damage(|| {
            let origin = match options.backend {
                None => Origin::in_dir(&options.dir, options.cache_bytes, stamp, options.new_store)?,
                Some(source) => Origin::in_backend(source, options.cache_bytes, stamp)?,
            };
            let damage = DamageLog::default();
            let found = origin.check_format()?;
            let database = origin.open_as_of_now(found, &damage)?;
            let (store, loaded) = Store::over(Arc::new(Shared::new(origin, database, damage)), options.linger)?;
            // On a full disk it is left for the next start: what is stored can still be read.
            if let Err(error) = store.handle.shared.origin.mark(loaded.store) {
                tracing::warn!(%error, "the marker beside the store could not be written");
            }
            if store.handle.shared.origin.path().is_some()
                && let Err(error) = salvaging::remove(&options.dir)
            {
                tracing::warn!(%error, "what was whole of a damaged store is still there");
            }
            Ok((store, loaded))
        });
        opened.map_err(|error| error.in_file(&origin::file_in(&dir)))
    }

    /// Loads what is stored, and begins to write.
    fn over(shared: Arc<Shared>, linger: Duration) -> Result<(Store, Loaded), StoreError> {
        let loaded = shared.read(|reader| reader.load())?;
        let (sender, receiver) = mpsc::channel();
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || writer::run(&of_thread, &receiver, linger))?;
        let handle = Handle { shared, queue: Mutex::new(Some(sender)), thread: Some(thread) };
        Ok((Store { handle: Arc::new(handle) }, loaded))
    }

    /// What the store in `dir` needs to be opened, read without changing anything there; nothing when there is no store. `new`:
    /// whether an empty store may be begun where there was one. Blocks.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn keys_needed(dir: &std::path::Path, new: bool) -> Result<Needs, StoreError> {
        let needed = panics_as_damage(|| Origin::keys_needed(dir, 1 << 20, new));
        needed.map_err(|error| error.in_file(&origin::file_in(dir)))
    }

    /// Queues commits, which are stored together, and returns at once. Commits are written in the order of the calls.
    /// The result need not be awaited; the commits are made regardless.
    ///
    /// # Errors
    /// The future's: `Degraded` when writing does not work at present; `Io` or `Damaged` when it failed just now, and
    /// then the commits may or may not be stored; `NewerRecord` when they would change one; `Closed`.
    pub fn submit(&self, commits: Encoded) -> Pending {
        let (reply, result) = oneshot::channel();
        if *self.handle.shared.state.borrow() == StoreState::Working {
            self.queue(Job::Commit(commits, reply));
        } else {
            let _ = reply.send(Err(self.handle.shared.degraded()));
        }
        Pending(result)
    }

    /// Makes a commit and returns when it is durable.
    ///
    /// # Errors
    /// As [`Encoded::add`] and [`Store::submit`].
    pub async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.submit(Encoded::of(&commit)?).await
    }

    /// Runs a query in one transaction, on a blocking thread.
    ///
    /// # Errors
    /// Those of [`Query::read`]; `Degraded` when the file cannot even be read; `Damaged` when reading it panics.
    pub async fn read<Q: Query>(&self, query: Q) -> Result<Q::Output, StoreError> {
        self.with_reader(|reader| query.read(reader)).await
    }

    /// Runs a query on this thread, and blocks it.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_now<Q: Query>(&self, query: Q) -> Result<Q::Output, StoreError> {
        self.handle.shared.read(|reader| query.read(reader))
    }

    /// Runs `read` in one read transaction on a blocking thread. It must be short, well under a second.
    async fn with_reader<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.handle.shared);
        let result = tokio::task::spawn_blocking(move || shared.read(read)).await;
        result.unwrap_or(Err(StoreError::Closed))
    }

    /// Closes the file and opens it again, after what was queued before; other reads and writes continue.
    ///
    /// # Errors
    /// Why it cannot be opened; the store is then degraded.
    pub async fn reopen(&self) -> Result<(), StoreError> {
        let (reply, result) = oneshot::channel();
        self.queue(Job::Reopen(reply));
        Pending(result).await
    }

    /// Looks whether the file is still the one at the store's path, after what is queued. When it is not, writes are
    /// refused until it is; a store that refuses them is reopened if it can be.
    ///
    /// # Errors
    /// `Replaced` when it is not; another one when it still cannot write.
    pub async fn check(&self) -> Result<(), StoreError> {
        let (reply, result) = oneshot::channel();
        self.queue(Job::Check(reply));
        Pending(result).await
    }

    /// Waits until the writer has worked off what is queued now. `true`: it is alive, whatever its disk does.
    pub async fn writer_responds(&self) -> bool {
        let (reply, result) = oneshot::channel();
        self.queue(Job::Ping(reply));
        Pending(result).await.is_ok()
    }

    /// Succeeds while the store accepts writes.
    ///
    /// # Errors
    /// `Degraded` or `Replaced` with the reason.
    pub fn writable(&self) -> Result<(), StoreError> {
        self.state().refusal().map_or(Ok(()), |(error, _)| Err(error))
    }

    /// How often the store has become writable again. A commit that failed before that may be stored nevertheless, so
    /// what is kept in memory must be loaded again.
    pub fn recoveries(&self) -> u64 {
        self.handle.shared.recoveries.load(Ordering::SeqCst)
    }

    /// Whether the store accepts writes.
    pub fn state(&self) -> StoreState {
        self.handle.shared.state.borrow().clone()
    }

    /// A receiver that is notified of each change of the state.
    pub fn watch_state(&self) -> watch::Receiver<StoreState> {
        self.handle.shared.state.subscribe()
    }

    /// The damage found since the store was opened.
    pub fn damaged(&self) -> Damage {
        self.handle.shared.damage.found()
    }

    /// Whether it is kept in a file: in some tests it is not.
    pub fn has_file(&self) -> bool {
        self.handle.shared.origin.path().is_some()
    }

    /// The bytes that the file takes on the disk; `None` when there is no file.
    pub fn file_bytes(&self) -> Option<u64> {
        self.handle.shared.origin.file_bytes()
    }

    /// The bytes that are free on the file's disk for users other than root; `None` when there is no file.
    pub fn free_bytes(&self) -> Option<u64> {
        self.handle.shared.origin.room_bytes().ok().flatten()
    }

    /// The disk that the file is on; `None` when there is no file, or the disk cannot be looked at. May block.
    pub fn disk(&self) -> Option<Disk> {
        self.handle.shared.origin.disk().ok().flatten()
    }

    /// Counts of reads and writes since the store was opened.
    pub fn meters(&self) -> &StoreMeters {
        &self.handle.shared.meters
    }

    /// Runs `work` in a write transaction of its own, after what is queued.
    async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&WriteTransaction, &DamageLog) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, written) = oneshot::channel();
        let (result, made) = oneshot::channel();
        let work = Box::new(move |txn: &WriteTransaction, shared: &Shared| {
            // The caller may have stopped waiting; the work is done regardless.
            let _ = result.send(work(txn, &shared.damage)?);
            Ok(())
        });
        self.queue(Job::Alone(work, reply));
        Pending(written).await?;
        made.await.map_err(|_| StoreError::Closed)
    }

    fn queue(&self, job: Job) {
        let queue = self.handle.queue.lock();
        // Without a writer the job is dropped, and the reply with it: its receiver returns `Closed`.
        drop(queue.as_ref().map(|queue| queue.send(job)));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.lock().take();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A queued commit; resolves when it is durable or has failed.
#[must_use = "a commit that is not awaited may fail unseen"]
pub struct Pending(oneshot::Receiver<Result<(), StoreError>>);

impl Pending {
    /// Blocks this thread until it is durable; not for async code.
    ///
    /// # Errors
    /// As [`Store::submit`].
    pub fn wait(self) -> Result<(), StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Future for Pending {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|result| result.unwrap_or(Err(StoreError::Closed)))
    }
}
