//! Every due slot and its end: run, tried again, or missed and why; how batches fill, and how days are remembered.

use std::collections::BTreeMap;

use roster_protocol::alert::About;
use roster_protocol::audit::PauseTarget;
use roster_protocol::metric::Metric;
use roster_protocol::service::{DueQuery, RunsQuery};
use roster_protocol::status::{Coverage, DayFigures, Status};
use roster_protocol::sync::{Cause, Outcome, Run, SyncTarget};
use roster_protocol::time::Seconds;
use roster_protocol::transport::within;
use roster_sandbox::{Fault, FaultKind, Platform};

use crate::support::{LIMIT, NOON, World, mara_on};

const HOUR: i64 = 3600;
const MARA: &str = "mara.sky.test";

async fn followed() -> World {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, 1000);
    world.add("Mara", "bluesky", MARA).await;
    world
}

async fn status(world: &World) -> Status {
    world.client.status(within(LIMIT)).await.expect("a response").expect("a status")
}

/// The entries of missed slots, newest first: how many, the reason, and who caused it.
async fn missed(world: &World) -> Vec<(u64, String, Cause)> {
    let query = RunsQuery { outcome: Some(Outcome::Skipped), limit: 256, ..RunsQuery::default() };
    let runs = world.client.runs(within(LIMIT), query).await.expect("a response").expect("runs").rows;
    let missed = runs.into_iter().filter(|run| run.missed > 0);
    missed.map(|run| (run.missed, run.error.unwrap_or_default(), run.cause)).collect()
}

