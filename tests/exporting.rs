//! One person gets everything that is held about them: as JSON that is whole or has no end, and as a page that runs nothing.

use roster_protocol::held::{Part, VERSION};
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Platform, Sandbox};
use serde_json::Value;

use crate::support::consent::{APPS, consented};
use crate::support::programs::{Home, Rosterd};
use crate::support::{LIMIT, synced_at_will};

const NAME: &str = "Mara <script>alert(1)</script>";

/// A daemon with two persons, of whom one has an account that her consent opened.
async fn two() -> (Sandbox, Home, Rosterd) {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    for (platform, handle) in [(Platform::Tiktok, "mara"), (Platform::Bluesky, "other.sky.test")] {
        let edit = AccountEdit { followers: Some(5000), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(platform, handle, &edit).expect("a possible account");
    }
    let home = Home::new(&format!("{}{APPS}", synced_at_will(&sandbox)));
    let daemon = home.start().await;
    let new = NewInfluencer { name: NAME.to_owned(), note: Some("likes tea".to_owned()), ..NewInfluencer::default() };
    daemon.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    consented(&daemon.client, NAME, Platform::Tiktok, "mara").await;
    home.json(&["sync", "tiktok:mara"]).await;
    home.json(&["add", "Other Person", "--handle", "bluesky:other.sky.test"]).await;
    home.json(&["sync", "bluesky:other.sky.test"]).await;
    (sandbox, home, daemon)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_exported_for_programs_and_for_themselves() {
    let (_sandbox, home, _daemon) = two().await;
    let document = home.roster(&["export", "--influencer", NAME]).await;
    assert_eq!(document.code, Some(0), "{document:?}");
    let all = document.json();
    let rows = all["rows"].as_array().expect("rows");
    assert_eq!((&all["version"], all["count"].as_u64()), (&VERSION.into(), Some(rows.len() as u64)));
    assert_eq!(all["name"], NAME);
    for part in Part::ALL {
        let about = &all["parts"][part.as_str()];
        assert!(
            ["what", "why", "kept"].iter().all(|key| about[key].as_str().is_some_and(|it| it.len() >= 3)),
            "{about}"
        );
    }
    let of =
        |part: Part| rows.iter().filter(|row| row["part"] == part.as_str()).map(|row| &row["held"]).collect::<Vec<_>>();
    let there =
        [Part::Influencer, Part::Connections, Part::History, Part::Runs, Part::Grants, Part::Tokens, Part::Audit];
    for part in there {
        assert!(!of(part).is_empty(), "{}: {all:#}", part.as_str());
    }
    assert_eq!(of(Part::Influencer)[0]["note"], "likes tea");
    assert_eq!(of(Part::History)[0]["snapshots"][0]["followers"], 5000);
    let text = document.out.to_lowercase();
    // What the sandbox issues as tokens begins so.
    for secret in ["act.", "rft.", "other person", "other.sky"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let actions: Vec<&Value> = of(Part::Audit).iter().map(|entry| &entry["action"]).collect();
    assert!(
        actions.contains(&&"influencer.export".into()) && actions.contains(&&"influencer.add".into()),
        "{actions:?}"
    );

    let page = home.roster(&["export", "--influencer", NAME, "--format", "html"]).await;
    assert_eq!(page.code, Some(0), "{page:?}");
    assert!(page.out.starts_with("<!doctype html>") && page.out.trim_end().ends_with("</html>"), "{}", page.out);
    assert!(page.out.contains("default-src 'none'") && !page.out.contains("<script") && !page.out.contains("src="));
    for expected in ["Your consents", "likes tea", "What is not held", "Kept: as long as you are in Roster."] {
        assert!(page.out.contains(expected), "{expected} in {}", page.out);
    }
    assert_eq!(home.roster(&["export", "--influencer", "no-such"]).await.code, Some(4));
    assert_eq!(home.roster(&["export", "--influencer", NAME, "--format", "html", "--json"]).await.code, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_within_the_day_is_still_held_and_the_export_says_so() {
    let (_sandbox, home, _daemon) = two().await;
    home.json(&["remove", NAME, "--yes"]).await;
    let refused = home.roster(&["export", "--influencer", NAME]).await;
    assert!(refused.code == Some(1) && refused.out.is_empty(), "{refused:?}");
    assert!(refused.err.contains("what is held of them is deleted at") && refused.err.contains("`roster undo`"));
    home.json(&["undo"]).await;
    let document = home.roster(&["export", "--influencer", NAME]).await;
    assert_eq!((document.code, &document.json()["name"]), (Some(0), &NAME.into()));
    assert_eq!(home.roster(&["export", "--influencer", "No such"]).await.code, Some(4));
}
