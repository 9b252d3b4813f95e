//! Stores that earlier versions left, opened by this one.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::programs::Home;

/// Lays an old store where a daemon finds it; returns its bytes.
fn lay(home: &Home, packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut bytes).expect("a packed store");
    std::fs::create_dir(home.state()).expect("a directory");
    let path = home.state().join("roster.redb");
    std::fs::write(&path, &bytes).expect("a store");
    for (path, mode) in [(home.state(), 0o700), (path, 0o600)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("its mode");
    }
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_format_1_is_copied_and_keeps_everything() {
    let home = Home::new("[sync]\ngateway = \"http://127.0.0.1:9\"\ntimezone = \"Europe/Athens\"\n");
    let bytes = lay(&home, include_bytes!("upgrade/format-1.redb.gz"));
    for round in 0..2 {
        let mut rosterd = home.start().await;
        let copy = std::fs::read(home.state().join("roster.redb.format-1")).expect("a copy");
        assert!(copy == bytes, "the copy is the store as it was");
        let list = home.json(&["list"]).await;
        let names: Vec<&str> = list["influencers"].as_array().expect("a list").iter().map(name).collect();
        assert_eq!(names, ["Paused Person", "Two Accounts", "Kept Since One"]);
        let kept = home.json(&["show", "Kept Since One"]).await;
        assert_eq!((&kept["tags"][0], &kept["note"]), (&"beauty".into(), &"from the first format".into()));
        let history = home.json(&["history", "bluesky:kept-1.example"]).await;
        let days: Vec<(&str, u64)> = history["snapshots"].as_array().expect("snapshots").iter().map(day).collect();
        let by_hand = [("2026-09-01", 900), ("2026-09-02", 900), ("2026-10-15", 900), ("2026-11-01", 900)];
        assert_eq!(days, [by_hand.as_slice(), &[("2026-11-21", 500)]].concat());
        let two = home.json(&["history", "mastodon:kept@social.example"]).await;
        assert_eq!(two["snapshots"].as_array().expect("snapshots").len(), 1);
        let alerts = home.json(&["alerts", "--state", "open"]).await;
        assert_eq!((&alerts["alerts"][0]["from"], &alerts["alerts"][0]["to"]), (&1000.into(), &500.into()));
        let paused = home.json(&["show", "Paused Person"]).await;
        assert_eq!((&paused["sync_enabled"], &paused["connections"][0]["status"]), (&false.into(), &"paused".into()));
        assert!(home.json(&["audit"]).await["entries"].as_array().expect("entries").len() > 5);
        is_chained(&home).await;
        // It is a store like any other from now on.
        let name = format!("Added {round}");
        home.json(&["add", &name]).await;
        let (status, _) = rosterd.end(Signal::SIGTERM).await;
        assert!(status.success());
        if round == 0 {
            // Restoring the old store removes what was added since; that is how a version is rolled back.
            std::fs::copy(home.state().join("roster.redb.format-1"), home.state().join("roster.redb")).expect("copied");
        }
    }
}

/// The key of the store of format 2, in hexadecimal digits.
const KEY_BYTE: &str = "5a";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_format_2_is_copied_and_keeps_its_alerts_and_consents() {
    let home = Home::new("[sync]\ngateway = \"http://127.0.0.1:9\"\ntimezone = \"UTC\"\n");
    let bytes = lay(&home, include_bytes!("upgrade/format-2.redb.gz"));
    for round in 0..2 {
        let mut command = home.rosterd(&[]);
        command.env("ENCRYPTION_KEY", KEY_BYTE.repeat(32));
        let mut rosterd = home.start_as(command).await;
        let copy = std::fs::read(home.state().join("roster.redb.format-2")).expect("a copy");
        assert!(copy == bytes, "the copy is the store as it was");
        let mara = home.json(&["show", "Mara Lindqvist"]).await;
        assert_eq!((&mara["tags"][1], &mara["note"]), (&"nordic".into(), &"from the second format".into()));
        let history = home.json(&["history", "youtube:@mara"]).await;
        let days: Vec<(&str, u64)> = history["snapshots"].as_array().expect("snapshots").iter().map(day).collect();
        let folded = [("2026-10-05", 10_000), ("2026-10-06", 10_100), ("2026-11-18", 12_300)];
        assert_eq!(days, [folded.as_slice(), &[("2026-11-20", 12_345), ("2026-11-21", 10_400)]].concat());
        for (state, rule, why) in [
            ("open", "significant-change", "followers fell 15.8 %, from 12,345 to 10,400"),
            ("acknowledged", "needs-person", "its owner withdrew the consent"),
            ("resolved", "significant-change", "followers rose 21.8 %, from 10,100 to 12,300"),
        ] {
            let found = home.json(&["alerts", "--state", state]).await;
            let alerts = found["alerts"].as_array().expect("alerts");
            assert_eq!(alerts.len(), 1, "{state}: {found}");
            assert_eq!((&alerts[0]["rule"], &alerts[0]["why"]), (&rule.into(), &why.into()), "{state}");
            assert_eq!(alerts[0]["about"], "connection", "{state}");
        }
        let acknowledged = home.json(&["alerts", "--state", "acknowledged"]).await;
        let (alert, show) = (&acknowledged["alerts"][0], home.json(&["show", "Oskar & Ines"]).await);
        assert_eq!((&alert["influencer"], &alert["connection"]), (&show["id"], &show["connections"][0]["id"]));
        assert_eq!((&alert["influencer_name"], &alert["platform"]), (&"Oskar & Ines".into(), &"instagram".into()));
        let grants = home.json(&["tokens"]).await;
        let grants = grants["grants"].as_array().expect("grants");
        let accounts: Vec<&str> = grants.iter().map(|grant| grant["account"].as_str().expect("an account")).collect();
        assert_eq!(accounts, ["Oskar", "Mara", "Paused"]);
        assert_eq!(grants[1]["connections"][0], mara["connections"][0]["id"]);
        let audit = home.json(&["audit"]).await;
        assert!(audit["entries"].as_array().expect("entries").iter().any(|entry| entry["action"] == "profile.update"));
        is_chained(&home).await;
        home.json(&["add", &format!("Added {round}")]).await;
        let (status, _) = rosterd.end(Signal::SIGTERM).await;
        assert!(status.success());
    }
}

/// Each entry of the audit log follows from the one before it, and says whom it is about.
async fn is_chained(home: &Home) {
    let check = home.json(&["audit", "verify"]).await;
    assert_eq!((&check["whole"], check["entries"] == check["last"]), (&true.into(), true), "{check}");
    let audit = home.json(&["audit"]).await;
    let named = audit["entries"].as_array().expect("entries").iter().map(|entry| entry["on"].as_str().expect("a text"));
    assert!(named.clone().any(|on| on.contains(':')) && named.clone().all(|on| !on.contains('(')), "{audit}");
}

fn name(influencer: &Value) -> &str {
    influencer["name"].as_str().expect("a name")
}

fn day(snapshot: &Value) -> (&str, u64) {
    (snapshot["date"].as_str().expect("a date"), snapshot["followers"].as_u64().expect("a count"))
}
