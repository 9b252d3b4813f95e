//! The socket's file: it has its final mode before clients can connect, and a stale one is removed only after connecting
//! to it has failed. When it is lost, it can be made again.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use roster_protocol::paths::SOCKET_BYTES;
use tokio::net::UnixListener;

/// Whom the modes of the socket and its directory let connect. The daemon judges its peers besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// The daemon's own user, and root.
    Owner,
    /// Members of the directory's group as well.
    Group,
    /// Everyone: the config says which of them may do what.
    Anyone,
}

impl Admits {
    fn of_directory(self) -> u32 {
        [0o700, 0o750, 0o755][self as usize]
    }

    fn of_socket(self) -> u32 {
        [0o600, 0o660, 0o666][self as usize]
    }
}

/// Why the socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error("another rosterd listens on {path} already")]
    Taken { path: PathBuf },
    #[error("{path} is there and is no socket; move it away")]
    NoSocket { path: PathBuf },
    #[error(
        "{path} cannot be a socket: the path is too long, {length} bytes, and at most {SOCKET_BYTES} fit; \
         give a shorter one with --socket"
    )]
    TooLong { path: PathBuf, length: usize },
    #[error("{path} cannot be listened on: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// The socket's file, as it was made.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    /// Whom it admits where the config gives no roles.
    usual: Admits,
    inode: AtomicU64,
    modes: Mutex<Modes>,
}

#[derive(Debug)]
struct Modes {
    admits: Admits,
    /// The mode of the directory before it was opened to everyone.
    directory_before: Option<u32>,
}

impl Socket {
    /// Listens at `path`. `group_may`: the members of the directory's group may connect, as with a system service.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub fn listen(path: PathBuf, group_may: bool) -> Result<(Arc<Self>, UnixListener), SocketError> {
        let usual = if group_may { Admits::Group } else { Admits::Owner };
        let modes = Mutex::new(Modes { admits: usual, directory_before: None });
        let socket = Self { path, usual, inode: AtomicU64::new(0), modes };
        let listener = socket.listen_again()?;
        Ok((Arc::new(socket), listener))
    }

    /// Makes the socket and its directory again.
    ///
    /// # Errors
    /// See [`SocketError`]; another file in its place is left there.
    pub fn listen_again(&self) -> Result<UnixListener, SocketError> {
        let mut modes = self.modes.lock();
        let (listener, made) = listen(&self.path, modes.admits)?;
        self.inode.store(made, Ordering::Relaxed);
        // Its directory may be another one.
        modes.directory_before = None;
        self.open_directory(&mut modes);
        Ok(listener)
    }

    /// Whether clients that connect at the path reach this process.
    pub fn is_there(&self) -> bool {
        inode(&self.path) == Some(self.inode.load(Ordering::Relaxed))
    }

    /// Whom it admits where the config gives no roles.
    pub fn usual(&self) -> Admits {
        self.usual
    }

    /// The group of the socket's directory, where its members are admitted.
    pub fn group(&self) -> Option<u32> {
        self.path.parent().filter(|_| self.usual == Admits::Group).and_then(group_of)
    }

    /// Lets others connect from now on, or no more. What cannot be changed is logged.
    pub fn admit(&self, admits: Admits) {
        let mut modes = self.modes.lock();
        if modes.admits == admits || !self.is_there() {
            modes.admits = admits;
            return;
        }
        let narrower = modes.directory_before.take().filter(|_| admits != Admits::Anyone);
        if let Err(error) = change_mode(&self.path, admits.of_socket()) {
            tracing::error!(%error, "the mode of the socket cannot be changed");
        }
        if let (Some(before), Some(dir)) = (narrower, self.path.parent()) {
            // The socket's own mode keeps others out already.
            let _ = change_mode(dir, before);
        }
        modes.admits = admits;
        self.open_directory(&mut modes);
    }

    /// Lets everyone into the directory, if they are to be: no mode is taken from a directory that has more.
    fn open_directory(&self, modes: &mut Modes) {
        let Some(dir) = self.path.parent().filter(|_| modes.admits == Admits::Anyone) else { return };
        let Some(mode) = std::fs::metadata(dir).ok().map(|metadata| metadata.permissions().mode() & 0o7777) else {
            return;
        };
        let open = mode | Admits::Anyone.of_directory();
        if open == mode {
            return;
        }
        match change_mode(dir, open) {
            Ok(()) => modes.directory_before = Some(mode),
            Err(error) => {
                tracing::warn!(%error, "the socket's directory cannot be opened to those whom [access] names");
            }
        }
    }

    /// Removes the socket if it is still the one that was made.
    pub fn remove(&self) {
        if self.is_there() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn change_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn inode(path: &Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().map(|metadata| metadata.ino())
}

/// Checks what [`Socket::listen`] would refuse, as far as it can be seen; a daemon may listen there already. Changes
/// nothing.
///
/// # Errors
/// `TooLong`, `NoSocket`.
pub fn could_listen(path: &Path) -> Result<(), SocketError> {
    let length = path.as_os_str().len();
    if length > SOCKET_BYTES {
        return Err(SocketError::TooLong { path: path.to_owned(), length });
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(SocketError::NoSocket { path: path.to_owned() }),
        _ => Ok(()),
    }
}

/// Listens at `path`. A missing directory is created for the users who are admitted. The socket has its mode before it
/// appears under its name: it is created under another name in the same directory, and renamed.
fn listen(path: &Path, admits: Admits) -> Result<(UnixListener, u64), SocketError> {
    let io = |source| SocketError::Io { path: path.to_owned(), source };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A short name, so that it fits where the socket's own does.
    let fresh = dir.join(format!(".{}", std::process::id()));
    could_listen(path)?;
    if !dir.exists() {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(admits.of_directory()).create(dir).map_err(io)?;
    }
    remove_stale(path)?;
    let _ = std::fs::remove_file(&fresh);
    // Bound but not listening yet: no client can connect before the mode is final.
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::STREAM,
        rustix::net::SocketFlags::CLOEXEC | rustix::net::SocketFlags::NONBLOCK,
        None,
    )
    .map_err(|error| io(error.into()))?;
    let address = rustix::net::SocketAddrUnix::new(&fresh).map_err(|error| io(error.into()))?;
    rustix::net::bind(&socket, &address).map_err(|error| io(error.into()))?;
    change_mode(&fresh, admits.of_socket()).map_err(io)?;
    rustix::net::listen(&socket, 64).map_err(|error| io(error.into()))?;
    // Another process may put a file in its place as soon as it has its name.
    let made = inode(&fresh).unwrap_or_default();
    rename_unless_taken(&fresh, path).map_err(io)?;
    let listener = UnixListener::from_std(std::os::unix::net::UnixListener::from(socket)).map_err(io)?;
    Ok((listener, made))
}

/// Gives the socket its name. A file that another process has put there meanwhile stays.
fn rename_unless_taken(fresh: &Path, path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, fresh, CWD, path, RenameFlags::NOREPLACE) {
        // Some file systems only know the plain form.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => std::fs::rename(fresh, path),
        renamed => renamed.map_err(|error| {
            let _ = std::fs::remove_file(fresh);
            error.into()
        }),
    }
}

/// Removes a stale socket: one that no daemon listens on.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    if std::fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    could_listen(path)?;
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(SocketError::Taken { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|source| SocketError::Io { path: path.to_owned(), source })
        }
        Err(_) => Err(SocketError::Taken { path: path.to_owned() }),
    }
}

/// The group of the socket's directory, whose members a system service admits.
fn group_of(dir: &Path) -> Option<u32> {
    std::fs::metadata(dir).ok().map(|metadata| metadata.gid())
}
