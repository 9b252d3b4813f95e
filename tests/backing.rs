//! Backups of the real daemon while it works, restored with the real program: whole or not there after any kill.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use nix::sys::signal::Signal;
use roster_backup::{Key, Unusable};
use roster_protocol::influencer::{InfluencerQuery, NewInfluencer};
use roster_protocol::service::AuditQuery;
use roster_protocol::sync::SyncTarget;
use roster_protocol::time::Timestamp;
use roster_protocol::transport::{self, within};
use roster_protocol::{BackupSeal, ErrorKind, RosterClient};
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use rosterd::store::{RestoreError, restore};
use rustix::process::{Resource, Rlimit, prlimit};
use tokio::process::Command;

use crate::support::programs::{CommandOutput, Home, ROSTER, ROSTERD, Rosterd, alone, until};
use crate::support::{LIMIT, NOON, World, figure, times};

const STARS: u64 = 8;

/// A home whose daemon runs and has measured some influencers, and what it reads.
async fn lived() -> (Sandbox, Home, Rosterd) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::before(&sandbox);
    let rosterd = home.start().await;
    for number in 0..STARS {
        let handle = format!("star{number}.sky.test");
        let edit = AccountEdit { followers: Some(1000 + number), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(Platform::Bluesky, &handle, &edit).expect("a possible account");
        let (name, account) = (format!("Star {number}"), format!("bluesky:{handle}"));
        home.json(&["add", &name, "--handle", &account, "--note", &format!("note {number}")]).await;
    }
    home.json(&["sync", "--all"]).await;
    (sandbox, home, rosterd)
}

/// Everyone in the roster by name, with the followers that are known.
async fn all(client: &RosterClient) -> BTreeMap<String, Option<u64>> {
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
    page.rows.into_iter().map(|row| (row.name, row.followers)).collect()
}

async fn add(client: &RosterClient, name: &str) {
    let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
    client.add(within(LIMIT), new).await.expect("a response").expect("added");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in letters")
}

/// `rosterd restore` in a home.
fn restoring(home: &Home, arguments: &[&str]) -> Command {
    let mut command = alone(ROSTERD, &home.path(""));
    command.arg("restore").args(arguments).arg("--config").arg(home.config()).arg("--state-dir").arg(home.state());
    command
}

async fn restored(home: &Home, arguments: &[&str]) -> CommandOutput {
    CommandOutput::of(restoring(home, arguments)).await
}

/// An empty home with the master key of another one, whose daemon requests nothing.
fn beside(home: &Home) -> Home {
    let other = Home::new("[sync]\ndaily_snapshot = \"off\"\ninterval = \"360d\"\n");
    std::fs::create_dir(other.state()).expect("a directory");
    std::fs::copy(home.state().join("master.key"), other.state().join("master.key")).expect("the key");
    other
}

