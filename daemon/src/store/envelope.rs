//! What surrounds every stored value: a version byte before it, a checksum behind it.
//!
//! redb verifies no checksums on reads, nor after a crash with quick repair. The checksum covers table, key, version
//! and payload, so that flipped bits, torn pages and swapped rows are noticed wherever a record is read.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The version of all record layouts so far.
const VERSION: u8 = 1;
/// The lower 32 bits of an XXH3: one damage in 4·10⁹ goes unseen.
const CHECKSUM_BYTES: usize = 4;

/// Wraps `payload` for its place.
pub(super) fn seal(tag: u64, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut sealed = opened(payload.len());
    sealed.extend_from_slice(payload);
    close(tag, key, &mut sealed);
    sealed
}

/// The beginning of a sealed value, to be continued with a payload of about that length.
pub(super) fn opened(payload_len: usize) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(1 + payload_len + CHECKSUM_BYTES);
    sealed.push(VERSION);
    sealed
}

/// Ends what [`opened`] began.
pub(super) fn close(tag: u64, key: &[u8], sealed: &mut Vec<u8>) {
    let sum = checksum(tag, key, sealed);
    sealed.extend_from_slice(&sum);
}

/// The payload of a sealed value; `None` when it is damaged or not from this place.
pub(super) fn unseal<'a>(tag: u64, key: &[u8], sealed: &'a [u8]) -> Option<&'a [u8]> {
    let (body, sum) = sealed.split_at_checked(sealed.len().checked_sub(CHECKSUM_BYTES)?)?;
    match body {
        [VERSION, payload @ ..] if checksum(tag, key, body) == sum => Some(payload),
        _ => None,
    }
}

fn checksum(tag: u64, key: &[u8], body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let [a, b, c, d, ..] = xxh3_64_with_seed(body, xxh3_64_with_seed(key, tag)).to_le_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_in_its_place_and_whole() {
        let sealed = seal(7, b"key", b"payload");
        assert_eq!(unseal(7, b"key", &sealed), Some(&b"payload"[..]));
        assert_eq!(unseal(8, b"key", &sealed), None);
        assert_eq!(unseal(7, b"kez", &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(7, b"key", &flipped), None, "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert_eq!(unseal(7, b"key", &sealed[..len]), None, "{len} bytes");
        }
        assert_eq!(unseal(7, b"key", &[0; 40]), None);
    }
}
