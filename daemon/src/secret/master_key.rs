//! Where the master key comes from, and the file it is kept in.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use super::file::shown;
use super::vault::{KeyId, MasterKey};
use super::{Secret, SecretError};

/// The name of the systemd credential.
pub const CREDENTIAL: &str = "roster-master-key";
/// The variable of the environment.
pub const VARIABLE: &str = "ENCRYPTION_KEY";
/// The file in the state directory.
pub const FILE: &str = "master.key";
/// More is no key.
const MOST_BYTES: u64 = 200;

/// Why there is no key. Starting again cannot help.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "this store's tokens are sealed with the master key {key}, and no key was found: give it as the credential \
         roster-master-key, in [store] master_key_file, in ENCRYPTION_KEY, or as {file}"
    )]
    Missing { key: KeyId, file: PathBuf },
    #[error("this store's tokens are sealed with the master key {expected}; {from} holds the key {found}")]
    Wrong { expected: KeyId, found: KeyId, from: String },
    #[error("{from} is no master key: {why}")]
    Unusable { from: String, why: String },
    #[error("a master key could not be made in {dir}: {why}")]
    NotMade { dir: PathBuf, why: String },
}

/// A key and where it was found.
pub struct Found {
    pub key: MasterKey,
    pub from: String,
}

/// Where a key may come from, safest first.
pub struct KeySources<'a> {
    /// What the credential [`CREDENTIAL`] holds.
    pub credential: Result<Option<Secret>, SecretError>,
    /// `[store] master_key_file`.
    pub file: Option<&'a Path>,
    /// What the variable [`VARIABLE`] holds.
    pub variable: Option<&'a str>,
    /// The directory of [`FILE`], which exists when a key is to be made.
    pub state_dir: &'a Path,
}

impl KeySources<'_> {
    /// The first key there is. Touches nothing.
    ///
    /// # Errors
    /// When a source holds something that is no key, or that others could have read or changed.
    pub fn find(&self) -> Result<Option<Found>, KeyError> {
        let credential = format!("the credential {CREDENTIAL}");
        match &self.credential {
            Ok(Some(secret)) => return read(secret.expose(), credential).map(Some),
            Ok(None) => {}
            Err(error) => return Err(KeyError::Unusable { from: credential, why: error.to_string() }),
        }
        if let Some(path) = self.file {
            // A group of the operator's may read it, as it may read other secrets that the config names.
            return read_file(path, 0o027)?.map(Some).ok_or_else(|| KeyError::Unusable {
                from: format!("[store] master_key_file ({})", shown(path)),
                why: "there is no such file".to_owned(),
            });
        }
        if let Some(text) = self.variable {
            return read(text, VARIABLE.to_owned()).map(Some);
        }
        read_file(&self.state_dir.join(FILE), 0o077)
    }

    /// The key for a store, checked against the id that the store names; `None` when there is none and none is named.
    /// Touches nothing.
    ///
    /// # Errors
    /// As [`KeySources::find`]; when the store names a key, and there is none or another one.
    pub fn found_for(&self, named: Option<KeyId>) -> Result<Option<Found>, KeyError> {
        match (self.find()?, named) {
            (Some(found), Some(expected)) if found.key.id() != expected => {
                Err(KeyError::Wrong { expected, found: found.key.id(), from: found.from })
            }
            (None, Some(key)) => Err(KeyError::Missing { key, file: self.state_dir.join(FILE) }),
            (found, _) => Ok(found),
        }
    }

    /// The key for a store: the one there is, checked against the id that the store names; a new one for a store that
    /// is not there yet, or has nothing sealed.
    ///
    /// # Errors
    /// As [`KeySources::found_for`]; when it cannot be made.
    pub fn for_store(&self, named: Option<KeyId>) -> Result<Found, KeyError> {
        self.found_for(named)?.map_or_else(|| make(self.state_dir), Ok)
    }
}

fn read(text: &str, from: String) -> Result<Found, KeyError> {
    match MasterKey::from_hex(text) {
        Some(key) => Ok(Found { key, from }),
        None => Err(KeyError::Unusable { from, why: "it is not 64 hexadecimal digits".to_owned() }),
    }
}

/// A key file that no other user can have read or changed, by these bits of its mode; `None` when there is none.
fn read_file(path: &Path, refused: u32) -> Result<Option<Found>, KeyError> {
    fail::fail_point!("key.read");
    let from = shown(path);
    let unusable = |why: String| KeyError::Unusable { from: from.clone(), why };
    let opened =
        OpenOptions::new().read(true).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(unusable("it is a symbolic link".to_owned()));
        }
        Err(error) => return Err(unusable(error.to_string())),
    };
    // The open file is checked, not the path, which may be another one by now.
    let meta = file.metadata().map_err(|error| unusable(error.to_string()))?;
    if let Some(why) = distrusted(&meta, refused) {
        return Err(unusable(why));
    }
    let mut text = Zeroizing::new(String::with_capacity(MOST_BYTES as usize + 1));
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| unusable(error.to_string()))?;
    read(&text, from).map(Some)
}

fn distrusted(meta: &fs::Metadata, refused: u32) -> Option<String> {
    let owner = meta.uid();
    if !meta.is_file() {
        Some("it is no regular file".to_owned())
    } else if owner != rustix::process::geteuid().as_raw() && owner != 0 {
        Some(format!("it belongs to uid {owner}"))
    } else if meta.mode() & refused != 0 {
        Some(format!("others may read it: chmod {:o}", meta.mode() & 0o777 & !refused))
    } else if meta.nlink() > 1 {
        Some("it has a second name, a hard link".to_owned())
    } else {
        None
    }
}

