//! JSON of `keys`: master keys, and what needs each.

use roster_protocol::keys as protocol;
use serde::Serialize;

use super::time;

/// What `keys list` and `keys rotate` give.
#[derive(Debug, Serialize)]
pub struct Keys {
    source: String,
    /// How many values are still to be sealed with the first key.
    left: u64,
    keys: Vec<Key>,
}

#[derive(Debug, Serialize)]
struct Key {
    id: String,
    state: &'static str,
    sealed: u64,
    since: Option<String>,
    backups: Vec<Backup>,
}

#[derive(Debug, Serialize)]
struct Backup {
    at: Option<String>,
    scheduled: bool,
}

/// What `keys retire` gives.
#[derive(Debug, Serialize)]
pub struct Retired {
    retired: String,
    /// Where its line is still to be removed by hand; null when it was removed.
    remove_from: Option<String>,
    #[serde(flatten)]
    keys: Keys,
}

impl From<&protocol::Keys> for Keys {
    fn from(keys: &protocol::Keys) -> Self {
        let backup = |kept: &protocol::KeyBackup| Backup { at: time(Some(kept.at)), scheduled: kept.scheduled };
        let key = |key: &protocol::KeyInfo| Key {
            id: key.id.clone(),
            state: key.state.word(),
            sealed: key.sealed,
            since: time(key.since),
            backups: key.backups.iter().map(backup).collect(),
        };
        Self { source: keys.source.clone(), left: keys.left, keys: keys.keys.iter().map(key).collect() }
    }
}

impl From<&protocol::Retired> for Retired {
    fn from(retired: &protocol::Retired) -> Self {
        Self { retired: retired.key.clone(), remove_from: retired.remove_from.clone(), keys: Keys::from(&retired.keys) }
    }
}
