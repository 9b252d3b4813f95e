//! Advice is followed: what a refusal names is typed as it is there, and leads on.

use roster_sandbox::{AccountEdit, Platform, Sandbox};
use serde_json::Value;

use crate::support::programs::{CommandOutput, Home, Rosterd};

const MARA: &str = "mara.sky.test";
const INES: &str = "ines.sky.test";

/// A daemon with two influencers, each with an account.
async fn two() -> (Sandbox, Home, Rosterd) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::before(&sandbox);
    let rosterd = home.start().await;
    for (name, handle) in [("Mara", MARA), ("Ines", INES)] {
        let edit = AccountEdit { followers: Some(500), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(Platform::Bluesky, handle, &edit).expect("a possible account");
        home.json(&["add", name, "--handle", &format!("bluesky:{handle}")]).await;
        home.json(&["sync", name]).await;
    }
    (sandbox, home, rosterd)
}

/// The refusal of a command: its message and hint.
async fn refused(home: &Home, arguments: &[&str]) -> (String, String) {
    let output = home.roster(&[arguments, &["--json"]].concat()).await;
    assert_ne!(output.code, Some(0), "{arguments:?}: {output:?}");
    let error = output.json()["error"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&error["message"]), text(&error["hint"]))
}

/// Types the command that is the `which`th of a hint, with Mara where it is about any influencer.
async fn follow(home: &Home, hint: &str, which: usize) -> CommandOutput {
    let command = hint.split('`').skip(1).step_by(2).nth(which).unwrap_or_else(|| panic!("no command {which}: {hint}"));
    let typed: Vec<&str> =
        command.split(' ').skip(1).map(|word| if word == "INFLUENCER" { "Mara" } else { word }).collect();
    let output = home.roster(&[&typed[..], &["--json"]].concat()).await;
    assert!(command.starts_with("roster ") && output.code == Some(0), "`{command}`: {output:?}");
    output
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistyped_name_leads_to_the_list_that_has_it() {
    let (_sandbox, home, _rosterd) = two().await;
    for (mistake, which) in [
        (&["show", "nobody"][..], 0),
        (&["history", "nobody"], 0),
        (&["edit", "Mara", "--main", "nothing"], 0),
        (&["alerts", "ack", "nothing"], 0),
        (&["connect", "Mara", "instagram", "--no-wait"], 0),
        (&["add", "Mara again", "--handle", &format!("bluesky:{MARA}")], 0),
    ] {
        let (message, hint) = refused(&home, mistake).await;
        assert!(!message.is_empty(), "{mistake:?}");
        follow(&home, &hint, which).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_another_entry_has_can_be_taken_over_either_way() {
    let account = format!("bluesky:{MARA}");
    let connect = ["connect", "Ines", "bluesky", "--handle", MARA];
    let (_sandbox, home, _rosterd) = two().await;
    let (message, hint) = refused(&home, &connect).await;
    assert_eq!(message, format!("{account} is connected to Mara already"));
    // The second way: the other one gives it up first.
    follow(&home, &hint, 1).await;
    let connected = home.json(&connect).await;
    assert_eq!(connected["handle"], MARA);
    let ines = home.json(&["show", "Ines"]).await;
    assert_eq!(ines["connections"].as_array().map(Vec::len), Some(2), "{ines}");
    // The first way: they are one.
    let (_sandbox, home, _rosterd) = two().await;
    let (_, hint) = refused(&home, &connect).await;
    follow(&home, &hint, 0).await;
    let list = home.json(&["list"]).await;
    assert_eq!((list["total"].as_u64(), list["influencers"][0]["name"].as_str()), (Some(1), Some("Mara")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_whose_account_has_a_history_of_its_own_can_be_had_either_way() {
    let (old, new) = (format!("bluesky:{MARA}"), format!("bluesky:{INES}"));
    let set = ["set", &old, "handle", INES];
    for way in [0, 1] {
        let (_sandbox, home, _rosterd) = two().await;
        home.json(&["disconnect", &new]).await;
        let (message, hint) = refused(&home, &set).await;
        assert_eq!(message, format!("{new} has a history of its own here"));
        follow(&home, &hint, way).await;
        if way == 0 {
            // It goes on with its own history, beside the other account.
            let mara = home.json(&["show", "Mara"]).await;
            assert_eq!(mara["connections"].as_array().map(Vec::len), Some(2), "{mara}");
            continue;
        }
        // Its history is gone; it is another account all the same, which is asked first.
        let (message, hint) = refused(&home, &set).await;
        assert!(message.contains("is another account than"), "{message}");
        let now = follow(&home, &hint, 0).await.json();
        assert_eq!(now["handle"], INES, "{now}");
    }
}
