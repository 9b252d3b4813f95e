use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable};

use super::*;
use crate::store::records::{self, Format, Record};
use crate::store::tables::Records;

const NOTES: Table<'static> = TableDefinition::new("notes");

fn database() -> Database {
    Builder::new().create_with_backend(InMemoryBackend::new()).expect("a database")
}

/// Adds a row, which must not be there yet.
fn note(txn: &WriteTransaction, row: &[u8]) -> Result<(), StoreError> {
    let before = txn.open_table(NOTES)?.insert(row, [].as_slice())?.is_some();
    assert!(!before, "no step is made twice");
    Ok(())
}

const TO_2: Step = Step { to: 2, change: |txn, _| note(txn, b"two") };
const TO_3: Step = Step { to: 3, change: |txn, _| note(txn, b"three") };
const FAILING: Step = Step {
    to: 3,
    change: |txn, _| {
        note(txn, b"three")?;
        Err(StoreError::Closed)
    },
};

/// The format that the store names, and what the steps have noted.
fn found(database: &Database) -> (u32, Vec<Vec<u8>>) {
    let txn = database.begin_read().expect("a transaction");
    let key = Format(0).key();
    let meta = txn.open_table(Records::Meta.definition()).expect("a table");
    let value = meta.get(key.as_slice()).expect("readable").expect("a format");
    let Format(format) = records::read(Records::Meta, &key, value.value()).expect("whole");
    let notes = txn.open_table(NOTES).expect("a table");
    (format, notes.iter().expect("rows").map(|row| row.expect("a row").0.value().to_vec()).collect())
}

#[test]
fn every_step_after_the_format_found_is_made_once_and_stamps_its_own_number() {
    let damage = DamageLog::default();
    let database = database();
    run(&[TO_2], &database, 1, &damage).expect("migrated");
    assert_eq!(found(&database), (2, vec![b"two".to_vec()]), "not a later step's number");
    run(&[TO_2, TO_3], &database, 2, &damage).expect("migrated");
    assert_eq!(found(&database), (3, vec![b"three".to_vec(), b"two".to_vec()]));
    run(&[TO_2, TO_3], &database, 3, &damage).expect("nothing to do");
}

#[test]
fn a_step_that_fails_leaves_the_store_as_the_one_before_left_it() {
    let damage = DamageLog::default();
    let database = database();
    assert!(run(&[TO_2, FAILING], &database, 1, &damage).is_err());
    assert_eq!(found(&database), (2, vec![b"two".to_vec()]));
    run(&[TO_2, TO_3], &database, 2, &damage).expect("migrated");
    assert_eq!(found(&database), (3, vec![b"three".to_vec(), b"two".to_vec()]));
}
