//! A disk in memory that loses power, tears writes and fails at calls that a test chooses.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use redb::StorageBackend;
use roster_protocol::time::Timestamp;

use crate::model::{Commit, Loaded};
use crate::store::{BackendSource, Encoded, OpenOptions, Pending, Store, StoreError};

/// How many bytes a disk writes completely or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    /// What reads return.
    now: Vec<u8>,
    /// What survives a loss of power for sure.
    synced: Vec<u8>,
    since_sync: Vec<Change>,
    /// Calls of any kind.
    calls: u64,
    fails: Fails,
    /// Whether a call has failed as planned.
    has_failed: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

/// When calls fail, by their number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Fails {
    #[default]
    Never,
    /// That one call.
    Once(u64),
    /// That one and all later ones.
    From(u64),
    /// As `From`, and what was written without sync may be lost.
    PowerAt(u64),
}

/// Queues one commit that can be stored.
pub(super) fn submit(store: &Store, commit: &Commit) -> Pending {
    store.submit(Encoded::of(commit).expect("it can be stored"))
}

/// What happens to writes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    /// None of them is kept.
    All,
    /// All of them are kept.
    Nothing,
    /// Each is kept or lost, independently of the others.
    Some,
    /// Each sector of each is kept or lost.
    Torn,
}

impl Disk {
    pub(super) fn with(bytes: Vec<u8>) -> Self {
        let inside = Inside { now: bytes.clone(), synced: bytes, ..Inside::default() };
        Self(Arc::new(Mutex::new(inside)))
    }

    pub(super) fn source(&self) -> BackendSource {
        let disk = self.clone();
        Arc::new(move || Ok(Box::new(disk.clone())))
    }

    pub(crate) fn open(&self) -> Result<(Store, Loaded), StoreError> {
        let options = OpenOptions {
            linger: Duration::ZERO,
            cache_bytes: 1 << 20,
            backend: Some(self.source()),
            ..OpenOptions::in_dir("", Timestamp(0))
        };
        Store::open(options)
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.inside().now.clone()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.inside().calls
    }

    pub(crate) fn fail(&self, fails: Fails) {
        self.inside().fails = fails;
    }

    pub(super) fn has_failed(&self) -> bool {
        self.inside().has_failed
    }

    /// The disk after the power is back.
    pub(super) fn after_power_loss(&self, loss: Loss, random: &mut fastrand::Rng) -> Disk {
        let inside = self.inside();
        let mut bytes = inside.synced.clone();
        for change in &inside.since_sync {
            match (loss, change) {
                (Loss::All, _) => {}
                (Loss::Some, _) if random.bool() => {}
                (Loss::Torn, Change::Bytes(at, data)) => {
                    for (sector, part) in data.chunks(SECTOR).enumerate() {
                        if random.bool() {
                            apply(&mut bytes, &Change::Bytes(at + sector * SECTOR, part.to_vec()));
                        }
                    }
                }
                _ => apply(&mut bytes, change),
            }
        }
        Disk::with(bytes)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock()
    }

    fn call(&self) -> io::Result<MutexGuard<'_, Inside>> {
        let mut inside = self.inside();
        inside.calls += 1;
        let fails = match inside.fails {
            Fails::Never => false,
            Fails::Once(at) => inside.calls == at,
            Fails::From(at) | Fails::PowerAt(at) => inside.calls >= at,
        };
        inside.has_failed |= fails;
        if fails { Err(io::Error::from_raw_os_error(5)) } else { Ok(inside) }
    }
}

/// A write that is torn off its extension of the file extends it, as sparse files do.
fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(len) => bytes.resize(*len, 0),
        Change::Bytes(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.call()?.now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inside = self.call()?;
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let end = from.checked_add(out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(inside.now.get(from..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let change = Change::Length(len as usize);
        let mut inside = self.call()?;
        apply(&mut inside.now, &change);
        inside.since_sync.push(change);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inside = self.call()?;
        inside.synced = inside.now.clone();
        inside.since_sync.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let change = Change::Bytes(offset as usize, data.to_vec());
        let mut inside = self.call()?;
        apply(&mut inside.now, &change);
        inside.since_sync.push(change);
        Ok(())
    }
}
