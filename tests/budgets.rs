//! Platforms' limits: nothing is requested that they would refuse, what is due is spread, a user goes first, and a
//! restart forgets nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roster_protocol::connection::Account;
use roster_protocol::status::{Budget, PlatformState};
use roster_protocol::sync::{Cause, Outcome, Run};
use roster_protocol::time::Seconds;
use roster_protocol::transport::within;
use roster_sandbox::Platform;
use rosterd::process::clock::Clock;

use crate::support::{LIMIT, World};

const HOUR: i64 = 3600;

async fn budgets(world: &World) -> Vec<Budget> {
    world.client.budgets(within(LIMIT)).await.expect("a response").expect("budgets")
}

async fn units(world: &World) -> Budget {
    let all = budgets(world).await;
    all.into_iter().find(|budget| budget.unit == "units").expect("units are counted")
}

/// Time passes, at the platforms too.
async fn pass(world: &World, seconds: i64) {
    world.sandbox.world().advance(Duration::from_secs(seconds as u64));
    world.pass(seconds).await;
}

/// A world with channels that are synced each hour; YouTube allows so many units a day, and counts them itself.
async fn with_channels(count: usize, units: u64) -> World {
    let config = format!(
        "interval = \"1h\"\ndaily_snapshot = \"off\"\n[platforms.youtube]\napi_key = \"youtube-api-key\"\nbudget = {{ units = {units} }}\n"
    );
    let world = World::with_config(&config).await;
    world.sandbox.world().limits.set(Platform::Youtube, units, 24 * HOUR);
    for number in 0..count {
        let handle = format!("@channel{number}");
        world.followers(Platform::Youtube, &handle, 1000 + number as u64);
        world.try_add(&format!("Owner of {handle}"), "youtube", &handle).await.expect("added");
    }
    world.settle().await;
    world
}

/// Hours in steps of two minutes.
async fn hours(world: &World, count: i64) {
    for _ in 0..count * 30 {
        pass(world, 120).await;
    }
}

#[tokio::test]
async fn a_days_units_last_for_the_day_and_intervals_are_stretched_until_they_do() {
    // An hourly sync of 20 channels takes 22 units, 528 a day; 200 are allowed, of which 20 are kept.
    let world = with_channels(20, 200).await;
    hours(&world, 20).await;
    // The next day in Los Angeles began eight hours into it.
    let refused = world.sandbox.world().limits.refused(Platform::Youtube);
    let budget = units(&world).await;
    assert_eq!(refused, 0, "{budget:?}");
    assert!((20..=180).contains(&budget.used), "{budget:?}");
    assert_eq!((budget.limit, budget.reserve), (Some(200), 20));
    let stretched = budget.stretched.expect("an hour is too often");
    assert!(stretched.from == Seconds(3600) && stretched.to >= Seconds(2 * 3600), "{stretched:?}");
    let all = world.runs().await;
    // The first day, of which the look-ups took a part, was too short for some, and they say so.
    let reasons = ["a limit was used up: ", "no turn was free"];
    let says_why =
        |run: &&Run| run.error.as_ref().is_some_and(|why| reasons.iter().any(|reason| why.starts_with(reason)));
    let (ran, waited): (Vec<_>, Vec<_>) = all.iter().partition(|run| run.outcome == Outcome::Ok);
    assert!(waited.iter().all(says_why), "{:?}", waited.iter().find(|run| !says_why(run)));
    // Each was synced about as often as any other.
    let mut counts = BTreeMap::new();
    ran.iter().for_each(|run| *counts.entry(run.connection).or_insert(0_u32) += 1);
    let (least, most) = (counts.values().min().copied(), counts.values().max().copied());
    assert!(counts.len() == 20 && most.zip(least).is_some_and(|(most, least)| most - least <= 2), "{counts:?}");
    let platforms = world.client.platforms(within(LIMIT)).await.expect("a response").expect("platforms");
    let youtube = platforms.iter().find(|it| it.platform == "youtube").expect("YouTube");
    assert!(youtube.reason.as_ref().is_some_and(|reason| reason.contains("instead of 1h")), "{youtube:?}");
}

#[tokio::test]
async fn when_only_the_reserve_is_left_what_is_due_waits_and_a_user_does_not() {
    let mut world = with_channels(8, 60).await;
    let spent = units(&world).await;
    // Look-ups took some; a user spends until the reserve is touched.
    let mut asked = 0;
    while units(&world).await.used < 52 {
        world.sync("youtube:@channel1").await;
        asked += 1;
        assert!(asked < 30, "{spent:?}");
    }
    pass(&world, 2 * HOUR).await;
    let before = units(&world).await;
    let youtube = world.client.platforms(within(LIMIT)).await.expect("a response").expect("platforms");
    let youtube = youtube.into_iter().find(|it| it.platform == "youtube").expect("YouTube");
    assert_eq!((youtube.state, youtube.held_until), (PlatformState::Limited, before.window_ends_at), "{before:?}");
    // The daemon forgets nothing.
    world.restart().await;
    assert_eq!(units(&world).await.used, before.used);
    let handle = "youtube:@channel1";
    let user = world.sync(handle).await;
    assert!(user.iter().all(|run| run.cause == Cause::Person && run.outcome == Outcome::Ok), "{user:?}");
    assert!(units(&world).await.used > before.used);
    // When nothing at all is left a user learns when there is.
    let mut last = Vec::new();
    for _ in 0..20 {
        last = world.sync(handle).await;
        if last.iter().any(|run| run.outcome == Outcome::Skipped) {
            break;
        }
    }
    assert!(last.iter().all(|run| run.retry_at == before.window_ends_at), "{last:?}");
    assert_eq!(world.sandbox.world().limits.refused(Platform::Youtube), 0);
    // So does one who looks an account up, once not even that is left.
    world.followers(Platform::Youtube, "@other", 7);
    let mut refused = None;
    for _ in 0..5 {
        let account = Account { platform: "youtube".into(), handle: "@other".into() };
        refused = world.client.look_up(within(LIMIT), account).await.expect("a response").err().or(refused);
    }
    let refused = refused.expect("60 units are 60 units");
    assert!(refused.message.contains("limits how often"), "{refused:?}");
    assert_eq!(units(&world).await.used, 60);
    // After midnight in Los Angeles all goes on.
    pass(&world, 24 * HOUR).await;
    assert!(units(&world).await.used < 52);
    assert_eq!(world.sandbox.world().limits.refused(Platform::Youtube), 0);
}

#[tokio::test]
async fn batches_that_send_nothing_keep_nothing_back() {
    let mut world = with_channels(8, 200).await;
    let key = "api_key = \"youtube-api-key\"\n";
    world.reload(|config| config.replace(key, "")).await.expect("a good config");
    // Each batch ends at once: the platform is not set up.
    for _ in 0..40 {
        pass(&world, HOUR).await;
    }
    let set_up_at = world.clock.now();
    let section = "[platforms.youtube]\n";
    world.reload(|config| config.replace(section, &format!("{section}{key}"))).await.expect("a good config");
    for _ in 0..24 {
        pass(&world, HOUR).await;
    }
    let synced = world.runs().await.into_iter().filter(|run| run.outcome == Outcome::Ok && run.started_at >= set_up_at);
    let synced: BTreeSet<_> = synced.map(|run| run.connection).collect();
    assert_eq!(synced.len(), 8, "each was synced again");
}
