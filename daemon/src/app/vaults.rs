//! The vault in use, which a change of keys replaces while work still uses the one before.

use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::secret::master_key::KeySource;
use crate::secret::vault::Vault;

/// The vault in use, and those before it that some work still holds.
pub struct Vaults {
    held: Mutex<Held>,
    /// Where its keys are from.
    pub source: KeySource,
    /// One change of keys at a time.
    pub changing: tokio::sync::Mutex<()>,
}

struct Held {
    now: Arc<HeldVault>,
    /// Cancelled when the last work that holds it ends.
    released: CancellationToken,
    before: Vec<CancellationToken>,
}

/// A vault for as long as some work uses it.
pub struct HeldVault {
    vault: Vault,
    _released: DropGuard,
}

impl Deref for HeldVault {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vault
    }
}

impl Held {
    fn of(vault: Vault, before: Vec<CancellationToken>) -> Self {
        let released = CancellationToken::new();
        let now = Arc::new(HeldVault { vault, _released: released.clone().drop_guard() });
        Self { now, released, before }
    }
}

impl Vaults {
    pub fn new(vault: Vault, source: KeySource) -> Self {
        Self { held: Mutex::new(Held::of(vault, Vec::new())), source, changing: tokio::sync::Mutex::default() }
    }

    /// The vault in use. Work that seals holds it until what it sealed is in the roster: as long as it does, no key that
    /// sealed is retired.
    pub fn now(&self) -> Arc<HeldVault> {
        self.held.lock().now.clone()
    }

    /// Has all that follows seal and open with another one.
    pub fn replace(&self, vault: Vault) {
        let mut held = self.held.lock();
        let mut before = std::mem::take(&mut held.before);
        before.retain(|released| !released.is_cancelled());
        before.push(held.released.clone());
        *held = Held::of(vault, before);
    }

    /// Waits until no work holds an earlier one.
    pub async fn settled(&self) {
        let before = self.held.lock().before.clone();
        for released in before {
            released.cancelled().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::secret::keyring::Keyring;
    use crate::secret::vault::MasterKey;

    #[test]
    fn one_that_is_still_held_is_waited_for() {
        let ring = |number: u8| Keyring::of(MasterKey::new(zeroize::Zeroizing::new([number; 32])));
        let vaults = Vaults::new(Vault::new(&ring(1), [1; 16]), KeySource::Variable);
        assert!(vaults.settled().now_or_never().is_some());
        let used = vaults.now();
        vaults.replace(Vault::new(&ring(2), [1; 16]));
        assert_ne!(vaults.now().sealing(), used.sealing());
        assert!(vaults.settled().now_or_never().is_none());
        vaults.replace(Vault::new(&ring(3), [1; 16]));
        assert!(vaults.settled().now_or_never().is_none());
        drop(used);
        assert!(vaults.settled().now_or_never().is_some());
    }
}
