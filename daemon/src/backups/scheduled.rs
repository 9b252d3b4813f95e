//! Backups that the config schedules: each is a file of its own in `[backup] to`, and the oldest are deleted.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use roster_backup::{Head, NewFile, Passphrase, Seal};
use roster_protocol::error::RosterError;
use roster_protocol::text::clean;
use roster_protocol::time::Timestamp;

use super::stream::{Piece, begin, keep};
use crate::app::App;
use crate::erasing;
use crate::process::config::{self, Encrypted};
use crate::secret::Secret;

/// The longest wait before one that failed is tried again, in seconds; shorter where one is due more often.
const RETRY_S: u64 = 15 * 60;
const NAME: &str = "roster-";
const ENDING: &str = ".backup";
/// The longest failure in `status`.
const CHARACTERS: usize = 300;

/// Makes backups as they are due, until the end.
pub async fn run(app: Arc<App>) {
    app.wait_until_loaded().await;
    let mut setups = app.watch_setup();
    loop {
        let due = next_due(&app);
        *app.next_backup.lock() = due;
        let wait = async {
            match due {
                Some(at) => app.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = app.ending.cancelled() => return,
            changed = setups.changed() => match changed {
                Ok(()) => { app.backup_failure.lock().take(); continue }
                Err(_) => return,
            },
            () = wait => {}
        }
        let now = app.clock.now();
        if due.is_none_or(|due| now < due) {
            continue;
        }
        let failure = make(&app).await.err();
        if let Some(error) = &failure {
            tracing::error!(%error, hint = error.hint, "no backup was made");
        }
        *app.backup_failure.lock() = failure.map(|error| (now, clean(&error.message, CHARACTERS)));
    }
}

/// When the next backup is to be made; `None` when the config has none made.
fn next_due(app: &App) -> Option<Timestamp> {
    let setup = app.setup();
    let config = &setup.config.backup;
    config.to.as_ref()?;
    let now = app.clock.now();
    let last = app.look(|roster| roster.backups.iter().find(|backup| backup.scheduled).map(|backup| backup.at));
    let failed = app.backup_failure.lock().as_ref().map(|(at, _)| *at);
    Some(due_after(last, failed, now, config.every.0))
}

fn due_after(last: Option<Timestamp>, failed: Option<Timestamp>, now: Timestamp, every_s: u64) -> Timestamp {
    let after = |at: Timestamp, seconds: u64| at.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    // One that is of a time to come was made before the clock was set back.
    let due = last.filter(|at| *at <= now).map_or(now, |at| after(at, every_s));
    match failed.filter(|at| *at <= now) {
        Some(at) => due.max(after(at, every_s.min(RETRY_S))),
        None => due,
    }
}

/// How the config has backups encrypted.
///
/// # Errors
/// When the passphrase's file cannot be read.
pub async fn configured(app: &App) -> Result<Seal, RosterError> {
    match app.setup().config.backup.encrypted.clone() {
        Encrypted::Not => Ok(Seal::Nothing),
        Encrypted::To(recipient) => Seal::to(&recipient).map_err(RosterError::failed),
        Encrypted::With(path) => {
            blocking(move || {
                let read = Secret::read(&path).map_err(|error| RosterError::failed(format!("[backup] {error}")))?;
                Ok(Seal::Passphrase(Passphrase::new(read.expose())))
            })
            .await
        }
    }
}

async fn make(app: &Arc<App>) -> Result<(), RosterError> {
    let setup = app.setup();
    let config::Backup { to: Some(dir), keep: most, .. } = setup.config.backup.clone() else { return Ok(()) };
    let mut stream = begin(app, None, configured(app).await?, None).await?;
    let store = stream.head().store.clone();
    let path = dir.join(name_of(stream.head()));
    let shown = clean(&path.display().to_string(), CHARACTERS);
    let failed = move |error: io::Error| RosterError::failed(format!("{shown} cannot be written: {error}"));
    let mut file = {
        let (path, failed) = (path.clone(), failed.clone());
        blocking(move || NewFile::create(&path).map_err(failed)).await?
    };
    loop {
        let failed = failed.clone();
        match stream.next().await? {
            Piece::Bytes(bytes) => {
                file = blocking(move || file.write_all(&bytes).map(|()| file).map_err(failed)).await?;
            }
            Piece::End(_) => break,
        }
    }
    blocking(move || file.finish().map_err(failed)).await?;
    keep(app, None, &stream).await?;
    tracing::info!(path = %path.display(), "a backup was made");
    if let Err(error) = erasing::list::put(app).await {
        tracing::warn!(error, "the list of erased ones beside the backups is not up to date");
    }
    let rotated = blocking(move || Ok(rotate(&dir, &store, most))).await?;
    if let Err(error) = rotated {
        tracing::warn!(%error, "older backups could not be deleted");
    }
    Ok(())
}

/// Does work that a disk may keep waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RosterError> + Send + 'static,
) -> Result<T, RosterError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(RosterError::failed("it failed badly; the log has more")))
}

