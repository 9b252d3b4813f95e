//! Where master keys come from, and the file that the daemon keeps them in.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use zeroize::Zeroizing;

use super::file::shown;
use super::keyring::{Keyring, Named};
use super::vault::{KeyId, MasterKey};
use super::{Secret, SecretError, passphrase};

/// The name of the systemd credential.
pub const CREDENTIAL: &str = "roster-master-key";
/// The name of the one with passphrases.
pub const PASSPHRASE_CREDENTIAL: &str = "roster-passphrase";
/// The variable of the environment.
pub const VARIABLE: &str = "ENCRYPTION_KEY";
/// The file in the state directory.
pub const FILE: &str = "master.key";
/// The same while it is written.
const NEW_FILE: &str = "master.key.new";
/// More is no ring of keys.
const MOST_BYTES: u64 = 4096;

/// Why there is no key. Starting again cannot help.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "this store's tokens are sealed with the master key {key}, and no key was found: give it as the credential \
         roster-master-key, in [store] master_key_file, in ENCRYPTION_KEY, as a passphrase, or as {file}"
    )]
    Missing { key: KeyId, file: PathBuf },
    #[error("this store's tokens are sealed with the master key {expected}; {from} holds the key {}", Named(.found))]
    Wrong { expected: KeyId, found: Vec<KeyId>, from: KeySource },
    #[error("{from} is no master key: {why}")]
    Unusable { from: KeySource, why: String },
    #[error("a master key could not be made in {dir}: {why}")]
    NotMade { dir: PathBuf, why: String },
}

/// Keys and where they were found.
pub struct Found {
    pub ring: Keyring,
    pub from: KeySource,
}

/// Where keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    Credential,
    /// The one that the config names.
    File(PathBuf),
    Variable,
    PassphraseCredential,
    /// The one with passphrases that the config names.
    PassphraseFile(PathBuf),
    /// [`FILE`], which alone the daemon writes.
    Own(PathBuf),
}

impl KeySource {
    /// Whether its keys are made of passphrases.
    pub fn is_passphrase(&self) -> bool {
        matches!(self, KeySource::PassphraseCredential | KeySource::PassphraseFile(_))
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Credential => write!(f, "the credential {CREDENTIAL}"),
            KeySource::File(path) => write!(f, "[store] master_key_file ({})", shown(path)),
            KeySource::Variable => f.write_str(VARIABLE),
            KeySource::PassphraseCredential => write!(f, "the credential {PASSPHRASE_CREDENTIAL}"),
            KeySource::PassphraseFile(path) => write!(f, "[store] master_key_passphrase_file ({})", shown(path)),
            KeySource::Own(path) => f.write_str(&shown(path)),
        }
    }
}

/// Where a key may come from, safest first.
pub struct KeySources<'a> {
    /// What the credential [`CREDENTIAL`] holds.
    pub credential: Result<Option<Secret>, SecretError>,
    /// `[store] master_key_file`.
    pub file: Option<&'a Path>,
    /// What the variable [`VARIABLE`] holds.
    pub variable: Option<&'a str>,
    /// What the credential [`PASSPHRASE_CREDENTIAL`] holds.
    pub passphrase: Result<Option<Secret>, SecretError>,
    /// `[store] master_key_passphrase_file`.
    pub passphrase_file: Option<&'a Path>,
    /// The id of the store, of which keys of passphrases depend; zeros while there is none.
    pub store: [u8; 16],
    /// The directory of [`FILE`], which exists when a key is to be made.
    pub state_dir: &'a Path,
}

