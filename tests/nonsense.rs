//! Responses that make no sense, of every platform, with and without consent: what was known stays, what is wrong is
//! reported in a clean sentence, and a bomb costs no memory.

use roster_protocol::connection::{Account, ConnectionStatus};
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::sync::Outcome;
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox, Variant};

use crate::support::consent::{APPS, consented};
use crate::support::programs::Home;
use crate::support::{LIMIT, NOON, World, figure, mara_on, synced_at_will};

const MOST: u32 = 100_000;

/// Whether it reports nothing without the owner's consent.
fn needs_consent(platform: Platform) -> bool {
    matches!(platform, Platform::Instagram | Platform::Facebook | Platform::Tiktok)
}

/// The names of the platform's services: errors name one of them, the platform itself, or both.
fn names(platform: Platform) -> [&'static str; 2] {
    match platform {
        Platform::Bluesky => ["bluesky", "public.api.bsky.app"],
        Platform::Mastodon => ["mastodon", "social.example"],
        Platform::Youtube => ["youtube", "youtube.googleapis.com"],
        Platform::Instagram => ["instagram", "graph.facebook.com"],
        Platform::Facebook => ["facebook", "graph.facebook.com"],
        Platform::Tiktok => ["tiktok", "open.tiktokapis.com"],
    }
}

pub fn is_one_clean_sentence(error: &str) {
    assert!(error.chars().count() <= 240, "{error}");
    assert!(!error.chars().any(char::is_control), "{error:?}");
    for theirs in ["Checking your connection", "not what you asked for", "padding", "<html", "Backend", "http://", "?"]
    {
        assert!(!error.contains(theirs), "their words: {error}");
    }
}

/// A world with one account, whose first numbers are stored.
async fn followed(platform: Platform) -> World {
    let world = World::with_apps().await;
    world.quiet(platform, mara_on(platform), 1000);
    match needs_consent(platform) {
        false => drop(world.add("Mara", platform.slug(), mara_on(platform)).await),
        true => {
            world.influencer("Mara").await;
            world.consent("Mara", platform.slug(), mara_on(platform)).await;
            world.sync("Mara").await;
        }
    }
    world
}

