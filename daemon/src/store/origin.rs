//! Opens the database: the state directory, its lock, the creation of a new store, the checks before opening.
//!
//! A database whose creation was interrupted cannot be opened, so it is created under another name and renamed when it
//! is complete.

use std::fs::{self, DirBuilder, File, OpenOptions as FileOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use redb::{Database, ReadableDatabase, StorageBackend};
use roster_protocol::time::Timestamp;
use rustix::fs::{Access, FlockOperation, OFlags, access, flock, statvfs};

use super::damage::DamageLog;
use super::disk::Disk;
use super::envelope::Unreadable;
use super::error::StoreError;
use super::open_file::OpenFile;
use super::overlay::{BoxedBackend, ReadOnly};
use super::records::{self, Format, Record, Stamp};
use super::tables::{CHUNKS, FORMAT, Records};
use super::{marker, migrations};
use crate::history::retention::DEFAULTS;
use crate::model::RetentionChoice;

const FILE: &str = "roster.redb";
const NEW_FILE: &str = "roster.redb.new";
const LOCK_FILE: &str = "roster.lock";
/// The first bytes of every redb file.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Makes a backend for each opening of the database; for tests.
pub type BackendSource = Arc<dyn Fn() -> std::io::Result<Box<dyn StorageBackend>> + Send + Sync>;

/// Where the database is opened from, each time.
pub(super) struct Origin {
    source: Source,
    cache_bytes: usize,
    /// Where it is what is whole of a damaged store: that it is damaged, and the lock on that store.
    damaged: Option<(StoreError, File)>,
}

enum Source {
    /// The file, and the lock, which is held until this is dropped.
    File {
        path: PathBuf,
        _lock: Option<File>,
        /// The file as it is open; `None` until it is opened for writing.
        open: Mutex<Option<OpenFile>>,
    },
    Backend(BackendSource),
}

impl Origin {
    /// Locks the state directory, and creates the database unless it exists.
    ///
    /// # Errors
    /// `Gone` when there is none and a marker says that there was one, unless a new one is requested.
    pub(super) fn in_dir(dir: &Path, cache_bytes: usize, stamp: Stamp, new: bool) -> Result<Self, StoreError> {
        own_dir(dir)?;
        let lock = lock(dir)?;
        remove_leftover(&dir.join(NEW_FILE))?;
        let path = dir.join(FILE);
        let origin = Self {
            source: Source::File { path, _lock: Some(lock), open: Mutex::new(None) },
            cache_bytes,
            damaged: None,
        };
        if !is_there(dir)? {
            may_begin(dir, new)?;
            origin.create(dir, stamp)?;
        }
        Ok(origin)
    }

    /// The store that is in a directory, to be read only. Creates nothing there.
    ///
    /// # Errors
    /// `Gone` when there is none and a marker says that there was one; `NotOurs` when there is none.
    pub(super) fn to_read(dir: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        if !is_there(dir)? {
            may_begin(dir, false)?;
            return Err(not_ours(&path, "there is no such file"));
        }
        // A copy has no lock's file, and needs none: the engine locks the store's own file, too.
        let locked = fs::symlink_metadata(dir.join(LOCK_FILE)).is_ok().then(|| lock(dir)).transpose()?;
        open_checked_to_read(&path)?;
        Ok(Self { source: Source::File { path, _lock: locked, open: Mutex::new(None) }, cache_bytes, damaged: None })
    }

    /// The same of a directory that the caller has locked.
    pub(super) fn file_to_read(dir: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        open_checked_to_read(&path)?;
        Ok(Self { source: Source::File { path, _lock: None, open: Mutex::new(None) }, cache_bytes, damaged: None })
    }

    /// The same as what is whole of a damaged store: it is opened for reading only.
    pub(super) fn of_damaged(self, error: StoreError, lock: File) -> Self {
        Self { damaged: Some((error, lock)), ..self }
    }

    /// Where the file is; `None` for backends.
    pub(super) fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File { path, .. } => Some(path),
            Source::Backend(_) => None,
        }
    }

    /// Leaves the marker of the store with this id beside its file.
    pub(super) fn mark(&self, id: [u8; 16]) -> Result<(), StoreError> {
        match &self.source {
            Source::File { path, .. } => marker::put(path.parent().unwrap_or(path), id),
            Source::Backend(_) => Ok(()),
        }
    }

    /// Succeeds while the store's path leads to the file that is open, as this process last wrote it.
    ///
    /// # Errors
    /// `Replaced` when it does not; `Io` when it cannot be looked at.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &self.source {
            Source::File { open, .. } => open.lock().as_ref().map_or(Ok(()), OpenFile::check),
            Source::Backend(_) => Ok(()),
        }
    }

    /// Records how the last write to the open file ended.
    pub(super) fn wrote(&self, well: bool) {
        if let Source::File { open, .. } = &self.source
            && let Some(open) = open.lock().as_ref()
        {
            open.wrote(well);
        }
    }

    /// Has the path lead to another file from now on, which is opened next.
    pub(super) fn replaced(&self) {
        if let Source::File { open, .. } = &self.source {
            *open.lock() = None;
        }
    }

    /// Uses a test's backend, and creates the database unless it exists.
    pub(super) fn in_backend(source: BackendSource, cache_bytes: usize, stamp: Stamp) -> Result<Self, StoreError> {
        let backend = source()?;
        let is_new = backend.len()? == 0;
        let origin = Self { source: Source::Backend(source), cache_bytes, damaged: None };
        if is_new {
            write_schema(&origin.builder().create_with_backend(BoxedBackend(backend))?, stamp)?;
        }
        Ok(origin)
    }

    /// Opens the database, with everything that was committed before a crash.
    pub(super) fn open(&self) -> Result<Database, StoreError> {
        self.damaged.as_ref().map_or(Ok(()), |(error, _)| Err(error.clone()))?;
        match &self.source {
            Source::Backend(source) => Ok(self.builder().create_with_backend(BoxedBackend(source()?))?),
            Source::File { path, open, .. } => {
                let file = open_checked(path)?;
                let database = self.builder().create_file(file);
                let database = database.map_err(|error| in_use(error, path.parent().unwrap_or(path)))?;
                *open.lock() = Some(OpenFile::at(path)?);
                Ok(database)
            }
        }
    }

    /// Reads the format without changing a byte, whatever state the file is in.
    ///
    /// # Errors
    /// `Newer` for a newer format; `Damaged` when no format can be read.
    pub(super) fn check_format(&self) -> Result<u32, StoreError> {
        check_format(&*self.open_to_read()?)
    }

    /// Opens the database without changing a byte, whatever state the file is in. Nothing that is written to it is
    /// kept.
    pub(super) fn open_to_read(&self) -> Result<ReadOnly, StoreError> {
        let below: Box<dyn StorageBackend> = match &self.source {
            Source::Backend(source) => source()?,
            Source::File { path, .. } => Box::new(redb::backends::FileBackend::new(open_checked_to_read(path)?)?),
        };
        ReadOnly::open(&mut self.builder(), below)
    }

    /// Opens the database, and migrates it if its format is older than this version's.
    ///
    /// # Errors
    /// As [`Origin::open`]. A store whose migration failed keeps the format of the last complete step.
    pub(super) fn open_as_of_now(&self, found: u32, damage: &DamageLog) -> Result<Database, StoreError> {
        if found < FORMAT
            && let Source::File { path, .. } = &self.source
        {
            migrations::copy(path, found)?;
        }
        let database = self.open()?;
        migrations::migrate(&database, found, damage)?;
        make_missing_tables(&database)?;
        self.wrote(true);
        Ok(database)
    }

    /// The bytes that the file takes on the disk: less than its length, which grows ahead of what is written. `None`
    /// for backends.
    pub(super) fn file_bytes(&self) -> Option<u64> {
        match &self.source {
            Source::File { path, .. } => fs::metadata(path).ok().map(|meta| meta.blocks() * 512),
            Source::Backend(_) => None,
        }
    }

    /// How much can still be written to the file's disk; `None` for backends.
    pub(super) fn room_bytes(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.disk()?.map(|disk| disk.free_bytes))
    }

    /// The disk that the file is on; `None` when there is no file.
    pub(super) fn disk(&self) -> Result<Option<Disk>, StoreError> {
        let Source::File { path, .. } = &self.source else { return Ok(None) };
        let disk = statvfs(path).map_err(std::io::Error::from)?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Ok(Some(Disk { free_bytes: bytes(disk.f_bavail), total_bytes: bytes(disk.f_blocks) }))
    }

    fn builder(&self) -> redb::Builder {
        let mut builder = Database::builder();
        builder.set_cache_size(self.cache_bytes);
        builder
    }

    fn create(&self, dir: &Path, stamp: Stamp) -> Result<(), StoreError> {
        let path = dir.join(NEW_FILE);
        let file = no_follow().read(true).write(true).create_new(true).open(&path)?;
        write_schema(&self.builder().create_file(file)?, stamp)?;
        File::open(&path)?.sync_all()?;
        fs::rename(&path, dir.join(FILE))?;
        File::open(dir)?.sync_all()?;
        Ok(())
    }
}