impl KeySources<'_> {
    /// The keys of the first source there is. Touches nothing.
    ///
    /// # Errors
    /// When a source holds something that is no key, or that others could have read or changed.
    pub fn find(&self) -> Result<Option<Found>, KeyError> {
        match &self.credential {
            Ok(Some(secret)) => return read(secret.expose(), KeySource::Credential).map(Some),
            Ok(None) => {}
            Err(error) => return Err(KeyError::Unusable { from: KeySource::Credential, why: error.to_string() }),
        }
        if let Some(path) = self.file {
            let from = KeySource::File(path.to_owned());
            // A group of the operator's may read it, as it may read other secrets that the config names.
            return read_file(path, from.clone(), 0o027)?
                .map(Some)
                .ok_or_else(|| KeyError::Unusable { from, why: "there is no such file".to_owned() });
        }
        if let Some(text) = self.variable {
            return read(text, KeySource::Variable).map(Some);
        }
        if let Some(found) = self.of_passphrase()? {
            return Ok(Some(found));
        }
        own(&self.state_dir.join(FILE))
    }

    fn of_passphrase(&self) -> Result<Option<Found>, KeyError> {
        let from = KeySource::PassphraseCredential;
        let (text, from) = match (&self.passphrase, self.passphrase_file) {
            (Ok(Some(secret)), _) => (Zeroizing::new(secret.expose().to_owned()), from),
            (Err(error), _) => return Err(KeyError::Unusable { from, why: error.to_string() }),
            (Ok(None), None) => return Ok(None),
            (Ok(None), Some(path)) => {
                let from = KeySource::PassphraseFile(path.to_owned());
                let text = read_text(path, &from, 0o027)?;
                let missing = || KeyError::Unusable { from: from.clone(), why: "there is no such file".to_owned() };
                (text.ok_or_else(missing)?, from)
            }
        };
        match passphrase::read(&text, self.store) {
            Ok(ring) => Ok(Some(Found { ring, from })),
            Err(why) => Err(KeyError::Unusable { from, why }),
        }
    }

    /// The same for the store with this id.
    pub fn of_store(self, store: [u8; 16]) -> Self {
        Self { store, ..self }
    }

    /// The keys for a store, checked against those that the store needs; `None` when there are none and none is needed.
    /// Touches nothing.
    ///
    /// # Errors
    /// As [`KeySources::find`]; when a key that the store needs is not among them.
    pub fn found_for(&self, needed: &[KeyId]) -> Result<Option<Found>, KeyError> {
        match (self.find()?, needed) {
            (None, [key, ..]) => Err(KeyError::Missing { key: *key, file: self.state_dir.join(FILE) }),
            (None, []) => Ok(None),
            (Some(found), needed) => found.with_all(needed).map(Some),
        }
    }

    /// The keys for a store: those there are, checked against those that the store needs; a new one for a store that is
    /// not there yet, or has nothing sealed.
    ///
    /// # Errors
    /// As [`KeySources::found_for`]; when it cannot be made.
    pub fn for_store(&self, needed: &[KeyId]) -> Result<Found, KeyError> {
        self.found_for(needed)?.map_or_else(|| make(self.state_dir), Ok)
    }
}

impl Found {
    /// These keys, when all that a store needs are among them.
    ///
    /// # Errors
    /// `Wrong`, with the first that is missing.
    pub fn with_all(self, needed: &[KeyId]) -> Result<Self, KeyError> {
        match needed.iter().find(|id| !self.ring.has(**id)) {
            Some(missing) => Err(KeyError::Wrong { expected: *missing, found: self.ring.ids(), from: self.from }),
            None => Ok(self),
        }
    }
}

fn read(text: &str, from: KeySource) -> Result<Found, KeyError> {
    match Keyring::read(text) {
        Ok(ring) => Ok(Found { ring, from }),
        Err(why) => Err(KeyError::Unusable { from, why }),
    }
}

/// The keys in the daemon's own file; `None` when there is none.
///
/// # Errors
/// When it holds something that is no key, or that others could have read or changed.
pub fn own(path: &Path) -> Result<Option<Found>, KeyError> {
    read_file(path, KeySource::Own(path.to_owned()), 0o077)
}

/// A key file that no other user can have read or changed, by these bits of its mode; `None` when there is none.
fn read_file(path: &Path, from: KeySource, refused: u32) -> Result<Option<Found>, KeyError> {
    read_text(path, &from, refused)?.map(|text| read(&text, from)).transpose()
}

