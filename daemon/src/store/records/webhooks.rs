//! What platforms sent to us: notifications that were taken, requests to delete, and subscriptions.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Payload, Record};
use crate::model::{Deletion, Lease, Receipt, Sealed};
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

#[derive(Serialize, Deserialize)]
struct LeaseRecord<'a> {
    account: &'a str,
    token: &'a str,
    secret: &'a [u8],
    address: &'a str,
    requested_at: Option<i64>,
    ends_at: Option<i64>,
    next_at: i64,
    failures: u32,
    #[serde(borrow)]
    last_error: Option<&'a str>,
}

impl Record for Lease {
    const TABLE: Records = Records::Leases;

    fn key(&self) -> Vec<u8> {
        self.connection.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(
            &LeaseRecord {
                account: &self.account,
                token: &self.token,
                secret: &self.secret.0,
                address: &self.address,
                requested_at: self.requested_at.map(|at| at.0),
                ends_at: self.ends_at.map(|at| at.0),
                next_at: self.next_at.0,
                failures: self.failures,
                last_error: self.last_error.as_deref(),
            },
            out,
        )
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let record: LeaseRecord<'_> = from_bytes(payload).ok()?;
        Some(Lease {
            connection: ConnectionId::from_bytes(key.try_into().ok()?),
            account: record.account.to_owned(),
            token: record.token.to_owned(),
            secret: Sealed(record.secret.to_vec()),
            address: record.address.to_owned(),
            requested_at: record.requested_at.map(Timestamp),
            ends_at: record.ends_at.map(Timestamp),
            next_at: Timestamp(record.next_at),
            failures: record.failures,
            last_error: record.last_error.map(str::to_owned),
        })
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
        let lease = Lease {
            connection: one,
            account: "UC1".into(),
            token: "abc".into(),
            secret: Sealed(vec![1; 60]),
            address: "https://roster.example/webhooks/youtube/hub/abc".into(),
            requested_at: Some(Timestamp(1)),
            ends_at: Some(Timestamp(2)),
            next_at: Timestamp(3),
            failures: 4,
            last_error: Some("no response".into()),
        };
        check(&lease);
        check(&Lease { requested_at: None, ends_at: None, last_error: None, ..lease });
        check(&Deletion { code: "abc".into(), platform: "instagram".into(), at: Timestamp(4), accounts: 2 });
    }
}
