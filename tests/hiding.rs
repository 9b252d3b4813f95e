//! What platforms hide, mask, close or move: unknown stays unknown, and one account costs no other anything.

use roster_protocol::connection::{Connection, ConnectionStatus};
use roster_protocol::sync::{Outcome, SyncTarget};
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Software};

use crate::support::{NOON, World, mara_on};

const HOUR: i64 = 3600;

fn edit(change: impl FnOnce(&mut AccountEdit)) -> AccountEdit {
    let mut edit = AccountEdit::default();
    change(&mut edit);
    edit
}

/// Mara at a server of this kind, with 4,321 followers, 210 followed and 30 posts of 10 likes.
async fn mara_at(software: Software) -> World {
    let world = World::new().await;
    let account = AccountEdit {
        followers: Some(4321),
        following: Some(210),
        posts: Some(30),
        likes: Some(10),
        software: Some(software),
        ..AccountEdit::default()
    };
    world.account(Platform::Mastodon, mara_on(Platform::Mastodon), account);
    world.add("Mara", "mastodon", mara_on(Platform::Mastodon)).await;
    world
}

async fn connection(world: &World, influencer: &str) -> Connection {
    world.show(influencer).await.connections.remove(0)
}

async fn numbers(world: &World, influencer: &str) -> [Option<u64>; 3] {
    let numbers = connection(world, influencer).await.latest.expect("a snapshot").numbers;
    [numbers.followers, numbers.following, numbers.posts]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_that_a_server_hides_are_unknown_and_posts_go_on() {
    for (software, hidden) in [
        (Software::Glitch, [None, Some(210), Some(30)]),
        (Software::Pleroma, [None, None, Some(30)]),
        (Software::Misskey, [None, None, Some(30)]),
    ] {
        let world = mara_at(software).await;
        let handle = mara_on(Platform::Mastodon);
        assert_eq!(numbers(&world, "Mara").await, [Some(4321), Some(210), Some(30)]);
        for is_hidden in [true, false] {
            world.account(Platform::Mastodon, handle, edit(|it| it.hidden = Some(is_hidden)));
            world.pass(24 * HOUR).await;
            let run = world.sync_one("Mara").await;
            assert_eq!((run.outcome, run.error), (Outcome::Ok, None), "{software:?}");
            let mara = connection(&world, "Mara").await;
            assert_eq!((mara.status, mara.last_error), (ConnectionStatus::Fresh, None), "{software:?}");
            let latest = mara.latest.expect("a snapshot").numbers;
            assert_eq!(latest.avg_likes.map(|mean| mean.as_f64()), Some(10.0), "{software:?}");
            let [followers, following, posts] = numbers(&world, "Mara").await;
            if is_hidden {
                assert_eq!([followers, following, posts], hidden, "{software:?}");
            } else {
                assert!(followers.is_some_and(|followers| followers > 4300), "{software:?}: {followers:?}");
            }
            assert_eq!(world.alerts().await, [], "{software:?}: nobody left, and nobody came back");
        }
        // One that hides from the start is connected all the same, with what it shows.
        let nina = edit(|it| {
            (it.posts, it.hidden, it.software) = (Some(5), Some(true), Some(software));
        });
        world.account(Platform::Mastodon, "nina@social.example", nina);
        let nina = world.add("Nina", "mastodon", "nina@social.example").await;
        assert_eq!(nina.connections[0].latest.as_ref().expect("a snapshot").numbers.posts, Some(5), "{software:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fall_to_nothing_is_confirmed_before_it_is_believed() {
    for platform in [Platform::Bluesky, Platform::Mastodon, Platform::Youtube] {
        let world = World::new().await;
        world.followers(platform, mara_on(platform), 12_000);
        world.add("Mara", platform.slug(), mara_on(platform)).await;
        world.sandbox.world().fault(Fault::new(platform, FaultKind::ZeroCounts));
        let run = world.sync_one("Mara").await;
        // Mastodon's zeros beside posts that are visible hide the counts, whatever a second request reports.
        let expected = (platform != Platform::Mastodon).then_some(12_000);
        assert_eq!((run.outcome, run.followers), (Outcome::Ok, expected), "{platform}");
        assert_eq!(world.sync_one("Mara").await.followers, Some(12_000), "{platform}");
        assert_eq!(world.alerts().await, [], "{platform}");
    }
    // Where the second request fails the number is unknown, and the day keeps what it was.
    let world = World::new().await;
    world.followers(Platform::Bluesky, mara_on(Platform::Bluesky), 12_000);
    world.add("Mara", "bluesky", mara_on(Platform::Bluesky)).await;
    for kind in [FaultKind::ZeroCounts, FaultKind::ServerError] {
        world.sandbox.world().fault(Fault::new(Platform::Bluesky, kind));
    }
    let run = world.sync_one("Mara").await;
    let expected = Some("followers: 0 is reported, and could not be confirmed");
    assert_eq!((run.outcome, run.followers, run.error.as_deref()), (Outcome::Partial, Some(12_000), expected));
    assert_eq!(world.alerts().await, []);
    // What two requests report is so.
    let world = World::new().await;
    world.followers(Platform::Bluesky, mara_on(Platform::Bluesky), 12_000);
    world.add("Mara", "bluesky", mara_on(Platform::Bluesky)).await;
    world.account(Platform::Bluesky, mara_on(Platform::Bluesky), edit(|it| it.followers = Some(0)));
    world.sandbox.world().clear_requests();
    assert_eq!(world.sync_one("Mara").await.followers, Some(0));
    assert_eq!((world.requests_to("getProfile"), world.alerts().await.len()), (2, 1));
    world.sync_one("Mara").await;
    assert_eq!(world.requests_to("getProfile"), 3, "it is known by now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_fails_a_batch_costs_itself_alone() {
    let world = World::new().await;
    for number in 0..6 {
        let handle = format!("star{number}.sky.test");
        world.followers(Platform::Bluesky, &handle, 1000);
        world.try_add(&format!("Star {number}"), "bluesky", &handle).await.expect("added");
    }
    world.settle().await;
    for number in 0..6 {
        world.followers(Platform::Bluesky, &format!("star{number}.sky.test"), 1010 + number);
    }
    let bad = edit(|it| (it.suspended, it.fails_batches) = (Some(true), Some(true)));
    world.account(Platform::Bluesky, "star3.sky.test", bad);
    world.sandbox.world().clear_requests();
    let runs = world.sync_target(SyncTarget::All).await;
    assert_eq!(runs.len(), 6);
    for run in runs {
        let number: u64 = run.influencer_name["Star ".len()..].parse().expect("a number");
        match number {
            3 => assert!(run.error.as_deref().is_some_and(|error| error.contains("suspended")), "{run:?}"),
            _ => assert_eq!((run.outcome, run.followers), (Outcome::Ok, Some(1010 + number)), "{run:?}"),
        }
    }
    let profiles = world.requests_to("getProfile");
    assert!(profiles <= 7, "{profiles} requests for six profiles");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_fails_a_batch_costs_itself_alone() {
    let world = World::new().await;
    for number in 0..9 {
        let handle = format!("@star{number}");
        world.followers(Platform::Youtube, &handle, 900);
        world.try_add(&format!("Star {number}"), "youtube", &handle).await.expect("added");
    }
    world.settle().await;
    (0..9).for_each(|number| world.followers(Platform::Youtube, &format!("@star{number}"), 910 + number));
    world.account(Platform::Youtube, "@star7", edit(|it| it.failing = Some(true)));
    let runs = world.sync_target(SyncTarget::All).await;
    let failed: Vec<&str> =
        runs.iter().filter(|run| run.outcome != Outcome::Ok).map(|run| run.influencer_name.as_str()).collect();
    assert_eq!((runs.len(), failed), (9, vec!["Star 7"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_closed_to_strangers_says_so_and_asks_for_no_consent() {
    for software in [Software::Gotosocial, Software::Pixelfed] {
        let world = mara_at(Software::Mastodon).await;
        let handle = mara_on(Platform::Mastodon);
        world.account(Platform::Mastodon, handle, edit(|it| it.software = Some(software)));
        let run = world.sync_one("Mara").await;
        let expected = "social.example shows accounts to signed-in people only";
        assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Failed, Some(expected)), "{software:?}");
        assert!(run.retry_at.is_some_and(|at| at >= NOON.plus_seconds(24 * HOUR)), "{software:?}: {run:?}");
        let mara = connection(&world, "Mara").await;
        assert_eq!((mara.status, mara.last_error.as_deref()), (ConnectionStatus::Error, Some(expected)));
        world.account(Platform::Mastodon, "nina@social.example", edit(|it| it.software = Some(software)));
        let error = world.try_add("Nina", "mastodon", "nina@social.example").await.expect_err("closed");
        assert!(error.message.ends_with(expected), "{error:?}");
        let hint = error.hint.expect("a hint");
        assert!(!hint.contains("later") && !hint.contains("spelling") && !hint.contains("consent"), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_at_another_address_is_followed_and_ids_may_be_numbers() {
    let world = mara_at(Software::Mastodon).await;
    let handle = mara_on(Platform::Mastodon);
    let before = connection(&world, "Mara").await;
    world.account(
        Platform::Mastodon,
        handle,
        edit(|it| (it.web_host, it.followers) = (Some("web.social.example".to_owned()), Some(4400))),
    );
    for _ in 0..2 {
        let run = world.sync_one("Mara").await;
        assert_eq!((run.outcome, run.followers), (Outcome::Ok, Some(4400)), "{run:?}");
    }
    let after = connection(&world, "Mara").await;
    assert_eq!((after.id, after.handle), (before.id, before.handle));
    world.sandbox.world().clear_requests();
    world.sync_one("Mara").await;
    assert_eq!(world.requests_to(""), 2, "the new address is known");

    let world = mara_at(Software::Ancient).await;
    assert_eq!(world.sync_one("Mara").await.followers, Some(4321));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handles_of_every_script_are_connected() {
    let world = World::new().await;
    let names =
        ["@น้ำตกสีฟ้า", "@हिन्दीज्ञान", "@தமிழ்வழி", "@বাংলাক্লাস", "@cafe\u{301}nuit", "@İzmirGündem", "@日本", "@하루", "@猫"];
    for (number, name) in names.into_iter().enumerate() {
        world.followers(Platform::Youtube, name, 12_345);
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let typed = match number % 2 {
            0 => name.to_owned(),
            _ => format!("https://www.youtube.com/{encoded}/videos"),
        };
        let added = world.try_add(&format!("Star {number}"), "youtube", &typed).await.expect(name);
        world.settle().await;
        assert_eq!(world.show(&added.row.id.to_string()).await.row.followers, Some(12_300), "{name}");
        // The connection is found under the handle in either form.
        for named in [name.to_owned(), format!("https://www.youtube.com/{encoded}")] {
            assert_eq!(world.connection(&format!("youtube:{named}")).await.influencer, added.row.id, "{named}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_broadcasts_are_no_videos_yet() {
    let world = World::new().await;
    let handle = mara_on(Platform::Youtube);
    for announced in [0, 4, 20, 60] {
        let channel = edit(|it| {
            (it.followers, it.posts, it.likes, it.announced) = (Some(2000), Some(20), Some(100), Some(announced));
        });
        world.account(Platform::Youtube, handle, channel);
        match announced {
            0 => drop(world.add("Mara", "youtube", handle).await),
            _ => assert_eq!(world.sync_one("Mara").await.outcome, Outcome::Ok),
        }
        let numbers = connection(&world, "Mara").await.latest.expect("a snapshot").numbers;
        assert_eq!(numbers.avg_likes.map(|mean| mean.as_f64()), Some(100.0), "{announced} announced");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_of_the_day_waits_for_the_day_also_when_it_is_called_a_rate_limit() {
    for (kind, seconds) in
        [(FaultKind::QuotaExceeded, 20 * HOUR), (FaultKind::DayLimited, 20 * HOUR), (FaultKind::RateLimited, 300)]
    {
        let world = World::new().await;
        world.followers(Platform::Youtube, mara_on(Platform::Youtube), 1000);
        world.add("Mara", "youtube", mara_on(Platform::Youtube)).await;
        world.sandbox.world().fault(Fault::new(Platform::Youtube, kind));
        let run = world.sync_one("Mara").await;
        let wait = run.retry_at.expect("a time").since(NOON) / 1000;
        // Connections come back spread over the tenth of the wait.
        assert_eq!(run.outcome, Outcome::Skipped);
        assert!((seconds..=seconds + seconds / 10).contains(&wait), "{kind:?}: {wait}");
    }
}
