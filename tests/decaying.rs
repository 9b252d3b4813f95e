//! A store whose disk changed bytes, under the real daemon: it starts and names what is damaged, or says that it
//! cannot; it never reports what was not so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use roster_protocol::RosterClient;
use roster_protocol::influencer::InfluencerQuery;
use roster_protocol::transport::{self, within};
use roster_sandbox::{AccountEdit, Platform, Sandbox};

use crate::support::consent::open;
use crate::support::programs::{CommandOutput, Home, ROSTERD, alone, until};
use crate::support::{LIMIT, figure, times};

const INFLUENCERS: u64 = 12;

/// All influencers by name, with note, followers and the days that are known.
type Contents = BTreeMap<String, (Option<String>, Option<u64>, Vec<String>)>;

async fn contents(client: &RosterClient) -> Contents {
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
    let mut contents = Contents::new();
    for row in page.rows {
        let shown =
            client.influencer(within(LIMIT), row.id.to_string()).await.expect("a response").expect("an influencer");
        let mut days = Vec::new();
        for connection in &shown.connections {
            // What cannot be read is an error in words, or left out; never another number.
            let history = client.history(within(LIMIT), connection.id.to_string(), None, None).await;
            let snapshots = history.expect("a response").map(|history| history.snapshots).unwrap_or_default();
            days.extend(snapshots.iter().map(|one| format!("{} {:?}", one.date, one.numbers)));
        }
        contents.insert(shown.row.name, (shown.note, shown.row.followers, days));
    }
    contents
}

/// Whether everything found was stored before; some may be missing.
fn is_part_of(found: &Contents, whole: &Contents) -> bool {
    found.iter().all(|(name, (note, followers, days))| {
        // One whose own record was lost has another name, and a note that says so.
        if name.starts_with("Recovered ") {
            let is_of = |was: &(Option<String>, Option<u64>, Vec<String>)| days.iter().all(|day| was.2.contains(day));
            return note.as_ref().is_some_and(|note| note.contains("made by a repair")) && whole.values().any(is_of);
        }
        whole.get(name).is_some_and(|(was_note, was_followers, was_days)| {
            (note == was_note || note.is_none())
                && (followers == was_followers || followers.is_none())
                && days.iter().all(|day| was_days.contains(day))
        })
    })
}

/// The home of a daemon that had some influencers and ended; with what it reported.
async fn lived() -> (Home, Contents) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::before(&sandbox);
    let mut rosterd = home.start().await;
    for number in 0..INFLUENCERS {
        let handle = format!("star{number}.sky.test");
        let edit = AccountEdit { followers: Some(1000 + number), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(Platform::Bluesky, &handle, &edit).expect("a possible account");
        let (name, account) = (format!("Star {number}"), format!("bluesky:{handle}"));
        home.json(&["add", &name, "--handle", &account, "--note", &format!("note {number}")]).await;
    }
    home.json(&["sync", "--all"]).await;
    let whole = contents(&rosterd.client).await;
    assert!(whole.len() as u64 == INFLUENCERS && whole.values().all(|(_, _, days)| days.len() == 1), "{whole:?}");
    rosterd.end(Signal::SIGTERM).await;
    // From now on no platform can be reached: what was lost is not simply measured again.
    home.configure("[sync]\ndaily_snapshot = \"off\"\ninterval = \"360d\"\n[platforms.bluesky]\nenabled = false\n");
    (home, whole)
}

/// Changes one byte of the value of a table's first record.
fn damage(file: &Path, table: &str) {
    let database = redb::Database::open(file).expect("a store");
    let write = database.begin_write().expect("a transaction");
    {
        let definition: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new(table);
        let mut records = write.open_table(definition).expect("a table");
        let (key, mut value) = {
            let first = redb::ReadableTable::first(&records).expect("readable").expect("a record");
            (first.0.value().to_vec(), first.1.value().to_vec())
        };
        let middle = value.len() / 2;
        value[middle] ^= 0x10;
        records.insert(key.as_slice(), value.as_slice()).expect("written");
    }
    write.commit().expect("a commit");
}

