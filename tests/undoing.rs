//! Users take their own last changes back, also after a restart, and never over each other's.

use nix::sys::signal::Signal;
use roster_protocol::influencer::InfluencerEdit;
use roster_protocol::transport::within;
use roster_protocol::undo::Undone;
use roster_protocol::{ErrorKind, Influencer, RosterError};
use roster_sandbox::Platform;
use serde_json::{Value, json};

use crate::support::programs::{CommandOutput, Home, until};
use crate::support::{LIMIT, World};

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

const HOUR_S: i64 = 3600;

impl World {
    /// Mara, with tags, a note, and an account on TikTok that her consent opened and that was read.
    async fn with_mara_of_tiktok() -> Self {
        let world = Self::with_apps().await;
        world.quiet(Platform::Tiktok, "mara", 5000);
        world.influencer("Mara").await;
        let edit =
            InfluencerEdit { tag: vec!["beauty".into()], note: Some("likes tea".into()), ..InfluencerEdit::default() };
        world.client.edit(within(LIMIT), "Mara".into(), edit).await.expect("a response").expect("edited");
        world.consent("Mara", "tiktok", "mara").await;
        world.sync("Mara").await;
        world
    }

    async fn removed(&self) -> Influencer {
        self.client.remove(within(LIMIT), "Mara".into()).await.expect("a response").expect("removed")
    }

    async fn undo(&self) -> Result<Option<Undone>, RosterError> {
        self.client.undo(within(LIMIT)).await.expect("a response")
    }

    async fn is_there(&self) -> bool {
        let shown = self.client.influencer(within(LIMIT), "Mara".into()).await.expect("a response");
        match shown {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::NotFound);
                false
            }
        }
    }

    fn revocations(&self) -> usize {
        self.requests_to("oauth/revoke")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_taken_back_within_a_day_with_history_and_consent_over_a_restart() {
    let mut world = World::with_mara_of_tiktok().await;
    let (before, stored) = (world.show("Mara").await, world.stored(Platform::Tiktok).await);
    assert!(!stored.is_empty());
    world.removed().await;
    assert!(!world.is_there().await);
    let requests = world.requests_to("/user/info");
    world.both_pass(20 * HOUR_S).await;
    assert_eq!(world.requests_to("/user/info"), requests, "it is not read any more");
    world.restart().await;
    assert!(!world.is_there().await);
    assert_eq!(world.revocations(), 0, "not before the day is over");

    let undone = world.undo().await.expect("it can be").expect("there is one");
    assert_eq!((undone.what.as_str(), undone.influencer), ("the removal", Some(before.row.id)));
    let after = world.show("Mara").await;
    assert_eq!(
        (after.row.id, after.row.tags.clone(), after.note.clone()),
        (before.row.id, before.row.tags, before.note)
    );
    assert_eq!(after.connections[0].id, before.connections[0].id);
    assert_eq!(world.stored(Platform::Tiktok).await[..stored.len()], stored);
    // It is read as before, with the consent that was given.
    world.settle().await;
    world.quiet(Platform::Tiktok, "mara", 6000);
    let run = world.sync_one("Mara").await;
    assert_eq!((run.error, run.followers), (None, Some(6000)));
    world.both_pass(30 * HOUR_S).await;
    assert!(world.is_there().await && world.revocations() == 0, "the day is over for what was not taken back only");
    assert_eq!(world.show("Mara").await.row.growth_7d.is_some(), after.row.growth_7d.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_day_a_removal_is_complete_and_its_tokens_are_revoked_also_when_a_restart_was_in_between() {
    let mut world = World::with_mara_of_tiktok().await;
    let connection = world.removed().await.connections.remove(0).id.to_string();
    world.stop().await;
    world.clock.advance(25 * HOUR_S);
    world.resume().await;
    until("the tokens are revoked", async || (world.revocations() == 1).then_some(())).await;
    until("nothing is left of the consent", async || world.grants().await.is_empty().then_some(())).await;
    assert_eq!(world.undo().await.expect("no refusal"), None);
    assert!(!world.is_there().await);
    let history = world.client.history(within(LIMIT), connection, None, None).await.expect("a response");
    assert_eq!(history.expect_err("nothing is left").kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_consents_are_revoked_at_once_whatever_could_be_taken_back() {
    let world = World::with_mara_of_tiktok().await;
    world.removed().await;
    world.client.revoke_all(within(LIMIT)).await.expect("a response").expect("revoked");
    until("the tokens are revoked", async || (world.revocations() == 1).then_some(())).await;
    // She is back, and what her consent gave needs another one.
    world.undo().await.expect("it can be").expect("there is one");
    assert!(world.is_there().await);
    until("the consent is gone", async || world.grants().await.is_empty().then_some(())).await;
    let run = world.sync_one("Mara").await;
    assert!(run.error.is_some(), "{run:?}");
}
