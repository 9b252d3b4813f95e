//! Handles and ids in each platform's own form. Ids are derived, so that the same handle always has the same one.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::Timestamp;

use super::edit::EditError;
use super::growth::EPOCH_MS;
use super::noise::{draw, hash, unit};
use crate::Platform;

const DAY_MS: f64 = 86_400_000.0;

/// The handle as the platform writes it.
///
/// # Errors
/// When the platform could never have such a handle.
pub fn handle_of(platform: Platform, text: &str) -> Result<String, EditError> {
    let text = text.trim_start_matches('@').to_lowercase();
    let plain = |part: &str, extra: &str| {
        !part.is_empty() && part.len() <= 253 && part.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    match platform {
        Platform::Bluesky if plain(&text, ".-") && text.contains('.') => Ok(text),
        Platform::Bluesky => Err(EditError::Handle("name.sky.test")),
        Platform::Mastodon => match text.split_once('@') {
            Some((user, host)) if plain(user, "_.-") && plain(host, ".-:") => Ok(text),
            _ => Err(EditError::Handle("user@host.example")),
        },
        Platform::Youtube if is_in_any_script(&text) => {
            Ok(format!("@{}", ComposingNormalizerBorrowed::new_nfc().normalize(&text)))
        }
        Platform::Youtube => Err(EditError::Handle("@name")),
        Platform::Instagram | Platform::Tiktok if plain(&text, "_.") => Ok(text),
        Platform::Facebook if plain(&text, "._-") => Ok(text),
        Platform::Instagram | Platform::Tiktok | Platform::Facebook => Err(EditError::Handle("name")),
    }
}

fn is_in_any_script(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#&@%".contains(c);
    !text.is_empty() && text.len() <= 253 && !text.contains(odd)
}

/// Between one and nine years before the epoch.
pub fn created_at(handle: &str) -> Timestamp {
    let days = 365.0 + 8.0 * 365.0 * unit(draw(hash(handle), 3));
    Timestamp::from_millisecond(EPOCH_MS - (days * DAY_MS) as i64).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub fn account_id(platform: Platform, handle: &str) -> String {
    match platform {
        Platform::Bluesky => format!("did:plc:{}", &base32(&bytes(handle))[..24]),
        Platform::Mastodon => snowflake(created_at(handle).as_millisecond(), handle),
        Platform::Youtube => format!("UC{}", &BASE64URL_NOPAD.encode(&bytes(handle))[..22]),
        Platform::Instagram => format!("17841{:012}", hash(handle) % 1_000_000_000_000),
        Platform::Facebook => format!("1{:014}", hash(handle) % 100_000_000_000_000),
        Platform::Tiktok => uuid(handle),
    }
}

/// Mastodon's ids: milliseconds, then 16 bits that distinguish what was made within one.
pub fn snowflake(ms: i64, owner: &str) -> String {
    (((ms.max(0) as u64) << 16) | (hash(owner) & 0xffff)).to_string()
}

/// The milliseconds of a snowflake that belongs to `owner`.
pub fn snowflake_ms(id: &str, owner: &str) -> Option<i64> {
    let id: u64 = id.parse().ok()?;
    (id & 0xffff == hash(owner) & 0xffff).then_some((id >> 16) as i64)
}

/// A content hash as AT Protocol writes it.
pub fn cid(content: &str) -> String {
    format!("bafyrei{}", &base32(&bytes(content))[..52])
}

const SORTABLE: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// AT Protocol's record key: microseconds in a base 32 that sorts.
pub fn tid(ms: i64) -> String {
    let value = (ms.max(0) as u64).wrapping_mul(1000) << 10;
    (0..13).rev().map(|index| SORTABLE[(value >> (index * 5)) as usize & 31] as char).collect()
}

/// The milliseconds of a record key.
pub fn tid_ms(tid: &str) -> Option<i64> {
    let digit = |byte| SORTABLE.iter().position(|&known| known == byte);
    let value = tid.bytes().try_fold(0u64, |sum, byte| Some(sum << 5 | digit(byte)? as u64))?;
    (tid.len() == 13).then_some((value >> 10) as i64 / 1000)
}

/// A YouTube video id that remembers its channel's key and its number.
pub fn video_id(channel_key: u32, number: u64) -> String {
    let scrambled = scramble(u64::from(channel_key) << 32 | number & 0xffff_ffff);
    BASE64URL_NOPAD.encode(&scrambled.to_be_bytes())
}

/// The channel's key and the number within a video id; a random id gives a key that no channel has.
pub fn read_video_id(id: &str) -> Option<(u32, u64)> {
    let bytes: [u8; 8] = BASE64URL_NOPAD.decode(id.as_bytes()).ok()?.try_into().ok()?;
    let value = unscramble(u64::from_be_bytes(bytes));
    Some(((value >> 32) as u32, value & 0xffff_ffff))
}

/// The id of an account's post in digits: `prefix`, then a number that remembers the account's key and the post's
/// number. A channel's key of 29 bits and 24 bits of number just fill the 53 that a double holds exactly.
pub fn digits_id(prefix: &str, account_id: &str, number: u64) -> String {
    let value = u64::from(channel_key(account_id) & KEY_29) << 24 | number & 0xff_ffff;
    let folded = ((value ^ (value >> 27)).wrapping_mul(FACTOR)) & MASK_53;
    format!("{prefix}{:016}", folded ^ (folded >> 27))
}

/// The number of the post under an id in digits, if it is one of this account's.
pub fn read_digits_id(prefix: &str, account_id: &str, id: &str) -> Option<u64> {
    let digits = id.strip_prefix(prefix).filter(|digits| digits.len() == 16)?;
    let value: u64 = digits.parse().ok().filter(|value| *value <= MASK_53)?;
    let folded = ((value ^ (value >> 27)).wrapping_mul(inverse(FACTOR))) & MASK_53;
    let value = folded ^ (folded >> 27);
    (value >> 24 == u64::from(channel_key(account_id) & KEY_29)).then_some(value & 0xff_ffff)
}

const KEY_29: u32 = (1 << 29) - 1;
const MASK_53: u64 = (1 << 53) - 1;

/// An id that some platforms give to accounts: 8-4-4-4-12 hex digits.
pub fn uuid(text: &str) -> String {
    let hex = data_encoding::HEXLOWER.encode(&bytes(text)[..16]);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// What video ids know their channel by.
pub fn channel_key(channel_id: &str) -> u32 {
    hash(channel_id) as u32
}

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

fn scramble(value: u64) -> u64 {
    let folded = (value ^ (value >> 32)).wrapping_mul(FACTOR);
    folded ^ (folded >> 32)
}

fn unscramble(value: u64) -> u64 {
    let folded = (value ^ (value >> 32)).wrapping_mul(inverse(FACTOR));
    folded ^ (folded >> 32)
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each round doubles the bits that are right.
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |guess, _| guess.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(guess))))
}

