//! The audit log as its users see it: chained, copied to the journal without names, exported.

mod actions;
mod refusals;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::programs::Home;

const CONFIG: &str = "[sync]\ngateway = \"http://127.0.0.1:9\"\ntimezone = \"UTC\"\n[http]\nlisten = \"off\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_users_do_is_chained_and_copied_to_the_journal_without_names() {
    let home = Home::new(CONFIG);
    let mut rosterd = home.start().await;
    home.json(&["add", "Canary Lindqvist", "--note", "canary-note", "--tag", "canary-tag"]).await;
    home.json(&["edit", "Canary Lindqvist", "--name", "Canary Two"]).await;
    home.json(&["audit"]).await;
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success());
    let mut rosterd = home.start().await;
    home.json(&["edit", "Canary Two", "--note", "another canary-note"]).await;

    let lines = home.roster(&["audit", "--format", "ndjson"]).await;
    let lines: Vec<Value> = lines.out.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().expect("an action")).collect();
    assert_eq!(actions, ["influencer.note", "influencer.rename", "influencer.add"]);
    assert_eq!((&lines[1]["old"], &lines[1]["new"]), (&"Canary Lindqvist".into(), &"Canary Two".into()));
    assert!(lines[1]["on"].as_str().is_some_and(|on| on.ends_with(" Canary Two")), "{}", lines[1]);

    let check = home.json(&["audit", "verify"]).await;
    assert_eq!((&check["whole"], &check["entries"], &check["last"]), (&true.into(), &3.into(), &3.into()));
    let log = home.log();
    assert!(log.contains(check["hash"].as_str().expect("a hash")), "the journal has the hash of the last entry");
    assert!(log.contains("influencer.rename"), "{log}");
    assert!(!log.to_lowercase().contains("canary"), "{log}");

    // A store at rest is followed, too.
    let (status, _) = rosterd.end(Signal::SIGTERM).await;
    assert!(status.success());
    let bytes = std::fs::read(home.state().join("roster.redb")).expect("the store");
    let has = |text: &str| bytes.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(has("influencer.rename") && has("Canary Two"), "the influencer's own row has the name");
    let checked = home.rosterd(&["check", "--json"]).output().await.expect("it runs");
    let checked: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!((&checked["whole"], &checked["audit"]), (&true.into(), &Value::Array(Vec::new())));
}
