//! `rosterd restore`: puts a backup in the store's place, and says what it was, and what was kept.

use std::fs::{File, OpenOptions};
use std::io::Seek;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use roster_backup::{ErasedLine, Key, Passphrase, Reader, Unusable, identities, open};
use roster_protocol::text::clean;
use rustix::fs::OFlags;
use serde_json::json;

use super::StartError;
use super::erased::{self, Followed};
use super::program_paths::ProgramPaths;
use crate::process::clock::{Clock, SystemClock};
use crate::process::config::Config;
use crate::secret::keyring::Named;
use crate::secret::master_key::{self, Placed};
use crate::secret::vault::KeyId;
use crate::store::{RestoreError, Restored, StoreError, restore};

/// The longest error's text.
const CHARACTERS: usize = 500;
const USAGE: u8 = 2;

/// `rosterd restore`
#[derive(Clone, Debug, clap::Args)]
pub struct Restore {
    /// The backup
    file: PathBuf,
    /// The file with the identity of age to whose recipient it is encrypted
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
    /// The file with its passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The list of those who were erased; without it, the ones beside the backup and in the state directory
    #[arg(long, value_name = "FILE")]
    erased: Option<PathBuf>,
    /// Restore it although the store that is there is newer; that one is kept under another name
    #[arg(long)]
    over_newer: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// A backup that is open, with what opens it.
pub struct Backup {
    file: File,
    key: Key,
    /// The list that was given.
    erased: Option<Vec<ErasedLine>>,
}

impl Restore {
    /// Opens what was given, as the user that gave it.
    ///
    /// # Errors
    /// The exit code, after the failure was printed.
    pub fn open(&self) -> Result<Backup, u8> {
        let key = match (&self.identity, &self.passphrase_file) {
            (Some(path), _) => regular(path).and_then(|file| identities(file).map_err(|error| of(path, &error))),
            (None, Some(path)) => regular(path)
                .and_then(|file| Passphrase::read(file).map(Key::Passphrase).map_err(|error| of(path, &error))),
            (None, None) => Ok(Key::Nothing),
        };
        let key = key.map_err(|message| self.refuse(USAGE, &message, None))?;
        let file = regular(&self.file).map_err(|message| self.refuse(1, &message, None))?;
        let erased = match &self.erased {
            None => None,
            Some(path) => Some(erased::given(path).map_err(|message| self.refuse(1, &message, None))?),
        };
        Ok(Backup { file, key, erased })
    }

