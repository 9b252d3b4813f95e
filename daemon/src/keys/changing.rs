//! Having another key seal, and retiring one that nothing needs.

use std::path::PathBuf;
use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::keys::Keys;
use roster_protocol::keys::{KeyInfo, KeyState, Retired};

use super::listing;
use crate::app::App;
use crate::decision::keys;
use crate::secret::keyring::Keyring;
use crate::secret::master_key::{self, KeySource};
use crate::secret::vault::{KeyId, MasterKey};

/// The most backups that one sentence names.
const NAMED: usize = 5;

/// Makes a key that seals from now on, and has everything sealed anew.
///
/// # Errors
/// A source that the daemon does not write, with what to do there; when the key cannot be stored: then nothing has changed.
pub async fn rotate(app: Arc<App>, who: Who) -> Result<Keys, RosterError> {
    let vaults = &app.consents.vaults;
    let _alone = vaults.changing.lock().await;
    let KeySource::Own(path) = vaults.source.clone() else { return Err(elsewhere(&vaults.source)) };
    let vault = vaults.now();
    let before = read_again(path.clone(), vault.ids()).await?;
    let key = MasterKey::random().map_err(|error| RosterError::failed(format!("no randomness: {error}")))?;
    let next = vault.with_first(&key);
    let named = (vault.sealing().to_string(), key.id().to_string());
    drop(vault);
    let (sealing, restored) = (key.id(), path.clone());
    let ring = write(path, move || before.with_first(key)).await?;
    let decided = app.decide(|decision| {
        keys::rotate(decision, &who, sealing.0, named.clone());
        Ok(())
    });
    if let Err(error) = decided.await {
        // The store does not know it: the file is as it was, or the next start takes the key up.
        let before = write(restored, move || ring.without(sealing).ok_or_else(|| "it would be empty".to_owned()));
        if let Err(error) = before.await {
            tracing::error!(%error, "a new master key stays in the file; the next start has it seal");
        }
        return Err(error);
    }
    vaults.replace(next);
    tracing::info!(key = %sealing, before = named.0, who = who.name, uid = who.uid, "another master key seals");
    app.keys.notify_one();
    listing::keys(&app).await
}

/// Says what to do with keys that the daemon does not write.
fn elsewhere(source: &KeySource) -> RosterError {
    let new = "the new key of `rosterd keygen` before the keys that are there, a key a line";
    let hint = match source {
        KeySource::Credential => format!(
            "make the credential anew with {new} (`systemd-creds encrypt`), and restart rosterd: it has the first key seal"
        ),
        KeySource::File(_) => format!("write {new}, into that file, and restart rosterd: it has the first key seal"),
        source if source.is_passphrase() => {
            "put a new passphrase before those that are there, a passphrase a line, and restart \
            rosterd: it has the first seal"
                .to_owned()
        }
        _ => format!("give it {new}, or a comma between two, and restart rosterd: it has the first key seal"),
    };
    RosterError::conflict(format!("nothing was changed: the key is from {source}, which rosterd does not write"))
        .hint(hint)
}

/// The ring in the daemon's own file, when it is still the one in use.
async fn read_again(path: PathBuf, expected: Vec<KeyId>) -> Result<Keyring, RosterError> {
    blocking(move || {
        let found = master_key::own(&path).map_err(|error| RosterError::failed(error.to_string()))?;
        let changed = || {
            RosterError::conflict(format!("{} was changed since rosterd was started", path.display()))
                .hint("restart rosterd: it takes up the keys that are there now")
        };
        let found = found.ok_or_else(changed)?;
        if found.ring.ids() == expected { Ok(found.ring) } else { Err(changed()) }
    })
    .await
}

/// Writes another ring over the daemon's own file.
async fn write(
    path: PathBuf,
    ring: impl FnOnce() -> Result<Keyring, String> + Send + 'static,
) -> Result<Keyring, RosterError> {
    blocking(move || {
        let failed = |why: String| RosterError::failed(format!("nothing was changed: {}: {why}", path.display()));
        let ring = ring().map_err(failed)?;
        master_key::rewrite(&path, &ring).map_err(|error| failed(error.to_string()))?;
        Ok(ring)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RosterError> + Send + 'static,
) -> Result<T, RosterError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(RosterError::failed("it failed badly; the log has more")))
}

