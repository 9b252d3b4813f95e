//! Master keys that change while the daemon works: nothing that is sealed is lost, and an old key is retired.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::keys::{KeyState, Keys};
use roster_protocol::transport::within;
use roster_protocol::{ErrorKind, RosterClient};
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox};
use rosterd::model::SealedWith;
use rosterd::store::{OpenOptions, SealedCounts, Store};

use crate::support::consent::{APPS, consented};
use crate::support::programs::{CommandOutput, Home, ROSTERD, Rosterd, alone, until};
use crate::support::{LIMIT, figure, synced_at_will, times};

const STARS: [&str; 5] = ["mara", "oskar", "ines", "liv", "jon"];

/// A home whose daemon runs, with some consents, each of which gave two tokens; and each influencer has a data key.
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
    let synced = home.roster(&["sync", "--all", "--json"]).await.json();
    assert_eq!((&synced["ok"], &synced["failed"]), (&STARS.len().into(), &0.into()), "{synced}");
}

/// Those of one open: another one each time, because TikTok lets an app read 600 accounts a minute.
async fn one_opens(home: &Home, round: u64) {
    let star = STARS[round as usize % STARS.len()];
    let synced = home.roster(&["sync", star, "--json"]).await.json();
    assert_eq!((&synced["ok"], &synced["failed"]), (&1.into(), &0.into()), "round {round}: {synced}");
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
    assert_eq!(states(&before), [(KeyState::Seals, 15)]);
    let old = before.keys[0].id.clone();

    let backup = home.path("before.backup");
    home.json(&["backup", backup.to_str().expect("a path")]).await;
    let sealing = home.roster(&["keys", "retire", &old]).await;
    assert!(sealing.code == Some(1) && sealing.err.contains("`roster keys rotate`"), "{sealing:?}");
    let rotated = home.json(&["keys", "rotate"]).await;
    let new = rotated["keys"][0]["id"].as_str().expect("an id").to_owned();
    assert_ne!(new, old);
    let after = settled(&rosterd.client).await;
    assert_eq!(states(&after), [(KeyState::Seals, 15), (KeyState::Unused, 0)]);
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
    assert_eq!(stored(&home), [(new, 15)].into());
    let rosterd = home.start().await;
    all_open(&home).await;
    // So do the keys of what the audit log says of each influencer.
    let audit = home.json(&["audit"]).await.to_string();
    assert!(STARS.iter().all(|star| audit.contains(&format!(" {star}\""))) && !audit.contains("erased"), "{audit}");
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
    assert_eq!(states(&after), [(KeyState::Seals, 15), (KeyState::Unused, 0)]);
    assert_eq!(after.keys[1].id, before.keys[0].id);
    all_open(&home).await;
    let retired = home.json(&["keys", "retire", &after.keys[1].id]).await;
    assert_eq!(retired["remove_from"], "ENCRYPTION_KEY");
    rosterd.end(Signal::SIGTERM).await;
    let rosterd = home.start_as(given(&[&new])).await;
    all_open(&home).await;
    assert_eq!(states(&keys(&rosterd.client).await), [(KeyState::Seals, 15)]);
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

/// Points of a rotation: the new file is written and has not its name yet; rows were sealed anew.
const POINTS: [&str; 2] = ["key.written", "reseal.step"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_keys_change_lose_nothing() {
    let (_sandbox, home, mut rosterd) = lived().await;
    rosterd.end(Signal::SIGTERM).await;
    let (rounds, mut acknowledged, mut cut) = (times(40, 2_000), 0, 0);
    for round in 0..rounds {
        let point = (round % 5 == 4).then(|| POINTS[(round / 5) as usize % POINTS.len()]);
        let mut command = home.rosterd(&[]);
        if let Some(point) = point {
            command.env("ROSTER_KILL_AT", point);
        }
        let mut dying = home.start_as(command).await;
        let retiring = keys(&dying.client).await.keys.into_iter().find(|key| key.state == KeyState::Unused);
        if point.is_none() {
            // A rotation takes about ten milliseconds, and sealing anew as long again.
            dying.signal_after(Duration::from_micros(u64::from(fastrand::u16(..)) / 2), Signal::SIGKILL);
        }
        let rotated = dying.client.rotate_key(within(LIMIT)).await;
        if let Some(key) = retiring {
            drop(dying.client.retire_key(within(LIMIT), key.id, true).await);
        }
        dying.gone().await;

        let mut rosterd = home.start().await;
        let after = settled(&rosterd.client).await;
        assert_eq!(after.keys[0].sealed, 15, "round {round}: {after:?}");
        assert!(after.keys.iter().skip(1).all(|key| (key.state, key.sealed) == (KeyState::Unused, 0)), "{after:?}");
        match rotated {
            Ok(rotated) => {
                let sealing = rotated.expect("it was rotated").keys[0].id.clone();
                assert_eq!(after.keys[0].id, sealing, "round {round}: what was acknowledged holds");
                acknowledged += 1;
            }
            Err(_) => cut += 1,
        }
        // What is lost once is lost at the end, too.
        if round % times(1, 10) == 0 {
            one_opens(&home, round / times(1, 10)).await;
        }
        // No more keys than a source may have.
        for key in after.keys.iter().skip(3) {
            let retired = rosterd.client.retire_key(within(LIMIT), key.id.clone(), true).await;
            retired.expect("a response").expect("nothing needs it");
        }
        rosterd.end(Signal::SIGTERM).await;
    }
    let mut rosterd = home.start().await;
    all_open(&home).await;
    rosterd.end(Signal::SIGTERM).await;
    let kept = stored(&home);
    assert_eq!(kept.values().copied().collect::<Vec<_>>(), [15], "one key seals everything");
    assert!(acknowledged > 0 && cut > 0, "{acknowledged} acknowledged, {cut} cut off");
    figure(format!(
        "{rounds} kills while keys change: {acknowledged} rotations acknowledged, {cut} cut off, 0 tokens lost"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_renewed_meanwhile_stays_renewed() {
    let (sandbox, home, rosterd) = lived().await;
    for _ in 0..times(5, 50) {
        // TikTok calls the access tokens expired: the refresh tokens are good for one use each.
        for star in STARS {
            let expired = Fault { handle: Some(star.to_owned()), ..Fault::new(Platform::Tiktok, FaultKind::Expired) };
            sandbox.world().fault(expired);
        }
        let (renewing, client) = (home.roster(&["sync", "--all", "--json"]), rosterd.client.clone());
        let (renewed, rotated) = tokio::join!(renewing, client.rotate_key(within(LIMIT)));
        assert_eq!(renewed.json()["ok"], STARS.len(), "{renewed:?}");
        rotated.expect("a response").expect("rotated");
        let after = settled(&rosterd.client).await;
        assert_eq!(after.keys[0].sealed, 15);
        for key in after.keys.iter().skip(1) {
            let retired = client.retire_key(within(LIMIT), key.id.clone(), true).await;
            retired.expect("a response").expect("nothing needs it");
        }
    }
    all_open(&home).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passphrase_opens_the_store_and_gives_way_to_a_key() {
    let (_sandbox, home, mut rosterd) = lived().await;
    rosterd.end(Signal::SIGTERM).await;
    let own = home.state().join("master.key");
    let old = lines(&own).remove(0);
    let phrases = home.path("phrases");
    let write = |text: &str| {
        std::fs::write(&phrases, text).expect("written");
        std::fs::set_permissions(&phrases, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    };
    let config = std::fs::read_to_string(home.config()).expect("a config");
    home.configure(&format!("{config}[store]\nmaster_key_passphrase_file = \"{}\"\n", phrases.display()));
    std::fs::remove_file(&own).expect("gone");

    write("correct horse battery\n");
    let wrong = CommandOutput::of(home.rosterd(&[])).await;
    assert_eq!(wrong.code, Some(78), "{}", home.log());
    write(&format!("correct horse battery\n{old}\n"));
    let mut rosterd = home.start().await;
    let after = settled(&rosterd.client).await;
    assert!(after.source.contains("master_key_passphrase_file"), "{after:?}");
    assert_eq!(states(&after), [(KeyState::Seals, 15), (KeyState::Unused, 0)]);
    let refused = home.roster(&["keys", "rotate"]).await;
    assert!(refused.code == Some(1) && refused.err.contains("a new passphrase"), "{refused:?}");
    rosterd.end(Signal::SIGTERM).await;

    write("correct horse battery");
    let mut rosterd = home.start().await;
    all_open(&home).await;
    assert!(!own.exists(), "no key was made");
    rosterd.end(Signal::SIGTERM).await;
    write("another horse battery");
    let wrong = CommandOutput::of(home.rosterd(&[])).await;
    assert_eq!(wrong.code, Some(78), "{}", home.log());
    assert!(!home.log().contains("horse"), "a passphrase is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_has_the_key_inside_only_when_that_is_requested_by_name() {
    let (_sandbox, home, mut rosterd) = lived().await;
    let (phrase, whole, usual) = (home.path("phrase"), home.path("whole.backup"), home.path("usual.backup"));
    std::fs::write(&phrase, "of three words\n").expect("written");
    let [phrase, whole, usual] = [&phrase, &whole, &usual].map(|path| path.to_str().expect("letters").to_owned());
    let bare = home.roster(&["backup", &whole, "--with-master-key"]).await;
    assert!(bare.code == Some(2) && bare.err.contains("must be encrypted"), "{bare:?}");
    home.json(&["backup", &whole, "--with-master-key", "--passphrase-file", &phrase]).await;
    home.json(&["backup", &usual, "--passphrase-file", &phrase]).await;
    let inside = async |file: &str| {
        let verified = home.json(&["backup", "verify", file, "--passphrase-file", &phrase]).await;
        verified["master_key"].clone()
    };
    assert_eq!((inside(&whole).await, inside(&usual).await), (true.into(), false.into()));
    let audit = home.json(&["audit"]).await.to_string();
    assert!(audit.contains("encrypted: passphrase, with the master key"), "{audit}");
    rosterd.end(Signal::SIGTERM).await;

    let key = std::fs::read_to_string(home.state().join("master.key")).expect("a key");
    let config = std::fs::read_to_string(home.config()).expect("a config");
    let restored = async |other: &Home, file: &str| {
        let mut command = alone(ROSTERD, &other.path(""));
        command.args(["restore", file, "--json", "--passphrase-file", &phrase]);
        command.arg("--config").arg(other.config()).arg("--state-dir").arg(other.state());
        CommandOutput::of(command).await
    };
    let other = Home::new(&config);
    let output = restored(&other, &whole).await;
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""), "{output:?}");
    assert_eq!(output.json()["master_key"], "written");
    let file = other.state().join("master.key");
    assert_eq!(std::fs::read_to_string(&file).expect("a key"), key);
    assert_eq!(std::fs::metadata(&file).expect("a key").permissions().mode() & 0o777, 0o600);
    let rosterd = other.start().await;
    all_open(&other).await;
    drop(rosterd);

    let third = Home::new(&config);
    std::fs::create_dir(third.state()).expect("a directory");
    let others = third.state().join("master.key");
    std::fs::write(&others, "7".repeat(64)).expect("written");
    std::fs::set_permissions(&others, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let output = restored(&third, &whole).await;
    assert!(output.code == Some(0) && output.err.contains("stays"), "{output:?}");
    assert_eq!(output.json()["master_key"], "kept");
    assert_eq!(std::fs::read_to_string(&others).expect("a key"), "7".repeat(64));
    let output = restored(&Home::new(&config), &usual).await;
    assert_eq!((output.code, &output.json()["master_key"]), (Some(0), &serde_json::Value::Null));
}
