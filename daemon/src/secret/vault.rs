//! Seals secrets for the disk: XChaCha20-Poly1305, bound to their context: the store, the record and field, and the key.
//!
//! Only this module and `personal` name the cipher. A sealed value that was moved, cut or edited does not open. The key's id in the
//! head picks the key: nothing is ever tried with another one, since this cipher does not commit to its key.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use roster_protocol::ids::{ConnectionId, ConsentId, GrantId, InfluencerId};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::model::Sealed;
use crate::secret::Secret;
use crate::secret::keyring::Keyring;

/// The layout of sealed values: version, key id, nonce, ciphertext with tag.
const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;
const HEAD_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;

/// The key to everything sealed. It is wiped when dropped and prints nowhere.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Names a key without disclosing anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(pub [u8; KEY_ID_BYTES]);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl MasterKey {
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// A fresh one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// The key in 64 hexadecimal digits; `None` when it is anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let decoded = Zeroizing::new(data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?);
        let mut bytes = Zeroizing::new([0; 32]);
        (decoded.len() == bytes.len()).then(|| bytes.copy_from_slice(&decoded))?;
        Some(Self(bytes))
    }

    /// The 64 digits that [`MasterKey::from_hex`] reads.
    pub fn to_hex(&self) -> Secret {
        Secret::new(data_encoding::HEXLOWER.encode(self.0.as_ref()))
    }

    pub fn id(&self) -> KeyId {
        let hash = Sha256::new().chain_update(b"roster master key id").chain_update(self.0.as_slice()).finalize();
        KeyId(std::array::from_fn(|at| hash[at]))
    }
}

/// What a sealed value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Field {
    Access = 1,
    Refresh = 2,
    Derived = 3,
    Reply = 4,
    Verifier = 5,
    DeviceCode = 6,
    Hub = 7,
    DataKey = 8,
}

/// Where a sealed value belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealingContext<'a> {
    owner: [u8; 5],
    field: Field,
    /// Which of several, such as an account of a grant.
    part: &'a str,
}

impl<'a> SealingContext<'a> {
    pub fn of_grant(grant: GrantId, field: Field) -> Self {
        Self { owner: grant.0, field, part: "" }
    }

    /// An account's own token.
    pub fn of_account(grant: GrantId, account: &'a str) -> Self {
        Self { owner: grant.0, field: Field::Derived, part: account }
    }

    /// What a hub signs with.
    pub fn of_lease(connection: ConnectionId) -> Self {
        Self { owner: connection.0, field: Field::Hub, part: "" }
    }

    /// The key to what is personal of an influencer.
    pub fn of_data_key(influencer: InfluencerId) -> Self {
        Self { owner: influencer.0, field: Field::DataKey, part: "" }
    }

    pub fn of_consent(consent: ConsentId, field: Field) -> Self {
        Self { owner: consent.0, field, part: "" }
    }
}

/// Why a value does not open, or cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("it was sealed with the key {0}, which is not at hand")]
    OtherKey(KeyId),
    #[error("it was changed, cut, or belongs to another record")]
    NotIntact,
    #[error("the system has no randomness to give")]
    NoRandomness,
}

/// Seals with one key, and opens with each of a ring.
pub struct Vault {
    /// The first seals.
    keys: Vec<(KeyId, Arc<HeldKey>)>,
    store: [u8; 16],
}

/// A key, ready for use.
struct HeldKey {
    key: MasterKey,
    cipher: XChaCha20Poly1305,
}

impl Vault {
    /// A vault for the store with this id.
    pub fn new(ring: &Keyring, store: [u8; 16]) -> Self {
        Self { keys: Self::new_keys(ring.keys()), store }
    }

    /// The key that seals.
    pub fn sealing(&self) -> KeyId {
        self.keys[0].0
    }

