//! The socket's file: it has its final mode before clients can connect, and a stale one is removed only after connecting
//! to it has failed. When it is lost, it can be made again.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::unistd::{Gid, Uid, User};
use roster_protocol::Role;
use roster_protocol::paths::SOCKET_BYTES;
use tokio::net::UnixListener;

/// Which users are admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The daemon's own user, and root.
    Owner,
    /// Members of this group as well.
    Group(u32),
}

impl Gate {
    /// Whether this is root or the daemon's owner.
    pub fn is_operator(uid: u32) -> bool {
        uid == 0 || uid == Uid::effective().as_raw()
    }

    /// What a peer may do: everything when it is admitted, `None` when it is not.
    pub fn role(self, uid: u32, gid: u32) -> Option<Role> {
        let admitted = Self::is_operator(uid)
            || match self {
                Gate::Owner => false,
                Gate::Group(group) => gid == group || groups_of(uid).contains(&group),
            };
        admitted.then_some(Role::Admin)
    }
}

fn groups_of(uid: u32) -> Vec<u32> {
    let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) else { return Vec::new() };
    let Ok(name) = std::ffi::CString::new(user.name) else { return Vec::new() };
    let groups = nix::unistd::getgrouplist(&name, user.gid).unwrap_or_default();
    groups.into_iter().map(Gid::as_raw).collect()
}

/// The name of a user, empty when the uid has none.
pub fn user_name(uid: u32) -> String {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map(|user| roster_protocol::text::clean(&user.name, 40)).unwrap_or_default()
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
    group_may: bool,
    inode: AtomicU64,
}

impl Socket {
    /// Listens at `path`.
    ///
    /// # Errors
    /// See [`SocketError`].
    pub fn listen(path: PathBuf, group_may: bool) -> Result<(Arc<Self>, UnixListener), SocketError> {
        let socket = Self { path, group_may, inode: AtomicU64::new(0) };
        let listener = socket.listen_again()?;
        Ok((Arc::new(socket), listener))
    }

    /// Makes the socket and its directory again.
    ///
    /// # Errors
    /// See [`SocketError`]; another file in its place is left there.
    pub fn listen_again(&self) -> Result<UnixListener, SocketError> {
        let (listener, made) = listen(&self.path, self.group_may)?;
        self.inode.store(made, Ordering::Relaxed);
        Ok(listener)
    }

    /// Whether clients that connect at the path reach this process.
    pub fn is_there(&self) -> bool {
        inode(&self.path) == Some(self.inode.load(Ordering::Relaxed))
    }

    /// Which users are admitted: for a system service also the group of the socket's directory.
    pub fn gate(&self) -> Gate {
        let dir = self.path.parent().filter(|_| self.group_may);
        dir.and_then(group_of).map_or(Gate::Owner, Gate::Group)
    }

    /// Removes the socket if it is still the one that was made.
    pub fn remove(&self) {
        if self.is_there() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
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
fn listen(path: &Path, group_may: bool) -> Result<(UnixListener, u64), SocketError> {
    let io = |source| SocketError::Io { path: path.to_owned(), source };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A short name, so that it fits where the socket's own does.
    let fresh = dir.join(format!(".{}", std::process::id()));
    could_listen(path)?;
    if !dir.exists() {
        use std::os::unix::fs::DirBuilderExt;
        let mode = if group_may { 0o750 } else { 0o700 };
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(io)?;
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
    let mode = if group_may { 0o660 } else { 0o600 };
    std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(mode)).map_err(io)?;
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
