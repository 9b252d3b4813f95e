use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::ReadableTableMetadata;
use roster_protocol::alert::ChangeCause;
use roster_protocol::ids::AlertId;
use roster_protocol::metric::Metric;
use roster_protocol::time::{Date, Seconds, Timestamp};

use super::disk::{Disk, submit};
use super::sample::*;
use crate::model::{AlertsSince, Change, Commit, Deletion, RosterCommit, Run, Settings, SyncCommit};
use crate::model::{Edited, Pausable, ReadMarks, UndoLog, Undoable, UndoableChange, Was};
use crate::store::damage::DamageLog;
use crate::store::origin::Origin;
use crate::store::records::{Format, Record, Stamp};
use crate::store::shared::Shared;
use crate::store::tables::{CHUNKS, FORMAT, Records, chunk_key, month_of};
use crate::store::{
    ChangesQuery, Encoded, HistoryQuery, Load, MetricHistory, OpenOptions, Pending, RunDays, RunsInOrder, RunsQuery,
    SnapshotCount, SnapshotOn, Store, StoreError, StoreState,
};

fn open(dir: &std::path::Path) -> Result<(Store, crate::model::Loaded), StoreError> {
    Store::open(OpenOptions::in_dir(dir, Timestamp(5)))
}

/// One change of each kind.
fn undo_log() -> UndoLog {
    let (someone, account) = (influencer(1, 4).id, connection(1, 5).id);
    let was = |before: &str, after: &str| Some(Was { before: before.to_owned(), after: after.to_owned() });
    let edited = Edited {
        influencer: someone,
        name: was("Mara", "Mia"),
        note: Some(Was { before: None, after: Some("likes tea".to_owned()) }),
        main: Some(Was { before: Some(account), after: None }),
        tagged: vec!["new".to_owned()],
        untagged: vec!["old".to_owned()],
    };
    let interval = Was { before: None, after: Some(Seconds(3600)) };
    let paused = |target| UndoableChange::Paused { target, paused: true };
    let changes = [
        UndoableChange::Edited(Box::new(edited)),
        UndoableChange::Interval { connection: account, interval },
        paused(Pausable::All),
        paused(Pausable::Platform("youtube".to_owned())),
        paused(Pausable::Influencer(someone)),
        paused(Pausable::Connection(account)),
        UndoableChange::Acknowledged(vec![AlertId::from_bytes([3; 5])]),
    ];
    let changes = changes.into_iter().map(|change| Undoable { at: Timestamp(9), change });
    UndoLog { uid: 1000, changes: changes.collect() }
}

#[test]
fn a_store_is_made_private_and_keeps_what_it_is_given() {
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().join("deep/state");
    let (store, loaded) = open(&state).expect("a new store");
    assert!(loaded.influencers.is_empty() && loaded.connections.is_empty());
    assert_eq!(loaded.alerts_since, None);
    let settings = Settings { paused: true, paused_platforms: vec!["youtube".to_owned()] };
    let mut commit = Commit::from(RosterCommit {
        influencers: vec![influencer(1, 4)],
        connections: vec![connection(1, 5)],
        settings: Some(settings.clone()),
        ..RosterCommit::default()
    });
    commit.alerting.desktop_shown = Some((1000, 7));
    let marks = ReadMarks { uid: 1000, up_to: 5, at: Timestamp(3), read: BTreeMap::from([(7, Timestamp(4))]) };
    commit.alerting.read_marks = Some(marks.clone());
    let log = undo_log();
    commit.roster.undo = vec![log.clone()];
    commit.alerting.since = Some(AlertsSince(Timestamp(6)));
    submit(&store, &commit).wait().expect("a commit");
    drop(store);
    let mode = |name: &str| fs::metadata(state.join(name)).expect("a file").permissions().mode() & 0o7777;
    assert_eq!((mode(""), mode("roster.redb"), mode("roster.lock")), (0o700, 0o600, 0o600));
    let (_store, loaded) = open(&state).expect("the same store");
    assert_eq!(loaded.influencers, [influencer(1, 4)]);
    assert_eq!(loaded.connections, [connection(1, 5)]);
    assert_eq!((loaded.settings, loaded.desktop_shown), (settings, vec![(1000, 7)]));
    assert_eq!((loaded.read_marks, loaded.undo), (vec![marks], vec![log]));
    assert_eq!(loaded.alerts_since, Some(AlertsSince(Timestamp(6))));
}

