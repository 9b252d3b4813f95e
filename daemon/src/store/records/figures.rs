//! The figures of a day.

use postcard::{from_bytes, to_extend};
use roster_protocol::status::{Adoption, Coverage, DataQuality, DayFigures};
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::store::tables::{Records, day_key, day_of_key};

#[derive(Serialize, Deserialize)]
struct FiguresRecord<'a> {
    influencers: u64,
    connected: u64,
    on_all_platforms: u64,
    numbers: u64,
    by_hand: u64,
    oldest_at: Option<i64>,
    oldest_s: Option<u64>,
    /// Slug; expected, ok, partial, failed, skipped.
    #[serde(borrow)]
    platforms: Vec<(&'a str, [u64; 5])>,
}

impl Record for DayFigures {
    const TABLE: Records = Records::Figures;

    fn key(&self) -> Vec<u8> {
        day_key(self.date).to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let counts = |coverage: &Coverage| {
            let Coverage { expected, ok, partial, failed, skipped } = *coverage;
            [expected, ok, partial, failed, skipped]
        };
        to_extend(
            &FiguresRecord {
                influencers: self.influencers,
                connected: self.adoption.connected,
                on_all_platforms: self.adoption.on_all_platforms,
                numbers: self.data.numbers,
                by_hand: self.data.by_hand,
                oldest_at: self.data.oldest_at.map(|at| at.0),
                oldest_s: self.oldest_s,
                platforms: self.platforms.iter().map(|(slug, coverage)| (slug.as_str(), counts(coverage))).collect(),
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: FiguresRecord<'_> = from_bytes(payload).ok()?;
        let platform = |(slug, counts): (&str, [u64; 5])| {
            let [expected, ok, partial, failed, skipped] = counts;
            (slug.to_owned(), Coverage { expected, ok, partial, failed, skipped })
        };
        Some(DayFigures {
            date: day_of_key(key)?,
            influencers: record.influencers,
            adoption: Adoption { connected: record.connected, on_all_platforms: record.on_all_platforms },
            data: DataQuality {
                numbers: record.numbers,
                by_hand: record.by_hand,
                oldest_at: record.oldest_at.map(Timestamp),
            },
            oldest_s: record.oldest_s,
            platforms: record.platforms.into_iter().map(platform).collect(),
        })
    }
}