/// Overwrites every page that holds the first record of a table with zeros.
fn lose_page(file: &Path, table: &str) {
    let value = {
        let database = redb::Database::open(file).expect("a store");
        let read = redb::ReadableDatabase::begin_read(&database).expect("a transaction");
        let definition: redb::TableDefinition<'_, &[u8], &[u8]> = redb::TableDefinition::new(table);
        let records = read.open_table(definition).expect("a table");
        redb::ReadableTable::first(&records).expect("readable").expect("a record").1.value().to_vec()
    };
    let mut bytes = std::fs::read(file).expect("the store");
    let mut lost = 0;
    for page in bytes.chunks_mut(4096) {
        if page.windows(value.len()).any(|part| part == value) {
            page.fill(0);
            lost += 1;
        }
    }
    assert!(lost > 0, "{table}");
    std::fs::write(file, bytes).expect("damaged");
}

/// `rosterd check` over this home's store.
async fn check(home: &Home, more: &[&str]) -> CommandOutput {
    let mut command = alone(ROSTERD, &home.path(""));
    command.arg("check").args(more).arg("--state-dir").arg(home.state()).arg("--socket").arg(home.socket());
    CommandOutput::of(command).await
}

/// Every file of the state directory with its bytes.
fn files(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(home.state()).expect("a directory").map(|entry| entry.expect("an entry").path());
    // What a start saved of a damaged store is in a directory of its own.
    entries.filter(|path| path.is_file()).map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_says_what_is_whole_and_what_is_damaged_and_changes_nothing() {
    let (home, _) = lived().await;
    let file = home.state().join("roster.redb");
    let table = |found: &serde_json::Value, name: &str| {
        found["tables"].as_array().expect("tables").iter().find(|table| table["table"] == name).expect(name).clone()
    };
    let unchanged = async |more: &[&str]| {
        let before = files(&home);
        let output = check(&home, more).await;
        assert_eq!(files(&home), before, "nothing was touched");
        output
    };
    let whole = unchanged(&["--json"]).await;
    assert_eq!((whole.code, whole.json()["whole"].as_bool(), whole.err.as_str()), (Some(0), Some(true), ""));
    assert_eq!(table(&whole.json(), "influencers")["whole"], INFLUENCERS);
    let whole = unchanged(&[]).await;
    assert!(whole.code == Some(0) && whole.out.contains("everything is whole: "), "{whole:?}");

    // A store that was not closed is whole, too.
    let mut rosterd = home.start().await;
    let in_use = check(&home, &[]).await;
    assert!(in_use.code == Some(0) && in_use.out.contains("everything is whole: "), "{in_use:?}");
    assert!(in_use.err.contains("note: read by the rosterd that runs"), "{in_use:?}");
    let elsewhere = home.path("elsewhere.sock");
    let mut command = alone(ROSTERD, &home.path(""));
    command.arg("check").arg("--state-dir").arg(home.state()).arg("--socket").arg(elsewhere);
    let in_use = CommandOutput::of(command).await;
    assert!(in_use.code == Some(1) && in_use.err.contains("is in use by another rosterd"), "{in_use:?}");
    assert!(in_use.err.contains("hint: it does not respond at the socket"), "{in_use:?}");
    rosterd.end(Signal::SIGKILL).await;
    assert_eq!(unchanged(&[]).await.code, Some(0), "after a kill");
    home.start().await.end(Signal::SIGTERM).await;

    // Records at several places.
    let before = std::fs::read(&file).expect("the store");
    for table in ["influencers", "runs", "audit"] {
        damage(&file, table);
    }
    let mut rosterd = home.start().await;
    let by_daemon = check(&home, &["--json"]).await;
    assert_eq!(by_daemon.code, Some(1), "{by_daemon:?}");
    assert_eq!(by_daemon.json()["damaged"].as_array().map(Vec::len), Some(3), "{by_daemon:?}");
    rosterd.end(Signal::SIGKILL).await;
    let found = unchanged(&["--json"]).await;
    assert_eq!((found.code, found.json()["whole"].as_bool()), (Some(1), Some(false)), "{found:?}");
    assert_eq!(table(&found.json(), "influencers")["damaged"], 1);
    assert_eq!(table(&found.json(), "influencers")["whole"], INFLUENCERS - 1);
    assert_eq!(found.json()["damaged"].as_array().map(Vec::len), Some(3), "{found:?}");
    let found = unchanged(&[]).await;
    let expected = format!(
        "error: the store is damaged: {}: 3 damaged records\nhint: keep the file as it is; put a backup in its place, or \
         what `rosterd repair` saves of it\n",
        file.display()
    );
    assert_eq!((found.code, found.err), (Some(1), expected));

    // A page: its table is named, the others are whole, and a start names the way to here.
    std::fs::write(&file, &before).expect("as it was");
    lose_page(&file, "influencers");
    let found = unchanged(&["--json"]).await;
    assert_eq!((found.code, found.err.as_str()), (Some(1), ""), "{found:?}");
    assert!(table(&found.json(), "influencers")["unreachable"].is_string(), "{found:?}");
    assert!(table(&found.json(), "connections")["unreachable"].is_null(), "{found:?}");
    assert_eq!(table(&found.json(), "connections")["whole"], INFLUENCERS);
    let found = unchanged(&[]).await;
    assert!(found.err.contains("1 table in part unreachable") && !found.err.contains("panicked"), "{found:?}");
    is_read_only(&home, &file).await;

    // What is no store at all.
    for nonsense in [&b""[..], b"redb\x1A\x0A\xA9\x0D\x0A", b"GIF89a"] {
        std::fs::write(&file, nonsense).expect("damaged");
        let found = unchanged(&[]).await;
        assert!(found.code == Some(1) && found.err.contains(&file.display().to_string()), "{found:?}");
    }
    std::fs::remove_file(&file).expect("gone");
    let gone = unchanged(&["--json"]).await;
    assert!(gone.code == Some(78) && gone.out.contains("is gone"), "{gone:?}");
}

/// A start over a store with a lost page: what is whole is there to be read, and not a byte of the store is changed.
async fn is_read_only(home: &Home, file: &Path) {
    let damaged = std::fs::read(file).expect("the store");
    let config = std::fs::read_to_string(home.config()).expect("a config");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    home.configure(&config.replace("listen = \"off\"", &format!("listen = \"127.0.0.1:{port}\"")));
    let mut rosterd = home.start().await;
    let (code, ready) = open(&format!("http://127.0.0.1:{port}/readyz")).await;
    assert!(code == 503 && ready.contains("damaged"), "{code} {ready}");
    home.configure(&config);
    let status = home.json(&["status"]).await;
    assert!(status["not_ready"].as_str().is_some_and(|why| why.contains("damaged")), "{status}");
    let checked = home.roster(&["status", "--check"]).await;
    assert!(checked.code == Some(2) && checked.out.contains("damaged"), "{checked:?}");
    let listed = home.json(&["list"]).await;
    assert!(listed["total"].as_u64() > Some(0), "{listed}");
    let first = listed["influencers"][0]["id"].as_str().expect("an id").to_owned();
    let connection = home.json(&["show", &first]).await["connections"][0]["id"].clone();
    home.json(&["history", connection.as_str().expect("an id")]).await;
    let exported = home.json(&["export", "--influencer", &first]).await;
    assert!(exported["count"].as_u64() > Some(1) && exported["influencer"] == first.as_str(), "{exported}");
    let refused = home.roster(&["add", "Ana"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("rosterd repair"), "{refused:?}");
    let alerts = home.json(&["alerts"]).await;
    let is_about_it = |alert: &serde_json::Value| alert["why"].as_str().is_some_and(|why| why.contains("damaged"));
    assert!(alerts["alerts"].as_array().is_some_and(|alerts| alerts.iter().any(is_about_it)), "{alerts}");
    let checked = check(home, &["--json"]).await;
    assert!(checked.code == Some(1) && checked.json()["damage"].is_string(), "{checked:?}");
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success(), "{status}");
    assert!(std::fs::read(file).expect("the store") == damaged, "not a byte of it");
}

/// `rosterd repair` of this home's store into a directory.
fn repairing(home: &Home, new: &Path) -> tokio::process::Command {
    let mut command = alone(ROSTERD, &home.path(""));
    command.args(["repair", "--json"]).arg("--state-dir").arg(home.state()).arg(new);
    command
}

async fn repair(home: &Home, new: &Path) -> CommandOutput {
    CommandOutput::of(repairing(home, new)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_repair_saves_of_a_store_is_used_in_its_place() {
    let (home, whole) = lived().await;
    let (file, new) = (home.state().join("roster.redb"), home.path("repaired"));
    let before = std::fs::read(&file).expect("the store");
    let all = repair(&home, &new).await;
    assert_eq!((all.code, all.json()["repaired"]["complete"].as_bool()), (Some(0), Some(true)), "{all:?}");
    let again = repair(&home, &new).await;
    assert!(again.code == Some(78) && again.out.contains("there is a store already"), "{again:?}");

    // Of the influencers nothing is left but that connections name them.
    damage(&file, "audit");
    lose_page(&file, "influencers");
    let damaged = std::fs::read(&file).expect("the store");
    std::fs::remove_dir_all(&new).expect("as before");
    let found = repair(&home, &new).await;
    assert_eq!((found.code, found.err.as_str()), (Some(6), ""), "{found:?}");
    assert_eq!(found.json()["repaired"]["made"].as_array().map(Vec::len), Some(INFLUENCERS as usize), "{found:?}");
    assert_eq!(found.json()["damaged"].as_array().map(Vec::len), Some(1), "the line of the audit log is named");
    assert_eq!(std::fs::read(&file).expect("the store"), damaged, "only read");
    std::fs::copy(new.join("roster.redb"), &file).expect("in its place");
    let mut rosterd = home.start().await;
    let found = contents(&rosterd.client).await;
    let days = |contents: &Contents| {
        let mut days: Vec<_> = contents.values().map(|(_, followers, days)| (*followers, days.clone())).collect();
        days.sort();
        days
    };
    assert_eq!(days(&found), days(&whole), "no number is lost");
    assert!(found.keys().all(|name| name.starts_with("Recovered ")), "{found:?}");
    rosterd.end(Signal::SIGTERM).await;

    // What is no store at all.
    std::fs::write(&file, &before[..5]).expect("damaged");
    std::fs::remove_dir_all(&new).expect("as before");
    let nothing = repair(&home, &new).await;
    assert!(nothing.code == Some(1) && nothing.out.contains("rosterd restore"), "{nothing:?}");
    assert!(!new.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_a_repair_leaves_a_whole_store_or_none() {
    let (home, whole) = lived().await;
    let (file, new) = (home.state().join("roster.redb"), home.path("repaired"));
    damage(&file, "audit");
    let damaged = std::fs::read(&file).expect("the store");
    let began = Instant::now();
    assert_eq!(repair(&home, &new).await.code, Some(6));
    let takes = began.elapsed().as_micros() as u64;
    let (mut none, mut there, mut dice) = (0, 0, fastrand::Rng::with_seed(19));
    for round in 0..times(40, 2_000) {
        let _ = std::fs::remove_dir_all(&new);
        let mut child = repairing(&home, &new).spawn().expect("it starts");
        let delay = Duration::from_micros(if round == 0 { 0 } else { dice.u64(0..=takes) });
        let _ = tokio::time::timeout(delay, child.wait()).await;
        let _ = child.kill().await;
        assert!(std::fs::read(&file).expect("the store") == damaged, "round {round}: not a byte of it");
        if new.join("roster.redb").exists() {
            there += 1;
        } else {
            none += 1;
            // What was begun is in nobody's way.
            assert_eq!(repair(&home, &new).await.code, Some(6), "round {round}");
        }
        let mut check = alone(ROSTERD, &home.path(""));
        check.args(["check", "--json", "--state-dir"]).arg(&new);
        let found = CommandOutput::of(check).await;
        let rows = |table: &str| {
            let tables = found.json()["tables"].clone();
            let row = tables.as_array().expect("tables").iter().find(|it| it["table"] == table).cloned();
            row.expect("a table")["whole"].as_u64()
        };
        assert_eq!(rows("influencers"), Some(whole.len() as u64), "round {round}: {found:?}");
        assert!(found.json()["damaged"].as_array().is_none_or(Vec::is_empty), "round {round}: {found:?}");
    }
    assert!(none > 0, "some were killed in time: {none} without a new store, {there} with one");
    figure(format!("{none} repairs left no new store and {there} a whole one after kills, 0 rows lost"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_starts_on_a_damaged_store_and_names_the_rows() {
    let (home, whole) = lived().await;
    let file = home.state().join("roster.redb");
    let before = std::fs::read(&file).expect("the store");
    for (table, lost) in [("influencers", 1), ("runs", 0), ("audit", 0)] {
        std::fs::write(&file, &before).expect("as it was");
        damage(&file, table);
        let logged = home.log().len();
        let mut rosterd = home.start().await;
        let found = contents(&rosterd.client).await;
        assert!(is_part_of(&found, &whole), "{table}: {found:?}");
        assert_eq!(found.len() as u64, INFLUENCERS - lost, "{table}");
        until("the damage is counted and named", async || {
            let status = rosterd.client.status(within(LIMIT)).await.expect("a response").expect("a status");
            let log = home.log();
            let named = log[logged..].lines().any(|line| {
                line.contains("a stored row is damaged")
                    && line.contains(&format!("\"{table}\""))
                    && line.contains("key=")
            });
            (status.store.damaged == 1 && named).then_some(())
        })
        .await;
        rosterd.end(Signal::SIGTERM).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bits_that_flip_teach_a_daemon_nothing() {
    let (home, whole) = lived().await;
    let file = home.state().join("roster.redb");
    let before = std::fs::read(&file).expect("the store");
    let used: Vec<usize> = (0..before.len()).filter(|at| before[*at] != 0).collect();
    let mut dice = fastrand::Rng::with_seed(3);
    let (tries, mut refused, mut named, mut harmless, mut panics) = (times(20, 500), 0, 0, 0, 0);
    for number in 0..tries {
        let mut bytes = before.clone();
        let (at, bit) = (used[dice.usize(..used.len())], dice.u8(..8));
        match number % 5 {
            0 => bytes.truncate(dice.usize(..before.len())),
            1 => bytes[at / 4096 * 4096..].iter_mut().take(4096).for_each(|byte| *byte = 0),
            _ => bytes[at] ^= 1 << bit,
        }
        std::fs::write(&file, &bytes).expect("damaged");
        let checked = check(&home, &[]).await;
        assert!(matches!(checked.code, Some(0 | 1)) && !checked.err.contains("panicked"), "{number}: {checked:?}");
        let logged = home.log().len();
        let mut command = home.rosterd(&[]);
        let mut child = command.env("LOG_FORMAT", "json").spawn().expect("rosterd starts");
        let started = until("it responds or ends", async || match child.try_wait().expect("ours") {
            Some(status) => Some(Err(status)),
            None => transport::connect(&home.socket()).await.ok().map(Ok),
        });
        match started.await {
            Err(status) => {
                assert!(matches!(status.code(), Some(1 | 78)), "{number}: {status}");
                let log = home.log();
                let output = |line: &str| line.starts_with("error: the store") || line.starts_with("error: the disk");
                assert!(log[logged..].lines().any(output), "{number}: {}", &log[logged..]);
                // What is damaged is named with its path and the way on, and not started again and again.
                if let Some(line) = log[logged..].lines().find(|line| line.starts_with("error: the store is damaged")) {
                    assert_eq!(status.code(), Some(78), "{number}: {line}");
                    let path = file.display().to_string();
                    assert!(line.contains(&path) && !line.contains("internal error"), "{number}: {line}");
                    assert!(log[logged..].contains("hint: `rosterd check` says"), "{number}: {}", &log[logged..]);
                    assert_eq!(checked.code, Some(1), "{number}: {checked:?}");
                }
                refused += 1;
            }
            Ok(client) => {
                let found = contents(&client).await;
                assert!(is_part_of(&found, &whole), "try {number}, byte {at}, bit {bit}: {found:?}");
                let status = client.status(within(LIMIT)).await.expect("a response").expect("a status");
                assert!(status.store.damaged == 0 || checked.code == Some(1), "{number}: {checked:?}");
                if status.store.damaged > 0 { named += 1 } else { harmless += 1 }
            }
        }
        // Whether it still lives or not.
        let _ = child.start_kill();
        child.wait().await.expect("it was ours");
        // A panic of the engine, which is caught and reported as damage, is an event of the log as well.
        let log = home.log();
        for line in log[logged..].lines().filter(|line| !line.starts_with("error: ") && !line.starts_with("hint: ")) {
            let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{number}: {line}"));
            panics += u32::from(event["message"].as_str().is_some_and(|message| message.starts_with("panicked")));
        }
    }
    figure(format!(
        "{tries} damages under the daemon: {refused} refused, {named} named, {harmless} harmless, 0 wrong; \
         {panics} of the engine's panics logged"
    ));
    assert!(refused > 0 && refused < tries, "{refused} of {tries} refused");
}
