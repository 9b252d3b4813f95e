//! Silences.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::{InfluencerId, SilenceId};
use roster_protocol::silence::Silence;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct SilenceRecord<'a> {
    rule: Option<&'a str>,
    platform: Option<&'a str>,
    influencer: Option<[u8; 5]>,
    tag: Option<&'a str>,
    begun_at: i64,
    until: i64,
    reason: &'a str,
    by: &'a str,
}

impl Record for Silence {
    const TABLE: Records = Records::Silences;

    fn key(&self) -> Vec<u8> {
        self.id.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let record = SilenceRecord {
            rule: self.rule.as_deref(),
            platform: self.platform.as_deref(),
            influencer: self.influencer.map(|id| id.0),
            tag: self.tag.as_deref(),
            begun_at: self.begun_at.0,
            until: self.until.0,
            reason: &self.reason,
            by: &self.by,
        };
        to_extend(&record, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: SilenceRecord<'_> = from_bytes(payload).ok()?;
        Some(Silence {
            id: SilenceId::from_bytes(key.try_into().ok()?),
            rule: record.rule.map(str::to_owned),
            platform: record.platform.map(str::to_owned),
            influencer: record.influencer.map(InfluencerId::from_bytes),
            tag: record.tag.map(str::to_owned),
            begun_at: Timestamp(record.begun_at),
            until: Timestamp(record.until),
            reason: record.reason.to_owned(),
            by: record.by.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_read_as_it_was_written() {
        let silence = Silence {
            id: SilenceId::from_bytes([7; 5]),
            rule: Some("big-drop".into()),
            platform: None,
            influencer: Some(InfluencerId::from_bytes([3; 5])),
            tag: Some("beauty".into()),
            begun_at: Timestamp(1),
            until: Timestamp(2),
            reason: "a purge is known".into(),
            by: "ines".into(),
        };
        let payload = silence.encode(Vec::new()).expect("encoded");
        assert_eq!(Silence::decode(&silence.key(), &payload), Some(silence));
    }
}
