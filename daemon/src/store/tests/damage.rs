//! Bits that flip, files that are cut off, pages that are lost: nothing wrong is ever returned, and nothing panics.

use roster_protocol::time::{Date, Timestamp};

use super::disk::{Disk, submit};
use super::model::{Model, any_rules, commit_of, everything_in, folded_days};
use super::sample::{FIRST_DAY, influencer, times};
use crate::model::{Commit, RosterCommit};
use crate::store::{Load, OpenOptions, Store, StoreError, StoreState};

pub(super) const PAGE: usize = 4096;

/// A small store with a bit of everything, closed.
pub(super) fn small_store() -> (Vec<u8>, Model) {
    let mut random = fastrand::Rng::with_seed(7);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let disk = Disk::default();
    let (store, _) = disk.open().expect("a new store");
    let mut model = Model::default();
    for day in [60, 0] {
        let mut pending = Vec::new();
        for _ in 0..300 {
            let mut commit = commit_of(&mut random);
            commit.roster.removed_connections.clear();
            commit.sync.forgotten_histories.clear();
            model.apply(&commit);
            pending.push(submit(&store, &commit));
        }
        pending.into_iter().for_each(|pending| pending.wait().expect("a commit"));
        runtime.block_on(store.fold(Date(FIRST_DAY + day))).expect("a fold");
    }
    let rules = std::sync::Arc::new(any_rules(&mut random));
    let folded = folded_days(&store, &model);
    runtime.block_on(store.retain(std::sync::Arc::clone(&rules))).expect("retained");
    model.retain(&rules, |who, day| folded.contains(&(who, day)));
    assert!(model.weeks.len() > 5, "{}", model.weeks.len());
    assert_eq!(everything_in(&store).expect("all there is"), model);
    drop(store);
    (disk.bytes(), model)
}

/// How damaged stores behaved.
#[derive(Debug, Default)]
struct Seen {
    refused: u32,
    named: u32,
    harmless: u32,
    /// Rows are missing and nothing says so.
    missing: u32,
}

/// Opens a damaged store and looks at everything in it.
fn look(bytes: Vec<u8>, model: &Model, seen: &mut Seen, what: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let refused =
        |error: &StoreError| matches!(error, StoreError::Damaged { .. } | StoreError::Io(_) | StoreError::Newer { .. });
    let store = match Disk::with(bytes).open() {
        Ok((store, _)) => store,
        Err(error) => {
            assert!(refused(&error), "{what}: {error:?}");
            seen.refused += 1;
            return;
        }
    };
    let found = everything_in(&store);
    let scrubbed = runtime.block_on(store.scrub());
    match (&found, &scrubbed) {
        (Ok(found), _) => assert_none_wrong(found, model, what),
        (Err(error), _) => assert!(refused(error), "{what}: {error:?}"),
    }
    if found.is_err() || scrubbed.is_err() {
        seen.refused += 1;
    } else if store.damaged().rows > 0 {
        seen.named += 1;
    } else if found.is_ok_and(|found| found == *model) {
        seen.harmless += 1;
    } else {
        eprintln!("missing: {what}");
        seen.missing += 1;
    }
}

/// Everything that is returned is as it was stored; some may be left out.
pub(super) fn assert_none_wrong(found: &Model, model: &Model, what: &str) {
    fn part<K: Ord, V: PartialEq + std::fmt::Debug>(
        found: &std::collections::BTreeMap<K, V>,
        model: &std::collections::BTreeMap<K, V>,
        what: &str,
    ) {
        for (key, value) in found {
            assert_eq!(Some(value), model.get(key), "{what}");
        }
    }
    part(&found.influencers, &model.influencers, what);
    part(&found.connections, &model.connections, what);
    part(&found.snapshots, &model.snapshots, what);
    part(&found.weeks, &model.weeks, what);
    part(&found.runs, &model.runs, what);
    part(&found.alerts, &model.alerts, what);
    part(&found.deliveries, &model.deliveries, what);
    part(&found.holds, &model.holds, what);
    part(&found.budgets, &model.budgets, what);
    part(&found.shown, &model.shown, what);
    part(&found.figures, &model.figures, what);
    assert!(found.audit.iter().all(|line| model.audit.contains(line)), "{what}");
    assert!(found.changes.iter().all(|change| model.changes.contains(change)), "{what}");
}

