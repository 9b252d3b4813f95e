//! What users have read.

use postcard::{from_bytes, to_extend};
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::model::ReadMarks;
use crate::store::tables::Records;

#[derive(Serialize, Deserialize)]
struct ReadRecord {
    up_to: u64,
    at: i64,
    read: Vec<(u64, i64)>,
}

impl Record for ReadMarks {
    const TABLE: Records = Records::ReadMarks;

    fn key(&self) -> Vec<u8> {
        self.uid.to_be_bytes().to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let read = self.read.iter().map(|(number, at)| (*number, at.0)).collect();
        to_extend(&ReadRecord { up_to: self.up_to, at: self.at.0, read }, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: ReadRecord = from_bytes(payload).ok()?;
        Some(ReadMarks {
            uid: u32::from_be_bytes(key.try_into().ok()?),
            up_to: record.up_to,
            at: Timestamp(record.at),
            read: record.read.into_iter().map(|(number, at)| (number, Timestamp(at))).collect(),
        })
    }
}