/// What such a file holds.
fn read_text(path: &Path, from: &KeySource, refused: u32) -> Result<Option<Zeroizing<String>>, KeyError> {
    fail::fail_point!("key.read");
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
    Ok(Some(text))
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
    let ring = Keyring::of(MasterKey::random().map_err(|error| not_made(error.to_string()))?);
    let path = dir.join(FILE);
    let new = dir.join(format!("{FILE}.{}.new", std::process::id()));
    // In one step, so that a kill leaves no second name; and never over another start's key.
    let moved = write_new(&new, &ring).and_then(|()| Ok(renameat_with(CWD, &new, CWD, &path, RenameFlags::NOREPLACE)?));
    if let Err(error) = moved {
        drop(fs::remove_file(&new));
        if error.kind() == ErrorKind::AlreadyExists {
            return own(&path)?.ok_or_else(|| not_made("it appeared and went away".to_owned()));
        }
        return Err(reported(error));
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(reported)?;
    tracing::warn!(
        file = %path.display(),
        key = %ring.sealing(),
        "a master key was made: back it up apart from the store, without it the tokens are lost"
    );
    Ok(Found { ring, from: KeySource::Own(path) })
}

/// Writes a ring over the daemon's own file, in one step: after a crash it is the one before or this one.
///
/// # Errors
/// When it cannot be written; the file is then as it was.
pub fn rewrite(path: &Path, ring: &Keyring) -> std::io::Result<()> {
    let new = path.with_file_name(NEW_FILE);
    write_new(&new, ring)?;
    fail::fail_point!("key.written");
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// What became of keys that a backup had inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// They are in [`FILE`] now.
    Written,
    /// That file has them already.
    There,
    /// That file is there and has others, which stay.
    Kept,
}

/// Writes keys into the daemon's own file where there is none.
///
/// # Errors
/// When they are no keys; when the file cannot be read or written.
pub fn place(dir: &Path, text: &str) -> Result<Placed, KeyError> {
    let path = dir.join(FILE);
    let from = KeySource::Own(path.clone());
    let ring = read(text, from.clone())?.ring;
    if fs::symlink_metadata(&path).is_ok() {
        let there = own(&path)?.is_some_and(|found| ring.ids().iter().all(|id| found.ring.has(*id)));
        return Ok(if there { Placed::There } else { Placed::Kept });
    }
    let new = path.with_file_name(NEW_FILE);
    let placed = write_new(&new, &ring)
        .and_then(|()| Ok(renameat_with(CWD, &new, CWD, &path, RenameFlags::NOREPLACE)?))
        .and_then(|()| File::open(dir)?.sync_all());
    placed.map(|()| Placed::Written).map_err(|error| KeyError::Unusable { from, why: error.to_string() })
}

/// Writes a ring into a file of its own, after what a killed program left there is gone.
fn write_new(new: &Path, ring: &Keyring) -> std::io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    for key in ring.keys() {
        writeln!(file, "{}", key.to_hex().expose())?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn sources(dir: &Path) -> KeySources<'_> {
        KeySources {
            credential: Ok(None),
            file: None,
            variable: None,
            passphrase: Ok(None),
            passphrase_file: None,
            store: [1; 16],
            state_dir: dir,
        }
    }

    fn found(sources: &KeySources<'_>) -> Result<Option<KeyId>, String> {
        let found = sources.find();
        found.map(|found| found.map(|found| found.ring.sealing())).map_err(|error| error.to_string())
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
        let phrases = dir.path().join("phrases");
        fs::write(&phrases, "a passphrase of ours\n").expect("written");
        fs::set_permissions(&phrases, fs::Permissions::from_mode(0o600)).expect("mode");
        given.passphrase_file = Some(&phrases);
        let of_file = found(&given).expect("readable").expect("a key");
        assert_ne!(of_file, id('1'));
        given.passphrase = Ok(Some(Secret::new("another passphrase")));
        assert_ne!(found(&given), Ok(Some(of_file)));
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
        let missing = sources.for_store(&[id('1')]).err().expect("no key").to_string();
        assert!(missing.contains(&id('1').to_string()), "{missing}");
        assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 0, "nothing was touched");
        let made = sources.for_store(&[]).expect("made").ring.sealing();
        let meta = fs::metadata(dir.path().join(FILE)).expect("there");
        assert_eq!((meta.mode() & 0o777, meta.nlink()), (0o600, 1));
        assert_eq!(sources.for_store(&[made]).expect("the same").ring.sealing(), made);
        let wrong = sources.for_store(&[id('1')]).err().expect("another").to_string();
        assert!(wrong.contains(&id('1').to_string()) && wrong.contains(&made.to_string()), "{wrong}");
    }

    #[test]
    fn keys_of_a_backup_take_no_others_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        let both = format!("{}\n{}\n", "2".repeat(64), "1".repeat(64));
        let placed = |text: &str| place(dir.path(), text).map_err(|error| error.to_string());
        assert!(placed("no key").is_err_and(|why| why.contains("64 hexadecimal")));
        assert_eq!(placed(&both), Ok(Placed::Written));
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert_eq!((placed(&both), placed(&"1".repeat(64))), (Ok(Placed::There), Ok(Placed::There)));
        assert_eq!(placed(&"3".repeat(64)), Ok(Placed::Kept));
        assert_eq!(fs::read_to_string(&path).expect("there"), both);
    }

    #[test]
    fn a_ring_is_written_over_the_file_in_one_step() {
        let dir = tempfile::tempdir().expect("a directory");
        let sources = sources(dir.path());
        let path = dir.path().join(FILE);
        let found = sources.for_store(&[]).expect("made");
        let before = found.ring.sealing();
        // What a killed program left does not stay, and nothing of it is taken.
        fs::write(dir.path().join(NEW_FILE), "left").expect("written");
        let ring = found.ring.with_first(MasterKey::from_hex(&"7".repeat(64)).expect("a key")).expect("two keys");
        rewrite(&path, &ring).expect("written");
        let meta = fs::metadata(&path).expect("there");
        assert_eq!((meta.mode() & 0o777, meta.len()), (0o600, 130));
        assert_eq!(fs::read_dir(dir.path()).expect("there").count(), 1);
        let found = sources.for_store(&[before]).expect("both");
        assert_eq!(found.ring.ids(), [id('7'), before]);
        let missing = found.with_all(&[id('7'), id('8')]).err().expect("a third").to_string();
        assert!(missing.contains(&format!("{}; ", id('8'))) && missing.contains(&before.to_string()), "{missing}");
    }
}
