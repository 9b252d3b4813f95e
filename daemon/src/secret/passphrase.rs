//! Master keys of passphrases: Argon2id over the store's id, which is random, beside the store, and in every backup.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

use super::keyring::Keyring;
use super::vault::MasterKey;

/// RFC 9106's second recommended choice: 64 MiB, an eighth of what the service's unit allows, for a moment at the start.
/// The key depends on these numbers: they never change.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// A shorter one is no passphrase.
const LEAST_CHARACTERS: usize = 12;

/// The keys in lines of passphrases for the store with this id; a line of 64 hexadecimal digits is a key itself, so that a
/// store can be moved from a key to a passphrase and back.
///
/// # Errors
/// When a line is too short, there is none, or one twice; the words are free of what was read.
pub fn read(text: &str, store: [u8; 16]) -> Result<Keyring, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let key = |line: &str| MasterKey::from_hex(line).map_or_else(|| derive(line, store), Ok);
    Keyring::checked(lines.map(key).collect::<Result<_, _>>()?)
}

fn derive(passphrase: &str, store: [u8; 16]) -> Result<MasterKey, String> {
    if passphrase.chars().count() < LEAST_CHARACTERS {
        return Err(format!("a passphrase has at least {LEAST_CHARACTERS} characters"));
    }
    let failed = |error: argon2::Error| format!("no key could be made of it: {error}");
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(failed)?;
    let mut blocks = vec![Block::new(); params.block_count()];
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let made = argon2.hash_password_into_with_memory(passphrase.as_bytes(), &store, key.as_mut(), &mut blocks);
    blocks.iter_mut().for_each(Zeroize::zeroize);
    made.map_err(failed).map(|()| MasterKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_makes_one_key_in_each_store() {
        let id = |text: &str, store: u8| read(text, [store; 16]).map(|ring| ring.sealing());
        let one = id("a passphrase of ours\n", 1).expect("a key");
        assert_eq!(id("  a passphrase of ours", 1), Ok(one));
        assert_ne!(id("a passphrase of ours", 2), Ok(one));
        assert_ne!(id("a passphrase of ourS", 1), Ok(one));
        let key = "5a".repeat(32);
        let both = read(&format!("{key}\na passphrase of ours\n"), [1; 16]).expect("two keys");
        assert_eq!(both.ids(), [MasterKey::from_hex(&key).expect("a key").id(), one]);
        for (bad, words) in [("too short", "at least 12"), ("", "64 hexadecimal"), (" \n", "64 hexadecimal")] {
            assert!(read(bad, [1; 16]).err().is_some_and(|why| why.contains(words)), "{bad:?}");
        }
    }

    /// The program `argon2` of Debian gives the same: `printf '%s' 'a passphrase of ours' | argon2 saltsaltsaltsalt -id -t 3 -k
    /// 65536 -p 4 -l 32 -r`.
    #[test]
    fn the_numbers_never_change() {
        let key = derive("a passphrase of ours", *b"saltsaltsaltsalt").expect("a key");
        assert_eq!(key.to_hex().expose(), "36a415500c8535d19cca7eaf68e9726cc1837fbfd65732cd929b2c944608b044");
    }
}
