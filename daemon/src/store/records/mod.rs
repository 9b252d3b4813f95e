//! The layouts of stored values: structs of their own, so that a field renamed elsewhere never changes what is on disk.
//!
//! Values are postcard and do not repeat their key. A changed struct is another version of its record: either
//! `decode_version` reads the earlier ones too, or a migration rewrites them.

mod accounts;
mod audiences;
pub(super) mod audit;
mod codes;
mod consents;
mod data_keys;
mod erased;
mod alerts;
mod rules;
mod reading;
mod removals;
mod requests;
mod silences;
mod undo;
mod deliveries;
mod events;
mod facts;
mod figures;
mod numbers;
mod webhooks;

use redb::WriteTransaction;
use roster_protocol::rule::Rule;
use roster_protocol::silence::Silence;
use roster_protocol::status::DayFigures;

use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::tables::Records;
use super::{reported, weeks};
use crate::model::{
    Alert, AudienceOn, BudgetUse, Change, Connection, Consent, DataKey, Deletion, Delivery, Grant, GrantTokens,
    GrantUse, Hold, Influencer, Lease, ReadMarks, Receipt, Removal, RequestBlock, RevokedGrant, Run, RunsOfDay,
    Tombstone, UndoLog,
};

pub(super) use self::accounts::SnapshotRecord;
pub(super) use self::deliveries::delivery_key;
pub(super) use self::facts::{CopiesSeen, Fold, Format, Stamp, StoreKeys, Sweep, budget_key};

/// A value that is stored as one record.
pub(super) trait Record: Sized {
    /// Its table.
    const TABLE: Records;

    /// The version that `encode` writes, from 1. Raise it with every change of the layout.
    const VERSION: u8 = 1;

    /// Its key.
    fn key(&self) -> Vec<u8>;

    /// Appends its payload.
    fn encode(&self, out: Vec<u8>) -> Payload;

    /// Decodes what `encode` wrote under `key`; `None` when it is something else.
    fn decode(key: &[u8], payload: &[u8]) -> Option<Self>;

    /// Decodes what `encode` of a version up to today's wrote under `key`. Records of which the store holds several
    /// versions override this.
    fn decode_version(version: u8, key: &[u8], payload: &[u8]) -> Option<Self> {
        if version == Self::VERSION { Self::decode(key, payload) } else { None }
    }

    /// Its value, encoded for its table and key.
    ///
    /// # Errors
    /// `Invalid` when it does not encode.
    fn value(&self, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.value_in(Self::TABLE, key)
    }

    /// Its value, encoded for another table of the same records.
    fn value_in(&self, table: Records, key: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut encoded = self.begun()?;
        envelope::end(table.tag(), key, &mut encoded);
        Ok(encoded)
    }

    /// Its value without an end, which depends on a key that is found when it is written.
    fn begun(&self) -> Result<Vec<u8>, StoreError> {
        let begun = self.encode(envelope::begin(Self::VERSION, USUAL_BYTES));
        begun.map_err(|error| not_encoded(Self::TABLE.name(), &error))
    }
}

/// Enough for most records, so that they are built without reallocation.
const USUAL_BYTES: usize = 250;

type Payload = Result<Vec<u8>, postcard::Error>;

fn not_encoded(what: &str, error: &postcard::Error) -> StoreError {
    StoreError::Invalid { what: format!("a record of {what}: {error}") }
}

/// A number that is a whole key or payload.
pub(super) fn number_of(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_be_bytes)
}

/// The version of rows that are not a [`Record`]: numbers, ends of the audit log, and quarantined damaged rows.
const PLAIN_VERSION: u8 = 1;

/// Reads a record from its row in one of its tables.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(super) fn read<R: Record>(table: Records, key: &[u8], encoded: &[u8]) -> Result<R, Unreadable> {
    let (version, payload) = envelope::decode(table.tag(), key, R::VERSION, encoded)?;
    R::decode_version(version, key, payload).ok_or(Unreadable::Damaged)
}

/// Reads the payload of a row that is not a [`Record`].
///
/// # Errors
/// As [`read`].
pub(super) fn read_plain<'a>(table: Records, key: &[u8], encoded: &'a [u8]) -> Result<&'a [u8], Unreadable> {
    envelope::decode(table.tag(), key, PLAIN_VERSION, encoded).map(|(_, payload)| payload)
}

