//! An app over a disk in memory, for tests.

use std::sync::Arc;

use roster_protocol::time::Timestamp;
use zeroize::Zeroizing;

use super::setup::{Source, StartedWith};
use super::{App, Parts, Vaults};
use crate::http_client::HttpLimits;
use crate::process::clock::ManualClock;
use crate::process::config::Config;
use crate::process::environment::Environment;
use crate::secret::keyring::Keyring;
use crate::secret::master_key::KeySource;
use crate::secret::vault::{MasterKey, Vault};
use crate::store::tests::disk::Disk;

/// An app with this config over what is on a disk, at this time. It has not loaded what it needs to decide.
pub(crate) fn app_on(disk: &Disk, config: &str, at: Timestamp) -> Arc<App> {
    let (store, loaded) = disk.open().expect("a store");
    let source = Source { file: "test".into(), environment: Environment::default(), limits: HttpLimits::default() };
    let (setup, platforms) = source.set_up(Config::parse(config, "test").expect("a config")).expect("a setup");
    let keyring = Keyring::of(MasterKey::new(Zeroizing::new([1; 32])));
    App::build(Parts {
        started_with: StartedWith::in_test(),
        setup,
        platforms,
        clock: Arc::new(ManualClock::at(at)),
        vaults: Vaults::new(Vault::new(&keyring, loaded.store), KeySource::Variable),
        store,
        loaded,
        logs: None,
        seed: 1,
    })
}
