//! Loss of power at any call to the disk, and disks that fail.

use super::disk::{Disk, Fails, Loss, submit};
use super::model::{Model, commit_of, everything_in};
use super::sample::{FIRST_DAY, connection_id, snapshot, times};
use crate::history::retention::{Rule, Rules};
use crate::history::rollup::parts;
use crate::model::Commit;
use crate::store::{Pending, Store, StoreError, StoreState};
use std::sync::Arc;

use roster_protocol::connection::{ReadWith, Snapshot};
use roster_protocol::time::Date;

/// What was committed until the disk failed.
struct Worked {
    /// What was acknowledged before the last round.
    acked: Model,
    acks: u32,
    /// The last round, in order: commits with whether they were acknowledged. Others may be stored or not.
    last: Vec<(Commit, bool)>,
}

impl Worked {
    fn has_failed(&self) -> bool {
        self.last.iter().any(|(_, is_acked)| !is_acked)
    }
}

/// Commits and folds until the disk fails, or `is_enough` of the rounds says so.
fn work(store: &Store, random: &mut fastrand::Rng, is_enough: impl Fn(i32) -> bool) -> Worked {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut worked = Worked { acked: Model::default(), acks: 0, last: Vec::new() };
    for round in (0..).take_while(|round| !is_enough(*round)) {
        let commits: Vec<_> = (0..random.u8(1..5)).map(|_| commit_of(random)).collect();
        let pending: Vec<Pending> = commits.iter().map(|commit| submit(store, commit)).collect();
        let acknowledged = pending.into_iter().map(|pending| pending.wait().is_ok());
        worked.last.drain(..).for_each(|(commit, _)| worked.acked.apply(&commit));
        worked.last = commits.into_iter().zip(acknowledged).collect();
        worked.acks += worked.last.iter().filter(|(_, is_acked)| *is_acked).count() as u32;
        if worked.has_failed() {
            break;
        }
        // A fold changes no results, wherever it is interrupted.
        if random.u8(0..3) == 0 && runtime.block_on(store.fold(Date(FIRST_DAY + 8 * round + random.i32(0..9)))).is_err()
        {
            break;
        }
    }
    worked
}

/// Whether the store has everything that was acknowledged, and each other commit completely or not at all.
fn is_whole(store: &Store, worked: &Worked) -> bool {
    let found = everything_in(store).expect("it can be read");
    let mut possible = vec![worked.acked.clone()];
    for (commit, is_acked) in &worked.last {
        let without = if *is_acked { Vec::new() } else { possible.clone() };
        possible.iter_mut().for_each(|model| model.apply(commit));
        possible.extend(without);
    }
    possible.contains(&found) && store.damaged().rows == 0
}

fn made() -> Vec<u8> {
    let disk = Disk::default();
    drop(disk.open().expect("a new store"));
    disk.bytes()
}

#[test]
fn a_loss_of_power_loses_nothing_that_was_acknowledged() {
    let made = made();
    let (mut seed, mut acks, mut crashes, mut crashes_again) = (0, 0, 0, 0);
    while crashes < times(300, 10_000) {
        seed += 1;
        let mut random = fastrand::Rng::with_seed(seed);
        let disk = Disk::with(made.clone());
        let (store, _) = disk.open().expect("a store");
        disk.fail(Fails::PowerAt(disk.calls() + random.u64(1..300)));
        let worked = work(&store, &mut random, |round| round == 12);
        // A store that survived until here may be cut off while it is being closed.
        drop(store);
        acks += worked.acks;
        crashes += u64::from(disk.has_failed());
        let loss = [Loss::All, Loss::Nothing, Loss::Some, Loss::Torn][seed as usize % 4];
        let after = disk.after_power_loss(loss, &mut random);
        // The power may fail again while the store is opened and repaired, or just after that.
        after.fail(Fails::PowerAt(random.u64(1..150)));
        drop(after.open());
        crashes_again += u64::from(after.has_failed());
        let after = after.after_power_loss(loss, &mut random);
        let (store, _) = after.open().unwrap_or_else(|error| panic!("seed {seed}, {loss:?}: {error}"));
        assert!(is_whole(&store, &worked), "seed {seed}, {loss:?}");
        // The store continues from there, with the rest of a fold.
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(store.fold(Date(FIRST_DAY + 200))).expect("a fold");
        assert!(is_whole(&store, &worked), "seed {seed}, {loss:?}, folded");
    }
    println!(
        "\nfigure: power lost {crashes} times at work, and {crashes_again} times again while opening: \
         {acks} acknowledged, 0 lost, 0 torn, 0 unopenable"
    );
    assert!(u64::from(acks) > 5 * crashes, "{acks} acknowledged: that proves nothing");
    assert!(crashes_again > crashes / 4, "{crashes_again} of {crashes} crashed again: that proves nothing");
}

