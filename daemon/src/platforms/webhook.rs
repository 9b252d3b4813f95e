//! What a platform sends to us: which of its requests are genuine, and what they say. Pure.
//!
//! A platform's module proves each request over its raw bytes, before anything of it is read, and returns what it is
//! about. Nothing that it says becomes a number: at most a connection is due, or a consent is over.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use roster_protocol::time::{Seconds, Timestamp};
use sha2::Sha256;

use crate::secret::Secret;

/// How long a notification that was taken is remembered: longer than any platform repeats one. What says when it was
/// signed is refused when it is older.
pub const REMEMBERED_S: i64 = 4 * 24 * 3600;
/// How far a platform's clock may be ahead of ours, and behind where it signs the moment of sending.
pub const SKEW_S: i64 = 300;

/// The address that a request was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Notifications.
    Events,
    /// An owner removed the app.
    Deauthorize,
    /// An owner wants everything deleted that was read with their consent.
    Deletion,
}

impl Hook {
    pub const ALL: [Hook; 3] = [Hook::Events, Hook::Deauthorize, Hook::Deletion];

    /// What is behind `/webhooks/{platform}` in its path.
    pub fn path(self) -> &'static str {
        match self {
            Hook::Events => "",
            Hook::Deauthorize => "/deauthorize",
            Hook::Deletion => "/deletion",
        }
    }
}

/// A request as it arrived.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    pub hook: Hook,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub now: Timestamp,
}

impl Received<'_> {
    /// The only header of this name, in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.get_all(name).iter();
        all.next().filter(|_| all.next().is_none())?.to_str().ok()
    }
}

/// What a genuine request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Something about these may have changed: ids of accounts, or of the owners who consented.
    Changed { ids: Vec<String> },
    /// An owner ended the consents that were given until `at`; `why` is a sentence for users.
    Removed { owner_id: String, at: Timestamp, why: String },
    /// An owner wants everything deleted that was read with the consents that were given until `at`.
    Deletion { owner_id: String, at: Timestamp },
}

/// Why a request is not taken. The sender learns no more than the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The platform sends nothing to this address, or the operator has not set up what proves it.
    NotHere,
    /// It is not signed with our secret.
    Forged,
    /// It was signed too long ago, or in the future.
    Old,
    /// It is signed, and not understood.
    Malformed,
}

/// What a platform sends to us, and how it proves that.
pub trait Webhooks: Send + Sync {
    /// The addresses that are entered at the platform.
    fn hooks(&self) -> &'static [Hook];

    /// What a request says, once it is proved.
    ///
    /// # Errors
    /// See [`Refused`].
    fn read(&self, received: Received<'_>) -> Result<Vec<Pushed>, Refused>;

    /// The response that proves to the platform that the address is ours, where it asks for one.
    ///
    /// # Errors
    /// See [`Refused`].
    fn challenge(&self, query: &[(String, String)]) -> Result<String, Refused> {
        let _ = query;
        Err(Refused::NotHere)
    }

    /// Where notifications about single accounts are asked for; `None` where they are not.
    fn hub(&self) -> Option<&'static Hub> {
        None
    }

    /// Whether the hub signed a notification with the secret that the subscription has.
    fn is_from_hub(&self, secret: &Secret, received: Received<'_>) -> bool {
        let _ = (secret, received);
        false
    }
}

/// A hub that sends notifications about single accounts, to whom asks for them: WebSub.
#[derive(Clone, Copy, Debug)]
pub struct Hub {
    pub host: &'static str,
    pub path: &'static str,
    /// What is subscribed to, by the platform's id of an account.
    pub topic: fn(&str) -> String,
    /// How long a subscription may last.
    pub longest: Seconds,
}

/// Whether `signature` is the HMAC-SHA256 of all parts together, in hexadecimal. In constant time.
pub(super) fn is_signed_hex(secret: &Secret, parts: &[&[u8]], signature: &str) -> bool {
    let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(signature.as_bytes());
    decoded.is_ok_and(|decoded| is_signed(secret, parts, &decoded))
}

/// Whether `signature` is the HMAC-SHA256 of all parts together. In constant time.
pub(super) fn is_signed(secret: &Secret, parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else { return false };
    let mac = parts.iter().fold(mac, |mac, part| mac.chain_update(part));
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
pub(super) mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    /// A request's headers.
    pub fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"))
        });
        let mut headers = HeaderMap::new();
        pairs.for_each(|(name, value)| _ = headers.append(name, value));
        headers
    }

    #[test]
    fn only_the_whole_signature_of_the_whole_text_counts() {
        let secret = Secret::new("It's a Secret to Everybody");
        let good = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |parts: &[&[u8]], signature: &str, expected: bool| {
            assert_eq!(is_signed_hex(&secret, parts, signature), expected, "{signature}");
        };
        check(&[b"Hello, World!"], good, true);
        check(&[b"Hello, ", b"World!"], good, true);
        check(&[b"Hello, World!"], &good.to_uppercase(), true);
        check(&[b"Hello, World"], good, false);
        for bad in ["", "75", &good[..62], &format!("{good}00"), &format!(" {good}"), &good.replace('7', "g")] {
            check(&[b"Hello, World!"], bad, false);
        }
    }

    #[test]
    fn a_header_that_comes_twice_is_none() {
        let headers = headers(&[("x-once", "a"), ("x-twice", "a"), ("x-twice", "b")]);
        let received = Received { hook: Hook::Events, headers: &headers, body: b"", now: Timestamp(0) };
        assert_eq!(["x-once", "x-twice", "x-none"].map(|name| received.header(name)), [Some("a"), None, None]);
    }
}
