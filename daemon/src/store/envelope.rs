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
pub(super) fn encode(tag: u64, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut encoded = begin(payload.len());
    encoded.extend_from_slice(payload);
    end(tag, key, &mut encoded);
    encoded
}

/// The beginning of an encoded value, to be continued with a payload of about that length.
pub(super) fn begin(payload_len: usize) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(1 + payload_len + CHECKSUM_BYTES);
    encoded.push(VERSION);
    encoded
}

/// Ends what [`begin`] began.
pub(super) fn end(tag: u64, key: &[u8], encoded: &mut Vec<u8>) {
    let sum = checksum(tag, key, encoded);
    encoded.extend_from_slice(&sum);
}

/// The payload of an encoded value; `None` when it is damaged or not from this place.
pub(super) fn decode<'a>(tag: u64, key: &[u8], encoded: &'a [u8]) -> Option<&'a [u8]> {
    let (body, sum) = encoded.split_at_checked(encoded.len().checked_sub(CHECKSUM_BYTES)?)?;
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
        let encoded = encode(7, b"key", b"payload");
        assert_eq!(decode(7, b"key", &encoded), Some(&b"payload"[..]));
        assert_eq!(decode(8, b"key", &encoded), None);
        assert_eq!(decode(7, b"kez", &encoded), None);
        for bit in 0..encoded.len() * 8 {
            let mut flipped = encoded.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(7, b"key", &flipped), None, "bit {bit}");
        }
        for len in 0..encoded.len() {
            assert_eq!(decode(7, b"key", &encoded[..len]), None, "{len} bytes");
        }
        assert_eq!(decode(7, b"key", &[0; 40]), None);
    }
}
