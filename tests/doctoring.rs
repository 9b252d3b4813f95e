//! What a newcomer gets wrong, as `roster doctor` says it: each with what to do, and with an exit code.

use std::os::unix::fs::PermissionsExt;

use roster_sandbox::{Fault, FaultKind, Platform, Sandbox};
use serde_json::Value;

use crate::support::consent::APPS;
use crate::support::programs::{CommandOutput, Home, ROSTER, ROSTERD, alone};
use crate::support::synced_at_will;

async fn sandbox() -> Sandbox {
    let options = roster_sandbox::Options { accounts: 5, ..Default::default() };
    Sandbox::start(options).await.expect("the sandbox listens")
}

/// The verdict, what was found, and what to do, of each finding about something.
fn about(output: &CommandOutput, what: &str) -> Vec<(String, String, Option<String>)> {
    let json = output.json();
    let findings = json["findings"].as_array().unwrap_or_else(|| panic!("{output:?}")).clone();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let of = findings.into_iter().filter(|finding| finding["what"] == what);
    of.map(|it| (text(&it["verdict"]).unwrap_or_default(), text(&it["found"]).unwrap_or_default(), text(&it["fix"])))
        .collect()
}

/// The only finding about something.
fn one(output: &CommandOutput, what: &str) -> (String, String, Option<String>) {
    let mut found = about(output, what);
    assert_eq!(found.len(), 1, "{what}: {output:?}");
    found.remove(0)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_with_its_way_out_and_no_secret() {
    let sandbox = sandbox().await;
    let port = free_port();
    let good = format!(
        "[http]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n{}{APPS}",
        synced_at_will(&sandbox)
    );
    let home = Home::new(&good);
    let _rosterd = home.start().await;
    let doctor = async || home.roster(&["doctor", "--json"]).await;

    let output = doctor().await;
    // No backup was ever made: that is a warning, and there is nothing worse.
    assert_eq!((output.code, output.json()["verdict"].as_str()), (Some(6), Some("warning")), "{output:?}");
    assert_eq!(one(&output, "config").0, "well", "{output:?}");
    assert_eq!(one(&output, "backup").0, "warning");
    assert!(one(&output, "key").1.contains("master.key"));
    assert!(one(&output, "clock").1.starts_with("it agrees with the time of"), "{output:?}");
    assert_eq!(one(&output, "youtube").0, "well");
    // Each platform's address was requested, and this daemon responded.
    let redirects = about(&output, "redirect URI");
    assert_eq!(redirects.len(), 4, "{redirects:?}");
    assert!(
        redirects.iter().all(|(verdict, found, _)| verdict == "note" && found.contains("leads here")),
        "{redirects:?}"
    );
    let text = home.roster(&["doctor"]).await;
    assert!(text.out.trim_end().ends_with("warning") || text.out.trim_end().ends_with("warnings"), "{text:?}");
    for secret in ["youtube-api-key", "client-secret"] {
        assert!(!text.out.contains(secret) && !output.out.contains(secret), "{text:?}");
    }

    // Then everything goes wrong at once.
    home.configure(&good.replace("min_distance", "min_distanze"));
    let key = home.state().join("master.key");
    std::fs::rename(&key, home.path("elsewhere")).expect("moved");
    let store = home.state().join("roster.redb");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    sandbox.world().fault(Fault { count: 100, ..Fault::new(Platform::Tiktok, FaultKind::ServerError) });
    let output = doctor().await;
    assert_eq!(output.code, Some(1), "{output:?}");
    let (verdict, found, fix) = one(&output, "config");
    assert!(verdict == "fault" && found.contains("rosterd.toml:6: unknown key sync.min_distanze"), "{found}");
    assert!(fix.is_some_and(|fix| fix.contains("reload")));
    assert_eq!(one(&output, "key").0, "fault");
    let (verdict, _, fix) = one(&output, "files");
    assert_eq!((verdict.as_str(), fix), ("warning", Some(format!("chmod go= {}", store.display()))));

    // Another key in its place would end the next start.
    std::fs::write(&key, "7".repeat(64)).expect("written");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let (verdict, found, _) = one(&doctor().await, "key");
    assert!(verdict == "fault" && found.contains("which is in use") && !found.contains("7777"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_that_were_not_renewed_for_a_quarter_are_named() {
    let home = Home::new("");
    let secret = home.path("youtube.key");
    std::fs::write(&secret, "canary-api-key").expect("a secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    home.configure(&format!("[platforms.youtube]\napi_key_file = \"{}\"\n", secret.display()));
    let _rosterd = home.start().await;
    let written = |days: u64| {
        let ago = std::time::Duration::from_secs(days * 24 * 3600 + 3600);
        let file = std::fs::File::options().append(true).open(&secret).expect("the secret");
        file.set_modified(std::time::SystemTime::now() - ago).expect("a time");
    };
    written(90);
    let output = home.roster(&["doctor", "--json"]).await;
    assert!(about(&output, "secrets").is_empty(), "{output:?}");
    written(91);
    let output = home.roster(&["doctor", "--json"]).await;
    let (verdict, found, fix) = one(&output, "secrets");
    let expected = format!("{} holds a secret, and was not written for 91 days", secret.display());
    assert_eq!((verdict.as_str(), found), ("warning", expected));
    assert!(fix.is_some_and(|fix| fix.contains("make a new one")), "{output:?}");
    assert!(!output.out.contains("canary"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_leads_elsewhere_and_a_taken_port_are_faults() {
    let sandbox = sandbox().await;
    let port = free_port();
    // What is registered at platforms leads to another server than this daemon.
    let http = format!("[http]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{}\"\n", sandbox.url());
    let home = Home::new(&format!("{http}{}{APPS}", synced_at_will(&sandbox)));
    let mut rosterd = home.start().await;
    let output = home.roster(&["doctor", "--json"]).await;
    let redirects = about(&output, "redirect URI");
    assert!(!redirects.is_empty() && redirects.iter().all(|(verdict, ..)| verdict == "fault"), "{redirects:?}");
    assert!(redirects[0].1.contains("does not lead here"), "{redirects:?}");
    assert_eq!(output.code, Some(1));
    rosterd.end(nix::sys::signal::Signal::SIGTERM).await;

    let _other = std::net::TcpListener::bind(("127.0.0.1", port)).expect("it is free again");
    let _rosterd = home.start().await;
    let (verdict, found, _) = one(&home.roster(&["doctor", "--json"]).await, "listener");
    assert!(verdict == "fault" && found.contains("another program listens"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_daemon_it_says_how_to_start_one_and_what_would_keep_it_from_starting() {
    let home = Home::new("[sync]\nintervall = \"1h\"\n");
    // Installed, as on a host with both programs.
    std::fs::create_dir(home.path("bin")).expect("a directory");
    std::os::unix::fs::symlink(ROSTERD, home.path("bin/rosterd")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    let mut command = alone(ROSTER, &home.path(""));
    command
        .args(["doctor", "--json", "--socket"])
        .arg(home.socket())
        .env("ROSTER_CONFIG", home.config())
        .env("PATH", path);
    let output = CommandOutput::of(command).await;
    assert_eq!(output.code, Some(3), "{output:?}");
    let (verdict, _, fix) = one(&output, "daemon");
    assert!(verdict == "fault" && fix.is_some_and(|fix| fix.contains("rosterd run")), "{output:?}");
    let (verdict, found, _) = one(&output, "config");
    assert!(verdict == "fault" && found.contains("intervall"), "{found}");
    assert_eq!(one(&output, "terminal").0, "note");
}
