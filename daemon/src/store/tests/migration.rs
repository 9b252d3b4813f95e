use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use redb::{Database, ReadableDatabase, ReadableTable, TableHandle};
use roster_protocol::alert::AlertState;
use roster_protocol::connection::Snapshot;
use roster_protocol::time::{Date, Timestamp};

use super::disk::submit;
use super::sample::*;
use crate::model::{Commit, DeliveryState, RosterCommit, SyncCommit};
use crate::secret::keyring::Keyring;
use crate::secret::vault::{Field, MasterKey, SealingContext, Vault};
use crate::store::migrations::to_2::{OLD_LOG_PREFIX, OLD_ROW_TAG};
use crate::store::records::{Format, Record, SnapshotRecord};
use crate::store::tables::{Records, epoch_of, log_definition, log_epoch, log_key};
use crate::store::{
    AlertsQuery, DeliveriesNamed, DeliveriesOf, HistoryQuery, OpenOptions, SnapshotCount, Store, envelope,
};

const DAYS: i32 = 6;
const ACCOUNTS: u8 = 90;

/// A store as format 1 wrote it: a row for each snapshot of the newest days, and no tables for consents.
fn store_of_format_1(dir: &Path) {
    let (store, _) = Store::open(OpenOptions::in_dir(dir, Timestamp(5))).expect("a new store");
    let connections = (1..=ACCOUNTS).map(whole).collect();
    submit(&store, &Commit::from(RosterCommit { connections, ..RosterCommit::default() })).wait().expect("stored");
    drop(store);
    let rows = (0..DAYS).flat_map(|day| (1..=ACCOUNTS).map(move |which| (day, which)));
    back_to_format_1(dir, rows.map(|(day, which)| (which, snapshot(Date(FIRST_DAY + day), u32::from(which)))));
    let database = Database::open(dir.join("roster.redb")).expect("the store");
    let txn = database.begin_write().expect("a transaction");
    {
        let (date, key) = (Date(FIRST_DAY + 2), log_key(Date(FIRST_DAY + 2), connection_id(7)));
        let name = format!("{OLD_LOG_PREFIX}{}", epoch_of(date));
        let mut table = txn.open_table(log_definition(&name)).expect("a table");
        let mut value = table.get(&key).expect("readable").expect("a row").value().to_vec();
        value[5] ^= 1;
        table.insert(&key, value.as_slice()).expect("a row");
    }
    txn.commit().expect("committed");
}

/// Turns a store with an empty log into one of format 1, with these rows in its log.
fn back_to_format_1(dir: &Path, rows: impl Iterator<Item = (u8, Snapshot)>) {
    let database = Database::open(dir.join("roster.redb")).expect("the store");
    let txn = database.begin_write().expect("a transaction");
    {
        for table in txn.list_tables().expect("tables").collect::<Vec<_>>() {
            assert!(log_epoch(table.name()).is_none(), "nothing is in the log yet");
        }
        for (which, snapshot) in rows {
            let name = format!("{OLD_LOG_PREFIX}{}", epoch_of(snapshot.date));
            let key = log_key(snapshot.date, connection_id(which));
            let payload = SnapshotRecord::encoded(&snapshot).expect("encoded");
            let mut table = txn.open_table(log_definition(&name)).expect("a table");
            table.insert(&key, envelope::encode(OLD_ROW_TAG, &key, 1, &payload).as_slice()).expect("a row");
        }
        let key = Format(1).key();
        let mut meta = txn.open_table(Records::Meta.definition()).expect("a table");
        meta.insert(key.as_slice(), Format(1).value(&key).expect("encoded").as_slice()).expect("a row");
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

/// Opens a store that had format 1, and checks everything in it.
fn all_is_there(dir: &Path) {
    let (store, _) = Store::open(OpenOptions::in_dir(dir, Timestamp(9))).expect("it opens");
    let snapshots = store.read_now(SnapshotCount).expect("a number");
    assert_eq!(snapshots, u64::from(ACCOUNTS) * DAYS as u64 - 1, "all but the damaged one");
    for which in 1..=ACCOUNTS {
        let history = store.read_now(HistoryQuery::of(&whole(which))).expect("a history");
        let expected: Vec<_> = (0..DAYS)
            .filter(|day| (which, *day) != (7, 2))
            .map(|day| snapshot(Date(FIRST_DAY + day), u32::from(which)))
            .collect();
        assert_eq!(history, expected, "{which}");
    }
    drop(store);
    assert!(!dir.join("roster.redb.copy.new").exists(), "nothing half-made is left");
}

#[test]
fn a_store_of_format_1_is_copied_and_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    store_of_format_1(dir.path());
    let before = fs::read(dir.path().join("roster.redb")).expect("the file");
    for _ in 0..2 {
        all_is_there(dir.path());
        let copy = fs::read(dir.path().join("roster.redb.format-1")).expect("a copy");
        assert!(copy == before, "the copy is what was there");
    }
    let database = Database::open(dir.path().join("roster.redb")).expect("the store");
    let tables = database.begin_read().expect("a transaction");
    let old = tables.list_tables().expect("tables").filter(|table| table.name().starts_with(OLD_LOG_PREFIX));
    assert_eq!(old.count(), 0, "what the old format left is dropped");
}

#[tokio::test]
async fn what_a_fold_of_format_1_had_begun_with_is_kept_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = || OpenOptions::in_dir(dir.path(), Timestamp(5));
    let (today, days) = (Date(FIRST_DAY + 60), || (0..4).map(|day| Date(FIRST_DAY + day)));
    let (store, _) = Store::open(options()).expect("a new store");
    let snapshots = days().map(|day| (connection_id(1), snapshot(day, 500))).collect();
    store.commit(Commit::from(SyncCommit { snapshots, ..SyncCommit::default() })).await.expect("stored");
    store.fold(today).await.expect("folded");
    drop(store);
    // The first account is in its chunk, with a newer number than in the log; the second is not.
    let rows = days().flat_map(|day| [1, 2].map(|which| (which, snapshot(day, u32::from(which)))));
    back_to_format_1(dir.path(), rows);
    let (store, _) = Store::open(options()).expect("it opens");
    for is_folded in [false, true] {
        if is_folded {
            store.fold(today).await.expect("folded");
        }
        for (which, seed) in [(1, 500), (2, 2)] {
            let history = store.read_now(HistoryQuery::of(&whole(which))).expect("a history");
            assert_eq!(history, days().map(|day| snapshot(day, seed)).collect::<Vec<_>>(), "{which}, {is_folded}");
        }
        assert_eq!(store.read_now(SnapshotCount).expect("a number"), 8, "{is_folded}");
    }
    assert_eq!(store.damaged().rows, 0);
}

