//! The keys to what the audit log says of influencers.

use postcard::{from_bytes, to_extend};
use roster_protocol::ids::InfluencerId;

use super::{Payload, Record};
use crate::model::{DataKey, Sealed};
use crate::store::tables::Records;

impl Record for DataKey {
    const TABLE: Records = Records::DataKeys;

    fn key(&self) -> Vec<u8> {
        self.of.0.to_vec()
    }

    fn encode(&self, out: Vec<u8>) -> Payload {
        to_extend(&(self.now.0, self.sealed.0.as_slice()), out)
    }

    fn decode(key: &[u8], payload: &[u8]) -> Option<Self> {
        let (now, sealed): ([u8; 5], &[u8]) = from_bytes(payload).ok()?;
        let of = InfluencerId::from_bytes(key.try_into().ok()?);
        Some(DataKey { of, now: InfluencerId::from_bytes(now), sealed: Sealed(sealed.to_vec()) })
    }
}