    /// The keys that open, the one that seals first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.iter().map(|(id, _)| *id).collect()
    }

    /// One with another key that seals, which opens with all keys of this one as well.
    pub fn with_first(&self, key: &MasterKey) -> Self {
        let mut keys = Self::new_keys(std::slice::from_ref(key));
        keys.extend(self.keys.iter().filter(|(id, _)| *id != key.id()).cloned());
        Self { keys, store: self.store }
    }

    /// One that opens without a key; the key that seals stays.
    pub fn without(&self, key: KeyId) -> Self {
        let keys = self.keys.iter().enumerate().filter(|(at, (id, _))| *at == 0 || *id != key);
        Self { keys: keys.map(|(_, key)| key.clone()).collect(), store: self.store }
    }

    fn new_keys(keys: &[MasterKey]) -> Vec<(KeyId, Arc<HeldKey>)> {
        let held = |key: &MasterKey| {
            let cipher = XChaCha20Poly1305::new(&Key::from(*key.0));
            Arc::new(HeldKey { key: MasterKey(key.0.clone()), cipher })
        };
        keys.iter().map(|key| (key.id(), held(key))).collect()
    }

    /// All keys, a key a line, for a backup that was requested to have them.
    pub fn text(&self) -> Secret {
        let mut text = Zeroizing::new(String::with_capacity(65 * self.keys.len()));
        for (_, held) in &self.keys {
            text.push_str(held.key.to_hex().expose());
            text.push('\n');
        }
        Secret(text)
    }

    /// Seals a secret for its context.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, context: SealingContext<'_>, secret: &Secret) -> Result<Sealed, VaultError> {
        let (id, held) = &self.keys[0];
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let payload = Payload { msg: secret.expose().as_bytes(), aad: &self.bound_to(context, *id) };
        let sealed = held.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::NotIntact)?;
        let mut bytes = Vec::with_capacity(HEAD_BYTES + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&id.0);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(Sealed(bytes))
    }

    /// Opens what was sealed for this context.
    ///
    /// # Errors
    /// When it was sealed with a key that the ring lacks, for another context, or is not as it was.
    pub fn open(&self, context: SealingContext<'_>, sealed: &Sealed) -> Result<Secret, VaultError> {
        let (version, rest) = sealed.0.split_first().ok_or(VaultError::NotIntact)?;
        let (key, rest) = rest.split_first_chunk::<KEY_ID_BYTES>().ok_or(VaultError::NotIntact)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::NotIntact)?;
        if *version != VERSION {
            return Err(VaultError::NotIntact);
        }
        let named = self.keys.iter().find(|(id, _)| id.0 == *key);
        let (id, held) = named.ok_or(VaultError::OtherKey(KeyId(*key)))?;
        let payload = Payload { msg: sealed, aad: &self.bound_to(context, *id) };
        let opened = held.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::NotIntact)?;
        String::from_utf8(opened).map(Secret::new).map_err(|error| {
            drop(Zeroizing::new(error.into_bytes()));
            VaultError::NotIntact
        })
    }

    /// The same secret, sealed anew with the key that seals now; `None` when it is sealed with that one already.
    ///
    /// # Errors
    /// As [`Vault::open`] and [`Vault::seal`].
    pub fn reseal(&self, context: SealingContext<'_>, sealed: &Sealed) -> Result<Option<Sealed>, VaultError> {
        if sealed.key() == Some(self.sealing().0) {
            return Ok(None);
        }
        self.seal(context, &self.open(context, sealed)?).map(Some)
    }

    /// What is authenticated beside the secret. Every part but the last has a fixed length.
    fn bound_to(&self, context: SealingContext<'_>, key: KeyId) -> Vec<u8> {
        let mut bound = Vec::with_capacity(64);
        bound.extend_from_slice(b"roster sealed");
        bound.push(VERSION);
        bound.extend_from_slice(&key.0);
        bound.extend_from_slice(&self.store);
        bound.extend_from_slice(&context.owner);
        bound.push(context.field as u8);
        bound.extend_from_slice(context.part.as_bytes());
        bound
    }
}