/// Retires the key with this id or unique prefix: it opens nothing any more. `sure`: although backups need it.
///
/// # Errors
/// No such key; one that seals, or that something stored needs; one that backups need, unless `sure`.
pub async fn retire(app: Arc<App>, who: Who, named: String, sure: bool) -> Result<Retired, RosterError> {
    let vaults = &app.consents.vaults;
    let _alone = vaults.changing.lock().await;
    let listed = listing::keys(&app).await?;
    let key = found(&listed.keys, &named)?;
    if let Some(refused) = needed(&app, key, sure) {
        return Err(refused);
    }
    let id = id_of(&key.id)?;
    let decided = app.decide(|decision| {
        keys::retire(decision, &who, id.0, key.id.clone());
        Ok(())
    });
    decided.await?;
    let vault = vaults.now();
    let is_held = vault.ids().contains(&id);
    let rest = vault.without(id);
    let expected = vault.ids();
    drop(vault);
    let remove_from = match vaults.source.clone() {
        KeySource::Own(path) if is_held => {
            let ring = read_again(path.clone(), expected).await?;
            write(path, move || ring.without(id).ok_or_else(|| "it would be empty".to_owned())).await?;
            None
        }
        source => is_held.then(|| source.to_string()),
    };
    vaults.replace(rest);
    tracing::info!(key = %id, who = who.name, uid = who.uid, "a master key was retired");
    Ok(Retired { key: key.id.clone(), remove_from, keys: listing::keys(&app).await? })
}

fn found<'a>(keys: &'a [KeyInfo], named: &str) -> Result<&'a KeyInfo, RosterError> {
    let named = named.trim().to_lowercase();
    let mut fitting = keys.iter().filter(|key| !named.is_empty() && key.id.starts_with(&named));
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(RosterError::usage("several keys begin so").hint("`roster keys list` has their ids")),
        (None, _) => Err(RosterError::not_found("there is no such key").hint("`roster keys list` has those there are")),
    }
}

fn id_of(hex: &str) -> Result<KeyId, RosterError> {
    let id = data_encoding::HEXLOWER.decode(hex.as_bytes()).ok().and_then(|id| id.try_into().ok());
    id.map(KeyId).ok_or_else(|| RosterError::failed("the key's id makes no sense"))
}

/// Why a key is not retired; `None` when nothing needs it.
fn needed(app: &App, key: &KeyInfo, sure: bool) -> Option<RosterError> {
    match key.state {
        KeyState::Seals => Some(
            RosterError::conflict(format!("the key {} seals", key.id))
                .hint("`roster keys rotate` has another one seal"),
        ),
        KeyState::InUse | KeyState::Missing if key.sealed > 0 || key.state == KeyState::InUse => {
            app.keys.notify_one();
            let what = match key.sealed {
                0 => "was in use until just now".to_owned(),
                1 => "is in use: one value in the store is sealed with it".to_owned(),
                many => format!("is in use: {many} values in the store are sealed with it"),
            };
            Some(
                RosterError::conflict(format!("the key {} {what}", key.id))
                    .hint("rosterd seals them anew by itself: `roster keys list` says when none is left"),
            )
        }
        KeyState::InUse | KeyState::Missing | KeyState::Unused => {
            (!key.backups.is_empty() && !sure).then(|| needed_by_backups(key))
        }
    }
}

fn needed_by_backups(key: &KeyInfo) -> RosterError {
    let word = |scheduled| if scheduled { "scheduled" } else { "requested" };
    let newest = key.backups.iter().rev().take(NAMED);
    let named: Vec<String> = newest.map(|kept| format!("{} ({})", kept.at, word(kept.scheduled))).collect();
    let more = key.backups.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("backups need the key {}: those of {}{more}", key.id, named.join(", "));
    RosterError::conflict(message)
        .hint("keep a copy of it as long as one of them is kept, apart from them; then add --yes")
}
