//! What a stored value looks like: own structs, so that a renamed field elsewhere never touches a disk.
//!
//! Values are postcard. What the key says is not repeated. A changed struct is another version of the store.

mod accounts;
mod codes;
mod consents;
mod events;
mod facts;

use super::envelope;
use super::error::StoreError;
use super::tables::Records;
use crate::model::{Alert, Change, Connection, Consent, Delivery, Grant, GrantTokens, GrantUse, Hold, Influencer, Run};

pub(super) use self::accounts::SnapshotRecord;
pub(super) use self::events::{decode_audit, encode_audit};
pub(super) use self::facts::{Fold, Format, KeyName, Stamp, Sweep};

/// Something that is stored as one record.
pub(super) trait Record: Sized {
    /// Its table.
    const TABLE: Records;

    /// Where it stands.
    fn key(&self) -> Vec<u8>;

    /// Appends its payload.
    fn encode(&self, out: Vec<u8>) -> Payload;

    /// What `encode` wrote under `key`; `None` when it is something else.
    fn decode(key: &[u8], payload: &[u8]) -> Option<Self>;

    /// Its value, encoded for its place.
    ///
    /// # Errors
    /// `Invalid` when it does not encode.
    fn value(&self, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.value_in(Self::TABLE, key)
    }

    /// As `value`, for another table of the same records.
    fn value_in(&self, table: Records, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        let encoded = self.encode(envelope::begin(USUAL_BYTES));
        let mut encoded = encoded.map_err(|error| not_encoded(table.name(), &error))?;
        envelope::end(table.tag(), key, &mut encoded);
        Ok(encoded)
    }
}

/// Most records fit, so that they are built without moving them.
const USUAL_BYTES: usize = 250;

type Payload = Result<Vec<u8>, postcard::Error>;

fn not_encoded(what: &str, error: &postcard::Error) -> StoreError {
    StoreError::Invalid { what: format!("a record of {what}: {error}") }
}

/// A number in a key or payload of its own.
pub(super) fn number_of(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// Whether a payload is what its table holds.
pub(super) fn is_readable(table: Records, key: &[u8], payload: &[u8]) -> bool {
    match table {
        Records::Meta => true,
        Records::Influencers => Influencer::decode(key, payload).is_some(),
        Records::Connections => Connection::decode(key, payload).is_some(),
        Records::Runs => Run::decode(key, payload).is_some(),
        Records::Changes => Change::decode(key, payload).is_some(),
        Records::Alerts => Alert::decode(key, payload).is_some(),
        Records::AlertIds | Records::DesktopShown => number_of(payload).is_some(),
        Records::AlertsLive => number_of(key).is_some(),
        Records::Deliveries | Records::DeliveriesPending => Delivery::decode(key, payload).is_some(),
        Records::Audit => number_of(key).is_some() && decode_audit(payload).is_some(),
        Records::Holds => Hold::decode(key, payload).is_some(),
        Records::Sweeps => Sweep::decode(key, payload).is_some(),
        Records::Consents => Consent::decode(key, payload).is_some(),
        Records::Grants => Grant::decode(key, payload).is_some(),
        Records::Tokens => GrantTokens::decode(key, payload).is_some(),
        Records::GrantUses => GrantUse::decode(key, payload).is_some(),
        Records::Quarantine => true,
    }
}