#[test]
fn a_second_daemon_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let (first, _) = open(dir.path()).expect("a new store");
    assert!(matches!(open(dir.path()), Err(StoreError::InUse { .. })));
    // Not even when the file was moved and the lock deleted.
    fs::remove_file(dir.path().join("roster.lock")).expect("a lock file");
    assert!(matches!(open(dir.path()), Err(StoreError::InUse { .. })));
    drop(first);
    open(dir.path()).expect("a free store");
}

#[test]
fn what_a_killed_creation_left_is_no_obstacle() {
    let dir = tempfile::tempdir().expect("a directory");
    for len in [0, 1, 4096, 1 << 20] {
        fs::write(dir.path().join("roster.redb.new"), vec![7; len]).expect("a leftover");
        drop(open(dir.path()).expect("a new store"));
        assert!(!dir.path().join("roster.redb.new").exists());
        fs::remove_file(dir.path().join("roster.redb")).expect("a store");
        fs::remove_file(dir.path().join("roster.id")).expect("its marker");
    }
}

#[test]
fn what_others_could_have_made_is_not_trusted() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("roster.redb");
    let not_ours = || matches!(open(dir.path()), Err(StoreError::NotOurs { .. }));
    symlink("/dev/null", &file).expect("a link");
    assert!(not_ours());
    fs::remove_file(&file).expect("a link");
    symlink("nowhere", &file).expect("a link");
    assert!(not_ours());
    fs::remove_file(&file).expect("a link");
    fs::create_dir(&file).expect("a directory");
    assert!(open(dir.path()).is_err());
    fs::remove_dir(&file).expect("a directory");

    drop(open(dir.path()).expect("a new store"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).expect("a file of ours");
    assert!(not_ours());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file of ours");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("a directory of ours");
    assert!(not_ours());
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("a directory of ours");
    drop(open(dir.path()).expect("a store"));

    for bytes in [&b""[..], b"redb", b"SQLite format 3\0 and more"] {
        fs::write(&file, bytes).expect("a file of ours");
        assert!(matches!(open(dir.path()), Err(StoreError::Damaged { .. })));
        assert_eq!(fs::read(&file).expect("a file"), bytes);
    }
}

#[test]
fn a_newer_format_is_refused_without_touching_a_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()).expect("a new store"));
    let stamp = Stamp { id: [0; 16], created_at: Timestamp(0) };
    let origin = Origin::in_dir(dir.path(), 1 << 20, stamp, false).expect("the store's file");
    let database = origin.open().expect("the store");
    let shared = Shared::new(origin, database, DamageLog::default());
    let newer = Format(FORMAT + 1);
    let write = |txn: &redb::WriteTransaction| {
        let key = newer.key();
        txn.open_table(Records::Meta.definition())?.insert(key.as_slice(), newer.value(&key)?.as_slice())?;
        Ok(())
    };
    shared.write(write).expect("a write");
    let file = dir.path().join("roster.redb");
    // The file after a kill, and the file after a clean end.
    let killed = fs::read(&file).expect("the file");
    drop(shared);
    let closed = fs::read(&file).expect("the file");
    for bytes in [killed, closed] {
        fs::write(&file, &bytes).expect("the file");
        assert!(matches!(open(dir.path()), Err(StoreError::Newer { found, known: FORMAT }) if found == FORMAT + 1));
        assert!(fs::read(&file).expect("the file") == bytes);
    }
}

