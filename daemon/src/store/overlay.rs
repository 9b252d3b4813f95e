//! A backend that reads from another one and keeps writes in memory, to read a store without changing it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use parking_lot::{Mutex, MutexGuard};
use redb::{Builder, Database, StorageBackend};

use super::error::StoreError;

const PAGE: usize = 4096;

/// redb is generic over its backend; this makes every backend the same type.
#[derive(Debug)]
pub(super) struct BoxedBackend(pub(super) Box<dyn StorageBackend>);

impl StorageBackend for BoxedBackend {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

/// A database that is closed without redb's last writes. Those to an overlay would be lost anyway, and on a damaged
/// database they may end the process.
pub(super) struct ReadOnly(Option<Database>);

impl ReadOnly {
    /// A database that nothing more is written to.
    pub(super) fn of(database: Database) -> Self {
        Self(Some(database))
    }

    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(builder: &mut Builder, below: Box<dyn StorageBackend>) -> Result<Self, StoreError> {
        Ok(Self(Some(builder.create_with_backend(Overlay::over(below)?)?)))
    }
}

impl Deref for ReadOnly {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("it is taken out when it is dropped only")
    }
}

impl DerefMut for ReadOnly {
    fn deref_mut(&mut self) -> &mut Database {
        self.0.as_mut().expect("it is taken out when it is dropped only")
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let database = self.0.take();
        if std::thread::panicking() {
            return;
        }
        // redb writes nothing while a panic unwinds. This panic has no message and is caught here.
        let _ = catch_unwind(AssertUnwindSafe(move || {
            let _closed = database;
            resume_unwind(Box::new(()));
        }));
    }
}

/// Pages that were written hide those of the backend below, and are dropped in the end. Takes no file locks.
#[derive(Debug)]
struct Overlay {
    below: Box<dyn StorageBackend>,
    below_len: u64,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    len: u64,
    pages: HashMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    fn over(below: Box<dyn StorageBackend>) -> io::Result<Self> {
        let len = below.len()?;
        Ok(Self { below, below_len: len, written: Mutex::new(Written { len, pages: HashMap::new() }) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock()
    }

    /// The page as it is below, with zeros after its end.
    fn page_below(&self, page: u64) -> io::Result<Box<[u8; PAGE]>> {
        let mut bytes = Box::new([0; PAGE]);
        let start = page * PAGE as u64;
        let there = self.below_len.saturating_sub(start).min(PAGE as u64) as usize;
        self.below.read(start, &mut bytes[..there])?;
        Ok(bytes)
    }
}

/// The pages that a range touches, each with the part of the page and the part of the range.
fn pages(offset: u64, len: usize) -> impl Iterator<Item = (u64, std::ops::Range<usize>, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let start = (at % PAGE as u64) as usize;
        let part = (PAGE - start).min(len - done);
        let range = done..done + part;
        done += part;
        (part > 0).then_some((at / PAGE as u64, start..start + part, range))
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > written.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (page, from, to) in pages(offset, out.len()) {
            match written.pages.get(&page) {
                Some(bytes) => out[to].copy_from_slice(&bytes[from]),
                None => out[to].copy_from_slice(&self.page_below(page)?[from]),
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.written().len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        for (page, to, from) in pages(offset, data.len()) {
            let bytes = match written.pages.entry(page) {
                Entry::Occupied(bytes) => bytes.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(self.page_below(page)?),
            };
            bytes[to].copy_from_slice(&data[from]);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.below.close()
    }
}
