//! What stays of those who were erased, and of consents that were ended here.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::{ConnectionId, GrantId, InfluencerId};
use roster_protocol::time::Timestamp;

use super::{Payload, Record};
use crate::model::{RevokedGrant, Tombstone};
use crate::store::tables::Records;

/// Merged influencers, connections, salt, accounts, when, and whether it is done.
type TombstonePayload = (Vec<[u8; 5]>, Vec<[u8; 5]>, [u8; 16], Vec<[u8; 32]>, i64, bool);

impl Record for Tombstone {
    const TABLE: Records = Records::Erased;

    fn key(&self) -> Vec<u8> {
        self.id().0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        let merged = self.influencers.iter().skip(1).map(|id| id.0).collect();
        let connections = self.connections.iter().map(|id| id.0).collect();
        let payload: TombstonePayload =
            (merged, connections, self.salt, self.accounts.clone(), self.at.0, self.is_done);
        to_extend(&payload, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (merged, connections, salt, accounts, at, is_done): TombstonePayload = from_bytes(payload).ok()?;
        let own: [u8; 5] = key.try_into().ok()?;
        Some(Tombstone {
            influencers: [own].into_iter().chain(merged).map(InfluencerId::from_bytes).collect(),
            connections: connections.into_iter().map(ConnectionId::from_bytes).collect(),
            salt,
            accounts,
            at: Timestamp(at),
            is_done,
        })
    }
}

impl Record for RevokedGrant {
    const TABLE: Records = Records::Revoked;

    fn key(&self) -> Vec<u8> {
        self.grant.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&self.at.0, out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let at = Timestamp(from_bytes(payload).ok()?);
        Some(RevokedGrant { grant: GrantId::from_bytes(key.try_into().ok()?), at })
    }
}
