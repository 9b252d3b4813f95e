//! What a start would say, without starting: `rosterd check-config`.

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::app::setup::Source;
use crate::daemon::StartError;
use crate::process::config::Config;
use crate::secret::vault::KeyId;
use crate::store::{Store, StoreError};

/// Checks config, secrets, key and store as a start does; returns what it would warn of. Changes nothing.
///
/// # Errors
/// What a start would end with.
pub fn check(source: &Source, config: &Config, state_dir: &Path, socket: &Path) -> Result<Vec<String>, StartError> {
    source.set_up(config.clone())?;
    let named = match Store::key_named(state_dir, false) {
        Ok(named) => named.map(KeyId),
        // A daemon has it, and found its key.
        Err(StoreError::InUse { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    source.environment.key_sources(config.store.master_key_file.as_deref(), state_dir).found_for(named)?;
    let mut warnings = source.exposed(config);
    // The port of a daemon that runs is taken by itself.
    if let Some(address) = config.http.listen.filter(|_| UnixStream::connect(socket).is_err())
        && let Err(error) = TcpListener::bind(address)
    {
        warnings.push(format!("[http] listen: {address} cannot be listened on: {error}; the listener would be off"));
    }
    Ok(warnings)
}