/// Reads a number from its row.
///
/// # Errors
/// As [`read`].
pub(super) fn read_number(table: Records, key: &[u8], encoded: &[u8]) -> Result<u64, Unreadable> {
    number_of(read_plain(table, key, encoded)?).ok_or(Unreadable::Damaged)
}

/// Keeps the bytes of a damaged row that a write replaces.
pub(super) fn quarantine(txn: &WriteTransaction, table: &str, key: &[u8], encoded: &[u8]) -> Result<(), StoreError> {
    let key = [table.as_bytes(), b"\0", key].concat();
    let encoded = plain(Records::Quarantine, &key, encoded);
    txn.open_table(Records::Quarantine.definition())?.insert(key.as_slice(), encoded.as_slice())?;
    Ok(())
}

/// Encodes the payload of a row that is not a [`Record`].
pub(super) fn plain(table: Records, key: &[u8], payload: &[u8]) -> Vec<u8> {
    envelope::encode(table.tag(), key, PLAIN_VERSION, payload)
}

/// Checks that a row is what its table holds.
///
/// # Errors
/// As [`read`].
pub(super) fn verify(table: Records, key: &[u8], encoded: &[u8]) -> Result<(), Unreadable> {
    match table {
        Records::Meta => facts::verify(key, encoded),
        Records::Influencers => read::<Influencer>(table, key, encoded).map(drop),
        Records::Connections => read::<Connection>(table, key, encoded).map(drop),
        Records::Runs => read::<Run>(table, key, encoded).map(drop),
        Records::Changes => read::<Change>(table, key, encoded).map(drop),
        Records::Alerts => read::<Alert>(table, key, encoded).map(drop),
        Records::AlertIds | Records::DesktopShown => read_number(table, key, encoded).map(drop),
        Records::AlertsLive => {
            read_plain(table, key, encoded)?;
            number_of(key).map(drop).ok_or(Unreadable::Damaged)
        }
        Records::DeliveryIds => read_plain(table, key, encoded).map(drop),
        Records::Deliveries | Records::DeliveriesPending => read::<Delivery>(table, key, encoded).map(drop),
        Records::Audit => audit::read(key, encoded).map(drop),
        Records::DataKeys => read::<DataKey>(table, key, encoded).map(drop),
        Records::Holds => read::<Hold>(table, key, encoded).map(drop),
        Records::Budgets => read::<BudgetUse>(table, key, encoded).map(drop),
        Records::Sweeps => read::<Sweep>(table, key, encoded).map(drop),
        Records::Consents => read::<Consent>(table, key, encoded).map(drop),
        Records::Grants => read::<Grant>(table, key, encoded).map(drop),
        Records::Tokens => read::<GrantTokens>(table, key, encoded).map(drop),
        Records::GrantUses => read::<GrantUse>(table, key, encoded).map(drop),
        Records::Receipts => read::<Receipt>(table, key, encoded).map(drop),
        Records::Deletions => read::<Deletion>(table, key, encoded).map(drop),
        Records::Leases => read::<Lease>(table, key, encoded).map(drop),
        Records::Figures => read::<DayFigures>(table, key, encoded).map(drop),
        Records::Weeks => weeks::read(key, encoded).map(drop),
        Records::RunDays => read::<RunsOfDay>(table, key, encoded).map(drop),
        Records::ReportedDays => reported::read(key, encoded).map(drop),
        Records::Audiences => read::<AudienceOn>(table, key, encoded).map(drop),
        Records::Rules => read::<Rule>(table, key, encoded).map(drop),
        Records::Silences => read::<Silence>(table, key, encoded).map(drop),
        Records::ReadMarks => read::<ReadMarks>(table, key, encoded).map(drop),
        Records::Requests => read::<RequestBlock>(table, key, encoded).map(drop),
        Records::Erased => read::<Tombstone>(table, key, encoded).map(drop),
        Records::Revoked => read::<RevokedGrant>(table, key, encoded).map(drop),
        Records::Undo => read::<UndoLog>(table, key, encoded).map(drop),
        Records::Removals => read::<Removal>(table, key, encoded).map(drop),
        Records::Quarantine => read_plain(table, key, encoded).map(drop),
    }
}
