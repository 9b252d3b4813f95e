//! Counts in JSON, however they are written. Pure.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// More than this is no count of people or plays: it is a mistake, or an attack on the sums.
pub(crate) const LARGEST_COUNT: u64 = 1_000_000_000_000_000;

/// A count as number or digits; absent, null and "" are `None`. Signs, fractions and other types are errors.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_any(Count)
}

struct Count;

/// The text by which the error is recognised; serde adds where it was.
const NOT_A_COUNT: &str = "not a count";

fn plausible<E: Error>(count: u64) -> Result<Option<u64>, E> {
    if count <= LARGEST_COUNT { Ok(Some(count)) } else { Err(E::custom(NOT_A_COUNT)) }
}

impl<'de> Visitor<'de> for Count {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a count")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<Self::Value, E> {
        plausible(count)
    }

    fn visit_i64<E: Error>(self, count: i64) -> Result<Self::Value, E> {
        plausible(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(NOT_A_COUNT))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(E::custom(NOT_A_COUNT))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        plausible(text.parse().ok().filter(|_| digits).unwrap_or(u64::MAX))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::custom(NOT_A_COUNT))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::custom(NOT_A_COUNT))
    }
}