fn bytes(text: &str) -> [u8; 40] {
    let mut all = [0; 40];
    for (index, chunk) in all.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&draw(hash(text), index as u64).to_be_bytes());
    }
    all
}

fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_get_the_platforms_form() {
        let check = |platform, text, expected: Option<&str>| {
            assert_eq!(handle_of(platform, text).ok().as_deref(), expected, "{text}");
        };
        check(Platform::Bluesky, "@Star.test", Some("star.test"));
        check(Platform::Bluesky, "star", None);
        check(Platform::Mastodon, "@ada@Host.example", Some("ada@host.example"));
        check(Platform::Mastodon, "ada@127.0.0.1:8901", Some("ada@127.0.0.1:8901"));
        check(Platform::Mastodon, "ada", None);
        check(Platform::Youtube, "Ada", Some("@ada"));
        check(Platform::Youtube, "@a/b", None);
        check(Platform::Youtube, "@น้ำตก", Some("@น้ำตก"));
        check(Platform::Youtube, "Cafe\u{301}", Some("@café"));
        check(Platform::Instagram, "@Ada.L", Some("ada.l"));
        check(Platform::Tiktok, "ada-l", None);
        check(Platform::Facebook, "ada", Some("ada"));
    }

    #[test]
    fn ids_look_like_the_platforms_own() {
        assert_eq!(account_id(Platform::Bluesky, "a.test").len(), 32);
        assert_eq!(account_id(Platform::Youtube, "@a").len(), 24);
        assert_eq!(account_id(Platform::Instagram, "a").len(), 17);
        assert_eq!(account_id(Platform::Facebook, "a").len(), 15);
        assert_eq!(account_id(Platform::Tiktok, "a").len(), 36);
        assert_eq!(tid(1_795_220_568_000).len(), 13);
        assert_eq!(cid("x").len(), 59);
        assert!(tid(1000) < tid(1001));
    }

    #[test]
    fn ids_are_read_back() {
        assert_eq!(read_video_id(&video_id(77, 5026)), Some((77, 5026)));
        assert_eq!(video_id(77, 1).len(), 11);
        let digits = digits_id("1", "17841400000000000", 77);
        assert_eq!((digits.len(), read_digits_id("1", "17841400000000000", &digits)), (17, Some(77)));
        assert_eq!(read_digits_id("1", "17841400000000001", &digits), None);
        assert_eq!(tid_ms(&tid(1_700_000_000_123)), Some(1_700_000_000_123));
        assert_eq!(snowflake_ms(&snowflake(1_700_000_000_123, "x"), "x"), Some(1_700_000_000_123));
    }
}
