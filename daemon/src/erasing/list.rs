//! The list of erased ones beside the store and its scheduled backups.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use roster_backup::{ErasedLine, ErasedWhat, add_erased, erased_file, read_erased};
use roster_protocol::erasure::ErasedPage;
use roster_protocol::ids::Id;
use roster_protocol::time::Timestamp;

use crate::app::App;
use crate::model::{RevokedGrant, Tombstone};
use crate::roster::Roster;

/// How many lines a part of the list has.
const PART: u64 = 1_000;

/// The whole list, in order of ids.
fn lines(roster: &Roster) -> Vec<ErasedLine> {
    let store = HEXLOWER.encode(&roster.store);
    let line = |at: Timestamp, what| ErasedLine { store: store.clone(), at: at.to_jiff().to_string(), what };
    let erased = roster.tombstones.values().map(|tombstone| {
        let Tombstone { influencers, connections, salt, accounts, at, .. } = tombstone;
        let what = ErasedWhat::Erased {
            influencers: influencers.iter().map(ToString::to_string).collect(),
            connections: connections.iter().map(ToString::to_string).collect(),
            salt: HEXLOWER.encode(salt),
            accounts: accounts.iter().map(|hash| HEXLOWER.encode(hash)).collect(),
        };
        line(*at, what)
    });
    let mut revoked: Vec<_> = roster.consents.revoked.iter().collect();
    revoked.sort();
    let revoked = revoked.into_iter().map(|(grant, at)| line(*at, ErasedWhat::Revoked { grant: grant.to_string() }));
    erased.chain(revoked).collect()
}

/// A part of the list, from a line on.
pub fn part(roster: &Roster, from: u64) -> ErasedPage {
    let all = lines(roster);
    let begin = usize::try_from(from).unwrap_or(usize::MAX).min(all.len());
    let part = &all[begin..all.len().min(begin.saturating_add(PART as usize))];
    let end = begin + part.len();
    let text = |line: &ErasedLine| roster_backup::erased_text(std::slice::from_ref(line)).trim_end().to_owned();
    ErasedPage { lines: part.iter().map(text).collect(), next: (end < all.len()).then_some(end as u64) }
}

/// Brings the lists up to date: the one beside the store, and the one in `[backup] to`.
///
/// # Errors
/// Which could not be, for users.
pub async fn put(app: &App) -> Result<(), String> {
    let (lines, store) = app.look(|roster| (lines(roster), HEXLOWER.encode(&roster.store)));
    let own = app.store.has_file().then(|| app.started_with.state_dir.clone());
    let dirs: Vec<PathBuf> = own.into_iter().chain(app.setup().config.backup.to.clone()).collect();
    let written = tokio::task::spawn_blocking(move || {
        let failed: Vec<String> = dirs.iter().filter_map(|dir| add(dir, &store, &lines).err()).collect();
        if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    });
    written.await.unwrap_or_else(|_| Err("the list of erased ones could not be written; the log has more".to_owned()))
}

fn add(dir: &Path, store: &str, lines: &[ErasedLine]) -> Result<(), String> {
    let path = erased_file(dir, store);
    let added = add_erased(&path, lines);
    added.map(drop).map_err(|error| format!("{} could not be brought up to date: {error}", path.display()))
}

/// What the list beside a store says of it; nothing where there is none.
///
/// # Errors
/// Why it cannot be used.
pub async fn beside(dir: &Path, store: [u8; 16]) -> Result<(Vec<Tombstone>, Vec<RevokedGrant>), String> {
    let id = HEXLOWER.encode(&store);
    let path = erased_file(dir, &id);
    let read = tokio::task::spawn_blocking(move || {
        let found = read_erased(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        of_lines(found.as_deref().unwrap_or_default(), &id)
    });
    read.await.unwrap_or_else(|_| Err("it could not be read".to_owned()))
}

/// What lines say of a store.
///
/// # Errors
/// A line of it with a value that is none.
pub fn of_lines(lines: &[ErasedLine], store: &str) -> Result<(Vec<Tombstone>, Vec<RevokedGrant>), String> {
    let (mut tombstones, mut revoked) = (Vec::new(), Vec::new());
    for line in lines.iter().filter(|line| line.store == store) {
        let wrong = |what: &str| format!("the list of erased ones has {what} that is none");
        let at: Timestamp = line.at.parse().map_err(|_| wrong("a time"))?;
        match &line.what {
            ErasedWhat::Revoked { grant } => {
                revoked.push(RevokedGrant { grant: grant.parse().map_err(|_| wrong("an id"))?, at });
            }
            ErasedWhat::Erased { influencers, connections, salt, accounts } => {
                let influencers = ids(influencers).filter(|ids| !ids.is_empty()).ok_or_else(|| wrong("an id"))?;
                let connections = ids(connections).ok_or_else(|| wrong("an id"))?;
                let salt = bytes(salt).ok_or_else(|| wrong("a salt"))?;
                let accounts = accounts.iter().map(|hash| bytes(hash)).collect::<Option<_>>();
                let accounts = accounts.ok_or_else(|| wrong("a hash"))?;
                tombstones.push(Tombstone { influencers, connections, salt, accounts, at, is_done: false });
            }
        }
    }
    Ok((tombstones, revoked))
}

fn ids<Of>(texts: &[String]) -> Option<Vec<Id<Of>>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}
