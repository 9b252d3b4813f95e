//! Format 4: deliveries are found by their ids. In format 3 all of them had to be read for that.

use redb::{ReadableTable, WriteTransaction};

use super::Table;
use crate::store::damage::DamageLog;
use crate::store::envelope::{self, Unreadable};
use crate::store::error::StoreError;

/// The two tables of deliveries, by their keys, and their tags.
pub(super) const DELIVERIES: [(&str, u64); 2] = [("deliveries", 9), ("deliveries.pending", 10)];
/// The newest version of their records that there was; each begins with the id.
const NEWEST: u8 = 3;
/// Delivery id, key of the delivery → nothing.
pub(super) const IDS: (&str, u64) = ("deliveries.ids", 36);
const IDS_VERSION: u8 = 1;

/// Turns format 3 into format 4.
pub(super) fn change(txn: &WriteTransaction, damage: &DamageLog) -> Result<(), StoreError> {
    let (name, tag) = IDS;
    let mut ids = txn.open_table(Table::new(name))?;
    for (deliveries, of) in DELIVERIES {
        for row in txn.open_table(Table::new(deliveries))?.iter()? {
            let (key, value) = row?;
            let read = envelope::decode(of, key.value(), NEWEST, value.value());
            let id = read.and_then(|(_, payload)| payload.first_chunk::<5>().copied().ok_or(Unreadable::Damaged));
            if let Some(id) = damage.leave_out(deliveries, key.value(), id)? {
                let key = [&id[..], key.value()].concat();
                ids.insert(key.as_slice(), envelope::encode(tag, &key, IDS_VERSION, &[]).as_slice())?;
            }
        }
    }
    Ok(())
}