/// Silences redb's panics on damaged pages, which are known and which the store catches: they would print thousands of
/// lines.
pub(super) fn hush_redb() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|at| at.file().contains("/redb-")) {
            usual(panic);
        }
    }));
}

#[test]
fn nothing_wrong_is_returned_from_a_damaged_file() {
    hush_redb();
    let (bytes, model) = small_store();
    let mut random = fastrand::Rng::with_seed(11);
    // Damage in free space has no effect.
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let any = |random: &mut fastrand::Rng| used[random.usize(0..used.len())];
    let mut flips = Seen::default();
    for trial in 0..times(300, 10_000) {
        let (at, bit) = (any(&mut random), random.u8(0..8));
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        look(flipped, &model, &mut flips, &format!("flip {trial} at {at}, bit {bit}"));
    }
    let mut cuts = Seen::default();
    for trial in 0..times(50, 1_000) {
        let len = random.usize(0..bytes.len());
        look(bytes[..len].to_vec(), &model, &mut cuts, &format!("cut {trial} at {len}"));
    }
    let mut zeroes = Seen::default();
    for trial in 0..times(50, 1_000) {
        let page = any(&mut random) / PAGE;
        let mut zeroed = bytes.clone();
        zeroed[page * PAGE..(page + 1) * PAGE].fill(0);
        look(zeroed, &model, &mut zeroes, &format!("zeroed page {trial}: {page}"));
    }
    println!("\nfigure: nothing wrong returned from flips {flips:?}, cuts {cuts:?}, zeroed pages {zeroes:?}");
    assert!(flips.named > 30 && cuts.refused > 30 && zeroes.refused > 5, "hardly anything was damaged");
}

#[test]
fn a_file_that_decays_while_it_is_open_is_named_and_comes_back() {
    hush_redb();
    let dir = tempfile::tempdir().expect("a directory");
    // Without a cache every read reaches the file.
    let options = OpenOptions { cache_bytes: 0, ..OpenOptions::in_dir(dir.path(), Timestamp(5)) };
    let (store, _) = Store::open(options).expect("a new store");
    let adds = |number| RosterCommit { influencers: vec![influencer(number, 4)], ..RosterCommit::default() };
    (0..100).for_each(|number| submit(&store, &Commit::from(adds(number))).wait().expect("a commit"));
    let whole = store.read_now(Load).expect("readable").influencers;
    let file = dir.path().join("roster.redb");
    let before = std::fs::read(&file).expect("the store");
    let mut decayed = before.clone();
    // The head is still the store's.
    decayed[PAGE..].fill(0);
    std::fs::write(&file, &decayed).expect("decayed");
    let named = |error: StoreError| {
        assert!(matches!(&error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    };
    named(store.read_now(Load).expect_err("nothing can be read"));
    named(submit(&store, &Commit::from(adds(100))).wait().expect_err("nothing can be written"));
    assert!(matches!(store.state(), StoreState::Damaged { .. }), "{:?}", store.state());
    named(submit(&store, &Commit::from(adds(101))).wait().expect_err("it is damaged"));
    assert!(store.damaged().rows > 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    named(runtime.block_on(store.reopen()).expect_err("it is still damaged"));
    std::fs::write(&file, &before).expect("as it was");
    runtime.block_on(store.reopen()).expect("it is whole again");
    assert_eq!(store.state(), StoreState::Working);
    assert_eq!(store.read_now(Load).expect("readable").influencers, whole);
    submit(&store, &Commit::from(adds(102))).wait().expect("it writes again");
}