/// How many slots of an account ended since noon, by what is in the list of runs.
fn slots_of(runs: &[Run]) -> u64 {
    let ended = runs.iter().filter(|run| run.cause != Cause::Person && run.slot_at > NOON);
    // Retries end the slot that was tried before.
    let first_tries: BTreeMap<_, u64> = ended.map(|run| (run.slot_at, run.missed.max(1))).collect();
    first_tries.values().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_while_the_daemon_was_off_are_counted_with_their_reason() {
    let mut world = followed().await;
    world.stop().await;
    world.clock.advance(3 * 24 * HOUR);
    world.resume().await;
    world.settle().await;
    // Twelve in three days, of which the run stands for the last.
    assert_eq!(missed(&world).await, [(11, "rosterd did not run".to_owned(), Cause::Schedule)]);
    let runs = world.runs().await;
    let caught_up = runs.iter().find(|run| run.cause == Cause::CatchUp).expect("one run catches up");
    assert!(caught_up.late_ms() < 6 * HOUR * 1000 && caught_up.late_ms() > 0, "{caught_up:?}");
    let last_day = status(&world).await.coverage_24h;
    let expected = Coverage { expected: 4, ok: 1, skipped: 3, ..Coverage::default() };
    assert_eq!(last_day, expected, "of the last day only");
    // A restart counts them alike.
    world.restart().await;
    assert_eq!(status(&world).await.coverage_24h, expected);
    assert_eq!(slots_of(&world.runs().await), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_during_a_hold_and_a_leap_of_the_clock_say_which_it_was() {
    let world = followed().await;
    world.followers(Platform::Bluesky, "ines.sky.test", 500);
    world.add("Ines", "bluesky", "ines.sky.test").await;
    let fault = Fault { retry_after: Some(14 * 3600), ..Fault::new(Platform::Bluesky, FaultKind::RateLimited) };
    world.sandbox.world().fault(fault);
    world.sync("Mara").await;
    for _ in 0..16 {
        world.pass(HOUR).await;
    }
    // Mara waited for her own retry, Ines for the lane; both missed the slots at 14:00 and 20:00.
    let found = missed(&world).await;
    let limit = "the platform limits how often requests may be sent".to_owned();
    let own = format!("it waited to be tried again: {limit}");
    let spent = "a limit was used up: 3000 of 3000 requests are used";
    let of = |reason: &str| found.iter().filter(|(_, why, _)| why == reason).map(|(count, ..)| *count).sum::<u64>();
    // Ines' slot of 20:00 was caught up at the end of the hold, or was missed when the next one came before that.
    assert!(of(&own) == 2 && (1..=2).contains(&of(spent)), "{found:?}");
    world.pass(24 * HOUR).await;
    let slept = "this machine slept, or its clock was set forward";
    let leapt: u64 = missed(&world).await.iter().filter(|(_, why, _)| why == slept).map(|(count, ..)| count).sum();
    assert_eq!(leapt, 6, "three each");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_during_an_outage_are_the_platforms_also_over_a_restart() {
    let mut world = followed().await;
    // More than there are probes in the time of a slot.
    for number in 0..20 {
        let handle = format!("star{number}.sky.test");
        world.followers(Platform::Bluesky, &handle, 500);
        world.try_add(&format!("Star {number}"), "bluesky", &handle).await.expect("added");
    }
    world.settle().await;
    let down = Fault { count: u32::MAX, ..Fault::new(Platform::Bluesky, FaultKind::ServerError) };
    world.sandbox.world().fault(down);
    for _ in 0..200 {
        world.pass(300).await;
    }
    assert!(world.alerts().await.iter().any(|alert| alert.rule == "platform-down"));
    world.restart().await;
    for _ in 0..12 {
        world.pass(300).await;
    }
    world.sandbox.world().clear_faults();
    for _ in 0..24 {
        world.pass(300).await;
    }
    // Whatever was not tried itself was missed because of the outage.
    let found = missed(&world).await;
    let is_outage = |why: &str| why == "the platform was down" || why.starts_with("it waited to be tried again: ");
    assert!(!found.is_empty() && found.iter().all(|(_, why, _)| is_outage(why)), "{found:?}");
    let runs = world.runs().await;
    let mara = world.connection(&format!("bluesky:{MARA}")).await.id;
    let of_mara: Vec<Run> = runs.into_iter().filter(|run| run.connection == mara).collect();
    // 14:00, 20:00 and 2:00.
    assert_eq!(slots_of(&of_mara), 3, "{of_mara:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_paused_is_listed_and_no_shortfall() {
    let world = followed().await;
    let pause = async |paused| {
        world.client.pause(within(LIMIT), PauseTarget::All, paused).await.expect("a response").expect("done");
    };
    let before = status(&world).await.coverage_24h;
    pause(true).await;
    world.pass(19 * HOUR).await;
    pause(false).await;
    world.settle().await;
    assert_eq!(missed(&world).await, [(2, "it was paused".to_owned(), Cause::Person)]);
    let after = status(&world).await.coverage_24h;
    assert_eq!((after.expected, after.ok), (before.expected + 1, before.ok + 1), "the run alone");
    assert_eq!(slots_of(&world.runs().await), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_hold_is_no_next_sync_now() {
    let world = followed().await;
    world.followers(Platform::Bluesky, "ines.sky.test", 500);
    world.add("Ines", "bluesky", "ines.sky.test").await;
    let fault = Fault { retry_after: Some(14 * 3600), ..Fault::new(Platform::Bluesky, FaultKind::RateLimited) };
    world.sandbox.world().fault(fault);
    world.sync("Mara").await;
    world.pass(3 * HOUR).await;
    let held = status(&world).await;
    let until = held.platforms.iter().find_map(|platform| platform.held_until).expect("it is held");
    assert_eq!(held.next_due_at, Some(until));
    let why = held.waits_for.expect("it says why");
    assert!(why.starts_with("bluesky is held: "), "{why}");
    assert!(held.waiting > 0);
    let query = DueQuery { within: Some(Seconds(24 * 3600)), limit: 256, ..DueQuery::default() };
    let due = world.client.due(within(LIMIT), query).await.expect("a response").expect("a list");
    assert!(due.late > 0 && due.rows.iter().any(|row| row.late_ms(NOON.plus_seconds(3 * HOUR)) > 0), "{due:?}");
    // Another platform's account is not held, and the next sync is its own.
    world.followers(Platform::Mastodon, mara_on(Platform::Mastodon), 70);
    world.add("Mina", "mastodon", mara_on(Platform::Mastodon)).await;
    let other = status(&world).await;
    assert!(other.waits_for.is_none() && other.next_due_at < Some(until), "{other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_room_takes_what_is_due_in_a_moment_and_nothing_late() {
    let world = World::new().await;
    for number in 0..50 {
        let handle = format!("star{number}.sky.test");
        world.followers(Platform::Bluesky, &handle, 100 + number);
        world.try_add(&format!("Star {number}"), "bluesky", &handle).await.expect("added");
    }
    world.sync_target(SyncTarget::All).await;
    world.settle().await;
    // Up to the slots at 14:00 and in the quarter of an hour after it.
    world.pass(2 * HOUR - 30).await;
    let before = world.runs().await.len();
    let minutes: std::collections::BTreeSet<_> = {
        let due = world.client.due(within(LIMIT), DueQuery { limit: 256, ..DueQuery::default() }).await;
        due.expect("a response").expect("a list").rows.iter().map(|row| row.due_at).collect()
    };
    world.sandbox.world().clear_requests();
    for _ in 0..34 {
        world.pass(30).await;
    }
    let requests = world.requests_to("getProfiles");
    let runs = world.runs().await;
    let runs = &runs[..runs.len() - before];
    assert_eq!(runs.len(), 50, "each once");
    assert!(runs.iter().all(|run| (-60_000..1_000).contains(&run.started_at.since(run.slot_at))), "{runs:?}");
    crate::support::figure(format!("50 accounts due at {} minutes took {requests} requests", minutes.len()));
    assert!(requests <= minutes.len().div_ceil(2) + 1, "{requests} for {} minutes", minutes.len());
    // Each slot was run for, none twice.
    world.pass(HOUR).await;
    assert_eq!(world.runs().await.len(), before + 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_says_how_its_runs_ended() {
    let world = World::new().await;
    for name in ["mara", "ines", "oskar"] {
        let handle = format!("{name}.sky.test");
        world.followers(Platform::Bluesky, &handle, 500);
        world.add(name, "bluesky", &handle).await;
    }
    let suspended = roster_sandbox::AccountEdit { suspended: Some(true), ..Default::default() };
    world.account(Platform::Bluesky, "ines.sky.test", suspended);
    world.clock.advance(60);
    world.sync_target(SyncTarget::All).await;
    crate::support::programs::until("the batch is reported", async || {
        let batches = status(&world).await.batches;
        let whole = Coverage { expected: 3, ok: 2, failed: 1, ..Coverage::default() };
        batches.iter().any(|batch| batch.runs == whole && batch.platform == "bluesky").then_some(())
    })
    .await;
}

async fn figures(world: &World, days: u64) -> Vec<DayFigures> {
    world.client.figures(within(LIMIT), days).await.expect("a response").expect("figures")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_figures_of_each_day_are_kept_and_a_day_off_is_a_gap() {
    let mut world = followed().await;
    assert_eq!(figures(&world, 30).await.len(), 1, "today");
    let until = async |world: &World, count: usize| {
        crate::support::programs::until("the day is kept", async || {
            (figures(world, 30).await.len() == count).then_some(())
        })
        .await;
    };
    // To the first hour of two days, each of which keeps the day before, and to the end of the second.
    for (hours, days) in [(13, 2), (24, 3), (23, 3)] {
        for _ in 0..hours {
            world.pass(HOUR).await;
        }
        until(&world, days).await;
    }
    let kept = figures(&world, 30).await;
    let dates: Vec<String> = kept.iter().map(|day| day.date.to_string()).collect();
    assert_eq!(dates, ["2026-11-21", "2026-11-22", "2026-11-24"].map(str::to_owned));
    let whole = Coverage { expected: 4, ok: 4, ..Coverage::default() };
    assert_eq!(kept[1].coverage(), Some(whole));
    assert!(kept[1].oldest_s.is_some_and(|age| age < 7 * 3600), "{kept:?}");
    world.stop().await;
    world.clock.advance(3 * 24 * HOUR);
    world.resume().await;
    world.settle().await;
    until(&world, 4).await;
    assert_eq!(figures(&world, 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_that_a_platform_withdrew_is_named_once_and_the_rest_goes_on() {
    let mut world = World::new().await;
    for name in ["mara", "ines", "oskar"] {
        let handle = format!("{name}.sky.test");
        world.followers(Platform::Bluesky, &handle, 500);
        world.add(name, "bluesky", &handle).await;
    }
    let withdrawn = async |world: &World| {
        let platforms = status(world).await.platforms;
        let bluesky = platforms.into_iter().find(|platform| platform.platform == "bluesky").expect("bluesky");
        bluesky.withdrawn.into_iter().map(|(metric, _)| metric).collect::<Vec<_>>()
    };
    let days = async |world: &World, hours: i64| {
        for _ in 0..hours {
            world.pass(HOUR).await;
        }
    };
    let fault = |handle: Option<&str>| Fault {
        count: u32::MAX,
        handle: handle.map(str::to_owned),
        ..Fault::new(Platform::Bluesky, FaultKind::WithdrawnMetric)
    };
    // One owner's account is that owner's matter.
    world.sandbox.world().fault(fault(Some("mara.sky.test")));
    days(&world, 40).await;
    let mara = world.connection("bluesky:mara.sky.test").await.latest.expect("a snapshot").numbers;
    assert_eq!((mara.posts, withdrawn(&world).await), (None, vec![]));
    assert_eq!(world.alerts().await, []);
    // Of all of them it is the platform's, since when the others lost it, too.
    world.sandbox.world().clear_faults();
    world.sandbox.world().fault(fault(None));
    days(&world, 40).await;
    let named = crate::support::programs::until("it is named", async || {
        let alerts = world.alerts().await;
        (!alerts.is_empty()).then_some(alerts)
    })
    .await;
    assert!(withdrawn(&world).await.contains(&Metric::Posts));
    let posts: Vec<_> = named.iter().filter(|alert| alert.metric == Some(Metric::Posts)).collect();
    let [posts] = posts.as_slice() else { panic!("{named:?}") };
    assert_eq!(posts.about, About::Platform("bluesky".to_owned()));
    assert!(posts.why.starts_with("Bluesky no longer reports posts, since 2026-11-2"), "{}", posts.why);
    let runs = world.runs().await;
    assert_eq!((runs[0].outcome, runs[0].followers), (Outcome::Ok, Some(500)), "the rest goes on");
    // It is named once, over a restart and the days after it.
    world.restart().await;
    days(&world, 30).await;
    assert_eq!(world.alerts().await.len(), named.len());
    // When it is reported again, that is over.
    world.sandbox.world().clear_faults();
    days(&world, 30).await;
    crate::support::programs::until("it is over", async || world.alerts().await.is_empty().then_some(())).await;
    assert_eq!(withdrawn(&world).await, []);
}