#[test]
fn a_day_is_never_lost_or_doubled_while_it_becomes_a_part_of_a_week() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // A year of some connections, in chunks, all of which become weeks.
    let histories = || {
        (0..4).map(|which| {
            (connection_id(which), (0..360).map(|day| snapshot(Date(FIRST_DAY + day), 7 + day as u32)).collect())
        })
    };
    let disk = Disk::default();
    let (store, _) = disk.open().expect("a new store");
    runtime.block_on(store.bulk_snapshots(Date(FIRST_DAY + 400), histories().collect())).expect("loaded");
    drop(store);
    let loaded = disk.bytes();
    let rule =
        Rule { daily_from: Date(FIRST_DAY + 400), public_from: None, consent_from: None, unknown: ReadWith::Public };
    let rules = Arc::new((0..4).map(|which| (connection_id(which), rule)).collect::<Rules>());
    let retain = |bytes: &[u8]| {
        let disk = Disk::with(bytes.to_vec());
        let (store, _) = disk.open().expect("a store");
        runtime.block_on(store.retain(Arc::clone(&rules))).expect("retained");
        everything_in(&store).expect("all there is")
    };
    let whole = retain(&loaded);
    assert!(whole.snapshots.is_empty() && whole.weeks.len() > 200);
    let (mut crashes, mut in_between) = (0, 0);
    for seed in 0..times(120, 4_000) {
        let mut random = fastrand::Rng::with_seed(seed);
        let disk = Disk::with(loaded.clone());
        let (store, _) = disk.open().expect("a store");
        disk.fail(Fails::PowerAt(disk.calls() + random.u64(1..120)));
        let _ = runtime.block_on(store.retain(Arc::clone(&rules)));
        drop(store);
        crashes += u64::from(disk.has_failed());
        let loss = [Loss::All, Loss::Nothing, Loss::Some, Loss::Torn][seed as usize % 4];
        let after = disk.after_power_loss(loss, &mut random);
        let (store, _) = after.open().unwrap_or_else(|error| panic!("seed {seed}, {loss:?}: {error}"));
        let found = everything_in(&store).expect("all there is");
        // A snapshot of a day with recorded and measured numbers is in two weeks.
        let left: usize = found.snapshots.values().map(|day| parts(day).len()).sum();
        let rolled: usize = found.weeks.values().map(|week| usize::from(week.count())).sum();
        let all: usize = histories().flat_map(|(_, days): (_, Vec<Snapshot>)| days).map(|day| parts(&day).len()).sum();
        assert_eq!(left + rolled, all, "seed {seed}, {loss:?}");
        in_between += u64::from(rolled > 0 && left > 0);
        runtime.block_on(store.retain(Arc::clone(&rules))).expect("retained");
        assert_eq!(everything_in(&store).expect("all there is"), whole, "seed {seed}, {loss:?}");
        assert_eq!(store.damaged().rows, 0);
    }
    println!("\nfigure: power lost {crashes} times while days became weeks, {in_between} times in between: none lost");
    assert!(crashes > times(120, 4_000) / 3, "{crashes} crashes prove nothing");
}

#[test]
fn an_error_of_the_disk_at_any_call_is_survived() {
    let made = made();
    let mut acks = 0;
    for nth in 1..=times(300, 3_600) {
        let mut random = fastrand::Rng::with_seed(nth);
        let disk = Disk::with(made.clone());
        // Also while it is opened: nth counts from the first call.
        disk.fail(Fails::Once(nth));
        let store = match disk.open() {
            Ok((store, _)) => store,
            Err(StoreError::Io(_)) => disk.open().expect("the disk works again").0,
            Err(error) => panic!("call {nth}: {error}"),
        };
        // Sometimes so few calls are left that the failure happens while the store is closed and opened again.
        let left = random.u64(0..60);
        let worked = work(&store, &mut random, |_| disk.calls() + left >= nth);
        acks += worked.acks;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        // A failed fold may also leave the store being reopened.
        let mut reopened = runtime.block_on(store.reopen());
        while reopened.is_err() || !disk.has_failed() {
            reopened = runtime.block_on(store.reopen());
        }
        assert_eq!(store.state(), StoreState::Working, "call {nth}");
        assert!(is_whole(&store, &worked), "call {nth}");
        submit(&store, &Commit::default()).wait().expect("it writes again");
        drop(store);
        let (store, _) = disk.open().expect("the store");
        assert!(is_whole(&store, &worked), "call {nth}, opened again");
    }
    println!("\nfigure: an I/O error at each of {} calls: {acks} acknowledged, 0 lost", times(300, 3_600));
    assert!(u64::from(acks) > 5 * times(300, 3_600), "{acks} acknowledged: that proves nothing");
}

#[test]
fn a_full_disk_degrades_the_store_until_there_is_room() {
    let made = made();
    let mut acks = 0;
    for seed in 0..times(50, 600) {
        let mut random = fastrand::Rng::with_seed(seed);
        let disk = Disk::with(made.clone());
        let (store, _) = disk.open().expect("a store");
        disk.fail(Fails::From(disk.calls() + random.u64(1..300)));
        let worked = work(&store, &mut random, |_| false);
        acks += worked.acks;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let mut state = store.watch_state();
        let degraded = runtime.block_on(state.wait_for(|state| *state != StoreState::Working)).is_ok();
        assert!(degraded);
        let refused = submit(&store, &Commit::default()).wait();
        assert!(matches!(refused, Err(StoreError::Degraded { .. })), "seed {seed}: {refused:?}");
        disk.fail(Fails::Never);
        // The store reopens anyway: this only spares the test the wait.
        runtime.block_on(store.reopen()).expect("there is room again");
        runtime.block_on(state.wait_for(|state| *state == StoreState::Working)).expect("the store lives");
        assert!(is_whole(&store, &worked), "seed {seed}");
        submit(&store, &Commit::default()).wait().expect("it writes again");
    }
    println!("\nfigure: the disk was full {} times: {acks} acknowledged, 0 lost", times(50, 600));
    assert!(acks > 100, "{acks} acknowledged: that proves nothing");
}
