//! Requests to providers: read page by page, and deleted when there are too many of them.

use std::ops::Bound;

use redb::{ReadableTable, ReadableTableMetadata};
use roster_protocol::ProviderRequest;
use roster_protocol::time::Timestamp;

use super::Store;
use super::error::StoreError;
use super::lists::{Mark, Page};
use super::queries::RequestsQuery;
use super::reader::Reader;
use super::records;
use super::tables::{Records, time_key, time_of_key};
use crate::model::RequestBlock;

/// How many requests a page examines before it ends with a mark instead of searching on.
const EXAMINED: usize = 200_000;
/// How many rows one transaction deletes.
const ROWS: u64 = 1_000;
/// How long they are kept.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// How much of them is kept, whatever their age.
const MOST_BYTES: u64 = 64 << 20;

impl RequestsQuery {
    fn wants(&self, request: &ProviderRequest) -> bool {
        request.at >= self.since
            && self.platform.as_ref().is_none_or(|platform| *platform == request.platform)
            && self.outcome.is_none_or(|outcome| outcome == request.outcome())
            && self.of.as_ref().is_none_or(|of| request.connection.is_some_and(|connection| of.contains(&connection)))
    }
}

impl Reader<'_> {
    /// Requests, newest first. A mark is a row's key, and how many of its requests are before it.
    pub(super) fn requests(&self, query: &RequestsQuery) -> Result<Page<ProviderRequest>, StoreError> {
        let mut page = Page { rows: Vec::new(), next: None };
        let Some(table) = self.table(Records::Requests)? else { return Ok(page) };
        let mark = query.before.as_ref().and_then(|Mark(mark)| mark.split_last_chunk::<4>());
        let last = mark.map_or(Bound::Unbounded, |(key, _)| Bound::Included(key));
        let mut examined = 0;
        for row in table.range::<&[u8]>((Bound::Unbounded, last))?.rev() {
            let (key, value) = row?;
            let key = key.value();
            if time_of_key(key).is_some_and(|at| at < query.since) {
                break;
            }
            let read = records::read::<RequestBlock>(Records::Requests, key, value.value());
            let Some(block) = self.damage.leave_out(Records::Requests.name(), key, read)? else { continue };
            let left = mark.filter(|(of, _)| *of == key).map(|(_, left)| u32::from_be_bytes(*left) as usize);
            let left = left.unwrap_or(block.requests.len()).min(block.requests.len());
            for (before, request) in block.requests.into_iter().take(left).enumerate().rev() {
                if page.rows.len() >= query.limit || examined >= EXAMINED {
                    page.next = Some(Mark([key, &(before as u32 + 1).to_be_bytes()].concat()));
                    return Ok(page);
                }
                examined += 1;
                if query.wants(&request) {
                    page.rows.push(request);
                }
            }
        }
        Ok(page)
    }
}

impl Store {
    /// Deletes requests that are older than a week, and the oldest where there are too many.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn prune_requests(&self, now: Timestamp) -> Result<(), StoreError> {
        self.prune_requests_to(Timestamp(now.0.saturating_sub(KEPT_MS)), MOST_BYTES).await
    }

    pub(super) async fn prune_requests_to(&self, before: Timestamp, most_bytes: u64) -> Result<(), StoreError> {
        while self.alone(move |txn, _| delete_some(txn, before, most_bytes)).await? {}
        Ok(())
    }
}

/// Deletes the oldest rows of those that are too old or too many; `true`: there may be more of them.
fn delete_some(txn: &redb::WriteTransaction, before: Timestamp, most_bytes: u64) -> Result<bool, StoreError> {
    let mut table = txn.open_table(Records::Requests.definition())?;
    let (rows, bytes) = (table.len()?, table.stats()?.stored_bytes());
    // As many rows as the share of the bytes that is too much.
    let surplus = rows.saturating_mul(bytes.saturating_sub(most_bytes)).div_ceil(bytes.max(1));
    let end = time_key(before);
    let mut keys = Vec::new();
    for (place, row) in table.iter()?.take(ROWS as usize).enumerate() {
        let key = row?.0.value().to_vec();
        if place as u64 >= surplus && key.as_slice() >= &end[..] {
            break;
        }
        keys.push(key);
    }
    for key in &keys {
        table.remove(key.as_slice())?;
    }
    Ok(keys.len() as u64 == ROWS)
}
