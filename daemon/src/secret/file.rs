//! Reads the small files that the config names: regular files only, so that no pipe keeps the daemon waiting.
//!
//! A secret that was pasted where a path belongs must be printed nowhere, so errors name only paths that look like one.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;
use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// The longest path in an error.
const PATH_CHARACTERS: usize = 300;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("there is no such file")]
    NotFound,
    #[error("it is no regular file")]
    NotRegular,
    #[error("it has more than {most} bytes")]
    TooLong { most: u64 },
    #[error("it cannot be read: {0}")]
    Io(std::io::Error),
}

/// Reads a whole regular file of at most `most` bytes.
///
/// # Errors
/// See [`FileError`]. A link to a file that is missing is `NotFound`.
pub fn read(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    fail::fail_point!("file.read");
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    let file = opened.map_err(|error| match error.kind() {
        ErrorKind::NotFound => FileError::NotFound,
        _ => FileError::Io(error),
    })?;
    if !file.metadata().map_err(FileError::Io)?.is_file() {
        return Err(FileError::NotRegular);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(most + 1).read_to_end(&mut bytes).map_err(FileError::Io)?;
    if bytes.len() as u64 > most {
        return Err(FileError::TooLong { most });
    }
    Ok(bytes)
}

/// The path for an error; `***` where nothing there is, nor its directory: then it may be a secret.
pub fn shown(path: &Path) -> String {
    let looks_like_one = path.symlink_metadata().is_ok()
        || path.parent().is_some_and(|dir| dir.is_absolute() && dir.parent().is_some() && dir.is_dir());
    if looks_like_one { clean(&path.display().to_string(), PATH_CHARACTERS) } else { "***".to_owned() }
}

/// The mode of a file that other users can read, or that its group can change; `None` for 0640 and less, and where there
/// is no file.
pub fn open_to_others(path: &Path) -> Option<u32> {
    let mode = std::fs::metadata(path).ok()?.mode() & 0o777;
    (mode & 0o027 != 0).then_some(mode)
}

/// When a file was written last; `None` where there is no file.
pub fn written_at(path: &Path) -> Option<Timestamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some(Timestamp(meta.mtime().checked_mul(1000)?))
}

/// The commands that close a file to other users and leave it readable for this one, through a group where it is another
/// user's.
pub fn closing(path: &Path) -> String {
    let shown = shown(path);
    let group = std::fs::metadata(path).ok().and_then(|found| {
        let is_own = found.uid() == rustix::process::geteuid().as_raw();
        let own = rustix::process::getegid();
        let mut groups = rustix::process::getgroups().unwrap_or_default().into_iter().chain([own]);
        let is_of_group = groups.any(|group| group.as_raw() == found.gid());
        (!is_own && !is_of_group).then(|| group_name(own.as_raw()))
    });
    let chgrp = group.map(|group| format!("chgrp {group} {shown} && ")).unwrap_or_default();
    format!("{chgrp}chmod 640 {shown}")
}

fn group_name(gid: u32) -> String {
    let found = nix::unistd::Group::from_gid(nix::unistd::Gid::from_raw(gid)).ok().flatten();
    found.map_or_else(|| gid.to_string(), |group| clean(&group.name, 40))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_none_is_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert!(matches!(read(&at("pipe"), 10), Err(FileError::NotRegular)));
        assert!(matches!(read(dir.path(), 10), Err(FileError::NotRegular)));
        assert!(matches!(read(Path::new("/dev/zero"), 10), Err(FileError::NotRegular)));
        symlink("nowhere", at("link")).expect("a link");
        assert!(matches!(read(&at("link"), 10), Err(FileError::NotFound)));
        std::fs::write(at("file"), "0123456789").expect("a file");
        assert_eq!(read(&at("file"), 10).expect("a file").as_slice(), b"0123456789");
        assert!(matches!(read(&at("file"), 9), Err(FileError::TooLong { most: 9 })));
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = dir.path().join("missing");
        assert_eq!(shown(&missing), missing.display().to_string());
        assert_eq!(shown(Path::new("/etc/passwd")), "/etc/passwd");
        for secret in ["GOCSPX-hunter2", "/hunter2", "/hunter2/with+slash", "a/b", "../hunter2", ""] {
            assert_eq!(shown(Path::new(secret)), "***", "{secret}");
        }
    }

    #[test]
    fn a_file_is_closed_without_locking_out_who_reads_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        std::fs::write(&path, "").expect("written");
        assert_eq!(closing(&path), format!("chmod 640 {}", path.display()));
        // Only root can give it away.
        if std::os::unix::fs::chown(&path, Some(4242), Some(4242)).is_ok() {
            let group = group_name(rustix::process::getegid().as_raw());
            assert_eq!(closing(&path), format!("chgrp {group} {0} && chmod 640 {0}", path.display()));
        }
        assert_eq!(group_name(0), "root");
    }

    #[test]
    fn modes_up_to_0640_are_in_order() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        std::fs::write(&path, "").expect("a file");
        for (mode, is_open) in
            [(0o600, false), (0o640, false), (0o400, false), (0o644, true), (0o660, true), (0o606, true)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
            assert_eq!(open_to_others(&path), is_open.then_some(mode), "{mode:o}");
        }
    }
}
