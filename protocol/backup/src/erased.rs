//! The list of those who were erased, and of consents that were ended, beside backups: what was made before does not bring them
//! back. A JSON object a line, so that a person can read it; it has ids and hashes, and nothing personal.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// A longer list is not read.
const MOST_BYTES: u64 = 256 << 20;
const ENDING: &str = ".erased";

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedLine {
    /// The id of the store that it is about, in hexadecimal digits.
    pub store: String,
    /// When it was, RFC 3339 in UTC.
    pub at: String,
    #[serde(flatten)]
    pub what: ErasedWhat,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErasedWhat {
    /// An influencer was erased.
    Erased {
        /// Their id, and those of others that were merged into them.
        influencers: Vec<String>,
        connections: Vec<String>,
        /// What the accounts are hashed with, in hexadecimal digits.
        salt: String,
        /// SHA-256 of the salt, the platform, a zero byte and the platform's id of the account, in hexadecimal digits.
        accounts: Vec<String>,
    },
    /// A consent was ended.
    Revoked { grant: String },
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoList {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("line {0} of it is no entry of a list of erased ones")]
    Line(usize),
    #[error("it is longer than any list of erased ones")]
    TooLong,
}

impl ErasedLine {
    /// What it is about: a later line about the same takes an earlier one's place.
    fn subject(&self) -> (String, String) {
        let of = match &self.what {
            ErasedWhat::Erased { influencers, .. } => format!("erased {}", influencers.first().map_or("", |id| id)),
            ErasedWhat::Revoked { grant } => format!("revoked {grant}"),
        };
        (self.store.clone(), of)
    }
}

/// The list's file in the directory of a store, or of its backups: `roster-1a2b3c4d.erased`.
pub fn erased_file(dir: &Path, store: &str) -> PathBuf {
    dir.join(format!("roster-{}{ENDING}", store.get(..8).unwrap_or(store)))
}

/// The lines of a text, each as [`erased_text`] writes it.
///
/// # Errors
/// The first line that is none.
pub fn erased_lines(text: &str) -> Result<Vec<ErasedLine>, NoList> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| serde_json::from_str(line).map_err(|_| NoList::Line(at + 1))).collect()
}

/// The lines as text, in order of time.
pub fn erased_text(lines: &[ErasedLine]) -> String {
    let mut lines: Vec<&ErasedLine> = lines.iter().collect();
    lines.sort_by(|a, b| (&a.at, a.subject()).cmp(&(&b.at, b.subject())));
    lines.iter().filter_map(|line| serde_json::to_string(line).ok()).map(|line| line + "\n").collect()
}

/// Reads a list; `None` when there is no such file.
///
/// # Errors
/// See [`NoList`].
pub fn read_erased(path: &Path) -> Result<Option<Vec<ErasedLine>>, NoList> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::CLOEXEC).bits() as i32);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file").into());
    }
    let mut text = String::new();
    if file.take(MOST_BYTES + 1).read_to_string(&mut text)? as u64 > MOST_BYTES {
        return Err(NoList::TooLong);
    }
    erased_lines(&text).map(Some)
}

/// Adds lines to a list, which is made where there is none; what it has of the same is replaced where it is older. The file is
/// the old one or the new one, whatever happens. Returns whether anything changed.
///
/// # Errors
/// When the list that is there cannot be used, or no other can take its place.
pub fn add_erased(path: &Path, lines: &[ErasedLine]) -> Result<bool, NoList> {
    let before = read_erased(path)?;
    let mut all: BTreeMap<_, ErasedLine> = BTreeMap::new();
    for line in before.iter().flatten().chain(lines) {
        let known = all.entry(line.subject()).or_insert_with(|| line.clone());
        if known.at <= line.at {
            *known = line.clone();
        }
    }
    let all: Vec<ErasedLine> = all.into_values().collect();
    let text = erased_text(&all);
    if before.as_ref().map_or(text.is_empty(), |before| erased_text(before) == text) {
        return Ok(false);
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let partial = path.with_extension("erased.partial");
    match fs::remove_file(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(dir)?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked(grant: &str, at: &str) -> ErasedLine {
        ErasedLine { store: "ab".repeat(16), at: at.into(), what: ErasedWhat::Revoked { grant: grant.into() } }
    }

    fn erased(id: &str, at: &str) -> ErasedLine {
        let (salt, accounts) = ("00".repeat(16), vec!["11".repeat(32)]);
        let what = ErasedWhat::Erased { influencers: vec![id.into()], connections: vec!["c1".into()], salt, accounts };
        ErasedLine { store: "ab".repeat(16), at: at.into(), what }
    }

    #[test]
    fn a_list_grows_and_never_loses_a_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = erased_file(dir.path(), &"ab".repeat(16));
        assert_eq!(path.file_name().and_then(|name| name.to_str()), Some("roster-abababab.erased"));
        assert!(read_erased(&path).expect("no list").is_none());
        assert!(!add_erased(&path, &[]).expect("nothing") && !path.exists(), "an empty list is no file");
        let (first, second) = (erased("a1", "2026-11-01T00:00:00Z"), revoked("g1", "2026-11-02T00:00:00Z"));
        assert!(add_erased(&path, std::slice::from_ref(&first)).expect("added"));
        assert!(!add_erased(&path, std::slice::from_ref(&first)).expect("the same"));
        assert!(add_erased(&path, &[second.clone(), revoked("g1", "2026-10-01T00:00:00Z")]).expect("added"));
        assert_eq!(read_erased(&path).expect("a list"), Some(vec![first.clone(), second]));
        let later = revoked("g1", "2026-12-01T00:00:00Z");
        assert!(add_erased(&path, std::slice::from_ref(&later)).expect("replaced"));
        assert_eq!(read_erased(&path).expect("a list"), Some(vec![first, later]));
    }

    #[test]
    fn what_is_no_list_is_refused_and_stays_as_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("some.erased");
        let line = erased_text(&[revoked("g1", "2026-11-02T00:00:00Z")]);
        for (text, at) in
            [("{}\n".to_owned(), 1), (format!("{line}not json\n"), 2), (line.replace("revoked", "new"), 1)]
        {
            std::fs::write(&path, &text).expect("written");
            let refused = add_erased(&path, &[revoked("g2", "2026-11-02T00:00:00Z")]).expect_err("no list");
            assert!(matches!(refused, NoList::Line(line) if line == at), "{text:?}: {refused}");
            assert_eq!(std::fs::read_to_string(&path).expect("a file"), text);
        }
        assert!(matches!(read_erased(dir.path()), Err(NoList::Io(_))), "a directory");
        for cut in 1..line.trim_end().len() {
            assert!(erased_lines(&line[..cut]).is_err(), "{cut}");
        }
    }
}
