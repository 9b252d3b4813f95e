//! The open database, between the writer's thread and all readers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use parking_lot::RwLock;
use redb::{Database, ReadableDatabase, TableDefinition, WriteTransaction};
use tokio::sync::watch;

use super::damage::DamageLog;
use super::error::StoreError;
use super::origin::Origin;
use super::overlay::ReadOnly;
use super::reader::Reader;
use super::writer;
use crate::meters::StoreMeters;

/// The table that is written to test whether there is room. The next test deletes what a crash left of it.
pub(super) const ROOM: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("room");
/// More bytes than any group of commits has.
const ROOM_BYTES: usize = 256 * 1024;
/// How much the disk must have free again after it was full.
const LEAST_ROOM_BYTES: u64 = 1024 * 1024;

/// Whether the store accepts writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It accepts writes.
    Working,
    /// It refuses writes, because its disk failed, and keeps trying. Reads continue where they can.
    Degraded {
        /// When it stopped.
        since: Instant,
        /// The failure, in words.
        reason: String,
    },
    /// It refuses writes, because a page that one needs makes no sense, and keeps trying. Reads continue where they can.
    Damaged {
        /// When that was noticed.
        since: Instant,
        /// What was found, in words.
        what: String,
    },
    /// It refuses writes, because its file was removed, replaced or overwritten, until that file is there again as it
    /// was. Reads continue where they can.
    Replaced {
        /// When that was noticed.
        since: Instant,
        /// Where the file was.
        path: PathBuf,
        /// What happened to it.
        how: String,
    },
}

impl StoreState {
    /// The state after a failure at that time.
    pub(super) fn after(error: &StoreError, since: Instant) -> Self {
        match error {
            StoreError::Replaced { path, how } => Self::Replaced { since, path: path.clone(), how: how.clone() },
            StoreError::Damaged { what } => Self::Damaged { since, what: what.clone() },
            other => Self::Degraded { since, reason: other.to_string() },
        }
    }

    /// Why writes are refused, and since when; `None` while it works.
    pub fn refusal(&self) -> Option<(StoreError, Instant)> {
        match self {
            StoreState::Working => None,
            StoreState::Degraded { since, reason } => Some((StoreError::Degraded { reason: reason.clone() }, *since)),
            StoreState::Damaged { since, what } => Some((StoreError::Damaged { what: what.clone() }, *since)),
            StoreState::Replaced { since, path, how } => {
                Some((StoreError::Replaced { path: path.clone(), how: how.clone() }, *since))
            }
        }
    }
}

/// How the database is open at present.
enum Held {
    /// For reading and writing.
    Whole(Database),
    /// For reading only, because opening it for writing failed: changes are not stored.
    ToRead(ReadOnly),
}

pub(super) struct Shared {
    /// `None` while it is being reopened, or cannot even be read. Each read and write holds the lock.
    held: RwLock<Option<Held>>,
    pub(super) origin: Origin,
    pub(super) state: watch::Sender<StoreState>,
    /// How often the store has become writable again.
    pub(super) recoveries: AtomicU64,
    pub(super) damage: DamageLog,
    pub(super) meters: StoreMeters,
}

impl Shared {
    pub(super) fn new(origin: Origin, database: Database, damage: DamageLog) -> Self {
        let held = RwLock::new(Some(Held::Whole(database)));
        let state = watch::Sender::new(StoreState::Working);
        Self { held, origin, state, recoveries: AtomicU64::new(0), damage, meters: StoreMeters::default() }
    }

    /// One that is read only, for good, because the store is damaged.
    pub(super) fn to_read(origin: Origin, database: ReadOnly, damage: DamageLog, error: &StoreError) -> Self {
        let held = RwLock::new(Some(Held::ToRead(database)));
        let state = watch::Sender::new(writer::refusing(error));
        Self { held, origin, state, recoveries: AtomicU64::new(0), damage, meters: StoreMeters::default() }
    }

