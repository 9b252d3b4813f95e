//! Format 5: the audit log is a chain, and what is personal in it is sealed under a key for each influencer. In format 4 it
//! was in the clear.
//!
//! Sealing takes the master key, which a step has not: the step makes room for the keys, and the daemon seals and chains the
//! lines before it does anything else with the store (`Store::begin_chain`), in one transaction.

use redb::WriteTransaction;

use super::Table;
use crate::store::damage::DamageLog;
use crate::store::error::StoreError;

/// Turns format 4 into format 5.
pub(super) fn change(txn: &WriteTransaction, _: &DamageLog) -> Result<(), StoreError> {
    txn.open_table(Table::new("influencers.keys"))?;
    Ok(())
}
