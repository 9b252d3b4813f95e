use std::fs;
use std::path::Path;

use redb::{Database, ReadableDatabase, TableHandle};
use roster_protocol::time::{Date, Timestamp};

use super::sample::*;
use crate::model::Commit;
use crate::store::records::{Format, Record, SnapshotRecord};
use crate::store::tables::{OLD_LOG_PREFIX, OLD_ROW_TAG, Records, epoch_of, log_definition, log_epoch, log_key};
use crate::store::{OpenOptions, Store, envelope};

const DAYS: i32 = 6;
const ACCOUNTS: u8 = 90;

/// A store as format 1 left it: a row for each snapshot of the newest days, and no tables for consents.
fn store_of_format_1(dir: &Path) {
    let (store, _) = Store::open(OpenOptions::in_dir(dir, Timestamp(5))).expect("a new store");
    let connections = (1..=ACCOUNTS).map(whole).collect();
    store.submit(Commit { connections, ..Commit::default() }).wait().expect("stored");
    drop(store);
    let database = Database::open(dir.join("roster.redb")).expect("the store");
    let txn = database.begin_write().expect("a transaction");
    {
        for table in txn.list_tables().expect("tables").collect::<Vec<_>>() {
            assert!(log_epoch(table.name()).is_none(), "nothing is in the log yet");
        }
        for day in 0..DAYS {
            let date = Date(FIRST_DAY + day);
            let name = format!("{OLD_LOG_PREFIX}{}", epoch_of(date));
            let mut table = txn.open_table(log_definition(&name)).expect("a table");
            for which in 1..=ACCOUNTS {
                let key = log_key(date, connection_id(which));
                let payload =
                    SnapshotRecord::encoded(&snapshot(Date(FIRST_DAY + day), u32::from(which))).expect("encoded");
                let mut sealed = envelope::seal(OLD_ROW_TAG, &key, &payload);
                if (which, day) == (7, 2) {
                    sealed[5] ^= 1;
                }
                table.insert(&key, sealed.as_slice()).expect("a row");
            }
        }
        let key = Format(1).key();
        let mut meta = txn.open_table(Records::Meta.definition()).expect("a table");
        meta.insert(key.as_slice(), Format(1).sealed(&key).expect("sealed").as_slice()).expect("a row");
    }
    txn.commit().expect("committed");
    for table in [Records::Consents, Records::Grants, Records::Tokens, Records::GrantUses] {
        let txn = database.begin_write().expect("a transaction");
        assert!(txn.delete_table(table.definition()).expect("deleted"));
        txn.commit().expect("committed");
    }
}

/// A connection whose history begins on the first day.
fn whole(which: u8) -> crate::model::Connection {
    let first_day = Some(Date(FIRST_DAY));
    crate::model::Connection { disconnected_at: None, first_day, ..connection(which, 1) }
}

#[test]
fn a_store_of_format_1_is_copied_and_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    store_of_format_1(dir.path());
    let before = fs::read(dir.path().join("roster.redb")).expect("the file");
    for _ in 0..2 {
        let (store, loaded) = Store::open(OpenOptions::in_dir(dir.path(), Timestamp(9))).expect("it opens");
        assert_eq!(loaded.snapshots, u64::from(ACCOUNTS) * DAYS as u64 - 1, "all but the damaged one");
        for which in 1..=ACCOUNTS {
            let history = store.read_now(|reader| reader.history(&whole(which), None, None)).expect("a history");
            let expected: Vec<_> = (0..DAYS)
                .filter(|day| (which, *day) != (7, 2))
                .map(|day| snapshot(Date(FIRST_DAY + day), u32::from(which)))
                .collect();
            assert_eq!(history, expected, "{which}");
        }
        drop(store);
        let copy = fs::read(dir.path().join("roster.redb.format-1")).expect("a copy");
        assert!(copy == before, "the copy is what was there");
    }
    let database = Database::open(dir.path().join("roster.redb")).expect("the store");
    let tables = database.begin_read().expect("a transaction");
    let old = tables.list_tables().expect("tables").filter(|table| table.name().starts_with(OLD_LOG_PREFIX));
    assert_eq!(old.count(), 0, "what the old format left is dropped");
}