/// Copies the store of format 2 from `tests/upgrade/` into a directory.
fn store_of_format_2(dir: &Path) -> Vec<u8> {
    let packed = include_bytes!("../../../../tests/upgrade/format-2.redb.gz");
    let mut bytes = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(&packed[..]), &mut bytes).expect("a packed store");
    fs::write(dir.join("roster.redb"), &bytes).expect("a store");
    fs::set_permissions(dir.join("roster.redb"), fs::Permissions::from_mode(0o600)).expect("ours");
    bytes
}

#[test]
fn a_store_of_format_2_keeps_alerts_deliveries_grants_and_tokens() {
    let dir = tempfile::tempdir().expect("a directory");
    let bytes = store_of_format_2(dir.path());
    for _ in 0..2 {
        let (store, loaded) = Store::open(OpenOptions::in_dir(dir.path(), Timestamp(9))).expect("it opens");
        assert!(fs::read(dir.path().join("roster.redb.format-2")).expect("a copy") == bytes);
        let alerts = AlertState::ALL.map(|state| {
            let all = AlertsQuery { state: Some(state), limit: 9, ..AlertsQuery::default() };
            store.read_now(all).expect("alerts").rows.remove(0)
        });
        let numbers = alerts.each_ref().map(|alert| (alert.number, alert.rule.as_str(), alert.from, alert.to));
        let (rise, fall) = ((Some(10_100.0), Some(12_300.0)), (Some(12_345.0), Some(10_400.0)));
        assert_eq!(numbers[0], (3, "significant-change", fall.0, fall.1));
        assert_eq!(numbers[1], (2, "needs-person", None, None));
        assert_eq!(numbers[2], (1, "significant-change", rise.0, rise.1));
        for alert in &alerts {
            let connection = loaded.connections.iter().find(|one| Some(one.id) == alert.about.connection());
            let connection = connection.expect("its connection");
            assert_eq!(alert.about.influencer(), Some(connection.influencer));
            assert_eq!(alert.about.platform(), Some(connection.platform.as_str()));
        }
        assert_eq!((alerts[1].acknowledged_by.as_deref(), alerts[1].ended_at.is_some()), (Some("ana"), true));
        let deliveries = [3, 2, 1].map(|alert| store.read_now(DeliveriesOf(alert)).expect("deliveries").remove(0));
        let states = [DeliveryState::Pending, DeliveryState::Delivered, DeliveryState::Dead];
        assert_eq!(deliveries.each_ref().map(|delivery| delivery.state), states);
        assert_eq!((loaded.alerts.len(), loaded.last_alert, loaded.deliveries.len()), (2, 3, 1));

        for delivery in deliveries {
            let named = store.read_now(DeliveriesNamed(delivery.id..=delivery.id)).expect("readable");
            assert_eq!(named, [delivery], "found by its id");
        }

        let grants: Vec<&str> = loaded.grants.iter().map(|grant| grant.owner_name.as_str()).collect();
        assert_eq!((grants, loaded.grant_uses.len()), (vec!["Mara", "Oskar", "Paused"], 2));
        assert!(loaded.grants[0].is_live());
        let key = MasterKey::from_hex(&"5a".repeat(32)).expect("a key");
        assert_eq!(loaded.keys.iter().map(|key| (key.id, key.is_needed)).collect::<Vec<_>>(), [(key.id().0, true)]);
        let vault = Vault::new(&Keyring::of(key), loaded.store);
        let (grant, tokens) = (loaded.grants[0].id, &loaded.tokens[0]);
        let open = |context, sealed| vault.open(context, sealed).expect("it opens").expose().to_owned();
        assert_eq!(open(SealingContext::of_grant(grant, Field::Access), &tokens.access), "invented-access-1");
        let refresh = tokens.refresh.as_ref().expect("a refresh token");
        assert_eq!(open(SealingContext::of_grant(grant, Field::Refresh), refresh), "invented-refresh-1");
        let (account, derived) = &tokens.derived[0];
        assert_eq!(open(SealingContext::of_account(grant, account), derived), "invented-derived-1");
        let consent = &loaded.consents[0];
        let verifier = consent.verifier.as_ref().expect("a verifier");
        assert_eq!(open(SealingContext::of_consent(consent.id, Field::Verifier), verifier), "invented-verifier");
        assert_eq!((store.read_now(SnapshotCount).expect("a number"), store.damaged().rows), (9, 0));
    }
}

