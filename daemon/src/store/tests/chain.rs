//! The chain of the audit log: whatever is done to the lines behind the daemon's back is found.

use std::path::Path;

use proptest::prelude::*;
use redb::{Database, ReadableTable};
use roster_protocol::time::Timestamp;

use super::disk::submit;
use super::sample::*;
use crate::model::{AuditCommit, AuditFault, AuditLine, Commit, DataKey, Sealed};
use crate::store::chain::END;
use crate::store::records::audit::{self, Stored};
use crate::store::tables::Records;
use crate::store::{AuditQuery, OpenOptions, Store, inspect};

fn opened(dir: &Path) -> Store {
    Store::open(OpenOptions::in_dir(dir, Timestamp(5))).expect("it opens").0
}

fn write(store: &Store, lines: Vec<AuditLine>) {
    submit(store, &Commit { audit: AuditCommit { lines }, ..Commit::default() }).wait().expect("stored");
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

fn faults(store: &Store) -> Vec<AuditFault> {
    wait(store.verify_audit()).expect("readable").faults
}

/// Rows of the audit log by number.
type Lines = Vec<(u64, Vec<u8>)>;

/// Changes the rows of the audit log as one who has the file can.
fn behind_its_back(dir: &Path, change: impl FnOnce(&mut Lines)) {
    let database = Database::open(dir.join("roster.redb")).expect("the store");
    let txn = database.begin_write().expect("a transaction");
    {
        let mut table = txn.open_table(Records::Audit.definition()).expect("a table");
        let number = |key: &[u8]| u64::from_be_bytes(key.try_into().expect("a number"));
        let rows = table.iter().expect("rows").map(|row| row.expect("a row"));
        let mut lines: Lines = rows.map(|(key, value)| (number(key.value()), value.value().to_vec())).collect();
        for (number, _) in &lines {
            table.remove(&number.to_be_bytes()[..]).expect("removed");
        }
        change(&mut lines);
        for (number, row) in lines {
            table.insert(&number.to_be_bytes()[..], row.as_slice()).expect("a row");
        }
    }
    txn.commit().expect("committed");
}

/// A row under another number, with another line or the same, and the hash it had: its checksum is right again.
fn forged(row: &[u8], from: u64, to: u64, change: impl FnOnce(&mut AuditLine)) -> Vec<u8> {
    let Ok(Stored { mut line, chained: Some((_, hash)), .. }) = audit::read(&from.to_be_bytes(), row) else {
        panic!("a chained line")
    };
    change(&mut line);
    audit::row(to, &audit::encode(&line).expect("encoded"), &hash)
}

const COUNT: u64 = 12;

#[test]
fn a_chain_goes_on_over_restarts_and_what_retention_deletes() {
    let dir = tempfile::tempdir().expect("a directory");
    for round in 0..3 {
        let store = opened(dir.path());
        write(&store, (0..4).map(|seed| line(round * 4 + seed)).collect());
        assert_eq!(faults(&store), [], "{round}");
    }
    let store = opened(dir.path());
    // Lines are a second apart, or whatever the samples have.
    let before = line(5).at;
    let deleted = wait(store.prune_audit(before)).expect("pruned");
    assert_eq!(deleted, 5);
    let check = wait(store.verify_audit()).expect("readable");
    assert_eq!((check.lines, check.end.map(|end| end.number), check.faults), (7, Some(12), vec![]));
    write(&store, vec![line(99)]);
    assert_eq!(wait(store.prune_audit(Timestamp(i64::MAX))).expect("pruned"), 8);
    write(&store, vec![line(100)]);
    let rows = store.read_now(AuditQuery { since: None, before: None, limit: 9 }).expect("lines").rows;
    assert_eq!(rows, [(14, line(100))], "numbers go on");
    assert_eq!(faults(&store), []);
    drop(store);
    assert!(inspect(dir.path()).expect("readable").is_whole());
}

/// What may be done to the lines.
#[derive(Clone, Copy, Debug)]
enum Forgery {
    Remove,
    Change,
    Swap,
    Insert,
    Truncate,
    Append,
    Plain,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_is_done_to_a_line_is_found_and_its_number_named(
        forgery in prop::sample::select(vec![
            Forgery::Remove, Forgery::Change, Forgery::Swap, Forgery::Insert, Forgery::Truncate, Forgery::Append, Forgery::Plain,
        ]),
        at in 1..COUNT,
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = opened(dir.path());
        write(&store, (0..COUNT as u32).map(line).collect());
        prop_assert_eq!(faults(&store), vec![]);
        drop(store);
        let index = at as usize - 1;
        behind_its_back(dir.path(), |lines| match forgery {
            Forgery::Remove => drop(lines.remove(index)),
            Forgery::Change => {
                lines[index].1 = forged(&lines[index].1, at, at, |line| line.cause = "another".to_owned());
            }
            Forgery::Swap => {
                let (one, other) = (lines[index].1.clone(), lines[index + 1].1.clone());
                lines[index].1 = forged(&other, at + 1, at, |_| {});
                lines[index + 1].1 = forged(&one, at, at + 1, |_| {});
            }
            Forgery::Insert => {
                let later: Lines = lines.drain(index..).collect();
                lines.push((at, forged(&later[0].1, at, at, |line| line.action = "inserted".to_owned())));
                lines.extend(later.into_iter().map(|(number, row)| (number + 1, forged(&row, number, number + 1, |_| {}))));
            }
            Forgery::Truncate => lines.truncate(index),
            Forgery::Append => lines.push((COUNT + 1, forged(&lines[index].1, at, COUNT + 1, |_| {}))),
            Forgery::Plain => lines[index].1 = audit::plain_row(at, &line(77)),
        });
        let expected = match forgery {
            Forgery::Remove => AuditFault::Missing { from: at, to: at },
            Forgery::Truncate => AuditFault::Missing { from: at, to: COUNT },
            Forgery::Append => AuditFault::Changed(COUNT + 1),
            Forgery::Change | Forgery::Swap | Forgery::Insert | Forgery::Plain => AuditFault::Changed(at),
        };
        let found = inspect(dir.path()).expect("readable");
        prop_assert!(!found.is_whole() && found.is_readable());
        prop_assert!(found.chain.contains(&expected.to_string()), "{:?}", found.chain);
        let store = opened(dir.path());
        prop_assert_eq!(faults(&store).iter().map(ToString::to_string).collect::<Vec<_>>(), found.chain);
        // What is written after it changes nothing of that.
        write(&store, vec![line(100)]);
        prop_assert!(faults(&store).contains(&expected));
    }
}

#[test]
fn an_end_that_is_changed_or_deleted_is_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = opened(dir.path());
    write(&store, (0..3).map(line).collect());
    drop(store);
    let database = Database::open(dir.path().join("roster.redb")).expect("the store");
    let txn = database.begin_write().expect("a transaction");
    drop(txn.open_table(Records::Meta.definition()).expect("a table").remove(END).expect("removed"));
    txn.commit().expect("committed");
    drop(database);
    let store = opened(dir.path());
    assert_eq!(faults(&store), [AuditFault::NoEnd]);
    write(&store, vec![line(4)]);
    assert_eq!(faults(&store), [], "it is written again with the next line, which follows from the last");
}

