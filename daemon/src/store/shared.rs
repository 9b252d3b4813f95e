//! The open database, between the writer's thread and all readers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use redb::{Database, ReadableDatabase, WriteTransaction};
use tokio::sync::watch;

use super::damage::DamageLog;
use super::error::StoreError;
use super::origin::Origin;
use super::reader::Reader;
use super::records::{Format, Record};
use super::tables::{FORMAT, Records};
use crate::meters::StoreMeters;

/// Whether the store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It does.
    Working,
    /// It does not, because of its disk; it keeps trying by itself. Reads go on where they can.
    Degraded {
        /// When it stopped.
        since: Instant,
        /// The failure, for people.
        reason: String,
    },
}

pub(super) struct Shared {
    /// `None` while it is reopened, or cannot be. Whoever reads or writes holds the lock meanwhile.
    database: RwLock<Option<Database>>,
    pub(super) origin: Origin,
    pub(super) state: watch::Sender<StoreState>,
    pub(super) damage: DamageLog,
    pub(super) meters: StoreMeters,
}

impl Shared {
    pub(super) fn new(origin: Origin, database: Database, damage: DamageLog) -> Self {
        let state = watch::Sender::new(StoreState::Working);
        Self { database: RwLock::new(Some(database)), origin, state, damage, meters: StoreMeters::default() }
    }

    /// Runs `read` in one read transaction. redb panics on some damaged pages; that is told as damage.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or_else(|| self.degraded())?;
        let _counted = self.meters.read();
        told_as_damage(|| read(&Reader::new(database.begin_read()?, &self.damage)))
    }

    /// Runs `write` in one write transaction and makes it durable. On an error nothing was written, or, when the error
    /// came from the commit itself, it is not known.
    ///
    /// After a panic the database must be reopened, as after any error that latches.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or_else(|| self.degraded())?;
        told_as_damage(|| {
            let mut txn = database.begin_write()?;
            txn.set_quick_repair(true);
            let told = write(&txn)?;
            txn.commit()?;
            Ok(told)
        })
    }

    /// Closes the database once all readers have ended, and opens it again.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        told_as_damage(|| {
            drop(database.take());
            *database = Some(self.origin.open()?);
            Ok(())
        })
    }

    /// Writes what is there already: whether the disk takes it.
    pub(super) fn try_writing(&self) -> Result<(), StoreError> {
        self.write(|txn| {
            let key = Format(FORMAT).key();
            let sealed = Format(FORMAT).sealed(&key)?;
            txn.open_table(Records::Meta.definition())?.insert(key.as_slice(), sealed.as_slice())?;
            Ok(())
        })
    }

    /// The error of whoever wants to write now.
    pub(super) fn degraded(&self) -> StoreError {
        match &*self.state.borrow() {
            StoreState::Degraded { reason, .. } => StoreError::Degraded { reason: reason.clone() },
            StoreState::Working => StoreError::Degraded { reason: "it is being reopened".to_owned() },
        }
    }
}

/// Turns a panic into `Damaged`. Everything that was open inside has been dropped by then.
pub(super) fn told_as_damage<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(StoreError::Damaged { what: format!("it could not be worked on: {}", words_of(&*panic)) })
    })
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}
