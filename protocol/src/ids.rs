//! Short random ids: 40 bits, printed as 8 characters of lower-case base32.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::Encoding;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of one `Of`. Random, so that a prefix of three or four characters usually names one.
pub struct Id<Of>(pub [u8; 5], PhantomData<fn() -> Of>);

/// Marks ids of influencers.
pub enum OfInfluencer {}
/// Marks ids of connections.
pub enum OfConnection {}
/// Marks ids of alerts.
pub enum OfAlert {}
/// Marks ids of sync runs.
pub enum OfRun {}
/// Marks ids of deliveries.
pub enum OfDelivery {}
/// Marks ids of consents that wait for an account's owner.
pub enum OfConsent {}
/// Marks ids of grants.
pub enum OfGrant {}
/// Marks ids of silences.
pub enum OfSilence {}

/// The id of an influencer.
pub type InfluencerId = Id<OfInfluencer>;
/// The id of a connection.
pub type ConnectionId = Id<OfConnection>;
/// The id of an alert.
pub type AlertId = Id<OfAlert>;
/// The id of a sync run.
pub type RunId = Id<OfRun>;
/// The id of a delivery.
pub type DeliveryId = Id<OfDelivery>;
/// The id of a consent that waits for an account's owner.
pub type ConsentId = Id<OfConsent>;
/// The id of a grant.
pub type GrantId = Id<OfGrant>;
/// The id of a silence.
pub type SilenceId = Id<OfSilence>;

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no id: ids are 8 characters of a-z and 2-7")]
pub struct IdError(String);

/// RFC 4648's alphabet in lower case, without padding.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = data_encoding::Specification::new();
    spec.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    spec.translate.from.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    spec.translate.to.push_str("abcdefghijklmnopqrstuvwxyz");
    spec.encoding().expect("32 distinct ASCII symbols are a valid alphabet")
});

impl<Of> Id<Of> {
    /// An id of these bytes.
    pub const fn from_bytes(bytes: [u8; 5]) -> Self {
        Self(bytes, PhantomData)
    }
}

impl<Of> Id<Of> {
    /// All ids whose text begins with `prefix`, in either case; `None` when no id's text does.
    pub fn starting_with(prefix: &str) -> Option<RangeInclusive<Self>> {
        let padded = |fill: char| {
            let missing = 8usize.checked_sub(prefix.chars().count())?;
            let text: String = prefix.chars().chain(std::iter::repeat_n(fill, missing)).collect();
            text.parse::<Self>().ok()
        };
        Some(padded('a')?..=padded('7')?)
    }
}

impl<Of> fmt::Display for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 8];
        BASE32.encode_mut(&self.0, &mut text);
        // The alphabet is ASCII.
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<Of> fmt::Debug for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<Of> FromStr for Id<Of> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let bytes = BASE32.decode(text.as_bytes()).map_err(|_| IdError(text.chars().take(40).collect()))?;
        let bytes = <[u8; 5]>::try_from(bytes).map_err(|_| IdError(text.chars().take(40).collect()))?;
        Ok(Self::from_bytes(bytes))
    }
}

impl<Of> Clone for Id<Of> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<Of> Copy for Id<Of> {}
impl<Of> PartialEq for Id<Of> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<Of> Eq for Id<Of> {}
impl<Of> PartialOrd for Id<Of> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<Of> Ord for Id<Of> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<Of> Hash for Id<Of> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As one number: bytes would be preceded by how many they are.
        let [a, b, c, d, e] = self.0;
        state.write_u64(u64::from_be_bytes([0, 0, 0, a, b, c, d, e]));
    }
}
impl<Of> Serialize for Id<Of> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, Of> Deserialize<'de> for Id<Of> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_bytes(<[u8; 5]>::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_they_parse() {
        let check = |bytes: [u8; 5], text: &str| {
            assert_eq!(InfluencerId::from_bytes(bytes).to_string(), text);
            assert_eq!(text.parse::<InfluencerId>().expect(text).0, bytes);
            assert_eq!(text.to_uppercase().parse::<InfluencerId>().expect(text).0, bytes);
        };
        check([0; 5], "aaaaaaaa");
        check([255; 5], "77777777");
        check([1, 2, 3, 4, 5], "aebagbaf");
        for bad in ["", "aaaa", "aaaaaaa!", "aaaaaaaaa", "aaaaaaaaaaaaaaaa"] {
            assert!(bad.parse::<InfluencerId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_is_a_range_of_ids() {
        let check = |prefix: &str, inside: &[&str], outside: &[&str]| {
            let range = InfluencerId::starting_with(prefix).expect(prefix);
            let is_in = |text: &&str| range.contains(&text.parse().expect(text));
            assert!(inside.iter().all(is_in) && !outside.iter().any(is_in), "{prefix}");
        };
        check("", &["aaaaaaaa", "77777777"], &[]);
        check("abc", &["abcaaaaa", "abc77777"], &["abb77777", "abdaaaaa"]);
        check("ABCD", &["abcdefgh"], &["abceefgh"]);
        check("abcdefgh", &["abcdefgh"], &["abcdefga", "abcdefg7"]);
        for none in ["abcdefghi", "a1", "ä", "ab-"] {
            assert_eq!(InfluencerId::starting_with(none), None, "{none}");
        }
    }
}
