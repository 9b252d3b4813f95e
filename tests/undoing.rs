//! Users take their own last changes back, also after a restart, and never over each other's.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::programs::{CommandOutput, Home};

async fn roster(home: &Home, arguments: &[&str]) -> CommandOutput {
    home.roster(&[arguments, &["--json"]].concat()).await
}

/// What `roster undo` says was taken back.
async fn undo(home: &Home) -> Value {
    let undone = roster(home, &["undo"]).await;
    assert_eq!(undone.code, Some(0), "{}", undone.err);
    undone.json()["undone"]["what"].clone()
}

/// Note and tags of Mara.
async fn mara(home: &Home) -> Value {
    let shown = home.json(&["show", "Mara"]).await;
    json!([shown["note"], shown["tags"], shown["sync_enabled"]])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_taken_back_over_a_restart_the_newest_first() {
    let home = Home::new("");
    let mut daemon = home.start().await;
    home.json(&["add", "Mara", "--note", "likes tea", "--tag", "old"]).await;
    home.json(&["edit", "Mara", "--note", "likes coffee", "--tag", "new", "--untag", "old"]).await;
    home.json(&["pause", "Mara"]).await;
    assert_eq!(mara(&home).await, json!(["likes coffee", ["new"], false]));
    daemon.end(Signal::SIGKILL).await;
    let _daemon = home.start().await;
    assert_eq!(undo(&home).await, "the pause");
    assert_eq!(undo(&home).await, "the note, tags");
    assert_eq!(mara(&home).await, json!(["likes tea", ["old"], true]));
    assert_eq!(undo(&home).await, Value::Null);
    let logged = home.json(&["audit"]).await;
    let entries = logged["entries"].as_array().expect("entries");
    let taken_back = entries.iter().filter(|entry| entry["cause"] == "undo").map(|entry| entry["action"].clone());
    assert_eq!(taken_back.collect::<Vec<_>>(), ["influencer.note", "influencer.tags", "resume"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_overwritten_only_while_it_is_what_was_seen() {
    let home = Home::new("");
    let _daemon = home.start().await;
    home.json(&["add", "Mara", "--note", "likes tea"]).await;
    let edit = ["edit", "Mara", "--note", "likes coffee", "--if-unchanged"];
    let refused = roster(&home, &[&edit[..], &["likes milk"]].concat()).await;
    assert_eq!((refused.code, &refused.json()["error"]["kind"]), (Some(1), &json!("conflict")));
    assert_eq!(mara(&home).await[0], "likes tea");
    let edited = roster(&home, &[&edit[..], &["likes tea"]].concat()).await;
    assert_eq!((edited.code, &edited.json()["note"]), (Some(0), &json!("likes coffee")));
    let both = roster(&home, &[&edit[..], &["x", "--name", "Mia"]].concat()).await;
    assert_eq!(both.code, Some(2));
    // One's own edits are taken back one after the other.
    let again = roster(&home, &["edit", "Mara", "--note", "theirs"]).await;
    assert_eq!(again.code, Some(0));
    assert_eq!(undo(&home).await, "the note");
    assert_eq!(undo(&home).await, "the note");
    assert_eq!(mara(&home).await[0], "likes tea");
}
