//! Seals what is personal of one influencer under a key of their own: without the key it cannot be read again, wherever it
//! was copied to.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use roster_protocol::ids::InfluencerId;
use zeroize::Zeroizing;

use super::Secret;
use super::vault::{SealingContext, Vault, VaultError};
use crate::model::Sealed;

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// The key to what is personal of an influencer. It is wiped when dropped and prints nowhere.
pub struct PersonalKey(Zeroizing<[u8; 32]>);

/// The texts that are sealed together.
pub type Texts = Vec<Option<String>>;

impl PersonalKey {
    /// A fresh one.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| VaultError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// The key, sealed for the disk.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn sealed(&self, vault: &Vault, of: InfluencerId) -> Result<Sealed, VaultError> {
        vault.seal(SealingContext::of_data_key(of), &Secret::new(HEXLOWER.encode(self.0.as_ref())))
    }

    /// Opens what [`PersonalKey::sealed`] returned.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn opened(vault: &Vault, of: InfluencerId, sealed: &Sealed) -> Result<Self, VaultError> {
        let hex = vault.open(SealingContext::of_data_key(of), sealed)?;
        let decoded = Zeroizing::new(HEXLOWER.decode(hex.expose().as_bytes()).map_err(|_| VaultError::NotIntact)?);
        let mut bytes = Zeroizing::new([0; 32]);
        match decoded.len() == bytes.len() {
            true => bytes.copy_from_slice(&decoded),
            false => return Err(VaultError::NotIntact),
        }
        Ok(Self(bytes))
    }

    /// Seals texts, bound to what is beside them in the clear.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, texts: &Texts, beside: &[u8]) -> Result<Sealed, VaultError> {
        let encoded = Zeroizing::new(postcard::to_allocvec(texts).map_err(|_| VaultError::NotIntact)?);
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| VaultError::NoRandomness)?;
        let payload = Payload { msg: &encoded, aad: &bound_to(beside) };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::NotIntact)?;
        Ok(Sealed([&[VERSION][..], &nonce, &sealed].concat()))
    }

    /// Opens what [`PersonalKey::seal`] returned.
    ///
    /// # Errors
    /// When it was sealed with another key, beside something else, or is not as it was.
    pub fn open(&self, sealed: &Sealed, beside: &[u8]) -> Result<Texts, VaultError> {
        let (version, rest) = sealed.0.split_first().ok_or(VaultError::NotIntact)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError::NotIntact)?;
        if *version != VERSION {
            return Err(VaultError::NotIntact);
        }
        let payload = Payload { msg: sealed, aad: &bound_to(beside) };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::NotIntact)?;
        postcard::from_bytes(&Zeroizing::new(opened)).map_err(|_| VaultError::NotIntact)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }
}

fn bound_to(beside: &[u8]) -> Vec<u8> {
    [b"roster personal", &[VERSION][..], beside].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::keyring::Keyring;
    use crate::secret::vault::MasterKey;

    #[test]
    fn texts_open_only_with_their_key_and_beside_what_they_were_sealed_with() {
        let vault = Vault::new(&Keyring::of(MasterKey::random().expect("randomness")), [1; 16]);
        let of = InfluencerId::from_bytes([7; 5]);
        let key = PersonalKey::random().expect("randomness");
        let texts = vec![Some("canary-name".to_owned()), None, Some(String::new())];
        let sealed = key.seal(&texts, b"line").expect("sealed");
        assert!(!sealed.0.windows(6).any(|bytes| bytes == b"canary"));
        let kept = key.sealed(&vault, of).expect("sealed");
        let again = PersonalKey::opened(&vault, of, &kept).expect("opened");
        assert_eq!(again.open(&sealed, b"line"), Ok(texts));
        assert_eq!(again.open(&sealed, b"another line"), Err(VaultError::NotIntact));
        let other = PersonalKey::random().expect("randomness");
        assert_eq!(other.open(&sealed, b"line"), Err(VaultError::NotIntact));
        assert!(PersonalKey::opened(&vault, InfluencerId::from_bytes([8; 5]), &kept).is_err(), "another's key");
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(key.open(&changed, b"line").is_err(), "{at}");
        }
        assert!(key.open(&Sealed(Vec::new()), b"line").is_err());
    }
}
