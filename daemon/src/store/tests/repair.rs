//! A repair keeps all that is whole, invents nothing, and leaves the damaged store alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{Database, ReadableDatabase};
use roster_protocol::stored::CheckedTable;
use roster_protocol::time::Timestamp;

use super::damage::{PAGE, assert_none_wrong, hush_redb, small_store};
use super::model::{Model, everything_in};
use super::sample::times;
use crate::store::records::{Fold, Format, Record, Stamp};
use crate::store::tables::Records;
use crate::store::{Inspection, Made, OpenOptions, Repaired, Store, StoreError, inspect, repair};

/// A directory with a store of these bytes.
fn laid(bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("its mode");
    let file = dir.path().join("roster.redb");
    fs::write(&file, bytes).expect("a store");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    dir
}

/// What is in a repaired store, without the influencers that were made.
fn everything_repaired(dir: &Path, repaired: &Repaired) -> Model {
    let (store, _) = Store::open(OpenOptions::in_dir(dir, Timestamp(9))).expect("it is whole");
    assert_eq!(store.damaged().rows, 0);
    let mut model = everything_in(&store).expect("all there is");
    for made in &repaired.made {
        if let Made::Influencer { id, .. } = made {
            model.influencers.remove(&id.0).expect("the one that was made");
        }
    }
    model
}

/// How many rows of each table are whole, but of those that are made again.
fn whole(found: &Inspection) -> BTreeMap<&str, u64> {
    let made_again = ["meta", "influencers", "alerts.ids", "alerts.live"];
    let counted = found.tables.iter().filter(|table| table.whole > 0 && !made_again.contains(&table.name.as_str()));
    counted.map(|table| (table.name.as_str(), table.whole)).collect()
}

#[test]
fn what_is_whole_in_a_damaged_store_is_in_the_repaired_one() {
    hush_redb();
    let (bytes, model) = small_store();
    let mut random = fastrand::Rng::with_seed(13);
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let (mut in_part, mut nothing) = (0, 0);
    for trial in 0..times(60, 500) {
        let mut damaged = bytes.clone();
        let at = used[random.usize(0..used.len())];
        match trial % 3 {
            0 => damaged[at / PAGE * PAGE..][..PAGE].fill(0),
            1 => damaged[at] ^= 1 << random.u8(0..8),
            _ => (0..20).for_each(|_| damaged[used[random.usize(0..used.len())]] ^= 1 << random.u8(0..8)),
        }
        let (old, new) = (laid(&damaged), tempfile::tempdir().expect("a directory"));
        let new = new.path().join("repaired");
        match repair(old.path(), &new, Timestamp(9)) {
            Ok(repaired) => {
                let again = inspect(&new).expect("a store");
                assert!(again.is_readable(), "{trial}: {again:?}");
                // Lines of the audit log that are lost stay missing in its chain.
                let lost =
                    |table: &CheckedTable| ["audit", "meta"].contains(&table.name.as_str()) && table.is_damaged();
                assert_eq!(
                    again.is_whole(),
                    !repaired.found.tables.iter().any(lost) || again.chain.is_empty(),
                    "{trial}"
                );
                assert_eq!(whole(&again), whole(&repaired.found), "{trial}: every row that is whole");
                let kept = everything_repaired(&new, &repaired);
                assert_none_wrong(&kept, &model, &trial.to_string());
                in_part += u32::from(repaired.found.tables.iter().any(|table| table.is_damaged()));
                if !repaired.found.tables.iter().any(|table| table.is_damaged()) {
                    assert_eq!(kept, model, "{trial}");
                }
            }
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged { .. }), "{trial}: {error:?}");
                assert!(!new.exists(), "{trial}: nothing is left");
                nothing += 1;
            }
        }
        assert_eq!(fs::read(old.path().join("roster.redb")).expect("the store"), damaged, "{trial}: only read");
    }
    println!("\nfigure: of {} damaged stores {in_part} were repaired in part, of {nothing} nothing", times(60, 500));
    assert!(in_part > 10 && nothing < times(60, 500) as u32 / 4, "{in_part} {nothing}");
}

/// Deletes a row of the facts.
fn forget(dir: &Path, key: &[u8]) {
    let database = Database::open(dir.join("roster.redb")).expect("a store");
    let txn = database.begin_write().expect("a transaction");
    let removed = txn.open_table(Records::Meta.definition()).expect("a table").remove(key).expect("a row").is_some();
    assert!(removed, "{key:?}");
    txn.commit().expect("a commit");
}

#[test]
fn what_the_store_knows_of_itself_is_made_again() {
    let (bytes, model) = small_store();
    let facts =
        [(Format(3).key(), Made::Format), (Stamp::KEY.to_vec(), Made::Id), (Fold::default().key(), Made::Folded)];
    for (key, made) in facts {
        let old = laid(&bytes);
        forget(old.path(), &key);
        let new = old.path().join("repaired");
        let repaired = repair(old.path(), &new, Timestamp(9)).expect("a repair");
        assert!(repaired.made.contains(&made), "{made:?}: {:?}", repaired.made);
        assert!(!repaired.is_whole());
        assert_eq!(everything_repaired(&new, &repaired), model, "{made:?}");
    }
}

#[test]
fn a_connection_whose_influencer_was_lost_gets_one() {
    let (bytes, model) = small_store();
    let lost = *model
        .connections
        .values()
        .map(|one| &one.influencer.0)
        .find(|id| model.influencers.contains_key(*id))
        .expect("one");
    let old = laid(&bytes);
    {
        let database = Database::open(old.path().join("roster.redb")).expect("a store");
        let txn = database.begin_write().expect("a transaction");
        txn.open_table(Records::Influencers.definition()).expect("a table").remove(lost.as_slice()).expect("a row");
        txn.commit().expect("a commit");
    }
    let new = old.path().join("repaired");
    let repaired = repair(old.path(), &new, Timestamp(9)).expect("a repair");
    let of_lost = model.connections.values().filter(|one| one.influencer.0 == lost).count() as u64;
    let made = |made: &Made| matches!(made, Made::Influencer { id, connections, .. } if id.0 == lost && *connections == of_lost);
    assert!(repaired.made.iter().any(made), "{:?}", repaired.made);
    let database = Database::open(new.join("roster.redb")).expect("a store");
    let rows = database.begin_read().expect("a transaction");
    let rows = rows.open_table(Records::Influencers.definition()).expect("a table");
    assert!(rows.get(lost.as_slice()).expect("readable").is_some());
}

#[test]
fn a_repair_overwrites_nothing_and_needs_a_store_to_read() {
    let (bytes, _) = small_store();
    let (old, taken) = (laid(&bytes), laid(&bytes));
    let refused = repair(old.path(), taken.path(), Timestamp(9));
    assert!(matches!(refused, Err(StoreError::NotOurs { .. })), "{refused:?}");
    assert!(matches!(repair(old.path(), old.path(), Timestamp(9)), Err(StoreError::NotOurs { .. })));
    assert_eq!(fs::read(taken.path().join("roster.redb")).expect("the store"), bytes);
    let empty = tempfile::tempdir().expect("a directory");
    let new = empty.path().join("repaired");
    let refused = repair(&empty.path().join("none"), &new, Timestamp(9));
    assert!(matches!(refused, Err(StoreError::NotOurs { .. })), "{refused:?}");
    assert!(!new.exists());
}