/// Makes `master.key`, whole or not at all. When another start was quicker, its key is the one.
fn make(dir: &Path) -> Result<Found, KeyError> {
    let not_made = |why: String| KeyError::NotMade { dir: dir.to_owned(), why };
    let reported = |error: std::io::Error| not_made(error.to_string());
    let key = MasterKey::random().map_err(|error| not_made(error.to_string()))?;
    let path = dir.join(FILE);
    let new = dir.join(format!("{FILE}.{}.new", std::process::id()));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(reported(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&new).map_err(reported)?;
    let written = writeln!(file, "{}", key.to_hex().expose()).and_then(|()| file.sync_all());
    // In one step, so that a kill leaves no second name; and never over another start's key.
    let moved = written.and_then(|()| Ok(renameat_with(CWD, &new, CWD, &path, RenameFlags::NOREPLACE)?));
    if let Err(error) = moved {
        fs::remove_file(&new).map_err(reported)?;
        if error.kind() == ErrorKind::AlreadyExists {
            return read_file(&path, 0o077)?.ok_or_else(|| not_made("it appeared and went away".to_owned()));
        }
        return Err(reported(error));
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(reported)?;
    tracing::warn!(
        file = %path.display(),
        key = %key.id(),
        "a master key was made: back it up apart from the store, without it the tokens are lost"
    );
    Ok(Found { key, from: path.display().to_string() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn sources(dir: &Path) -> KeySources<'_> {
        KeySources { credential: Ok(None), file: None, variable: None, state_dir: dir }
    }

    fn found(sources: &KeySources<'_>) -> Result<Option<KeyId>, String> {
        let found = sources.find();
        found.map(|found| found.map(|found| found.key.id())).map_err(|error| error.to_string())
    }

    fn key_file(path: &Path, digit: char, mode: u32) {
        fs::write(path, digit.to_string().repeat(64) + "\n").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
    }

    fn id(digit: char) -> KeyId {
        MasterKey::from_hex(&digit.to_string().repeat(64)).expect("a key").id()
    }

    #[test]
    fn the_safest_source_wins() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("given");
        key_file(&dir.path().join(FILE), '1', 0o600);
        let mut given = sources(dir.path());
        assert_eq!(found(&given), Ok(Some(id('1'))));
        let variable = "2".repeat(64);
        given.variable = Some(&variable);
        assert_eq!(found(&given), Ok(Some(id('2'))));
        key_file(&file, '3', 0o600);
        given.file = Some(&file);
        assert_eq!(found(&given), Ok(Some(id('3'))));
        given.credential = Ok(Some(Secret::new("4".repeat(64))));
        assert_eq!(found(&given), Ok(Some(id('4'))));
        given.credential = Secret::read(&dir.path().join("none")).map(Some);
        assert!(found(&given).is_err_and(|why| why.starts_with("the credential roster-master-key is no master key")));
    }

    #[test]
    fn a_file_that_others_could_touch_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        let refused = |words: &str| {
            let error = found(&sources(dir.path())).expect_err(words);
            assert!(error.contains(words), "{error}");
            let _ = fs::remove_file(&path);
        };
        key_file(&path, '1', 0o640);
        refused("others may read it");
        let other = dir.path().join("other");
        key_file(&other, '1', 0o600);
        symlink(&other, &path).expect("a link");
        refused("symbolic link");
        fs::hard_link(&other, &path).expect("a link");
        refused("hard link");
        fs::remove_file(&other).expect("gone");
        fs::create_dir(&path).expect("made");
        let error = found(&sources(dir.path())).expect_err("a directory");
        assert!(error.contains("no regular file"), "{error}");
        fs::remove_dir(&path).expect("gone");
        fs::write(&path, "not a key").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
        refused("64 hexadecimal digits");
        assert_eq!(found(&sources(dir.path())), Ok(None));
        // One that the config names may be its group's too.
        let named = dir.path().join("named");
        for (mode, is_in_order) in [(0o640, true), (0o400, true), (0o644, false), (0o660, false)] {
            key_file(&named, '1', mode);
            let found = found(&KeySources { file: Some(&named), ..sources(dir.path()) });
            assert_eq!(found.is_ok(), is_in_order, "{mode:o}: {found:?}");
        }
        let missing = dir.path().join("missing");
        assert!(found(&KeySources { file: Some(&missing), ..sources(dir.path()) }).is_err());
        // The key itself where its path belongs.
        let pasted = PathBuf::from("5".repeat(64));
        let error = found(&KeySources { file: Some(&pasted), ..sources(dir.path()) }).expect_err("no file");
        assert!(
            error.starts_with("[store] master_key_file (***) is no master key") && !error.contains("55"),
            "{error}"
        );
    }

    #[test]
    fn a_store_that_names_a_key_gets_that_one_or_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let sources = sources(dir.path());
        let missing = sources.for_store(Some(id('1'))).err().expect("no key").to_string();
        assert!(missing.contains(&id('1').to_string()), "{missing}");
        assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "nothing was touched");
        let made = sources.for_store(None).expect("made").key.id();
        let meta = fs::metadata(dir.path().join(FILE)).expect("there");
        assert_eq!((meta.mode() & 0o777, meta.nlink()), (0o600, 1));
        assert_eq!(sources.for_store(Some(made)).expect("the same").key.id(), made);
        let wrong = sources.for_store(Some(id('1'))).err().expect("another").to_string();
        assert!(wrong.contains(&id('1').to_string()) && wrong.contains(&made.to_string()), "{wrong}");
    }
}
