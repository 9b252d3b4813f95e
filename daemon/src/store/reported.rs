//! What platforms report to owners: figures of days, a row for each month of a connection, and its audience, the last one of
//! each month.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::ids::ConnectionId;
use roster_protocol::reported::ReportedDay;
use roster_protocol::time::Date;

use super::damage::DamageLog;
use super::envelope::{self, Unreadable};
use super::error::StoreError;
use super::reader::Reader;
use super::records;
use super::tables::{Month, Records, month_of, month_start, months_key, months_of, split_months_key};
use crate::history::reported::{self, VERSION};
use crate::model::AudienceOn;

const TABLE: Records = Records::ReportedDays;

/// The days of a row, in order.
///
/// # Errors
/// `Damaged`, or of a newer version.
pub(super) fn read(key: &[u8], encoded: &[u8]) -> Result<Vec<ReportedDay>, Unreadable> {
    let (_, payload) = envelope::decode(TABLE.tag(), key, VERSION, encoded)?;
    let (_, month) = split_months_key(key).ok_or(Unreadable::Damaged)?;
    reported::decode(month_start(month), payload).map_err(|_| Unreadable::Damaged)
}

/// A row's value; `None` when there is nothing to store.
pub(super) fn encoded(key: &[u8], month: Month, days: &[ReportedDay]) -> Option<Vec<u8>> {
    let payload = reported::encode(month_start(month), days)?;
    Some(envelope::encode(TABLE.tag(), key, VERSION, &payload))
}

/// Adds reports to what is stored, in their order. A damaged row is copied to the quarantine, because the write replaces it.
pub(super) fn add(
    txn: &WriteTransaction,
    reports: &[&(ConnectionId, Vec<ReportedDay>)],
    damage: &DamageLog,
) -> Result<(), StoreError> {
    let mut rows: HashMap<(ConnectionId, Month), Vec<ReportedDay>> = HashMap::new();
    for (connection, days) in reports {
        for day in days {
            rows.entry((*connection, month_of(day.date).0)).or_default().push(day.clone());
        }
    }
    let mut table = txn.open_table(TABLE.definition())?;
    for ((connection, month), days) in rows {
        let key = months_key(connection, month);
        let before = match table.get(key.as_slice())? {
            None => Vec::new(),
            Some(value) => match damage.leave_out(TABLE.name(), &key, read(&key, value.value()))? {
                Some(days) => days,
                None => {
                    records::quarantine(txn, TABLE.name(), &key, value.value())?;
                    Vec::new()
                }
            },
        };
        if let Some(encoded) = encoded(&key, month, &reported::merged(before, &days)) {
            table.insert(key.as_slice(), encoded.as_slice())?;
        }
    }
    Ok(())
}

/// Deletes all that was reported of these connections.
pub(super) fn forget(txn: &WriteTransaction, connections: &[ConnectionId]) -> Result<(), StoreError> {
    for table in [TABLE, Records::Audiences] {
        let mut table = txn.open_table(table.definition())?;
        for connection in connections {
            let (first, last) = months_of(*connection);
            table.retain_in::<&[u8], _>(first.as_slice()..=last.as_slice(), |_, _| false)?;
        }
    }
    Ok(())
}

impl Reader<'_> {
    /// What was reported of a connection's days, in order.
    pub(super) fn reported_days(
        &self,
        connection: ConnectionId,
        days: &RangeInclusive<Date>,
    ) -> Result<Vec<ReportedDay>, StoreError> {
        let mut found = Vec::new();
        let Some(table) = self.table(TABLE)? else { return Ok(found) };
        let key = |day: &Date| months_key(connection, month_of(*day).0);
        if days.is_empty() {
            return Ok(found);
        }
        for row in table.range::<&[u8]>(key(days.start()).as_slice()..=key(days.end()).as_slice())? {
            let (key, value) = row?;
            let read = self.damage.leave_out(TABLE.name(), key.value(), read(key.value(), value.value()))?;
            found.extend(read.into_iter().flatten().filter(|day| days.contains(&day.date)));
        }
        Ok(found)
    }

    /// The audiences of a connection, the newest first.
    pub(super) fn audiences(&self, connection: ConnectionId) -> Result<Vec<AudienceOn>, StoreError> {
        let mut found = Vec::new();
        let Some(table) = self.table(Records::Audiences)? else { return Ok(found) };
        let (first, last) = months_of(connection);
        for row in table.range::<&[u8]>(first.as_slice()..=last.as_slice())?.rev() {
            let (key, value) = row?;
            let read = records::read(Records::Audiences, key.value(), value.value());
            found.extend(self.damage.leave_out(Records::Audiences.name(), key.value(), read)?);
        }
        Ok(found)
    }
}