/// Names the store that another process of this test opens, until it is killed.
const VICTIM: &str = "ROSTER_TEST_MIGRATES";

/// Another process that opens the store in `dir`.
fn opening(dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "store::tests::migration::a_migration_that_is_killed_is_made_at_the_next_start"]);
    command.env(VICTIM, dir).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_migration_that_is_killed_is_made_at_the_next_start() {
    if let Some(dir) = std::env::var_os(VICTIM) {
        drop(Store::open(OpenOptions::in_dir(dir, Timestamp(9))).expect("it opens"));
        return;
    }
    let made = tempfile::tempdir().expect("a directory");
    store_of_format_1(made.path());
    let before = fs::read(made.path().join("roster.redb")).expect("the file");
    let dir_with = |bytes: &[u8]| {
        let dir = tempfile::tempdir().expect("a directory");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("ours");
        fs::write(dir.path().join("roster.redb"), bytes).expect("a store");
        fs::set_permissions(dir.path().join("roster.redb"), fs::Permissions::from_mode(0o600)).expect("ours");
        dir
    };
    let dir = dir_with(&before);
    let begun = Instant::now();
    assert!(opening(dir.path()).status().expect("it runs").success());
    let usual = begun.elapsed();
    all_is_there(dir.path());

    let mut random = fastrand::Rng::with_seed(4);
    let (rounds, mut copying, mut changing, mut over) = (times(40, 200), 0, 0, 0);
    for round in 0..rounds {
        let dir = dir_with(&before);
        let mut victim = opening(dir.path()).spawn().expect("it runs");
        let has = |name: &str| dir.path().join(name).exists();
        match round % 4 {
            // As soon as it copies, as soon as the copy is complete, and at any moment.
            0 => wait_for(|| has("roster.redb.copy.new") || has("roster.redb.format-1")),
            1 | 2 => wait_for(|| has("roster.redb.format-1")),
            _ => {}
        }
        let spread = if round % 4 < 2 { 0.05 } else { 1.0 };
        let ends = Instant::now() + usual.mul_f64(spread * random.f64());
        wait_for(|| Instant::now() >= ends);
        victim.kill().expect("it was ours");
        victim.wait().expect("it was ours");
        let is_untouched = || fs::read(dir.path().join("roster.redb")).expect("the store") == before;
        match (has("roster.redb.format-1"), has("roster.redb.copy.new")) {
            (false, true) => copying += 1,
            (true, _) if is_untouched() => changing += 1,
            (true, _) => over += 1,
            (false, false) => {}
        }
        all_is_there(dir.path());
        // The copy is as good as the store was, even when it was copied from one that a kill left open.
        let restored = dir_with(&fs::read(dir.path().join("roster.redb.format-1")).expect("a copy"));
        all_is_there(restored.path());
    }
    println!(
        "\nfigure: {rounds} migrations killed, {copying} while copying, {changing} between copy and change, {over} in the \
         change or after it: 0 lost, 0 stuck"
    );
    assert!(copying + changing > 0 && over > 0, "the kills were at the wrong time");
}

/// Polls until a condition holds.
fn wait_for(is_so: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < limit, "not in time");
        std::thread::yield_now();
    }
}