/// A hash for recognising a secret without keeping it.
pub fn fingerprint(secret: &Secret) -> [u8; 32] {
    Sha256::digest(secret.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn vault(key: u8, store: u8) -> Vault {
        Vault::new(&Keyring::of(MasterKey::new(Zeroizing::new([key; 32]))), [store; 16])
    }

    fn grant(number: u8) -> GrantId {
        GrantId::from_bytes([number; 5])
    }

    #[test]
    fn a_secret_opens_only_in_its_context() {
        let vault_of_ours = vault(1, 1);
        let context = SealingContext::of_grant(grant(1), Field::Access);
        let sealed = vault_of_ours.seal(context, &Secret::new("canary-token")).expect("sealed");
        let opened = |vault: &Vault, context| vault.open(context, &sealed).map(|secret| secret.expose().to_owned());
        assert_eq!(opened(&vault_of_ours, context), Ok("canary-token".to_owned()));
        assert_eq!(opened(&vault(1, 2), context), Err(VaultError::NotIntact));
        let other_key = MasterKey::new(Zeroizing::new([1; 32])).id();
        assert_eq!(opened(&vault(2, 1), context), Err(VaultError::OtherKey(other_key)));
        for elsewhere in [
            SealingContext::of_grant(grant(2), Field::Access),
            SealingContext::of_grant(grant(1), Field::Refresh),
            SealingContext::of_account(grant(1), ""),
            SealingContext::of_consent(ConsentId::from_bytes([2; 5]), Field::Verifier),
        ] {
            assert_eq!(opened(&vault_of_ours, elsewhere), Err(VaultError::NotIntact), "{elsewhere:?}");
        }
        let accounts =
            vault_of_ours.seal(SealingContext::of_account(grant(1), "a"), &Secret::new("x")).expect("sealed");
        assert!(vault_of_ours.open(SealingContext::of_account(grant(1), "b"), &accounts).is_err());
        assert!(!format!("{sealed:?}").contains("canary"));
    }

    #[test]
    fn a_ring_opens_with_each_key_and_seals_with_the_first() {
        let key = |number: u8| MasterKey::new(Zeroizing::new([number; 32]));
        let ring = |numbers: &[u8]| Keyring::checked(numbers.iter().map(|it| key(*it)).collect()).expect("a ring");
        let (before, both) = (Vault::new(&ring(&[1]), [1; 16]), Vault::new(&ring(&[2, 1]), [1; 16]));
        let context = SealingContext::of_grant(grant(1), Field::Access);
        let old = before.seal(context, &Secret::new("canary")).expect("sealed");
        let new = both.reseal(context, &old).expect("opened").expect("sealed anew");
        assert_eq!((old.key(), new.key()), (Some(key(1).id().0), Some(key(2).id().0)));
        let opened = |vault: &Vault, sealed| vault.open(context, sealed).map(|secret| secret.expose().to_owned());
        for sealed in [&old, &new] {
            assert_eq!(opened(&both, sealed), Ok("canary".to_owned()));
        }
        assert_eq!(opened(&before, &new), Err(VaultError::OtherKey(key(2).id())));
        let grown = before.with_first(&key(2));
        assert_eq!((grown.ids(), opened(&grown, &new)), (both.ids(), Ok("canary".to_owned())));
        let shrunk = grown.without(key(1).id());
        assert_eq!(opened(&shrunk, &old), Err(VaultError::OtherKey(key(1).id())));
        assert_eq!(shrunk.without(key(2).id()).ids(), [key(2).id()], "the one that seals stays");
        assert_eq!(both.reseal(context, &new), Ok(None), "it is sealed with that key already");
        // A value that names another key than the one it was sealed with opens with neither.
        let mut swapped = old.clone();
        swapped.0[1..9].copy_from_slice(&key(2).id().0);
        assert_eq!(opened(&both, &swapped), Err(VaultError::NotIntact));
        assert_eq!(Sealed(vec![1, 2]).key(), None);
    }

    #[test]
    fn nonces_are_never_the_same() {
        let vault = vault(1, 1);
        let context = SealingContext::of_grant(grant(1), Field::Access);
        let secret = Secret::new("x");
        let nonces: HashSet<Vec<u8>> =
            (0..10_000).map(|_| vault.seal(context, &secret).expect("sealed").0[9..HEAD_BYTES].to_vec()).collect();
        assert_eq!(nonces.len(), 10_000);
    }

    #[test]
    fn keys_are_read_as_they_are_written() {
        let key = MasterKey::random().expect("randomness");
        let again = MasterKey::from_hex(key.to_hex().expose()).expect("64 digits");
        assert_eq!(key.id(), again.id());
        for bad in ["", "00", &"0".repeat(63), &"g".repeat(64), &"0".repeat(66)] {
            assert!(MasterKey::from_hex(bad).is_none(), "{bad:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn what_was_changed_or_cut_does_not_open(secret in ".{0,80}", at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let vault = vault(1, 1);
            let context = SealingContext::of_grant(grant(1), Field::Refresh);
            let sealed = vault.seal(context, &Secret::new(secret.clone())).expect("sealed");
            let mut changed = sealed.clone();
            let at = at.index(sealed.0.len());
            changed.0[at] ^= 1 << bit;
            prop_assert!(vault.open(context, &changed).is_err());
            let cut = Sealed(sealed.0[..at].to_vec());
            prop_assert!(vault.open(context, &cut).is_err());
            let opened = vault.open(context, &sealed).expect("intact");
            prop_assert_eq!(opened.expose(), secret);
        }
    }
}