#[test]
fn what_cannot_be_stored_harms_no_other_commit() {
    let (store, _) = Disk::default().open().expect("a new store");
    let commit =
        |which: u8| Commit::from(RosterCommit { influencers: vec![influencer(which, 1)], ..RosterCommit::default() });
    let mut large = commit(2);
    large.roster.influencers[0].note = Some("x".repeat(2 << 20));
    let mut far = commit(3);
    far.sync.snapshots.push((connection_id(1), snapshot(Date(i32::MAX), 1)));
    let encoded = [commit(1), large, far, commit(4)].map(|commit| Encoded::of(&commit));
    let pending = encoded.map(|encoded| encoded.map(|encoded| store.submit(encoded)));
    let results = pending.map(|pending| pending.and_then(Pending::wait));
    assert!(matches!(results, [Ok(()), Err(StoreError::Invalid { .. }), Err(StoreError::Invalid { .. }), Ok(())]));
    assert_eq!(store.state(), StoreState::Working);
    let influencers = store.read_now(Load).expect("a read").influencers;
    assert_eq!(influencers, [influencer(1, 1), influencer(4, 1)]);
}

#[test]
fn lists_come_newest_first_page_by_page() {
    let (store, _) = Disk::default().open().expect("a new store");
    let runs: Vec<_> = (0..10).map(|seed| run((seed % 2) as u8, seed)).collect();
    submit(&store, &Commit::from(SyncCommit { runs: runs.clone(), ..SyncCommit::default() })).wait().expect("a commit");
    let read = |before| {
        let page = RunsQuery { since: at(3), before, limit: 3, ..all_runs() };
        store.read_now(page).expect("a page")
    };
    let mut found = Vec::new();
    let mut page = read(None);
    loop {
        found.extend(page.rows);
        let Some(mark) = page.next else { break };
        page = read(Some(mark));
    }
    let expected: Vec<_> = runs[2..].iter().rev().cloned().collect();
    assert_eq!(found, expected);
    let of = Some(HashSet::from([connection_id(1)]));
    let of_one = store.read_now(RunsQuery { of, ..all_runs() }).expect("a page");
    assert!(of_one.next.is_none());
    assert_eq!(of_one.rows.len(), 5);
    let (mut oldest_first, mut after) = (Vec::new(), None);
    loop {
        let page = store.read_now(RunsInOrder { since: at(3), after, limit: 3 }).expect("a page");
        assert!(page.rows.len() <= 3);
        oldest_first.extend(page.rows);
        let Some(mark) = page.next else { break };
        after = Some(mark);
    }
    assert_eq!(oldest_first, runs[2..]);
}

#[tokio::test]
async fn a_column_alone_says_what_the_whole_says() {
    let (store, _) = Disk::default().open().expect("a new store");
    let of = connection(1, 1);
    let snapshots: Vec<_> = (0..100).map(|day| snapshot(Date(FIRST_DAY + day), 31 * day as u32)).collect();
    let today = Date(FIRST_DAY + 99);
    store.bulk_snapshots(today, vec![(of.id, snapshots.clone())]).await.expect("a bulk load");
    assert_eq!(store.read_now(HistoryQuery::of(&of)).expect("a history"), snapshots);
    for metric in Metric::ALL {
        let expected: Vec<_> = snapshots.iter().filter_map(|s| Some((s.date, metric.of(&s.numbers)?))).collect();
        let found = store.read_now(MetricHistory { of: HistoryQuery::of(&of), metric }).expect("a column");
        assert_eq!(found, expected, "{metric}");
    }
    let (since, until) = (Some(Date(FIRST_DAY + 40)), Some(Date(FIRST_DAY + 97)));
    assert_eq!(
        store.read_now(HistoryQuery { since, until, ..HistoryQuery::of(&of) }).expect("a part"),
        snapshots[40..=97]
    );
    assert_eq!(store.read_now(SnapshotCount).expect("a count"), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reopening_disturbs_no_reads_or_writes() {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, _) = open(dir.path()).expect("a new store");
    let is_over = Arc::new(AtomicBool::new(false));
    let writes = {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut acked = 0;
            while !is_over.load(Ordering::Relaxed) {
                let commit = Commit::from(SyncCommit { runs: vec![run(1, acked)], ..SyncCommit::default() });
                store.commit(commit).await.expect("a commit");
                acked += 1;
            }
            acked
        })
    };
    let reads = {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut reads = 0;
            while !is_over.load(Ordering::Relaxed) {
                store.read(RunsQuery { limit: 10, ..all_runs() }).await.expect("a read");
                reads += 1;
            }
            reads
        })
    };
    for _ in 0..20 {
        store.reopen().await.expect("it opens again");
    }
    is_over.store(true, Ordering::Relaxed);
    let (acked, reads) = (writes.await.expect("writes"), reads.await.expect("reads"));
    assert!(acked > 0 && reads > 0);
    let stored = store.read_now(RunsInOrder { since: at(0), after: None, limit: usize::MAX }).expect("all runs");
    assert_eq!(stored.rows.len() as u32, acked);
}

