//! The lists of erased ones that a restore follows.

use std::fmt;
use std::path::Path;

use roster_backup::{ErasedLine, ErasedWhat, add_erased, erased_file, read_erased};
use roster_protocol::text::clean;
use serde_json::{Value, json};

use crate::erasing::list;
use crate::store::own_dir;

/// The longest path in a sentence.
const CHARACTERS: usize = 500;
/// What is said where there is no list.
pub const NONE: &str = "no list of erased ones was found: an influencer who was erased since then is back, and a consent that was ended since can be \
                        used again; restore it with --erased FILE if there is one";

/// What a restore follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// The files it is from.
    pub files: Vec<String>,
    pub influencers: usize,
    pub consents: usize,
}

impl Followed {
    /// The same for scripts.
    pub fn json(&self) -> Value {
        json!({"files": self.files, "influencers": self.influencers, "consents": self.consents})
    }
}

impl fmt::Display for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Followed { files, influencers, consents } = self;
        let files = files.join(" and ");
        write!(
            f,
            "{files}: {influencers} erased influencers and {consents} ended consents do not come back: rosterd takes them out \
             when it starts"
        )
    }
}

/// A list that was given by name.
///
/// # Errors
/// Why it cannot be used.
pub fn given(path: &Path) -> Result<Vec<ErasedLine>, String> {
    let shown = clean(&path.display().to_string(), CHARACTERS);
    match read_erased(path) {
        Ok(Some(lines)) => Ok(lines),
        Ok(None) => Err(format!("{shown} is not there")),
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

/// Has the store that is restored in `dir` follow the list that was given, or else the one beside its backup; the one that is in
/// `dir` counts in any case. `None`: there is none.
///
/// # Errors
/// A list that cannot be used, or cannot be put beside the store.
pub fn follow(
    given: Option<&[ErasedLine]>,
    backup: &Path,
    dir: &Path,
    store: &str,
) -> Result<Option<Followed>, String> {
    let beside = erased_file(backup.parent().unwrap_or(Path::new("")), store);
    let own = erased_file(dir, store);
    let failed =
        |path: &Path, error: &dyn fmt::Display| format!("{}: {error}", clean(&path.display().to_string(), CHARACTERS));
    let read = |path: &Path| read_erased(path).map_err(|error| failed(path, &error));
    let mut files = Vec::new();
    let mut named = |path: &Path| files.push(clean(&path.display().to_string(), CHARACTERS));
    let other = match given {
        Some(lines) => {
            files.push("the given list".to_owned());
            Some(lines.to_vec())
        }
        None => {
            let found = read(&beside)?;
            found.iter().for_each(|_| named(&beside));
            found
        }
    };
    let known = read(&own)?;
    if known.is_some() && own != beside {
        files.push(clean(&own.display().to_string(), CHARACTERS));
    }
    if files.is_empty() {
        return Ok(None);
    }
    let lines: Vec<ErasedLine> = other.into_iter().flatten().filter(|line| line.store == store).collect();
    list::of_lines(&lines, store)?;
    if !lines.is_empty() {
        own_dir(dir).map_err(|error| error.to_string())?;
        add_erased(&own, &lines).map_err(|error| failed(&own, &error))?;
    }
    let all = read(&own)?.unwrap_or_default();
    let all = all.iter().filter(|line| line.store == store);
    let is_erased = |line: &&ErasedLine| matches!(line.what, ErasedWhat::Erased { .. });
    let (erased, ended): (Vec<_>, Vec<_>) = all.partition(is_erased);
    Ok(Some(Followed { files, influencers: erased.len(), consents: ended.len() }))
}