fn files(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(home.state()).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_during_syncs_restores_every_commit_that_was_acknowledged() {
    let (_sandbox, home, rosterd) = lived().await;
    let (acknowledged, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (added, ended) = (acknowledged.clone(), over.clone());
    let others = transport::connect(&home.socket()).await.expect("the daemon responds");
    let adding = tokio::spawn(async move {
        while !ended.load(Ordering::SeqCst) {
            add(&others, &format!("Late {:04}", added.load(Ordering::SeqCst))).await;
            added.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (syncer, ended) = (rosterd.client.clone(), over.clone());
    let syncing = tokio::spawn(async move {
        while !ended.load(Ordering::SeqCst) {
            drop(syncer.sync(within(LIMIT), SyncTarget::All).await.expect("a response"));
        }
    });
    until("changes are made", async || (acknowledged.load(Ordering::SeqCst) >= 5).then_some(())).await;
    let least = acknowledged.load(Ordering::SeqCst);
    let backup = home.path("during.backup");
    let made = home.json(&["backup", text(&backup)]).await;
    // The next one may be stored and not acknowledged yet.
    let most = acknowledged.load(Ordering::SeqCst) + 1;
    over.store(true, Ordering::SeqCst);
    adding.await.expect("added");
    syncing.await.expect("synced");
    assert_eq!(made["encrypted"], "none");

    let other = beside(&home);
    let output = restored(&other, &[text(&backup), "--json"]).await;
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{output:?}");
    assert_eq!(output.json()["records"], made["records"]);
    let rosterd = other.start().await;
    let found = all(&rosterd.client).await;
    for number in 0..STARS {
        assert_eq!(found[&format!("Star {number}")], Some(1000 + number), "{found:?}");
    }
    // One moment: those that were added later are a beginning of all, without a gap.
    let late: BTreeSet<&String> = found.keys().filter(|name| name.starts_with("Late")).collect();
    let count = late.len() as u64;
    assert!((least..=most).contains(&count), "{least} ≤ {count} ≤ {most}");
    let expected: BTreeSet<String> = (0..count).map(|number| format!("Late {number:04}")).collect();
    assert!(late.iter().all(|name| expected.contains(*name)), "{late:?}");
    let runs = other.json(&["runs"]).await;
    assert!(runs["runs"].as_array().is_some_and(|runs| runs.len() as u64 >= STARS), "{runs}");
    let audit = home.json(&["audit"]).await.to_string();
    assert!(audit.contains("\"backup.begin\"") && audit.contains("\"backup\""), "{audit}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_refused_by_name_and_nothing_is_touched() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let (own, others) = (Identity::generate(), Identity::generate());
    let write = |name: &str, words: &str| {
        std::fs::write(home.path(name), words).expect("written");
        home.path(name)
    };
    let own_file = write("own.txt", own.to_string().expose_secret());
    let others_file = write("others.txt", others.to_string().expose_secret());
    let (right, wrong) = (write("right", "of three words\n"), write("wrong", "of four words\n"));
    let (plain, to, by) = (home.path("plain.backup"), home.path("to.backup"), home.path("by.backup"));
    home.json(&["backup", text(&plain)]).await;
    home.json(&["backup", text(&to), "--to", &own.to_public().to_string()]).await;
    home.json(&["backup", text(&by), "--passphrase-file", text(&right)]).await;
    let again = home.roster(&["backup", text(&plain)]).await;
    assert!(again.code == Some(1) && again.err.contains("is there already"), "{again:?}");
    let used = restored(&home, &[text(&plain)]).await;
    assert!(used.code == Some(1) && used.err.contains("in use by another rosterd"), "{used:?}");
    rosterd.end(Signal::SIGTERM).await;

    let whole = std::fs::read(&to).expect("a backup");
    let cut = home.path("cut.backup");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("written");
    let before = files(&home);
    for (arguments, code, words) in [
        (vec![text(&to)], 2, "no identity was given"),
        (vec![text(&to), "--identity", text(&others_file)], 1, "this identity does not open it"),
        (vec![text(&to), "--identity", text(&right)], 2, "has no identity of age in it"),
        (vec![text(&to), "--passphrase-file", text(&right)], 2, "no identity was given"),
        (vec![text(&by)], 2, "with a passphrase, and none was given"),
        (vec![text(&by), "--passphrase-file", text(&wrong)], 1, "the passphrase is wrong"),
        (vec![text(&cut), "--identity", text(&own_file)], 1, "it was changed, or cut off"),
        (vec![text(&own_file)], 1, "it is no backup of Roster"),
        (vec![text(&home.path("none"))], 1, "cannot be read"),
    ] {
        let output = restored(&home, &arguments).await;
        assert!(output.code == Some(code) && output.err.contains(words), "{arguments:?}: {output:?}");
        let verified = home.roster(&[&["backup", "verify"], arguments.as_slice()].concat()).await;
        assert!(verified.code == Some(code) && verified.err.contains(words), "{arguments:?}: {verified:?}");
        assert_eq!(files(&home), before, "nothing was touched");
    }
    for (arguments, encrypted) in [
        (vec![text(&plain)], "none"),
        (vec![text(&to), "--identity", text(&own_file)], "recipient"),
        (vec![text(&by), "--passphrase-file", text(&right)], "passphrase"),
    ] {
        let found = home.roster(&[&["backup", "verify", "--json"], arguments.as_slice()].concat()).await;
        assert_eq!(found.code, Some(0), "{encrypted}: {found:?}");
    }

    // Bytes that a disk changed, in the same program: some hundred places.
    let key = Key::Identities(vec![own]);
    for at in (0..whole.len()).step_by(whole.len() / times(300, 10_000) as usize + 1) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        let open = || roster_backup::open(flipped.as_slice(), &key);
        let refused = restore(&home.state(), open, true, Timestamp(0)).expect_err("another byte");
        assert!(matches!(refused, RestoreError::Unusable(_)), "byte {at}: {refused}");
    }
    for length in (0..whole.len()).step_by(whole.len() / times(100, 3_000) as usize + 1) {
        let open = || roster_backup::open(&whole[..length], &key);
        let refused = restore(&home.state(), open, true, Timestamp(0)).expect_err("not all of it");
        let RestoreError::Unusable(why) = refused else { panic!("{length} bytes: {refused}") };
        assert!(!matches!(why, Unusable::Io(_)), "{length} bytes: {why}");
    }
    assert_eq!(files(&home), before, "nothing was touched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_store_is_replaced_only_on_request_and_kept() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let backup = home.path("earlier.backup");
    home.json(&["backup", text(&backup)]).await;
    let key = std::fs::read(home.state().join("master.key")).expect("the key");
    let frames = zstd::decode_all(std::fs::File::open(&backup).expect("the backup")).expect("frames");
    let digits = std::str::from_utf8(&key).expect("digits").trim();
    let holds = |bytes: &[u8]| frames.windows(bytes.len()).any(|part| part == bytes);
    assert!(holds(b"note 3") && !holds(digits.as_bytes()), "the key is in no backup");
    assert!(!holds(&data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).expect("digits")));
    add(&rosterd.client, "Later").await;
    rosterd.end(Signal::SIGTERM).await;
    let before = files(&home);
    let refused = restored(&home, &[text(&backup)]).await;
    assert!(refused.code == Some(1) && refused.err.contains("has data up to"), "{refused:?}");
    assert!(refused.err.contains("--over-newer"), "{refused:?}");
    assert_eq!(files(&home), before, "nothing was touched");

    let done = restored(&home, &[text(&backup), "--over-newer", "--json"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let kept = done.json()["kept"].as_str().expect("what was kept").to_owned();
    assert_eq!(std::fs::read(&kept).expect("kept"), before[&home.state().join("roster.redb")]);
    let mut rosterd = home.start().await;
    let found = all(&rosterd.client).await;
    assert!(found.len() as u64 == STARS && !found.contains_key("Later"), "{found:?}");
    rosterd.end(Signal::SIGTERM).await;

    // Without the key the tokens are lost: that is said while something can be done about it.
    let other = Home::new("");
    let warned = restored(&other, &[text(&backup)]).await;
    assert!(warned.code == Some(0) && warned.err.contains("was not in the backup: put it back"), "{warned:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_a_backup_is_whole_or_not_there() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let dir = home.path("backups");
    std::fs::create_dir(&dir).expect("a directory");
    let there =
        || std::fs::read_dir(&dir).expect("a directory").map(|it| it.expect("an entry").path()).collect::<Vec<_>>();
    let (mut whole, mut none, mut dice) = (0, 0, fastrand::Rng::with_seed(16));
    let state: BTreeSet<PathBuf> = files(&home).into_keys().collect();
    // As long as one takes here that is not killed: moments of it are what is tried, the first one always.
    let began = Instant::now();
    assert_eq!(home.roster(&["backup", text(&home.path("unkilled"))]).await.code, Some(0));
    let takes = began.elapsed().as_micros() as u64;
    for round in 0..times(40, 1_000) {
        let kills_daemon = round % 5 == 4;
        let path = dir.join(format!("{round}.backup"));
        let mut command = alone(ROSTER, &home.path(""));
        let mut child =
            command.args(["backup", text(&path), "--socket", text(&home.socket())]).spawn().expect("it starts");
        let delay = Duration::from_micros(if round == 0 { 0 } else { dice.u64(0..=takes) });
        let _ = tokio::time::timeout(delay, child.wait()).await;
        if kills_daemon {
            rosterd.end(Signal::SIGKILL).await;
            tokio::time::timeout(LIMIT, child.wait()).await.expect("it ends").expect("it was ours");
        } else {
            let _ = child.kill().await;
        }
        match there().as_slice() {
            [] => none += 1,
            [file] => {
                assert_eq!(*file, path, "no other name");
                let verified = home.roster(&["backup", "verify", text(file)]).await;
                assert_eq!(verified.code, Some(0), "round {round}: {verified:?}");
                std::fs::remove_file(file).expect("removed");
                whole += 1;
            }
            more => panic!("{more:?}"),
        }
        if kills_daemon {
            rosterd = home.start().await;
        }
    }
    assert!(none > 0, "some were killed in time: {whole} whole, {none} not there");
    figure(format!("{whole} backups whole and {none} not there after kills of client or daemon"));
    // The one before may be noticed to be gone a moment later.
    let last = dir.join("last.backup");
    until("another backup is made", async || {
        let made = home.roster(&["backup", text(&last)]).await;
        assert!(made.code == Some(0) || made.err.contains("another backup is under way"), "{made:?}");
        (made.code == Some(0)).then_some(())
    })
    .await;
    assert_eq!(files(&home).into_keys().collect::<BTreeSet<_>>(), state, "nothing is left beside the store");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_a_restore_leaves_one_store_or_the_other() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let backup = home.path("a.backup");
    home.json(&["backup", text(&backup)]).await;
    add(&rosterd.client, "Later").await;
    rosterd.end(Signal::SIGTERM).await;
    let store = home.state().join("roster.redb");
    let newer = std::fs::read(&store).expect("the store");
    let (mut old, mut new, mut dice) = (0, 0, fastrand::Rng::with_seed(17));
    let began = Instant::now();
    assert_eq!(restored(&home, &[text(&backup), "--over-newer"]).await.code, Some(0));
    let takes = began.elapsed().as_micros() as u64;
    std::fs::write(&store, &newer).expect("as it was");
    for round in 0..times(40, 1_000) {
        let mut child = restoring(&home, &[text(&backup), "--over-newer"]).spawn().expect("it starts");
        let delay = Duration::from_micros(if round == 0 { 0 } else { dice.u64(0..=takes) });
        let _ = tokio::time::timeout(delay, child.wait()).await;
        let _ = child.kill().await;
        let mut check = alone(ROSTERD, &home.path(""));
        check.args(["check", "--json", "--state-dir", text(&home.state())]);
        let found = CommandOutput::of(check).await;
        assert_eq!(found.code, Some(0), "round {round}: {found:?}");
        let tables = found.json()["tables"].clone();
        let influencers = tables.as_array().expect("tables").iter().find(|table| table["table"] == "influencers");
        match influencers.expect("a table")["whole"].as_u64() {
            Some(STARS) => new += 1,
            Some(more) if more == STARS + 1 => old += 1,
            other => panic!("round {round}: {other:?}"),
        }
        std::fs::write(&store, &newer).expect("as it was");
    }
    assert!(old > 0, "some were killed in time: {old} old, {new} new");
    figure(format!("{old} stores as before and {new} restored after kills of `rosterd restore`"));
    let done = restored(&home, &[text(&backup), "--over-newer"]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!home.state().join("roster.redb.new").exists());
    let rosterd = home.start().await;
    assert_eq!(all(&rosterd.client).await.len() as u64, STARS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_is_an_error_and_the_next_backup_is_made() {
    let (_sandbox, home, mut rosterd) = lived().await;
    rosterd.end(Signal::SIGTERM).await;
    let rosterd = home.start_as(home.rosterd_after("trap '' XFSZ")).await;
    let limit = |bytes| {
        let pid = rustix::process::Pid::from_raw(rosterd.pid().as_raw());
        prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a process of ours");
    };
    let path = home.path("a.backup");
    limit(Some(4096));
    let failed = home.roster(&["backup", text(&path)]).await;
    assert!(failed.code == Some(1) && failed.err.contains("the store cannot be"), "{failed:?}");
    assert!(!path.exists() && !home.log().contains("panicked"), "{}", home.log());
    rosterd.client.ping(within(LIMIT)).await.expect("it lives");
    limit(None);
    // Perhaps before the store can be written again: then it is made and not recorded.
    until("a backup is made", async || {
        let made = home.roster(&["backup", text(&path)]).await;
        assert_eq!(path.exists(), matches!(made.code, Some(0 | 6)), "{made:?}");
        path.exists().then_some(())
    })
    .await;
    assert_eq!(home.roster(&["backup", "verify", text(&path)]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_backup_is_under_way_and_ends_with_its_connection() {
    let (_sandbox, home, rosterd) = lived().await;
    let begin = async |client: &RosterClient| {
        client.backup(within(LIMIT), BackupSeal::AsConfigured, false).await.expect("a response")
    };
    let none = rosterd.client.backup_piece(within(LIMIT)).await.expect("a response").expect_err("none was begun");
    assert_eq!(none.kind, ErrorKind::Conflict);
    let first = transport::connect(&home.socket()).await.expect("the daemon responds");
    begin(&first).await.expect("begun");
    let early = first.backup_kept(within(LIMIT)).await.expect("a response").expect_err("not all was read");
    assert_eq!(early.kind, ErrorKind::Conflict);
    assert_eq!(begin(&rosterd.client).await.expect_err("one at a time").kind, ErrorKind::Conflict);
    drop(first);
    until("the place is free", async || begin(&rosterd.client).await.ok()).await;
    let seal = BackupSeal::Recipient("age1nonsense".to_owned());
    let refused =
        rosterd.client.backup(within(LIMIT), seal, false).await.expect("a response").expect_err("no recipient");
    assert_eq!(refused.kind, ErrorKind::Usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scheduled_backups_are_made_when_due_and_the_oldest_go() {
    const DAY: i64 = 86_400;
    let target = tempfile::tempdir().expect("a directory");
    let own = Identity::generate();
    let dir = target.path().join("backups");
    std::fs::create_dir(&dir).expect("a directory");
    let to = own.to_public();
    let config = format!("[backup]\nto = \"{}\"\nkeep = 2\nrecipient = \"{to}\"\n", dir.display());
    let world = World::with_config(&config).await;
    let names = || -> BTreeSet<String> {
        let entries = std::fs::read_dir(&dir).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("letters")).collect()
    };
    let status = async || world.client.status(within(LIMIT)).await.expect("a response").expect("a status").backup;
    let made_at = async |at: Timestamp| {
        until("a backup is made", async || (status().await.last_at == Some(at)).then_some(())).await;
    };
    made_at(NOON).await;
    let first = names();
    assert!(first.len() == 1 && first.iter().all(|name| name.ends_with("-20261121T120000Z.backup")), "{first:?}");
    let file = std::fs::File::open(dir.join(first.first().expect("one"))).expect("a backup");
    let opened = roster_backup::open(file, &Key::Identities(vec![own.clone()])).expect("it opens");
    let (head, manifest) = roster_backup::verify(opened).expect("whole");
    assert!(head.created_at == NOON.0 && manifest.rows() > 0, "{manifest:?}");

    world.clock.advance(DAY);
    made_at(NOON.plus_seconds(DAY)).await;
    world.clock.advance(DAY);
    made_at(NOON.plus_seconds(2 * DAY)).await;
    let rotated = async || (names().len() == 2 && names().is_disjoint(&first)).then_some(());
    until("the oldest is deleted", rotated).await;

    // A target that is gone is said, and the next one is made when it is back.
    let away = target.path().join("away");
    std::fs::rename(&dir, &away).expect("renamed");
    world.clock.advance(DAY);
    let failed = until("that it failed is said", async || status().await.failed).await;
    assert!(failed.contains("cannot be written"), "{failed}");
    std::fs::rename(&away, &dir).expect("renamed");
    world.clock.advance(15 * 60);
    made_at(NOON.plus_seconds(3 * DAY + 15 * 60)).await;
    until("the failure is over", async || status().await.failed.is_none().then_some(())).await;
    let audit = AuditQuery { limit: 256, ..AuditQuery::default() };
    let lines = world.client.audit(within(LIMIT), audit).await.expect("a response").expect("lines").rows;
    let backups: Vec<_> = lines.iter().filter(|line| line.action == "backup").collect();
    assert!(backups.len() == 4 && backups.iter().all(|line| line.who.is_none()), "{backups:?}");
}
