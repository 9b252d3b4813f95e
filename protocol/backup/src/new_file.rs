//! A file that has no name until it is whole: a program that is killed, or a disk that is full, leaves nothing half.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags, RenameFlags, linkat, renameat_with};

/// A file that is being written for a path.
pub struct NewFile {
    file: File,
    path: PathBuf,
    /// Its name meanwhile, on a disk that knows no files without one.
    partial: Option<PathBuf>,
}

impl NewFile {
    /// Begins a file for `path`, which only its user can read. There must be nothing at `path`.
    ///
    /// # Errors
    /// `AlreadyExists`; when no file can be made there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        if path.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let dir = dir_of(path);
        if let Ok(file) = nameless_in(dir) {
            return Ok(Self { file, path: path.to_owned(), partial: None });
        }
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".partial");
        let partial = dir.join(hidden);
        let file = named_anew(&partial)?;
        Ok(Self { file, path: path.to_owned(), partial: Some(partial) })
    }

    /// Makes it durable, and gives it its name.
    ///
    /// # Errors
    /// `AlreadyExists` when something has the name by now; when it cannot be made durable. Then there is no such file.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match self.partial.take() {
            None => {
                let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                linkat(CWD, own, CWD, &self.path, AtFlags::SYMLINK_FOLLOW)?;
            }
            Some(partial) => {
                let renamed = rename(&partial, &self.path);
                self.partial = renamed.is_err().then_some(partial);
                renamed?;
            }
        }
        File::open(dir_of(&self.path))?.sync_all()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take() {
            // It does no harm: the next one of that name takes its place.
            let _ = fs::remove_file(partial);
        }
    }
}

/// A file in a directory that has no name, and is gone when it is closed.
///
/// # Errors
/// When none can be made there.
pub fn unnamed_in(dir: &Path) -> io::Result<File> {
    if let Ok(file) = nameless_in(dir) {
        return Ok(file);
    }
    let path = dir.join(".spool.partial");
    let file = named_anew(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

fn nameless_in(dir: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(OFlags::TMPFILE.bits() as i32);
    options.open(dir)
}

/// A file of this name; one that a killed program left is removed.
fn named_anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A disk that cannot promise it.
        Err(rustix::io::Errno::INVAL) if to.symlink_metadata().is_err() => fs::rename(from, to),
        renamed => Ok(renamed?),
    }
}

fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
