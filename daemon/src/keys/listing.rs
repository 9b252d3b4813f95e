//! Every master key there is, and what needs it.

use std::path::Path;

use roster_protocol::error::RosterError;
use roster_protocol::keys::{KeyBackup, KeyInfo, KeyState, Keys};

use crate::app::{App, read_error};
use crate::backups::scheduled;
use crate::model::{SealedWith, StoreKey};
use crate::secret::master_key::KeySource;
use crate::secret::vault::KeyId;
use crate::store::SealedCounts;

/// The keys, the one that seals first; what is sealed with each is counted in the store.
///
/// # Errors
/// When the store cannot be read.
pub async fn keys(app: &App) -> Result<Keys, RosterError> {
    let counts = app.store.read(SealedCounts).await.map_err(|error| read_error(&error))?;
    let ring = app.consents.vault().ids();
    let known = app.look(|roster| roster.consents.keys.clone());
    let to = app.setup().config.backup.to.clone();
    let store = app.look(|roster| roster.store);
    let listed = move || infos(&ring, &known, &counts, |at| is_there(to.as_deref(), store, at));
    let keys = tokio::task::spawn_blocking(listed).await;
    let keys = keys.map_err(|_| RosterError::failed("the keys could not be listed; the log has more"))?;
    let source = &app.consents.vaults.source;
    let left = app.look(|roster| roster.to_reseal());
    Ok(Keys { source: source.to_string(), is_own: matches!(source, KeySource::Own(_)), keys, left })
}

/// Whether the scheduled backup of that time is still where the config has them made.
fn is_there(to: Option<&Path>, store: [u8; 16], at: roster_protocol::Timestamp) -> bool {
    let store = data_encoding::HEXLOWER.encode(&store);
    to.is_some_and(|to| to.join(scheduled::file_of(&store, at)).exists())
}

fn infos(
    ring: &[KeyId],
    known: &[StoreKey],
    counts: &SealedWith,
    is_there: impl Fn(roster_protocol::Timestamp) -> bool,
) -> Vec<KeyInfo> {
    let info = |id: [u8; 8]| {
        let key = known.iter().find(|key| key.id == id);
        let sealed = counts.with(id);
        let is_needed = sealed > 0 || key.is_some_and(|key| key.is_needed);
        let state = match (ring.iter().position(|it| it.0 == id), is_needed) {
            (Some(0), _) => KeyState::Seals,
            (Some(_), true) => KeyState::InUse,
            (Some(_), false) => KeyState::Unused,
            (None, _) => KeyState::Missing,
        };
        let kept = key.iter().flat_map(|key| &key.backups).filter(|kept| !kept.scheduled || is_there(kept.at));
        let backups = kept.map(|kept| KeyBackup { at: kept.at, scheduled: kept.scheduled }).collect();
        KeyInfo { id: KeyId(id).to_string(), state, sealed, since: key.and_then(|key| key.since), backups }
    };
    let known = known.iter().map(|key| key.id).chain(counts.0.keys().copied());
    let mut ids: Vec<[u8; 8]> = ring.iter().map(|id| id.0).collect();
    for id in known {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter().map(info).collect()
}

#[cfg(test)]
mod tests {
    use roster_protocol::time::Timestamp;

    use super::*;
    use crate::model::KeptBackup;

    #[test]
    fn a_key_is_what_the_ring_and_the_store_make_of_it() {
        let kept = |at, scheduled| KeptBackup { at: Timestamp(at), scheduled };
        let key = |number: u8, is_needed, backups| StoreKey { id: [number; 8], since: None, is_needed, backups };
        let known = [
            key(3, true, vec![]),
            key(2, false, vec![kept(1, true), kept(2, true), kept(3, false)]),
            key(1, true, vec![]),
            key(9, false, vec![]),
        ];
        let counts = SealedWith([([3; 8], 7), ([8; 8], 2)].into());
        let ring = [3, 2, 1, 5].map(|number| KeyId([number; 8]));
        let infos = infos(&ring, &known, &counts, |at| at == Timestamp(2));
        let shown: Vec<_> = infos.iter().map(|it| (&it.id[..2], it.state, it.sealed, it.backups.len())).collect();
        let expected = [
            ("03", KeyState::Seals, 7, 0),
            ("02", KeyState::Unused, 0, 2),
            ("01", KeyState::InUse, 0, 0),
            ("05", KeyState::Unused, 0, 0),
            ("09", KeyState::Missing, 0, 0),
            ("08", KeyState::Missing, 2, 0),
        ];
        assert_eq!(shown, expected);
    }
}
