//! What surrounds every stored value: a version byte before it, a checksum behind it.
//!
//! redb verifies no checksums on reads, nor after a crash with quick repair. The checksum covers table, key, version
//! and payload, so that flipped bits, torn pages and swapped rows are noticed wherever a record is read. The envelope
//! itself never changes: every version of rosterd can distinguish a value that it does not know from a damaged one.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The lower 32 bits of an XXH3: one damage in 4·10⁹ is not noticed.
const CHECKSUM_BYTES: usize = 4;

/// Why a stored value cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not match its checksum, belongs to another table or key, or does not decode.
    Damaged,
    /// It is whole, and of a version that only a newer rosterd writes.
    Newer(u8),
}

/// Encodes a payload of a version for its table and key.
pub(super) fn encode(tag: u64, key: &[u8], version: u8, payload: &[u8]) -> Vec<u8> {
    let mut encoded = begin(version, payload.len());
    encoded.extend_from_slice(payload);
    end(tag, key, &mut encoded);
    encoded
}

/// The beginning of an encoded value, to be continued with a payload of about that length.
pub(super) fn begin(version: u8, payload_len: usize) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(1 + payload_len + CHECKSUM_BYTES);
    encoded.push(version);
    encoded
}

/// Ends what [`begin`] began.
pub(super) fn end(tag: u64, key: &[u8], encoded: &mut Vec<u8>) {
    let sum = checksum(tag, key, encoded);
    encoded.extend_from_slice(&sum);
}

/// The version and payload of an encoded value.
///
/// # Errors
/// `Damaged`; `Newer` when its version is over `newest`.
pub(super) fn decode<'a>(tag: u64, key: &[u8], newest: u8, encoded: &'a [u8]) -> Result<(u8, &'a [u8]), Unreadable> {
    let body = encoded.len().checked_sub(CHECKSUM_BYTES).and_then(|len| encoded.split_at_checked(len));
    match body {
        Some((body @ [version, payload @ ..], sum)) if checksum(tag, key, body) == sum => match *version {
            0 => Err(Unreadable::Damaged),
            version if version > newest => Err(Unreadable::Newer(version)),
            version => Ok((version, payload)),
        },
        _ => Err(Unreadable::Damaged),
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
    fn a_value_is_read_only_whole_and_from_its_own_row() {
        let encoded = encode(7, b"key", 3, b"payload");
        assert_eq!(decode(7, b"key", 3, &encoded), Ok((3, &b"payload"[..])));
        assert_eq!(decode(8, b"key", 3, &encoded), Err(Unreadable::Damaged));
        assert_eq!(decode(7, b"kez", 3, &encoded), Err(Unreadable::Damaged));
        for bit in 0..encoded.len() * 8 {
            let mut flipped = encoded.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(7, b"key", 3, &flipped), Err(Unreadable::Damaged), "bit {bit}");
        }
        for len in 0..encoded.len() {
            assert_eq!(decode(7, b"key", 3, &encoded[..len]), Err(Unreadable::Damaged), "{len} bytes");
        }
        assert_eq!(decode(7, b"key", 3, &[0; 40]), Err(Unreadable::Damaged));
    }

    #[test]
    fn a_version_that_is_not_known_is_newer_and_not_damaged() {
        let encoded = encode(7, b"key", 3, b"payload");
        assert_eq!(decode(7, b"key", 2, &encoded), Err(Unreadable::Newer(3)));
        assert_eq!(decode(7, b"key", 4, &encoded), Ok((3, &b"payload"[..])));
        assert_eq!(decode(7, b"key", 4, &encode(7, b"key", 0, b"payload")), Err(Unreadable::Damaged));
    }
}
