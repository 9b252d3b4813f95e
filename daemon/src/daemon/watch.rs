//! Notices without polling that another program touched the store's file or the socket, and has whatever depends on them
//! look again.
//!
//! The kernel reports what happens in the two directories, so that an idle daemon is not woken. What it does not report,
//! such as a directory that is mounted over another one, is noticed by the next commit.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use crate::app::App;

/// How often it looks where the kernel cannot report.
const EVERY: Duration = Duration::from_secs(25);

/// Looks at the store after each change in these directories, and whenever another part of the daemon has all look again.
pub async fn run(app: Arc<App>, dirs: [PathBuf; 2]) {
    let mut looks = app.look_again.subscribe();
    let changes = Changes::begin()
        .inspect_err(|error| tracing::debug!(%error, "the store and the socket are looked at now and then"))
        .ok();
    let mut watched = Vec::new();
    loop {
        let watches: Vec<_> = changes.iter().flat_map(|changes| dirs.iter().map(|dir| changes.of(dir))).collect();
        if watches != watched {
            // What happened in a new directory before it was watched was not reported.
            watched = watches;
            app.look_again.send_replace(());
        }
        // What it finds is in the log and in the store's state.
        let _ = app.store.check().await;
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = looks.changed() => if changed.is_err() { return },
            () = next(changes.as_ref()) => {
                app.look_again.send_replace(());
            }
        }
    }
}

async fn next(changes: Option<&Changes>) {
    match changes {
        Some(changes) if changes.next().await.is_ok() => {}
        _ => tokio::time::sleep(EVERY).await,
    }
}

/// What the kernel reports.
struct Changes(AsyncFd<OwnedFd>);

impl Changes {
    fn begin() -> std::io::Result<Self> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "its replacement is unsafe for types that may lose their descriptor; an OwnedFd cannot"
        )]
        let fd = AsyncFd::new(fd)?;
        Ok(Self(fd))
    }

    /// Has changes in a directory reported from now on; gives the directory's number. One that is not there is added when
    /// it is.
    fn of(&self, dir: &Path) -> Option<i32> {
        let gone = WatchFlags::DELETE | WatchFlags::DELETE_SELF | WatchFlags::MOVED_FROM | WatchFlags::MOVE_SELF;
        // Not each write: the daemon's own would be among them.
        let replaced = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE;
        inotify::add_watch(&self.0, dir, gone | replaced | WatchFlags::ONLYDIR).ok()
    }

    /// Waits for the next changes, and takes all that there are.
    async fn next(&self) -> std::io::Result<()> {
        let mut bytes = [0; 4096];
        loop {
            let mut ready = self.0.readable().await?;
            match rustix::io::read(self.0.get_ref(), &mut bytes) {
                Ok(_) => return Ok(()),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