    /// Runs `read` in one read transaction. redb panics on some damaged pages; that is returned as damage.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let held = self.held.read();
        let database = match held.as_ref().ok_or_else(|| self.degraded())? {
            Held::Whole(database) => database,
            Held::ToRead(database) => database,
        };
        let _counted = self.meters.read();
        let found = panics_as_damage(|| read(&Reader::new(database.begin_read()?, &self.damage)));
        found.map_err(|error| self.located(error))
    }

    /// Runs `write` in one write transaction and makes it durable. On an error nothing was written; when the commit
    /// itself failed, that is not known.
    ///
    /// After a panic the database must be reopened, as after any error that latches.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let held = self.held.read();
        let Some(Held::Whole(database)) = held.as_ref() else { return Err(self.degraded()) };
        self.origin.check()?;
        let written = panics_as_damage(|| {
            let mut txn = database.begin_write()?;
            txn.set_quick_repair(true);
            let written = write(&txn)?;
            txn.commit()?;
            Ok(written)
        });
        self.origin.wrote(written.as_ref().err().is_none_or(|error| !error.latches()));
        written.map_err(|error| self.located(error))
    }

    /// Notes a damaged page, and names the file in the error.
    fn located(&self, error: StoreError) -> StoreError {
        let error = match self.origin.path() {
            Some(path) => error.in_file(path),
            None => error,
        };
        if let StoreError::Damaged { what } = &error {
            self.damage.note_page(what);
        }
        error
    }

    /// Succeeds while the file that is open is the one at the store's path.
    ///
    /// # Errors
    /// As [`Origin::check`].
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.origin.check()
    }

    /// Closes the database once all readers have ended, and opens it again. When that fails, it is opened for reading
    /// only: on a full disk it does fail, because redb would repair a database that was left open.
    ///
    /// # Errors
    /// Why it cannot be opened; `Replaced` while the file at its path is another one, and then the one that is open
    /// stays open for reading.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        let mut held = self.held.write();
        self.origin.check()?;
        let closed = panics_as_damage(|| {
            drop(held.take());
            Ok(())
        });
        // Closing writes: a file that cannot be opened now is still this one when it can be.
        self.origin.wrote(closed.is_ok());
        match closed.and_then(|()| panics_as_damage(|| self.origin.open())) {
            Ok(database) => {
                *held = Some(Held::Whole(database));
                Ok(())
            }
            Err(error) => {
                *held = panics_as_damage(|| self.origin.open_to_read()).ok().map(Held::ToRead);
                Err(self.located(error))
            }
        }
    }

    /// Gives the file `new` the store's name, once all readers have ended, and opens it.
    ///
    /// # Errors
    /// Why the file at the store's path cannot be opened; it is a whole one all the same, the old one or the new one.
    pub(super) fn put_in_place(&self, new: &std::path::Path) -> Result<(), StoreError> {
        let mut held = self.held.write();
        self.origin.check()?;
        let Some(path) = self.origin.path() else { return Ok(()) };
        let closed = panics_as_damage(|| {
            drop(held.take());
            Ok(())
        });
        let placed = closed.and_then(|()| {
            std::fs::rename(new, path)?;
            self.origin.replaced();
            std::fs::File::open(path.parent().unwrap_or(path))?.sync_all()?;
            panics_as_damage(|| self.origin.open())
        });
        match placed {
            Ok(database) => {
                *held = Some(Held::Whole(database));
                Ok(())
            }
            Err(error) => {
                *held = panics_as_damage(|| self.origin.open_to_read()).ok().map(Held::ToRead);
                Err(self.located(error))
            }
        }
    }

    /// Tests whether the disk has room for the next commits: writes [`ROOM_BYTES`] and deletes them again.
    ///
    /// The file may have free pages while the disk is full. Such a disk would pass the test again and again, and fail
    /// at the next commit or the one after it, so the disk itself must have [`LEAST_ROOM_BYTES`] free as well.
    pub(super) fn try_writing(&self) -> Result<(), StoreError> {
        if self.origin.room_bytes()?.is_some_and(|room| room < LEAST_ROOM_BYTES) {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull).into());
        }
        self.write(|txn| {
            txn.open_table(ROOM)?.insert([].as_slice(), vec![0; ROOM_BYTES].as_slice())?;
            Ok(())
        })?;
        self.write(|txn| Ok(txn.delete_table(ROOM).map(|_| ())?))
    }

    /// The error for a caller that wants to write now.
    pub(super) fn degraded(&self) -> StoreError {
        let reopening = || StoreError::Degraded { reason: "it is being reopened".to_owned() };
        self.state.borrow().refusal().map_or_else(reopening, |(error, _)| error)
    }
}

impl Drop for Shared {
    /// redb writes when it closes, and may then panic on damaged pages too. It must not write over another program's
    /// file.
    fn drop(&mut self) {
        let held = self.held.get_mut().take();
        let held = match held {
            Some(Held::Whole(database)) if self.origin.check().is_err() => {
                drop(ReadOnly::of(database));
                return;
            }
            held => held,
        };
        if let Err(error) = panics_as_damage(|| {
            drop(held);
            Ok(())
        }) {
            tracing::error!(%error, "the store could not be closed in order; it is repaired when it is opened");
        }
    }
}

/// Turns a panic into `Damaged`, after everything that `work` had open was dropped.
pub(super) fn panics_as_damage<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        // The engine's own words name its code, not the store.
        tracing::debug!(words = words_of(&*panic), "the store's engine panicked");
        Err(StoreError::Damaged { what: "a page of it makes no sense".to_owned() })
    })
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}
