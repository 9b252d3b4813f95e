//! Master keys that change while the daemon works: nothing that is sealed is lost, and an old key is retired.

use std::collections::BTreeMap;
use std::path::Path;

use nix::sys::signal::Signal;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::keys::{KeyState, Keys};
use roster_protocol::transport::within;
use roster_protocol::{ErrorKind, RosterClient};
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use rosterd::model::SealedWith;
use rosterd::store::{OpenOptions, SealedCounts, Store};

use crate::support::consent::{APPS, consented};
use crate::support::programs::{CommandOutput, Home, ROSTERD, Rosterd, alone, until};
use crate::support::{LIMIT, synced_at_will};

const STARS: [&str; 5] = ["mara", "oskar", "ines", "liv", "jon"];

/// A home whose daemon runs, with some consents, each of which gave two tokens.
async fn lived() -> (Sandbox, Home, Rosterd) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::new(&format!("{}{APPS}", synced_at_will(&sandbox)));
    let rosterd = home.start().await;
    for star in STARS {
        let edit = AccountEdit { followers: Some(5000), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(Platform::Tiktok, star, &edit).expect("a possible account");
        let new = NewInfluencer { name: star.to_owned(), ..NewInfluencer::default() };
        rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
        consented(&rosterd.client, star, Platform::Tiktok, star).await;
    }
    (sandbox, home, rosterd)
}

async fn keys(client: &RosterClient) -> Keys {
    client.keys(within(LIMIT)).await.expect("a response").expect("keys")
}

/// The keys once everything is sealed with the first.
async fn settled(client: &RosterClient) -> Keys {
    until("everything is sealed with the first key", async || {
        let keys = keys(client).await;
        keys.keys.iter().all(|key| key.state != KeyState::InUse).then_some(keys)
    })
    .await
}

fn states(keys: &Keys) -> Vec<(KeyState, u64)> {
    keys.keys.iter().map(|key| (key.state, key.sealed)).collect()
}

/// What is sealed in the store, by the id of the key; the daemon has ended.
fn stored(home: &Home) -> BTreeMap<String, u64> {
    let (store, _) = Store::open(OpenOptions::in_dir(home.state(), roster_protocol::Timestamp(0))).expect("it opens");
    let SealedWith(counts) = store.read_now(SealedCounts).expect("it is read");
    counts.into_iter().map(|(id, count)| (data_encoding::HEXLOWER.encode(&id), count)).collect()
}

