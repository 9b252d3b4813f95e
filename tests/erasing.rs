//! Erasing an influencer over the real programs: no byte is left, no chain breaks, and no backup brings them back.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use age::x25519::Identity;
use nix::sys::signal::Signal;
use roster_backup::Key;
use roster_protocol::RosterClient;
use roster_protocol::influencer::{InfluencerQuery, NewInfluencer};
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform, Sandbox};

use crate::support::consent::{APPS, consented};
use crate::support::programs::{CommandOutput, Home, ROSTER, ROSTERD, Rosterd, alone, until};
use crate::support::{LIMIT, figure, synced_at_will, times};

const NAME: &str = "Zyxwanda Quirrelfeather";
const RENAMED: &str = "Zyxwanda Brambleknot";
const HANDLE: &str = "zyxwanda77";
const OTHER: &str = "oskar";
/// What must be nowhere after the erasure.
const CANARIES: [&str; 7] =
    ["Zyxwanda", "zyxwanda", "Quirrelfeather", "Brambleknot", "plimsoll-note", "plimsoll-tag", "plimsoll-remark"];

fn account(sandbox: &Sandbox, handle: &str, followers: u64) {
    let edit = AccountEdit { followers: Some(followers), growth_per_day: Some(0.0), ..AccountEdit::default() };
    sandbox.world().put(Platform::Tiktok, handle, &edit).expect("a possible account");
}

async fn add(client: &RosterClient, name: &str) {
    let new = NewInfluencer { name: name.to_owned(), ..NewInfluencer::default() };
    client.add(within(LIMIT), new).await.expect("a response").expect("added");
}

async fn names(client: &RosterClient) -> Vec<String> {
    let query = InfluencerQuery { limit: 256, ..InfluencerQuery::default() };
    let page = client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
    page.rows.into_iter().map(|row| row.name).collect()
}

/// A home whose daemon has one influencer to erase, with consent, history, an alert and changes, and one to keep.
async fn lived() -> (Sandbox, Home, Rosterd) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::new(&format!("{}{APPS}", synced_at_will(&sandbox)));
    let rosterd = home.start().await;
    for (name, handle) in [(NAME, HANDLE), (OTHER, OTHER)] {
        account(&sandbox, handle, 50_000);
        add(&rosterd.client, name).await;
        consented(&rosterd.client, name, Platform::Tiktok, handle).await;
    }
    home.json(&["edit", NAME, "--note", "plimsoll-note", "--tag", "plimsoll-tag"]).await;
    home.json(&["edit", NAME, "--name", RENAMED]).await;
    home.json(&["sync", "--all"]).await;
    account(&sandbox, HANDLE, 20_000);
    home.json(&["sync", "--all"]).await;
    let alerts = home.json(&["alerts"]).await;
    let alert = alerts["alerts"][0]["id"].as_str().expect("an alert about the fall").to_owned();
    home.json(&["alerts", "ack", &alert, "--note", "plimsoll-remark"]).await;
    (sandbox, home, rosterd)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in letters")
}

/// Which canaries are in some bytes.
fn found_in(bytes: &[u8]) -> Vec<&'static str> {
    let is_in = |canary: &&str| bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
    CANARIES.into_iter().filter(is_in).collect()
}

fn frames(backup: &Path) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(backup).expect("the backup")).expect("frames")
}

/// The one list of erased ones in a directory.
fn list_in(dir: &Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let lists: Vec<_> = entries.filter(|path| path.extension().is_some_and(|it| it == "erased")).collect();
    assert_eq!(lists.len(), 1, "{lists:?}");
    lists.into_iter().next().expect("one")
}

