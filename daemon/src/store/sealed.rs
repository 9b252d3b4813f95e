//! How much of what is stored is sealed with which master key.

use super::error::StoreError;
use super::queries::Query;
use super::reader::Reader;
use super::records;
use super::tables::Records;
use crate::model::{Consent, DataKey, GrantTokens, Lease, SealedWith};

/// How many values are sealed with each key. A damaged row opens with none, and is not counted.
#[derive(Clone, Copy, Debug)]
pub struct SealedCounts;

impl Query for SealedCounts {
    type Output = SealedWith;

    fn read(self, reader: &Reader<'_>) -> Result<SealedWith, StoreError> {
        let consents: Vec<Consent> = reader.all(Records::Consents, records::read)?;
        let tokens: Vec<GrantTokens> = reader.all(Records::Tokens, records::read)?;
        let leases: Vec<Lease> = reader.all(Records::Leases, records::read)?;
        let data_keys: Vec<DataKey> = reader.all(Records::DataKeys, records::read)?;
        let mut counts = SealedWith::of(consents.iter().flat_map(Consent::sealed));
        counts.add(tokens.iter().flat_map(GrantTokens::sealed));
        counts.add(leases.iter().map(|lease| &lease.secret));
        counts.add(data_keys.iter().map(|key| &key.sealed));
        Ok(counts)
    }
}
