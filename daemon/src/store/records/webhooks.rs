//! What platforms sent to us: notifications that were taken, and requests to delete.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::{Payload, Record};
use crate::model::{Deletion, Receipt};
use crate::store::tables::{Records, split_time_key, timed_key};

impl Record for Receipt {
    const TABLE: Records = Records::Receipts;

    fn key(&self) -> Vec<u8> {
        timed_key(self.at, &[&self.key])
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let marked: Vec<([u8; 5], i64)> = self.marked.iter().map(|(connection, due)| (connection.0, due.0)).collect();
        to_extend(&marked, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (at, key) = split_time_key(key)?;
        let marked: Vec<([u8; 5], i64)> = from_bytes(payload).ok()?;
        let marked = marked.into_iter().map(|(id, due)| (ConnectionId::from_bytes(id), Timestamp(due))).collect();
        Some(Receipt { at, key: key.try_into().ok()?, marked })
    }
}

impl Record for Deletion {
    const TABLE: Records = Records::Deletions;

    fn key(&self) -> Vec<u8> {
        self.code.as_bytes().to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.platform.as_str(), self.at.0, self.accounts), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (platform, at, accounts): (&str, i64, u32) = from_bytes(payload).ok()?;
        let code = std::str::from_utf8(key).ok()?.to_owned();
        Some(Deletion { code, platform: platform.to_owned(), at: Timestamp(at), accounts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<R: Record + PartialEq + std::fmt::Debug>(record: &R) {
        let payload = record.encode(Vec::new()).expect("encodes");
        assert_eq!(R::decode(&record.key(), &payload).as_ref(), Some(record));
        for cut in 0..payload.len() {
            // The shortened payload may be another record; it must not panic.
            let _ = R::decode(&record.key(), &payload[..cut]);
        }
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let one = ConnectionId::from_bytes([1; 5]);
        let receipt =
            Receipt { at: Timestamp(-5), key: [7; 32], marked: vec![(one, Timestamp(9)), (one, Timestamp(8))] };
        check(&receipt);
        check(&Receipt { at: Timestamp(i64::MAX), marked: vec![], ..receipt });
        check(&Deletion { code: "abc".into(), platform: "instagram".into(), at: Timestamp(4), accounts: 2 });
    }
}
