//! Deletes rows that are old or whose connection was removed, a bounded number at a time.

use std::collections::HashSet;
use std::ops::Bound;

use redb::{ReadableTable, WriteTransaction};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;

use super::Store;
use super::error::StoreError;
use super::reader::Reader;
use super::tables::{Records, split_timed_key, time_key};

/// How many rows one transaction deletes.
const ROWS: usize = 5_000;

impl Store {
    /// Deletes runs that started before `runs` and changes before `changes`; returns how many rows were deleted.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn prune(&self, runs: Timestamp, changes: Timestamp) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for (table, end) in [(Records::Runs, runs), (Records::Changes, changes)] {
            loop {
                let rows = self.alone(move |txn, _| prune_some(txn, table, end)).await?;
                deleted += rows as u64;
                if rows < ROWS {
                    break;
                }
            }
        }
        Ok(deleted)
    }

    /// Deletes runs and changes of connections that were removed since the last sweep; returns how many rows were
    /// deleted. Reads both tables when there was such a connection, and nothing otherwise.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let removed: HashSet<_> = self.with_reader(|reader| reader.removed_connections()).await?.into_iter().collect();
        if removed.is_empty() {
            return Ok(0);
        }
        let mut deleted = 0;
        for table in [Records::Runs, Records::Changes] {
            let mut from = Some(Vec::new());
            while let Some(first) = from {
                let of = removed.clone();
                let (keys, next) =
                    self.with_reader(move |reader| reader.keys_of(table, &first, &of, ROWS * 10)).await?;
                deleted += keys.len() as u64;
                for some in keys.chunks(ROWS).map(<[_]>::to_vec) {
                    self.alone(move |txn, _| delete(txn, table, &some)).await?;
                }
                from = next;
            }
        }
        let keys: Vec<_> = removed.iter().map(|connection| connection.0.to_vec()).collect();
        self.alone(move |txn, _| delete(txn, Records::Sweeps, &keys)).await?;
        Ok(deleted)
    }
}

type Keys = Vec<Vec<u8>>;

fn delete(txn: &WriteTransaction, table: Records, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    let mut rows = txn.open_table(table.definition())?;
    for key in keys {
        rows.remove(key.as_slice())?;
    }
    Ok(())
}

/// Deletes the oldest rows before `end`, up to [`ROWS`], and returns how many.
fn prune_some(txn: &WriteTransaction, table: Records, end: Timestamp) -> Result<usize, StoreError> {
    let mut rows = txn.open_table(table.definition())?;
    let mut keys = Vec::new();
    for row in rows.range(..&time_key(end)[..])?.take(ROWS) {
        keys.push(row?.0.value().to_vec());
    }
    for key in &keys {
        rows.remove(key.as_slice())?;
    }
    Ok(keys.len())
}

impl Reader<'_> {
    fn removed_connections(&self) -> Result<Vec<ConnectionId>, StoreError> {
        let mut removed = Vec::new();
        for row in self.txn.open_table(Records::Sweeps.definition())?.iter()? {
            let (key, _) = row?;
            removed.extend(key.value().try_into().ok().map(ConnectionId::from_bytes));
        }
        Ok(removed)
    }

    /// The keys of runs or changes of these connections, among `limit` rows from `first` on; and the key to continue
    /// at, `None` at the end.
    fn keys_of(
        &self,
        table: Records,
        first: &[u8],
        of: &HashSet<ConnectionId>,
        limit: usize,
    ) -> Result<(Keys, Option<Vec<u8>>), StoreError> {
        let rows = self.txn.open_table(table.definition())?;
        let mut keys = Vec::new();
        let range = (Bound::Included(first), Bound::Unbounded);
        for (seen, row) in rows.range::<&[u8]>(range)?.enumerate() {
            let (key, _) = row?;
            if seen == limit {
                return Ok((keys, Some(key.value().to_vec())));
            }
            if split_timed_key(key.value()).is_some_and(|(_, connection)| of.contains(&connection)) {
                keys.push(key.value().to_vec());
            }
        }
        Ok((keys, None))
    }
}
