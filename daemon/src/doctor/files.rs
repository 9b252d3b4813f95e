//! The state directory, the socket and the disk: whose they are, who else may touch them, and how much room there is.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use roster_protocol::doctor::Finding;
use roster_protocol::notice::grouped;

use crate::app::App;
use crate::browse::overview;

/// The modes and owners of what the daemon has on disk.
pub async fn look(app: &App) -> Vec<Finding> {
    let (dir, socket) = (app.started_with.state_dir.clone(), app.started_with.socket.clone());
    let looked = tokio::task::spawn_blocking(move || of_files(&dir, &socket)).await;
    looked.unwrap_or_default()
}

fn of_files(dir: &Path, socket: &Path) -> Vec<Finding> {
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let files: Vec<PathBuf> = std::iter::once(dir.to_owned()).chain(names.take(1000)).collect();
    let mut found: Vec<Finding> = files.iter().filter_map(|path| of_own(path)).collect();
    if found.is_empty() {
        found.push(Finding::well("files", format!("{} is for its user alone", dir.display())));
    }
    found.push(of_socket(socket));
    found
}

/// What is wrong with something in the state directory, which is for the daemon's user alone.
fn of_own(path: &Path) -> Option<Finding> {
    let shown = path.display();
    let own = rustix::process::geteuid().as_raw();
    match std::fs::symlink_metadata(path) {
        // One that is just replaced is gone.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.parent().is_some_and(Path::exists) => None,
        Err(error) => Some(Finding::fault("files", format!("{shown}: {error}"), "put it back, or mend the disk")),
        Ok(meta) if meta.uid() != own => {
            let found = format!("{shown} belongs to uid {}, and rosterd runs as uid {own}", meta.uid());
            Some(Finding::warning("files", found, format!("chown {own} {shown}")))
        }
        Ok(meta) => of_mode(&meta).map(|mode| {
            let found = format!("the mode {mode:o} of {shown} lets other users at it");
            Finding::warning("files", found, format!("chmod go= {shown}"))
        }),
    }
}

/// The mode of what others may read or change; sockets and links have no say.
fn of_mode(meta: &Metadata) -> Option<u32> {
    let mode = meta.mode() & 0o777;
    (mode & 0o077 != 0 && (meta.is_file() || meta.is_dir())).then_some(mode)
}

fn of_socket(socket: &Path) -> Finding {
    let shown = socket.display();
    match std::fs::symlink_metadata(socket) {
        Ok(meta) if meta.file_type().is_socket() => {
            Finding::well("socket", format!("{shown} has the mode {:o}", meta.mode() & 0o777))
        }
        Ok(_) => {
            Finding::fault("socket", format!("{shown} is no socket any more"), "remove it; rosterd makes it again")
        }
        Err(error) => Finding::fault("socket", format!("{shown}: {error}"), "reload rosterd: it makes it again"),
    }
}

/// The store, and the room that it has.
pub async fn disk(app: &App) -> Vec<Finding> {
    let damaged = app.store.damaged().rows;
    let store = match overview::not_ready(app) {
        Some(reason) => {
            Finding::fault("store", reason, "`roster status` says more; rosterd goes on when the cause is gone")
        }
        None if damaged > 0 => Finding::fault(
            "store",
            format!("{damaged} records are damaged, and treated as missing"),
            "`rosterd check` names them; a backup has them",
        ),
        None => Finding::well("store", "it is read and written"),
    };
    let (looked, configured) = (app.store.clone(), app.setup().config.store.free_bytes);
    let room = tokio::task::spawn_blocking(move || Some((looked.disk()?, looked.file_bytes()?))).await;
    let room = room.ok().flatten().map(|(disk, file_bytes)| {
        let least = disk.least_free(file_bytes, configured);
        let [free, total, least_mb] =
            [disk.free_bytes, disk.total_bytes, least].map(|bytes| grouped(bytes / 1_000_000));
        match disk.free_bytes < least {
            true => Finding::warning(
                "disk",
                format!("{free} MB of {total} MB are free, less than {least_mb} MB"),
                "free some before it is full, when nothing is stored or synced any more",
            ),
            false => Finding::well("disk", format!("{free} MB of {total} MB are free")),
        }
    });
    std::iter::once(store).chain(room).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use roster_protocol::Verdict;

    use super::*;

    #[test]
    fn what_others_may_touch_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path, mode: u32| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        };
        mode(dir.path(), 0o700);
        let (key, socket) = (dir.path().join("master.key"), dir.path().join("rosterd.sock"));
        std::fs::write(&key, "").expect("a file");
        mode(&key, 0o600);
        let _listens = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let verdicts = || of_files(dir.path(), &socket).iter().map(|it| it.verdict).collect::<Vec<_>>();
        assert_eq!(verdicts(), [Verdict::Well, Verdict::Well]);
        mode(&key, 0o640);
        mode(dir.path(), 0o755);
        let found = of_files(dir.path(), &socket);
        assert_eq!(verdicts(), [Verdict::Warning, Verdict::Warning, Verdict::Well]);
        assert_eq!(found[1].fix.as_deref(), Some(format!("chmod go= {}", key.display()).as_str()));
        std::fs::remove_file(&socket).expect("gone");
        assert_eq!(verdicts()[2], Verdict::Fault);
    }
}
