//! Records that a newer rosterd has written: reported as such, never taken for damage, never replaced.

use roster_protocol::time::Date;

use super::disk::Disk;
use super::sample::*;
use crate::model::{Commit, SyncCommit};
use crate::store::envelope::{self, Unreadable};
use crate::store::records::{self, Record};
use crate::store::tables::{BLOCK_TAG, Records, epoch_of, log_definition, log_key, log_name};
use crate::store::{SnapshotOn, Store, StoreError};

const NEWER: u8 = 200;

/// Writes a row of a newer version where a record would be.
async fn put_newer<R: Record>(store: &Store, record: &R) {
    let key = record.key();
    let value = envelope::encode(R::TABLE.tag(), &key, NEWER, b"whatever it holds");
    let put = store.alone(move |txn, _| {
        txn.open_table(R::TABLE.definition())?.insert(key.as_slice(), value.as_slice())?;
        Ok(())
    });
    put.await.expect("stored");
}

fn is_newer<T>(result: &Result<T, StoreError>, of: &str) -> bool {
    matches!(result, Err(StoreError::NewerRecord { table, version: NEWER }) if table == of)
}

#[tokio::test]
async fn a_store_whose_rows_are_newer_is_not_opened() {
    let disk = Disk::default();
    let (store, _) = disk.open().expect("a new store");
    put_newer(&store, &influencer(1, 1)).await;
    drop(store);
    assert!(is_newer(&disk.open(), "influencers"));
    assert!(is_newer(&disk.open(), "influencers"), "nor the next time");
}

#[tokio::test]
async fn a_newer_row_of_a_list_is_an_error_and_no_damage() {
    let (store, _) = Disk::default().open().expect("a new store");
    store.commit(Commit::from(SyncCommit { runs: vec![run(1, 1)], ..SyncCommit::default() })).await.expect("stored");
    put_newer(&store, &run(2, 2)).await;
    assert!(is_newer(&store.read(all_runs()).await, "runs"));
    let scrubbed = store.scrub().await.expect("looked through");
    assert_eq!((scrubbed.newer, scrubbed.damaged, store.damaged().rows), (1, 0, 0));
}

#[tokio::test]
async fn a_newer_block_is_not_replaced_and_does_not_stop_others() {
    let (store, _) = Disk::default().open().expect("a new store");
    let (day, one, other) = (Date(FIRST_DAY), connection_id(1), Date(FIRST_DAY + 1));
    let key = log_key(day, one);
    let value = envelope::encode(BLOCK_TAG, &key, NEWER, b"whatever it holds");
    let put = store.alone(move |txn, _| {
        txn.open_table(log_definition(&log_name(epoch_of(day))))?.insert(&key, value.as_slice())?;
        Ok(())
    });
    put.await.expect("stored");
    let on = |day| Commit::from(SyncCommit { snapshots: vec![(one, snapshot(day, 1))], ..SyncCommit::default() });
    let (refused, stored) = tokio::join!(store.commit(on(day)), store.commit(on(other)));
    assert!(is_newer(&refused, &log_name(epoch_of(day))), "{refused:?}");
    stored.expect("the other is stored");
    assert_eq!(store.read(SnapshotOn { connection: one, date: other }).await.expect("read"), Some(snapshot(other, 1)));
    let still = store.alone(move |txn, _| {
        let log = txn.open_table(log_definition(&log_name(epoch_of(day))))?;
        let block = redb::ReadableTable::get(&log, &key)?.map(|value| value.value().to_vec());
        Ok(block.map(|block| envelope::decode(BLOCK_TAG, &key, 1, &block).map(drop)))
    });
    assert_eq!(still.await.expect("read"), Some(Err(Unreadable::Newer(NEWER))));
    assert_eq!(store.damaged().rows, 0);
}

#[test]
fn every_table_distinguishes_newer_rows_from_damaged_ones() {
    for table in Records::ALL {
        let (key, of_today) = ([7; 5], records::plain(table, &[7; 5], b""));
        let newer = envelope::encode(table.tag(), &key, NEWER, b"");
        assert_eq!(records::verify(table, &key, &newer), Err(Unreadable::Newer(NEWER)), "{table:?}");
        assert_ne!(records::verify(table, &key, &of_today), Err(Unreadable::Newer(1)), "{table:?}");
    }
}