#[test]
fn changes_of_one_millisecond_are_all_kept_in_their_order() {
    let (store, _) = Disk::default().open().expect("a new store");
    let step = |from: f64| Change { from: Some(from), to: Some(from + 1.0), ..change(1, 1) };
    let commit = |changes| submit(&store, &Commit::from(SyncCommit { changes, ..SyncCommit::default() }));
    // In one commit, in the same group, and later.
    let (one, other) = (commit(vec![step(1.0), step(2.0)]), commit(vec![step(3.0), change(2, 1)]));
    [one, other].into_iter().for_each(|pending| pending.wait().expect("stored"));
    commit(vec![step(4.0)]).wait().expect("stored");
    let mut rows = store.read_now(all_changes()).expect("readable").rows;
    rows.retain(|row| row.connection == connection_id(1));
    assert_eq!(rows.iter().rev().map(|row| row.from).collect::<Vec<_>>(), [1.0, 2.0, 3.0, 4.0].map(Some));
    // Page by page, too.
    let mut query = ChangesQuery { limit: 1, ..all_changes() };
    let mut seen = 0;
    loop {
        let page = store.read_now(query.clone()).expect("readable");
        seen += page.rows.len();
        match page.next {
            Some(mark) => query.before = Some(mark),
            None => break,
        }
    }
    assert_eq!(seen, 5);
    assert_eq!(store.damaged().rows, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let scrubbed = runtime.block_on(store.scrub()).expect("readable");
    assert_eq!((scrubbed.damaged, runtime.block_on(store.prune(at(0), at(2), days())).expect("pruned")), (0, 5));
}

/// Days of UTC.
fn days() -> crate::history::run_sums::DayOf {
    Arc::new(|at| Date((at.0 / 86_400_000) as i32))
}

#[tokio::test]
async fn runs_that_are_deleted_leave_their_days_sums() {
    let (store, _) = Disk::default().open().expect("a new store");
    // 5,000 a transaction: the sums of a day come from several.
    let runs: Vec<_> =
        (0..12_000).map(|seed| Run { is_retry: false, missed: 0, ..run((seed % 3) as u8, seed) }).collect();
    store.commit(Commit::from(SyncCommit { runs, ..SyncCommit::default() })).await.expect("a commit");
    for end in [3_000, 11_001] {
        store.prune(at(end), at(0), days()).await.expect("pruned");
    }
    let sums = store.read(RunDays(Date(0)..=Date(99_999))).await.expect("sums");
    let expected = sums.iter().map(|sum| sum.ended.expected).sum::<u64>();
    assert_eq!((expected, sums.iter().map(|sum| sum.ended.ok).sum::<u64>()), (11_000, 2_750));
    assert!(sums.iter().all(|sum| sum.platform == "youtube") && sums.windows(2).all(|two| two[0].day < two[1].day));
    let last = sums.last().expect("a day").day;
    assert_eq!(store.read(RunDays(last..=last)).await.expect("one").len(), 1);
    assert_eq!(store.read(all_runs()).await.expect("the others").rows.len(), 1_000);
    assert_eq!(store.scrub().await.expect("a scrub").damaged, 0);
}

#[tokio::test]
async fn old_measured_numbers_go_and_runs_and_recorded_changes_stay() {
    let (store, _) = Disk::default().open().expect("a new store");
    let runs: Vec<_> = (0..300).map(|seed| run((seed % 3) as u8, seed)).collect();
    let changes: Vec<_> = (0..300).map(|seed| change((seed % 2) as u8, seed)).collect();
    store.commit(Commit::from(SyncCommit { runs, changes, ..SyncCommit::default() })).await.expect("a commit");
    let numbers = async |of: u8| {
        let of = Some(HashSet::from([connection_id(of)]));
        let runs = store.read(RunsQuery { of: of.clone(), ..all_runs() }).await.expect("runs").rows;
        let changes = store.read(ChangesQuery { of, ..all_changes() }).await.expect("changes").rows;
        let is_old = |at: Timestamp| at < super::sample::at(200);
        let old = |run: &&Run| run.followers.is_some() && is_old(run.started_at);
        let measured = |change: &&Change| change.cause == ChangeCause::Sync && is_old(change.at);
        (runs.len(), runs.iter().filter(old).count(), changes.iter().filter(measured).count(), changes.len())
    };
    let (before, other) = (numbers(1).await, numbers(0).await);
    assert!(before.1 > 5 && before.2 > 5, "{before:?}");
    let gone = store.forget_measured(HashMap::from([(connection_id(1), at(200))])).await.expect("forgotten");
    assert_eq!(gone as usize, before.1 + before.2);
    assert_eq!(numbers(1).await, (before.0, 0, 0, before.3 - before.2));
    assert_eq!(numbers(0).await, other);
    assert_eq!(store.forget_measured(HashMap::from([(connection_id(1), at(200))])).await.expect("again"), 0);
    assert_eq!(store.forget_measured(HashMap::new()).await.expect("nothing"), 0);
    assert_eq!(store.scrub().await.expect("a scrub").damaged, 0);
}

#[tokio::test]
async fn old_rows_and_those_of_removed_connections_are_deleted() {
    let (store, _) = Disk::default().open().expect("a new store");
    let runs: Vec<_> = (0..6_000).map(|seed| run((seed % 3) as u8, seed)).collect();
    let changes: Vec<_> = (0..30).map(|seed| change((seed % 3) as u8, seed)).collect();
    let commit = Commit::from(SyncCommit { runs, changes, ..SyncCommit::default() });
    store.commit(commit).await.expect("a commit");
    assert_eq!(store.prune(at(5_501), at(10), days()).await.expect("pruned"), 5_500 + 10);
    store
        .commit(Commit::from(RosterCommit { removed_connections: vec![connection(1, 1)], ..RosterCommit::default() }))
        .await
        .expect("a commit");
    let of_one = async || {
        let of = Some(HashSet::from([connection_id(1)]));
        let runs = store.read(RunsQuery { of: of.clone(), ..all_runs() }).await.expect("a read");
        let changes = store.read(ChangesQuery { of, ..all_changes() }).await.expect("a read");
        (runs.rows.len(), changes.rows.len())
    };
    let (runs, changes) = of_one().await;
    assert!(runs > 100 && changes > 3);
    assert_eq!(store.sweep().await.expect("swept"), (runs + changes) as u64);
    assert_eq!(of_one().await, (0, 0));
    assert_eq!(store.sweep().await.expect("nothing to sweep"), 0);
    let left = store.read(all_runs()).await.expect("a read");
    assert_eq!(left.rows.len(), 500 - runs);
}

#[tokio::test]
async fn a_damaged_month_is_kept_aside_when_it_is_written_again() {
    let (store, _) = Disk::default().open().expect("a new store");
    let of = connection(1, 1);
    let day = |day: i32| snapshot(Date(FIRST_DAY + day), 5);
    let today = Date(FIRST_DAY + 200);
    let days = (0..60).map(day).collect();
    store.bulk_snapshots(today, vec![(of.id, days)]).await.expect("a bulk load");
    let damaged = store.alone(move |txn, _| {
        let key = chunk_key(month_of(Date(FIRST_DAY)).0, of.id);
        txn.open_table(CHUNKS)?.insert(&key, &b"nonsense"[..])?;
        Ok(())
    });
    damaged.await.expect("a write");
    let of = connection(1, 1);
    let left = store.read_now(HistoryQuery::of(&of)).expect("a history");
    assert!(left.len() < 60 && left.iter().all(|snapshot| *snapshot == day(snapshot.date.0 - FIRST_DAY)));
    assert_eq!(store.damaged().rows, 1);
    assert_eq!(store.damaged().named[0].table, "snapshots.chunks");
    assert_eq!(store.scrub().await.expect("a scrub").damaged, 1);
    store
        .commit(Commit::from(SyncCommit { snapshots: vec![(of.id, day(0))], ..SyncCommit::default() }))
        .await
        .expect("a commit");
    assert_eq!(store.read_now(SnapshotOn { connection: of.id, date: Date(FIRST_DAY) }).expect("a read"), Some(day(0)));
    assert_eq!(store.scrub().await.expect("a scrub").damaged, 0);
    let aside = store.alone(|txn, _| Ok(txn.open_table(Records::Quarantine.definition())?.len()?));
    assert_eq!(aside.await.expect("a count"), 1);
}

#[tokio::test]
async fn a_clock_that_was_far_ahead_does_no_lasting_harm() {
    let (store, _) = Disk::default().open().expect("a new store");
    let days = |from: i32| (from..from + 8).map(|day| (connection_id(1), snapshot(Date(FIRST_DAY + day), 1))).collect();
    store.commit(Commit::from(SyncCommit { snapshots: days(0), ..SyncCommit::default() })).await.expect("a commit");
    store.fold(Date(FIRST_DAY + 90_000)).await.expect("a fold");
    store.commit(Commit::from(SyncCommit { snapshots: days(8), ..SyncCommit::default() })).await.expect("a commit");
    let logs = store.handle.shared.read(|reader| Ok(reader.logs()?.len())).expect("a read");
    assert!(logs >= 2, "new snapshots go to the log again");
    assert_eq!(store.read_now(HistoryQuery::of(&connection(1, 1))).expect("a history").len(), 16);
}

#[tokio::test]
async fn tables_that_came_later_are_empty_in_a_store_that_has_none() {
    const LATER: [Records; 4] = [Records::Receipts, Records::Deletions, Records::Leases, Records::Budgets];
    let dir = tempfile::tempdir().expect("a directory");
    drop(open(dir.path()).expect("a new store"));
    let database = redb::Database::open(dir.path().join("roster.redb")).expect("the store");
    for table in LATER {
        let txn = database.begin_write().expect("a transaction");
        assert!(txn.delete_table(table.definition()).expect("deleted"));
        txn.commit().expect("committed");
    }
    drop(database);

    let (store, loaded) = open(dir.path()).expect("an older store");
    assert!(loaded.receipts.is_empty() && loaded.deletions.is_empty() && loaded.leases.is_empty());
    assert!(loaded.budgets.is_empty());
    assert_eq!(store.scrub().await.expect("read").damaged, 0);
    let deletion = Deletion { code: "code1".into(), platform: "instagram".into(), at: at(1), accounts: 1 };
    let mut commit = Commit::default();
    commit.webhooks.deletions.push(deletion.clone());
    store.commit(commit).await.expect("stored");
    drop(store);
    let (_, loaded) = open(dir.path()).expect("the store");
    assert_eq!(loaded.deletions, [deletion]);
}