    fn refuse(&self, code: u8, message: &str, hint: Option<&str>) -> u8 {
        let message = clean(message, CHARACTERS);
        if self.json {
            println!("{}", json!({"error": {"kind": "failed", "message": message, "hint": hint}}));
        } else {
            eprintln!("error: {message}");
            hint.iter().for_each(|hint| eprintln!("hint: {hint}"));
        }
        code
    }
}

/// A file that is no pipe, which might be waited for.
fn regular(path: &Path) -> Result<File, String> {
    let shown = path.display();
    let opened = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    let file = opened.map_err(|error| format!("{shown} cannot be read: {error}"))?;
    match file.metadata() {
        Ok(found) if found.is_file() => Ok(file),
        _ => Err(format!("{shown} is no regular file")),
    }
}

fn of(path: &Path, error: &Unusable) -> String {
    format!("{}: {error}", path.display())
}

/// Restores the store in the state directory, and returns the exit code.
pub fn run(arguments: &Restore, backup: &Backup, paths: &ProgramPaths) -> u8 {
    let dir = paths.state_dir.path.as_path();
    // The engine panics on some damaged pages, which is caught.
    std::panic::set_hook(Box::new(|_| {}));
    let again = || {
        (&backup.file).rewind().map_err(Unusable::Io)?;
        open(&backup.file, &backup.key)
    };
    // Before the store is there: nothing may bring back whom the list names.
    let followed = match followed(arguments, backup, dir) {
        Ok(followed) => followed,
        Err(message) => {
            drop(std::panic::take_hook());
            return arguments.refuse(1, &message, Some("nothing was restored"));
        }
    };
    let restored = restore(dir, again, arguments.over_newer, SystemClock.now());
    drop(std::panic::take_hook());
    match restored {
        Ok(restored) => {
            let placed = place_keys(&restored, &paths.state_dir.path);
            print(arguments, &restored, placed.as_deref(), followed.as_ref());
            warn_of_key(&restored, paths);
            0
        }
        Err(error) => {
            let (code, hint) = advice(&error);
            arguments.refuse(code, &error.to_string(), hint)
        }
    }
}

/// Puts the lists of erased ones beside the store that is restored, where they are followed when rosterd starts.
fn followed(arguments: &Restore, backup: &Backup, dir: &Path) -> Result<Option<Followed>, String> {
    let begun = (&backup.file).rewind().map_err(Unusable::Io).and_then(|()| open(&backup.file, &backup.key));
    // A backup that cannot be used is refused when it is read.
    let Ok((_, head)) = begun.and_then(Reader::begin) else { return Ok(None) };
    erased::follow(backup.erased.as_deref(), &arguments.file, dir, &head.store)
}

/// Puts the master keys that the backup has inside where there are none; what became of them, as scripts see it.
fn place_keys(restored: &Restored, dir: &Path) -> Option<String> {
    let keys = restored.head.master_keys.as_ref()?;
    let word = match master_key::place(dir, keys.expose()) {
        Ok(Placed::Written) => "written",
        Ok(Placed::There) => "there",
        Ok(Placed::Kept) => {
            eprintln!(
                "warning: {} is there with other keys, and stays: the backup's were not written",
                master_key::FILE
            );
            "kept"
        }
        Err(error) => {
            eprintln!("warning: the backup's master keys were not written: {error}");
            "failed"
        }
    };
    Some(word.to_owned())
}

fn print(arguments: &Restore, restored: &Restored, keys: Option<&str>, followed: Option<&Followed>) {
    let path = |path: &Path| clean(&path.display().to_string(), CHARACTERS);
    let at = roster_protocol::Timestamp(restored.head.created_at);
    let (file, kept) = (path(&restored.file), restored.kept.as_deref().map(path));
    if arguments.json {
        println!(
            "{}",
            json!({
                "file": file, "records": restored.rows, "of": at.to_string(), "kept": kept, "master_key": keys,
                "erased": followed.map(Followed::json),
            })
        );
        return;
    }
    println!("{file}: restored, {} records as they were at {at}", restored.rows);
    if keys == Some("written") {
        println!("its master key is in {} now, which no other user can read", master_key::FILE);
    }
    if let Some(kept) = kept {
        println!("the store that was there is kept as {kept}");
    }
    println!("{}", followed.map_or_else(|| erased::NONE.to_owned(), Followed::to_string));
}

/// Says when the key is not there that opens what is sealed in the store: the daemon would not start.
fn warn_of_key(restored: &Restored, paths: &ProgramPaths) {
    let id = |key: &String| data_encoding::HEXLOWER.decode(key.as_bytes()).ok()?.try_into().ok().map(KeyId);
    let needed: Vec<KeyId> = restored.head.key.iter().chain(&restored.head.older_keys).filter_map(id).collect();
    let store = data_encoding::HEXLOWER.decode(restored.head.store.as_bytes()).ok().and_then(|id| id.try_into().ok());
    let store = store.unwrap_or_default();
    // A config that is wrong is the start's concern.
    let configured = Config::load_if_there(&paths.config.path).map(|config| config.store).unwrap_or_default();
    let source = paths.source();
    let keys = source.environment.key_sources(&configured, &paths.state_dir.path).of_store(store);
    if let Err(error) = keys.found_for(&needed) {
        let ids = Named(&needed);
        eprintln!("warning: {error}");
        eprintln!(
            "hint: the master key {ids} was not in the backup: put it back; a credential is seen by the service alone"
        );
    }
}

/// The exit code, and what to do now.
fn advice(error: &RestoreError) -> (u8, Option<&'static str>) {
    match error {
        RestoreError::Unusable(why) if why.is_usage() => (USAGE, why.hint()),
        RestoreError::Unusable(why) => (1, why.hint()),
        RestoreError::NewerPresent { .. } => {
            (1, Some("if that is meant, add --over-newer: the store that is there is kept under another name"))
        }
        RestoreError::NewerTable { .. } => (1, Some("install the version of Roster that wrote it, or a newer one")),
        RestoreError::Store(StoreError::InUse { .. }) => {
            (1, Some("end it first: `systemctl stop rosterd` for a service"))
        }
        RestoreError::Store(StoreError::Io(_)) => (1, Some("nothing was changed; the disk needs as much room again")),
        RestoreError::Store(store) => {
            let start = StartError::from(store.clone());
            (start.exit_code(), start.hint())
        }
    }
}
