//! The numbers of a snapshot, in the order of `history::chunk::METRICS`: an optional number for each of the first
//! metrics, and the age range; the later metrics are a list that is stored apart. A new metric lengthens that list.

use std::fmt;

use roster_protocol::metric::{Numbers, Unit};
use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::codes::{AGES, METRICS, code, variant};

pub(super) struct NumbersRecord(pub(super) Numbers);

/// How many metrics there were when this layout was made. It never changes.
const FIRST: usize = 9;
const FIELDS: usize = FIRST + 1;

impl Serialize for NumbersRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_tuple(FIELDS)?;
        for metric in &METRICS[..FIRST] {
            let raw = self.0.get(*metric);
            match metric.unit() {
                Unit::Count | Unit::Mean => fields.serialize_element(&raw)?,
                Unit::Ratio => fields.serialize_element(&raw.map(|raw| raw as i64))?,
            }
        }
        fields.serialize_element(&self.0.top_age_range.map(|range| code(AGES, range)))?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for NumbersRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(FIELDS, Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = NumbersRecord;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the numbers of a snapshot")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<NumbersRecord, A::Error> {
        let missing = || A::Error::custom("a number is missing");
        let mut numbers = Numbers::default();
        for metric in &METRICS[..FIRST] {
            let raw = match metric.unit() {
                Unit::Count | Unit::Mean => fields.next_element::<Option<u64>>()?.ok_or_else(missing)?,
                Unit::Ratio => {
                    let signed = fields.next_element::<Option<i64>>()?.ok_or_else(missing)?;
                    signed.map(|raw| raw as u64)
                }
            };
            numbers.set(*metric, raw);
        }
        let range = fields.next_element::<Option<u8>>()?.ok_or_else(missing)?;
        let known = |range| variant(AGES, range).ok_or_else(|| A::Error::custom("an unknown age range"));
        numbers.top_age_range = range.map(known).transpose()?;
        Ok(NumbersRecord(numbers))
    }
}

/// The metrics that are not in a [`NumbersRecord`], as raw numbers in their order, up to the last one that is known.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct LaterNumbers(Vec<Option<u64>>);

impl From<&Numbers> for LaterNumbers {
    fn from(numbers: &Numbers) -> Self {
        let mut raws: Vec<_> = METRICS[FIRST..].iter().map(|metric| numbers.get(*metric)).collect();
        while raws.last().is_some_and(Option::is_none) {
            raws.pop();
        }
        Self(raws)
    }
}

impl LaterNumbers {
    /// Sets them; `None` when there are more than there are metrics.
    pub(super) fn add_to(&self, numbers: &mut Numbers) -> Option<()> {
        let metrics = METRICS[FIRST..].get(..self.0.len())?;
        metrics.iter().zip(&self.0).for_each(|(metric, raw)| numbers.set(*metric, *raw));
        Some(())
    }
}
