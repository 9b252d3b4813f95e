//! What a start would say, without starting: `rosterd check-config`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;

use roster_protocol::rule::LONGEST_NAME;
use roster_protocol::text::clean;

use crate::alerts::rules::Rules;
use crate::app::setup::Source;
use crate::backups::scheduled;
use crate::consent;
use crate::daemon::StartError;
use crate::daemon::reload::ready;
use crate::process::config::{Config, ConfigError};
use crate::secret::master_key::KeyError;
use crate::secret::vault::KeyId;
use crate::serve::rpc::access;
use crate::serve::rpc::socket::could_listen;
use crate::store::{Needs, Store, StoreError, could_own_dir};

/// The paths of a start that is checked.
pub struct Checked<'a> {
    pub state_dir: &'a Path,
    pub socket: &'a Path,
    /// Whether the system's service manager starts it: then it makes the directories, and may have the key as a credential.
    pub is_service: bool,
}

/// What a good config has to say, in sentences.
pub struct Remarks {
    /// What a start would warn of.
    pub warnings: Vec<String>,
    /// What it means where that is not seen at once.
    pub notes: Vec<String>,
}

/// Checks config, secrets, state directory, key, store and socket as a start does. Changes nothing.
///
/// # Errors
/// What a start would end with; and a name of `[access]` that this host does not have, which a start only warns of.
pub fn check(source: &Source, config: &Config, of: &Checked<'_>) -> Result<Remarks, StartError> {
    let (_, platforms, _) = ready(source, config.clone())?;
    let mut warnings = source.exposed(config);
    let needs = match Store::keys_needed(of.state_dir, false) {
        Ok(needs) => needs,
        // A daemon has it, and found its keys.
        Err(StoreError::InUse { .. }) => Needs::default(),
        Err(error) => return Err(error.into()),
    };
    let needed: Vec<KeyId> = needs.keys.into_iter().map(KeyId).collect();
    let keys = source.environment.key_sources(&config.store, of.state_dir).of_store(needs.store.unwrap_or_default());
    match keys.found_for(&needed) {
        Err(KeyError::Missing { key, .. }) if of.is_service && !source.environment.has_credentials() => {
            warnings.push(format!("the master key {key} is not here: only the service can see its credentials"));
        }
        found => drop(found?),
    }
    if !of.is_service || of.state_dir.exists() {
        could_own_dir(of.state_dir)?;
    }
    could_listen(of.socket)?;
    for (line, message, is_wrong) in config.access.iter().flat_map(access::unknown_names) {
        let error = ConfigError { file: source.file.display().to_string(), line: Some(line), message };
        if is_wrong {
            return Err(error.into());
        }
        warnings.push(error.to_string());
    }
    if let Some(Err(why)) = config.backup.to.as_deref().map(scheduled::could_write) {
        warnings.push(format!("[backup] to: {why}: no backup would be made"));
    }
    // The port of a daemon that runs is taken by itself.
    if let Some(address) = config.http.listen.filter(|_| UnixStream::connect(of.socket).is_err())
        && let Err(error) = TcpListener::bind(address)
    {
        warnings.push(format!("[http] listen: {address} cannot be listened on: {error}; the listener would be off"));
    }
    let notes = platforms.values().filter_map(|known| consent::setup::chosen_scopes(known.provider.as_deref()?));
    Ok(Remarks { warnings, notes: notes.chain(unknown_rules(config)).collect() })
}

/// Rules that routes name and that only the store may have.
fn unknown_rules(config: &Config) -> Vec<String> {
    let rules = Rules::of(&config.rules, &BTreeMap::new());
    let named: BTreeSet<&String> = config.channels.routing.routes.iter().flat_map(|route| &route.rules).collect();
    let unknown = named.into_iter().filter(|name| rules.get(name).is_none());
    unknown
        .map(|name| {
            let name = clean(name, LONGEST_NAME);
            format!("[[routes]] name the rule {name:?}, which is neither built in nor here: `roster rules list` has it, or none")
        })
        .collect()
}