fn store(home: &Home) -> Vec<u8> {
    std::fs::read(home.state().join("roster.redb")).expect("the store")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_is_left_and_no_chain_breaks() {
    let (_sandbox, home, mut rosterd) = lived().await;
    rosterd.end(Signal::SIGTERM).await;
    let scheduled = home.path("scheduled");
    std::fs::create_dir(&scheduled).expect("a directory");
    let config = std::fs::read_to_string(home.config()).expect("a config");
    let own = Identity::generate();
    let (to, recipient) = (text(&scheduled), own.to_public());
    home.configure(&format!("{config}[backup]\nto = \"{to}\"\nrecipient = \"{recipient}\"\n"));
    let mut rosterd = home.start().await;
    let shown = until("a backup was made", async || {
        let shown = home.json(&["erase", RENAMED]).await;
        shown["unreached"].to_string().contains("\"backups\"").then_some(shown)
    });
    let shown = shown.await;
    assert!(shown["erased_at"].is_null() && !shown["complete"].as_bool().expect("a word"), "{shown}");
    let deleted = &shown["deleted"];
    assert_eq!((&deleted["connections"], &deleted["alerts"], &shown["consents"]), (&1.into(), &1.into(), &1.into()));
    assert!(deleted["runs"].as_u64() >= Some(2) && deleted["audit_entries"].as_u64() >= Some(4), "{shown}");
    // What users wrote elsewhere is theirs to edit.
    home.json(&["edit", OTHER, "--note", &format!("works with {}", RENAMED.to_uppercase())]).await;
    let named = home.json(&["erase", RENAMED]).await["unreached"][0].clone();
    assert!(named["what"] == "texts" && named["why"].to_string().contains("note or tags of"), "{named}");
    home.json(&["edit", OTHER, "--note", ""]).await;
    assert_eq!(names(&rosterd.client).await.len(), 2, "nothing was erased");
    assert!(!found_in(&store(&home)).is_empty(), "the search finds what is there");

    let erased = home.json(&["erase", RENAMED, "--yes"]).await;
    assert!(erased["erased_at"].is_string() && erased["complete"] == true, "{erased}");
    assert_eq!(erased["deleted"], shown["deleted"]);
    let unreached: Vec<_> = erased["unreached"].as_array().expect("a list").iter().map(|it| &it["what"]).collect();
    assert_eq!(unreached, ["exports", "backups", "providers", "disk"], "{erased}");
    assert!(std::fs::read_to_string(list_in(&scheduled)).expect("a list").contains("\"erased\""));
    assert_eq!(home.roster(&["show", RENAMED]).await.code, Some(4));
    assert_eq!(found_in(&store(&home)), [""; 0], "in the store");

    let audit = home.json(&["audit"]).await.to_string();
    assert!(audit.contains("influencer.erase") && audit.contains("(erased)"), "{audit}");
    assert_eq!(found_in(audit.as_bytes()), [""; 0], "in the audit log");
    let verified = home.roster(&["audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let mut check = alone(ROSTERD, &home.path(""));
    check.args(["check", "--json", "--state-dir", text(&home.state()), "--socket", text(&home.socket())]);
    let checked = CommandOutput::of(check).await;
    assert_eq!(checked.code, Some(0), "{checked:?}");
    // Whom it is not about has all they had.
    let other = home.json(&["show", OTHER]).await;
    assert_eq!(other["connections"][0]["latest"]["followers"], 50_000);
    until("the tokens are revoked", async || {
        let grants = home.json(&["tokens"]).await;
        (grants["grants"].as_array().expect("a list").len() == 1).then_some(())
    })
    .await;
    let after = home.path("after.backup");
    home.json(&["backup", text(&after)]).await;
    let file = std::fs::File::open(&after).expect("the backup");
    let mut opened = roster_backup::open(file, &Key::Identities(vec![own])).expect("it opens");
    let mut frames = Vec::new();
    opened.read_to_end(&mut frames).expect("frames");
    let holds_other = frames.windows(OTHER.len()).any(|part| part == OTHER.as_bytes());
    assert!(holds_other && found_in(&frames).is_empty(), "in a backup");
    assert_eq!(found_in(&std::fs::read(list_in(&home.path(""))).expect("a list")), [""; 0], "beside it");
    rosterd.end(Signal::SIGTERM).await;
    let rosterd = home.start().await;
    assert_eq!(names(&rosterd.client).await, [OTHER]);
    assert_eq!(found_in(&store(&home)), [""; 0], "in the store after a restart");
    assert_eq!(found_in(home.log().as_bytes()), [""; 0], "in the log");
    let again = home.roster(&["erase", RENAMED, "--yes"]).await;
    assert_eq!(again.code, Some(4), "{again:?}");

    // One who was only removed: the audit log still says who that was, until they are erased by their id.
    add(&rosterd.client, NAME).await;
    let removed = home.json(&["remove", NAME, "--yes"]).await;
    let id = removed["id"].as_str().expect("an id");
    assert!(home.json(&["audit"]).await.to_string().contains(NAME));
    assert_eq!(home.json(&["erase", id, "--yes"]).await["complete"], true);
    assert_eq!(found_in(home.json(&["audit"]).await.to_string().as_bytes()), [""; 0]);
    assert_eq!(found_in(&store(&home)), [""; 0]);
}

async fn restored(home: &Home, backup: &Path, more: &[&str]) -> CommandOutput {
    let mut command = alone(ROSTERD, &home.path(""));
    command.arg("restore").arg(backup).args(more).arg("--config").arg(home.config());
    CommandOutput::of({
        command.arg("--state-dir").arg(home.state());
        command
    })
    .await
}

/// A home like another one, with its key and nothing else.
fn beside(home: &Home) -> Home {
    let other = Home::new(&std::fs::read_to_string(home.config()).expect("a config"));
    std::fs::create_dir(other.state()).expect("a directory");
    std::fs::copy(home.state().join("master.key"), other.state().join("master.key")).expect("the key");
    other
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_backup_brings_anybody_or_a_revoked_consent_back() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let before = home.path("before.backup");
    home.json(&["backup", text(&before)]).await;
    assert!(!found_in(&frames(&before)).is_empty());
    let connection = home.json(&["show", OTHER]).await["connections"][0]["id"].as_str().expect("an id").to_owned();
    home.json(&["erase", RENAMED, "--yes"]).await;
    home.json(&["disconnect", &connection]).await;
    home.json(&["backup", text(&home.path("after.backup"))]).await;
    let list = list_in(&home.path(""));
    rosterd.end(Signal::SIGTERM).await;

    // With the list beside the backup, with one that is named, and in the state directory itself.
    let (found, named) = (beside(&home), beside(&home));
    let elsewhere = named.path("elsewhere.backup");
    std::fs::copy(&before, &elsewhere).expect("copied");
    for (home, backup, more) in [
        (&found, &before, vec!["--json"]),
        (&named, &elsewhere, vec!["--json", "--erased", text(&list)]),
        (&home, &elsewhere, vec!["--json", "--over-newer"]),
    ] {
        let output = restored(home, backup, &more).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        let erased = &output.json()["erased"];
        assert_eq!((&erased["influencers"], &erased["consents"]), (&1.into(), &2.into()), "{erased}");
        let mut rosterd = home.start().await;
        assert_eq!(names(&rosterd.client).await, [OTHER], "{more:?}");
        let grants = home.json(&["tokens"]).await;
        let grants = grants["grants"].as_array().expect("a list");
        assert!(grants.iter().all(|grant| grant["renews"] != "itself"), "no consent is used: {grants:?}");
        until("nothing is left in the file", async || found_in(&store(home)).is_empty().then_some(())).await;
        assert_eq!(home.roster(&["audit", "verify"]).await.code, Some(0));
        let audit = home.json(&["audit"]).await.to_string();
        assert!(audit.contains("erased.replay") && found_in(audit.as_bytes()).is_empty(), "{audit}");
        rosterd.end(Signal::SIGTERM).await;
    }

    // Without one that is said, and a list that is none is refused before anything is touched.
    let other = beside(&home);
    let wrong = other.path("wrong.erased");
    std::fs::write(&wrong, "{}\n").expect("written");
    let refused = restored(&other, &elsewhere, &["--erased", text(&wrong)]).await;
    assert!(refused.code == Some(1) && refused.err.contains("line 1 of it is no entry"), "{refused:?}");
    assert!(!other.state().join("roster.redb").exists());
    let missing = restored(&other, &elsewhere, &["--erased", text(&other.path("none"))]).await;
    assert!(missing.code == Some(1) && missing.err.contains("is not there"), "{missing:?}");
    let output = restored(&other, &elsewhere, &[]).await;
    assert!(output.code == Some(0) && output.out.contains("no list of erased ones was found"), "{output:?}");
}

/// Points of an erasure that is begun: nothing but the tombstone is stored; rows are deleted; the file is written anew.
const POINTS: [&str; 3] = ["erase.begun", "erase.rows", "erase.rewritten"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_an_erasure_is_not_begun_or_completed() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let (mut not_begun, mut completed, mut dice) = (0, 0, fastrand::Rng::with_seed(18));
    add(&rosterd.client, "Doomed-first").await;
    let began = Instant::now();
    assert_eq!(home.roster(&["erase", "Doomed-first", "--yes"]).await.code, Some(0));
    let takes = began.elapsed().as_micros() as u64;
    for round in 0..times(40, 2_000) {
        let point = (round % 5 == 4).then(|| POINTS[(round / 5) as usize % POINTS.len()]);
        if let Some(point) = point {
            rosterd.end(Signal::SIGTERM).await;
            let mut command = home.rosterd(&[]);
            command.env("ROSTER_KILL_AT", point);
            rosterd = home.start_as(command).await;
        }
        let name = format!("Doomed-{round:05}");
        add(&rosterd.client, &name).await;
        let mut command = alone(ROSTER, &home.path(""));
        let mut child =
            command.args(["erase", &name, "--yes", "--socket", text(&home.socket())]).spawn().expect("it starts");
        if point.is_none() {
            let delay = Duration::from_micros(dice.u64(0..=takes));
            let _ = tokio::time::timeout(delay, child.wait()).await;
            rosterd.signal(Signal::SIGKILL);
        }
        rosterd.gone().await;
        let _ = child.kill().await;
        rosterd = home.start().await;
        let there = names(&rosterd.client).await;
        match there.contains(&name) {
            true => {
                not_begun += 1;
                // The later points may have been those of the erasure before, which this daemon completed.
                assert_ne!(point, Some(POINTS[0]), "round {round}: its tombstone was stored");
                assert_eq!(home.roster(&["erase", &name, "--yes"]).await.code, Some(0), "round {round}");
            }
            false => completed += 1,
        }
        let is_gone = || !store(&home).windows(name.len()).any(|part| part == name.as_bytes());
        until("nothing is left of them", async || is_gone().then_some(())).await;
        assert_eq!(names(&rosterd.client).await, [OTHER, RENAMED], "round {round}: no other is lost");
    }
    figure(format!(
        "{not_begun} erasures not begun and {completed} completed after kills of rosterd, none lost, none back"
    ));
    let verified = home.roster(&["audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let other = home.json(&["show", OTHER]).await;
    assert_eq!(other["connections"][0]["latest"]["followers"], 50_000);
}