/// Everyone's tokens open: each connection is read with them.
async fn all_open(home: &Home) {
    let synced = home.roster(&["sync", "--all", "--json"]).await;
    let synced = synced.json();
    assert_eq!((&synced["ok"], &synced["failed"]), (&STARS.len().into(), &0.into()), "{synced}");
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("a file");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_seals_everything_anew_and_the_old_one_is_retired() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let file = home.state().join("master.key");
    let first = lines(&file).remove(0);
    let before = keys(&rosterd.client).await;
    assert_eq!(states(&before), [(KeyState::Seals, 10)]);
    let old = before.keys[0].id.clone();

    let backup = home.path("before.backup");
    home.json(&["backup", backup.to_str().expect("a path")]).await;
    let sealing = home.roster(&["keys", "retire", &old]).await;
    assert!(sealing.code == Some(1) && sealing.err.contains("`roster keys rotate`"), "{sealing:?}");
    let rotated = home.json(&["keys", "rotate"]).await;
    let new = rotated["keys"][0]["id"].as_str().expect("an id").to_owned();
    assert_ne!(new, old);
    let after = settled(&rosterd.client).await;
    assert_eq!(states(&after), [(KeyState::Seals, 10), (KeyState::Unused, 0)]);
    let kept = lines(&file);
    assert!(kept.len() == 2 && kept[1] == first, "the new key is before the old one");
    all_open(&home).await;

    // The backup opens with the old key alone.
    let refused = home.roster(&["keys", "retire", &old[..4]]).await;
    assert!(
        refused.code == Some(1) && refused.err.contains("requested") && refused.err.contains("--yes"),
        "{refused:?}"
    );
    let retired = home.json(&["keys", "retire", &old[..4], "--yes"]).await;
    assert_eq!((&retired["retired"], &retired["remove_from"]), (&old.as_str().into(), &serde_json::Value::Null));
    assert_eq!(lines(&file), [kept[0].clone()]);
    all_open(&home).await;
    let audit = home.json(&["audit"]).await.to_string();
    for action in ["keys.rotate", "keys.reseal", "keys.retire"] {
        assert!(audit.contains(action), "{action} in {audit}");
    }
    assert_eq!(home.json(&["status"]).await["to_reseal"], 0);
    rosterd.end(Signal::SIGTERM).await;
    assert_eq!(stored(&home), [(new, 10)].into());
    let rosterd = home.start().await;
    all_open(&home).await;
    drop(rosterd);

    // What the log has names keys, and shows nothing of them.
    let log = home.log();
    for key in kept {
        assert!(!log.contains(&key) && !log.contains(&key[..16]), "a key is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_the_daemon_does_not_write_rotate_with_a_restart() {
    let (_sandbox, home, mut rosterd) = lived().await;
    rosterd.end(Signal::SIGTERM).await;
    let own = home.state().join("master.key");
    let old = lines(&own).remove(0);
    std::fs::remove_file(&own).expect("gone");
    let given = |keys: &[&str]| {
        let mut command = home.rosterd(&[]);
        command.env("ENCRYPTION_KEY", keys.join("\n"));
        command
    };
    let mut rosterd = home.start_as(given(&[&old])).await;
    let before = keys(&rosterd.client).await;
    let refused = home.roster(&["keys", "rotate"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    for word in ["ENCRYPTION_KEY", "`rosterd keygen`", "restart rosterd", "nothing was changed"] {
        assert!(refused.err.contains(word), "{word} in {refused:?}");
    }
    assert_eq!(keys(&rosterd.client).await, before);
    rosterd.end(Signal::SIGTERM).await;

    let mut keygen = alone(ROSTERD, &home.path(""));
    keygen.arg("keygen");
    let new = CommandOutput::of(keygen).await.out.trim().to_owned();
    // The new key alone is refused: what is sealed would not open.
    let wrong = CommandOutput::of(given(&[&new])).await;
    assert_eq!(wrong.code, Some(78), "{}", home.log());
    let mut rosterd = home.start_as(given(&[&new, &old])).await;
    let after = settled(&rosterd.client).await;
    assert_eq!(states(&after), [(KeyState::Seals, 10), (KeyState::Unused, 0)]);
    assert_eq!(after.keys[1].id, before.keys[0].id);
    all_open(&home).await;
    let retired = home.json(&["keys", "retire", &after.keys[1].id]).await;
    assert_eq!(retired["remove_from"], "ENCRYPTION_KEY");
    rosterd.end(Signal::SIGTERM).await;
    let rosterd = home.start_as(given(&[&new])).await;
    all_open(&home).await;
    assert_eq!(states(&keys(&rosterd.client).await), [(KeyState::Seals, 10)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_edited_meanwhile_is_not_written_over() {
    let home = Home::new("");
    let rosterd = home.start().await;
    let file = home.state().join("master.key");
    let edited = format!("{}\n{}\n", "a".repeat(64), std::fs::read_to_string(&file).expect("a key"));
    std::fs::write(&file, &edited).expect("written");
    let refused = rosterd.client.rotate_key(within(LIMIT)).await.expect("a response").expect_err("it was edited");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.hint.is_some_and(|hint| hint.contains("restart rosterd")));
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), edited);
    for (named, words) in [("nosuch", "no such key"), ("", "no such key")] {
        let refused = rosterd.client.retire_key(within(LIMIT), named.to_owned(), true).await.expect("a response");
        assert!(refused.expect_err("no key").message.contains(words), "{named:?}");
    }
}