/// The store's file in a directory.
pub(super) fn file_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Where a store is built that will take the place of the one in a directory, once what a killed program left there is gone.
/// The caller has the lock.
pub(super) fn begin_beside(dir: &Path) -> Result<PathBuf, StoreError> {
    let path = dir.join(NEW_FILE);
    remove_leftover(&path)?;
    Ok(path)
}

/// Gives the file `new` the store's name, in one step. A store that was there gets another one first, which is returned.
pub(super) fn take_place(dir: &Path, new: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let path = dir.join(FILE);
    let kept = if is_there(dir)? { Some(keep(&path, now)?) } else { None };
    fs::rename(new, &path)?;
    File::open(dir)?.sync_all()?;
    Ok(kept)
}

/// Gives a store's file a second name, under which it stays when another takes the first.
fn keep(path: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let when = now.to_jiff().strftime("%Y%m%dT%H%M%SZ").to_string();
    for again in 1.. {
        let number = if again == 1 { String::new() } else { format!("-{again}") };
        let kept = path.with_file_name(format!("{FILE}.before-{when}{number}"));
        match fs::hard_link(path, &kept) {
            Ok(()) => return Ok(kept),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(path.to_owned())
}

/// Whether the directory has a store, or something else in its place.
pub(super) fn is_there(dir: &Path) -> Result<bool, StoreError> {
    match fs::symlink_metadata(dir.join(FILE)) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether an empty store may be begun in a directory that has none.
pub(super) fn may_begin(dir: &Path, new: bool) -> Result<(), StoreError> {
    match marker::found(dir)?.filter(|_| !new) {
        Some(marker) => Err(StoreError::Gone { path: dir.join(FILE), marker }),
        None => Ok(()),
    }
}

/// Reads the format of an open database.
///
/// # Errors
/// As [`Origin::check_format`].
pub(super) fn check_format(database: &impl ReadableDatabase) -> Result<u32, StoreError> {
    let table = database.begin_read()?.open_table(Records::Meta.definition())?;
    let key = Format(FORMAT).key();
    let value = table.get(key.as_slice())?;
    let format = value.map_or(Err(Unreadable::Damaged), |value| records::read(Records::Meta, &key, value.value()));
    match format.map_err(|why| StoreError::unreadable(Records::Meta.name(), "its format", why))? {
        Format(found) if found > FORMAT => Err(StoreError::Newer { found, known: FORMAT }),
        Format(found) => Ok(found),
    }
}

pub(super) fn in_use(error: redb::DatabaseError, dir: &Path) -> StoreError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { dir: dir.to_owned() },
        other => other.into(),
    }
}

/// Creates every table, and the meta rows that identify the store, in one transaction.
fn write_schema(database: &Database, stamp: Stamp) -> Result<(), StoreError> {
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    for table in Records::ALL {
        txn.open_table(table.definition())?;
    }
    txn.open_table(CHUNKS)?;
    {
        let mut meta = txn.open_table(Records::Meta.definition())?;
        let (stamp_key, format_key) = (stamp.key(), Format(FORMAT).key());
        // What is deleted from it is known from its beginning.
        let choice = RetentionChoice { at: stamp.created_at, defaults: DEFAULTS };
        meta.insert(choice.key().as_slice(), choice.value(&choice.key())?.as_slice())?;
        meta.insert(stamp_key.as_slice(), stamp.value(&stamp_key)?.as_slice())?;
        meta.insert(format_key.as_slice(), Format(FORMAT).value(&format_key)?.as_slice())?;
    }
    txn.commit()?;
    Ok(())
}

/// Creates the tables that the store was made without: they are empty where they are not there.
fn make_missing_tables(database: &Database) -> Result<(), StoreError> {
    let there: Vec<String> =
        database.begin_read()?.list_tables()?.map(|table| redb::TableHandle::name(&table).to_owned()).collect();
    let missing = Records::ALL.into_iter().filter(|table| !there.iter().any(|name| name == table.name()));
    let missing: Vec<Records> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut txn = database.begin_write()?;
    txn.set_quick_repair(true);
    for table in missing {
        txn.open_table(table.definition())?;
    }
    Ok(txn.commit()?)
}

/// Checks that a directory can be our own, as [`own_dir`] would make it. Changes nothing.
pub(crate) fn could_own_dir(dir: &Path) -> Result<(), StoreError> {
    match fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => Err(not_made(dir, ErrorKind::NotADirectory.into())),
        Ok(meta) => check_ours(dir, &meta),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let above = dir.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok());
            let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let may_write = Access::WRITE_OK | Access::EXEC_OK;
            access(above, may_write).map_err(|error| not_made(dir, error.into()))
        }
        Err(error) => Err(not_made(dir, error)),
    }
}