/// `roster-1a2b3c4d-20261130T203000Z.backup`: the beginning of the store's id, and the time.
fn name_of(head: &Head) -> String {
    file_of(&head.store, Timestamp(head.created_at))
}

/// The name of the backup of a store, which has this id, of a time.
pub fn file_of(store: &str, at: Timestamp) -> String {
    let at = at.to_jiff().strftime("%Y%m%dT%H%M%SZ").to_string();
    format!("{}{at}{ENDING}", prefix_of(store))
}

fn prefix_of(store: &str) -> String {
    format!("{NAME}{}-", store.get(..8).unwrap_or(store))
}

/// Deletes the oldest backups of a store in a directory, so that the newest `most` stay. Other files are not touched.
fn rotate(dir: &Path, store: &str, most: usize) -> io::Result<()> {
    let names = fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<io::Result<Vec<String>>>()?;
    for name in superfluous(names, store, most) {
        fs::remove_file(dir.join(name))?;
    }
    File::open(dir)?.sync_all()
}

/// The backups of a store that are beyond the newest `most`, by their names.
fn superfluous(names: Vec<String>, store: &str, most: usize) -> Vec<String> {
    let prefix = prefix_of(store);
    let is_time = |text: &str| {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        text.len() == 16
            && text.is_ascii()
            && digits(&text[..8])
            && &text[8..9] == "T"
            && digits(&text[9..15])
            && text.ends_with('Z')
    };
    let is_ours =
        |name: &String| name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(ENDING)).is_some_and(is_time);
    let mut ours: Vec<String> = names.into_iter().filter(is_ours).collect();
    ours.sort_unstable_by(|a, b| b.cmp(a));
    ours.split_off(most.min(ours.len()))
}

/// Whether the daemon could make backups in a directory; the reason when it could not.
pub fn could_write(dir: &Path) -> Result<(), String> {
    let shown = clean(&dir.display().to_string(), CHARACTERS);
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => return Err(format!("{shown} is no directory")),
        Err(error) => return Err(format!("{shown}: {error}")),
        Ok(_) => {}
    }
    let access = rustix::fs::access(dir, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    access.map_err(|error| format!("{shown} cannot be written to: {}", io::Error::from(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_no_other_file_is_touched() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = names(&[
            "roster-1a2b3c4d-20261101T000000Z.backup",
            "roster-1a2b3c4d-20261103T000000Z.backup",
            "roster-1a2b3c4d-20261102T235959Z.backup",
            "roster-1a2b3c4d-20261102T235959Z.backup.txt",
            "roster-1a2b3c4d-before-the-move.backup",
            "roster-ffffffff-20261001T000000Z.backup",
            ".roster-1a2b3c4d-20261101T000000Z.backup.partial",
            "ünrelated",
        ]);
        let gone = |most| superfluous(all.clone(), "1a2b3c4d5e6f", most);
        assert_eq!(gone(3), names(&[]));
        assert_eq!(gone(2), names(&["roster-1a2b3c4d-20261101T000000Z.backup"]));
        let expected = names(&["roster-1a2b3c4d-20261102T235959Z.backup", "roster-1a2b3c4d-20261101T000000Z.backup"]);
        assert_eq!(gone(1), expected);
    }

    #[test]
    fn one_is_due_after_the_last_and_again_soon_after_a_failure() {
        const DAY: u64 = 86_400;
        let at = |seconds: i64| Timestamp(seconds * 1000);
        let now = at(1_000_000);
        assert_eq!(due_after(None, None, now, DAY), now, "never made");
        assert_eq!(due_after(Some(at(990_000)), None, now, DAY), at(990_000 + 86_400));
        assert_eq!(due_after(Some(at(2_000_000)), None, now, DAY), now, "the clock was set back");
        assert_eq!(due_after(None, Some(at(1_000_000)), now, DAY), at(1_000_900), "a quarter of an hour later");
        assert_eq!(due_after(None, Some(at(1_000_000)), now, 60), at(1_000_060), "where one is due every minute");
        assert_eq!(due_after(Some(at(999_990)), Some(at(500_000)), now, DAY), at(999_990 + 86_400));
    }
}