#[test]
fn lines_of_format_4_are_chained_once_and_keep_their_numbers() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(opened(dir.path()));
    behind_its_back(dir.path(), |lines| {
        lines.extend((3..=6).map(|number| (number, audit::plain_row(number, &line(number as u32)))));
        lines[1].1[3] ^= 1;
    });
    let store = opened(dir.path());
    let plain = wait(store.unchained_audit()).expect("lines");
    let actions: Vec<&str> = plain.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["profile.update", "audit.lost", "profile.update", "profile.update"]);
    let key = DataKey { of: influencer_id(1), now: influencer_id(1), sealed: Sealed(vec![1, 2, 3]) };
    let sealed: Vec<AuditLine> = plain
        .into_iter()
        .map(|line| AuditLine { sealed: Some(Sealed(vec![7; 40])), old: None, new: None, ..line })
        .collect();
    wait(store.begin_chain(sealed, vec![key.clone()])).expect("stored");
    assert!(wait(store.unchained_audit()).expect("none").is_empty());
    assert_eq!(faults(&store), []);
    write(&store, vec![line(9)]);
    let rows = store.read_now(AuditQuery { since: None, before: None, limit: 9 }).expect("lines").rows;
    assert_eq!(rows.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [7, 6, 5, 4, 3]);
    assert_eq!(rows[1].1.sealed, Some(Sealed(vec![7; 40])));
    drop(store);
    let (_, loaded) = Store::open(OpenOptions::in_dir(dir.path(), Timestamp(5))).expect("it opens");
    assert_eq!(loaded.data_keys, [key]);
}