/// A directory that cannot be made, by no fault of the disk's, needs an operator.
fn not_made(dir: &Path, error: std::io::Error) -> StoreError {
    use ErrorKind::{AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    match error.kind() {
        AlreadyExists | NotADirectory => not_ours(dir, "a file is in the place of a directory"),
        kind @ (NotFound | PermissionDenied | ReadOnlyFilesystem) => {
            not_ours(dir, &format!("the directory cannot be made: {kind}"))
        }
        _ => error.into(),
    }
}

/// Creates our own directory, which no other user may write to or read.
pub(crate) fn own_dir(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| not_made(dir, error))?;
    let meta = fs::metadata(dir)?;
    check_ours(dir, &meta)?;
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Takes the lock, which is held until the file is dropped; flock also holds across renames and bind mounts.
pub(super) fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK_FILE);
    let mut options = no_follow();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.open(&path).map_err(|error| not_followed(&path, error))?;
    check_file(&path, &file)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(error) => Err(std::io::Error::from(error).into()),
    }
}

/// Removes the file of an interrupted creation, which cannot be opened.
fn remove_leftover(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn open_checked(path: &Path) -> Result<File, StoreError> {
    checked(path, no_follow().read(true).write(true))
}

/// The same for reading only, which a copy on a disk that cannot be written permits, too.
pub(super) fn open_checked_to_read(path: &Path) -> Result<File, StoreError> {
    checked(path, no_follow().read(true))
}

fn checked(path: &Path, options: &FileOptions) -> Result<File, StoreError> {
    let mut file = options.open(path).map_err(|error| not_followed(path, error))?;
    check_file(path, &file)?;
    // redb would create a new database in an empty file.
    let mut magic = [0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == MAGIC => Ok(file),
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error.into()),
        _ => Err(StoreError::Damaged { what: format!("{} does not begin as a store does", path.display()) }),
    }
}

/// Options that follow no link, and wait for no other side of a pipe.
pub(super) fn no_follow() -> FileOptions {
    let mut options = FileOptions::new();
    options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    options
}

fn not_followed(path: &Path, error: std::io::Error) -> StoreError {
    match error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        true => not_ours(path, "it is a symbolic link"),
        false => error.into(),
    }
}

fn check_file(path: &Path, file: &File) -> Result<(), StoreError> {
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(not_ours(path, "it is no regular file"));
    }
    check_ours(path, &meta)
}

fn check_ours(path: &Path, meta: &fs::Metadata) -> Result<(), StoreError> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(not_ours(path, "it belongs to another user"));
    }
    if meta.mode() & 0o022 != 0 {
        return Err(not_ours(path, "others may write to it"));
    }
    Ok(())
}

fn not_ours(path: &Path, why: &str) -> StoreError {
    StoreError::NotOurs { path: path.to_owned(), why: why.to_owned() }
}