/// Every kind of improper response, once around: nothing is lost, and afterwards all is well again.
async fn nothing_is_learned_from_nonsense(platform: Platform) {
    let world = followed(platform).await;
    let today = "2026-11-21".to_owned();
    let mut followers = 1000;
    let kinds = [
        FaultKind::ServerError,
        FaultKind::Disconnect,
        FaultKind::Truncated,
        FaultKind::Garbage,
        FaultKind::Html,
        FaultKind::Huge,
        FaultKind::GzipBomb,
        FaultKind::Timeout,
    ];
    for kind in kinds {
        let what = format!("{platform} {kind:?}");
        world.quiet(platform, mara_on(platform), followers + 10);
        world.sandbox.world().clear_requests();
        world.sandbox.world().fault(Fault { count: MOST, ..Fault::new(platform, kind) });
        let run = world.sync_one("Mara").await;
        assert_eq!((run.outcome, run.followers), (Outcome::Failed, None), "{what}: {run:?}");
        let error = run.error.expect("a reason");
        is_one_clean_sentence(&error);
        assert!(names(platform).iter().any(|name| error.to_lowercase().contains(name)), "{what}: {error}");
        assert!(run.retry_at.is_some_and(|at| at > NOON), "{what}");
        let requests = world.requests_to("");
        assert!((1..=4).contains(&requests), "{what}: {requests} requests");
        assert_eq!(world.stored(platform).await, [(today.clone(), Some(followers))], "{what}");
        let mara = world.show("Mara").await;
        assert_eq!((mara.row.followers, mara.connections[0].last_error.as_ref()), (Some(followers), Some(&error)));

        world.sandbox.world().clear_faults();
        let run = world.sync_one("Mara").await;
        followers += 10;
        assert_eq!((run.outcome, run.followers), (Outcome::Ok, Some(followers)), "after {what}: {run:?}");
        let connection = world.show("Mara").await.connections.remove(0);
        assert_eq!((connection.status, connection.last_error), (ConnectionStatus::Fresh, None), "{what}");
        assert_eq!(world.stored(platform).await, [(today.clone(), Some(followers))]);
    }
    // A count that can be none costs itself alone: it is unknown, what was known today stays, all else is read.
    for variant in [Variant::Float, Variant::TooBig] {
        let fault = Fault { variant: Some(variant), ..Fault::new(platform, FaultKind::WrongTypes) };
        world.sandbox.world().fault(Fault { count: MOST, ..fault });
        let run = world.sync_one("Mara").await;
        let expected = (Outcome::Partial, Some(followers));
        assert_eq!((run.outcome, run.followers), expected, "{platform} {variant:?}: {run:?}");
        is_one_clean_sentence(&run.error.expect("a reason"));
        world.sandbox.world().clear_faults();
    }
    let run = world.sync_one("Mara").await;
    assert_eq!((run.outcome, run.followers), (Outcome::Ok, Some(followers)), "{platform}: {run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bluesky_that_talks_nonsense_teaches_nothing() {
    nothing_is_learned_from_nonsense(Platform::Bluesky).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mastodon_that_talks_nonsense_teaches_nothing() {
    nothing_is_learned_from_nonsense(Platform::Mastodon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn youtube_that_talks_nonsense_teaches_nothing() {
    nothing_is_learned_from_nonsense(Platform::Youtube).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instagram_that_talks_nonsense_teaches_nothing() {
    nothing_is_learned_from_nonsense(Platform::Instagram).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facebook_that_talks_nonsense_teaches_nothing() {
    nothing_is_learned_from_nonsense(Platform::Facebook).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tiktok_that_talks_nonsense_teaches_nothing() {
    nothing_is_learned_from_nonsense(Platform::Tiktok).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_costs_no_memory() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::new(&format!("{}{APPS}", synced_at_will(&sandbox)));
    let rosterd = home.start().await;
    for platform in Platform::ALL {
        sandbox.world().put(platform, mara_on(platform), &AccountEdit::default()).expect("a possible account");
        let (name, platform_name) = (platform.slug().to_owned(), platform.slug().to_owned());
        let account = Account { platform: platform_name, handle: mara_on(platform).to_owned() };
        let accounts = if needs_consent(platform) { Vec::new() } else { vec![account] };
        let new = NewInfluencer { name: name.clone(), accounts, ..NewInfluencer::default() };
        rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
        if needs_consent(platform) {
            consented(&rosterd.client, &name, platform, mara_on(platform)).await;
        }
    }
    home.json(&["sync", "--all"]).await;
    let (mut failed, mut most) = (0, 0);
    for kind in [FaultKind::GzipBomb, FaultKind::Huge] {
        for platform in Platform::ALL {
            rosterd.forget_peak();
            let before = rosterd.memory_kib("VmRSS");
            sandbox.world().fault(Fault { count: MOST, ..Fault::new(platform, kind) });
            let output = home.roster(&["sync", platform.slug(), "--json"]).await;
            assert_eq!(output.code, Some(1), "{platform} {kind:?}: {output:?}");
            failed += output.json()["failed"].as_u64().expect("a count");
            sandbox.world().clear_faults();
            let grown = rosterd.memory_kib("VmHWM").saturating_sub(before);
            most = most.max(grown);
            assert!(grown <= 16 * 1024, "{platform} {kind:?}: {grown} KiB more than {before} KiB");
        }
    }
    assert_eq!(failed, 12);
    figure(format!("12 endless or unpacking responses of six platforms: {most} KiB more at most"));
    assert_eq!(home.roster(&["sync", "--all", "--json"]).await.code, Some(0));
}
