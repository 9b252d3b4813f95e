//! A file that is removed or replaced while it is open, and a start where a store has been and none is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use roster_protocol::time::Timestamp;

use super::disk::submit;
use super::sample::influencer;
use crate::model::{Commit, RosterCommit};
use crate::store::{Load, OpenOptions, Store, StoreError, StoreState};

fn options(dir: &Path) -> OpenOptions {
    OpenOptions::in_dir(dir, Timestamp(5))
}

fn adds(number: u8) -> Commit {
    Commit::from(RosterCommit { influencers: vec![influencer(number, 4)], ..RosterCommit::default() })
}

/// A directory with an open store of one influencer, and the path of its file.
fn opened() -> (tempfile::TempDir, Store, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, _) = Store::open(options(dir.path())).expect("a new store");
    submit(&store, &adds(1)).wait().expect("a commit");
    let file = dir.path().join("roster.redb");
    (dir, store, file)
}

fn look(store: &Store) -> Result<(), StoreError> {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(store.check())
}

fn is_refused(store: &Store, how: &str) {
    for refused in [look(store), submit(store, &adds(9)).wait(), store.writable()] {
        let error = refused.expect_err(how);
        assert!(matches!(&error, StoreError::Replaced { how: found, .. } if found.contains(how)), "{how}: {error:?}");
    }
    assert!(matches!(store.state(), StoreState::Replaced { .. }), "{how}");
}

/// What is done to a file, with a copy of it from before its last commit.
type Deed = fn(&Path, &Path) -> std::io::Result<()>;

const DEEDS: [(&str, Deed); 5] = [
    ("was removed", |file, _| fs::remove_file(file)),
    ("was removed", |file, _| fs::remove_dir_all(file.parent().unwrap_or(file))),
    ("was replaced", |file, older| fs::rename(older, file)),
    ("was overwritten", |file, older| fs::copy(older, file).map(drop)),
    ("was overwritten", |file, _| fs::write(file, "")),
];

#[test]
fn no_commit_is_acknowledged_on_a_file_that_is_lost() {
    for (how, deed) in DEEDS {
        for looks_first in [true, false] {
            let (dir, store, file) = opened();
            let older = dir.path().join("older");
            fs::copy(&file, &older).expect("a copy");
            submit(&store, &adds(2)).wait().expect("a commit");
            look(&store).expect("nothing has happened yet");
            deed(&file, &older).expect("done");
            let error = if looks_first { look(&store) } else { submit(&store, &adds(3)).wait() };
            assert!(matches!(error, Err(StoreError::Replaced { .. })), "{how}: {error:?}");
            is_refused(&store, how);
        }
    }
}

#[test]
fn what_was_open_can_still_be_read_and_writes_go_on_when_it_is_back() {
    let (dir, store, file) = opened();
    let away = dir.path().join("away");
    fs::rename(&file, &away).expect("moved");
    is_refused(&store, "was removed");
    assert_eq!(store.read_now(Load).expect("what is open").influencers, [influencer(1, 4)]);
    fs::rename(&away, &file).expect("moved back");
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(store.reopen()).expect("back");
    submit(&store, &adds(2)).wait().expect("a commit");
    drop(store);
    let (_store, loaded) = Store::open(options(dir.path())).expect("the store");
    assert_eq!(loaded.influencers, [influencer(1, 4), influencer(2, 4)]);
}

#[test]
fn a_file_that_was_closed_and_could_not_be_opened_is_known_again() {
    let (_dir, store, file) = opened();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let permit = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("ours");
    permit(0o666);
    let error = runtime.block_on(store.reopen()).expect_err("others may write to it");
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error:?}");
    permit(0o600);
    runtime.block_on(store.reopen()).expect("the same file");
    submit(&store, &adds(2)).wait().expect("a commit");
}

#[test]
fn a_copy_that_was_laid_over_it_is_left_as_it_is() {
    let (dir, store, file) = opened();
    let older = dir.path().join("older");
    fs::copy(&file, &older).expect("a copy");
    submit(&store, &adds(2)).wait().expect("a commit");
    fs::copy(&older, &file).expect("laid over");
    is_refused(&store, "was overwritten");
    drop(store);
    assert!(fs::read(&older).expect("the copy") == fs::read(&file).expect("the store"), "it was written to");
    let (_store, loaded) = Store::open(options(dir.path())).expect("a restored store");
    assert_eq!(loaded.influencers, [influencer(1, 4)]);
}

#[test]
fn no_empty_store_is_begun_where_there_was_one() {
    let (dir, store, file) = opened();
    drop(store);
    fs::remove_file(&file).expect("gone");
    // A key alone is no evidence; the marker is, whatever it contains.
    fs::write(dir.path().join("master.key"), "x").expect("a key");
    for marker in [None, Some("")] {
        if let Some(text) = marker {
            fs::write(dir.path().join("roster.id"), text).expect("written");
        }
        let gone = |error: &StoreError| matches!(error, StoreError::Gone { .. });
        assert!(Store::keys_needed(dir.path(), false).is_err_and(|error| gone(&error)), "{marker:?}");
        assert!(Store::open(options(dir.path())).is_err_and(|error| gone(&error)), "{marker:?}");
        assert!(!file.exists(), "{marker:?}");
    }
    assert_eq!(Store::keys_needed(dir.path(), true).expect("a new one is wanted"), crate::store::Needs::default());
    let new = OpenOptions { new_store: true, ..options(dir.path()) };
    let (store, loaded) = Store::open(new.clone()).expect("a new store");
    assert!(loaded.influencers.is_empty());
    submit(&store, &adds(1)).wait().expect("a commit");
    drop(store);
    // The option empties no store that is there.
    assert_eq!(Store::open(new).expect("the same store").1.influencers, [influencer(1, 4)]);
}

#[test]
fn an_older_store_gets_its_marker_when_it_is_opened() {
    let (dir, store, _) = opened();
    drop(store);
    let marker = dir.path().join("roster.id");
    let text = fs::read_to_string(&marker).expect("a marker");
    assert!(text.len() == 33 && text.trim().bytes().all(|byte| byte.is_ascii_hexdigit()), "{text:?}");
    fs::remove_file(&marker).expect("gone");
    drop(Store::open(options(dir.path())).expect("the store"));
    assert_eq!(fs::read_to_string(&marker).expect("again"), text);
}
