//! Platforms that limit, break, lie and hang: what was known stays, what is wrong is reported, no platform is stormed.

use std::collections::HashMap;
use std::time::Duration;

use roster_protocol::connection::Account;
use roster_protocol::influencer::NewInfluencer;
use roster_protocol::sync::{Outcome, Run, SyncTarget};
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform, Sandbox, Variant};

use crate::nonsense::is_one_clean_sentence;
use crate::support::programs::{CommandOutput, Home};
use crate::support::{LIMIT, NOON, World, limit, mara_on};

const MOST: u32 = 100_000;
const NO_COUNT: &str = "followers: what is reported is no count";
/// The platforms that report without consent.
const PUBLIC: [Platform; 3] = [Platform::Youtube, Platform::Bluesky, Platform::Mastodon];

/// A world with one account, whose first numbers are stored.
async fn followed(platform: Platform, followers: u64) -> World {
    let world = World::new().await;
    world.followers(platform, mara_on(platform), followers);
    world.add("Mara", platform.slug(), mara_on(platform)).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_poisoned_count_spoils_itself_alone() {
    const POISONED: u64 = 7;
    let world = World::new().await;
    let offer = |followers: u64| {
        (0..25).for_each(|n| world.followers(Platform::Bluesky, &format!("star{n}.sky.test"), followers + n));
    };
    offer(1000);
    for number in 0..25 {
        let handle = format!("star{number}.sky.test");
        world.try_add(&format!("Star {number}"), "bluesky", &handle).await.expect("added");
    }
    world.settle().await;
    let poisoned = format!("star{POISONED}.sky.test");
    let mut before = Some(1000 + POISONED);
    let variants =
        [Variant::Float, Variant::Negative, Variant::TooBig, Variant::Null, Variant::Missing, Variant::String];
    for (round, variant) in (1..).zip(variants) {
        offer(1000 + 100 * round);
        let fault = Fault::new(Platform::Bluesky, FaultKind::WrongTypes);
        let fault = Fault { count: MOST, handle: Some(poisoned.clone()), variant: Some(variant), ..fault };
        world.sandbox.world().fault(fault);
        let runs = world.sync_target(SyncTarget::All).await;
        world.sandbox.world().clear_faults();
        assert_eq!(runs.len(), 25, "{variant:?}");
        let (bad, good): (Vec<&Run>, Vec<&Run>) =
            runs.iter().partition(|run| run.influencer_name == format!("Star {POISONED}"));
        assert_eq!(good.len(), 24);
        for run in good {
            let number: u64 = run.influencer_name["Star ".len()..].parse().expect("a number");
            assert_eq!((run.outcome, run.followers), (Outcome::Ok, Some(1000 + 100 * round + number)), "{variant:?}");
        }
        match variant {
            Variant::Float | Variant::TooBig => {
                assert_eq!((bad[0].outcome, bad[0].followers), (Outcome::Partial, before), "{variant:?}");
                assert_eq!(bad[0].error.as_deref(), Some(NO_COUNT), "{variant:?}");
            }
            // What is not reported is unknown, and no mistake of the platform; below 0 it is hidden, and digits as text
            // are a count.
            Variant::Negative | Variant::Null | Variant::Missing => {
                assert_eq!((bad[0].outcome, bad[0].followers), (Outcome::Ok, None), "{variant:?}");
                before = None;
            }
            Variant::String => {
                before = Some(1000 + 100 * round + POISONED);
                assert_eq!((bad[0].outcome, bad[0].followers), (Outcome::Ok, before), "{variant:?}");
            }
        }
        let connection = world.connection(&format!("bluesky:{poisoned}")).await;
        assert_eq!(connection.latest.expect("a snapshot").numbers.followers, before, "{variant:?}");
        assert!(connection.profile.expect("a profile").followers.is_some(), "never unknown once known");
    }
    let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert_eq!((status.connections.fresh, status.store.snapshots), (25, 25));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_can_be_none_is_unknown_and_costs_nothing_else() {
    for (platform, variants) in [
        (Platform::Mastodon, vec![Variant::Float, Variant::TooBig]),
        (Platform::Youtube, vec![Variant::String, Variant::Float, Variant::TooBig]),
    ] {
        let world = followed(platform, 1000).await;
        for variant in variants {
            let fault = Fault::new(platform, FaultKind::WrongTypes);
            world.sandbox.world().fault(Fault { count: MOST, variant: Some(variant), ..fault });
            let run = world.sync_one("Mara").await;
            assert_eq!((run.outcome, run.error.as_deref()), (Outcome::Partial, Some(NO_COUNT)), "{variant:?}");
            world.sandbox.world().clear_faults();
        }
        assert_eq!(world.stored(platform).await, [("2026-11-21".to_owned(), Some(1000))]);
        assert_eq!(world.sync_one("Mara").await.outcome, Outcome::Ok);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_below_zero_is_hidden_and_the_account_is_well() {
    for platform in PUBLIC {
        let world = followed(platform, 1240).await;
        let hidden =
            Fault { variant: Some(Variant::Negative), count: MOST, ..Fault::new(platform, FaultKind::WrongTypes) };
        world.sandbox.world().fault(hidden);
        world.pass(24 * 3600).await;
        let run = &world.runs().await[0];
        assert_eq!((run.outcome, run.followers, run.error.as_deref()), (Outcome::Ok, None, None), "{platform}");
        let connection = world.show("Mara").await.connections.remove(0);
        let numbers = connection.latest.expect("a snapshot").numbers;
        assert_eq!((numbers.followers, numbers.posts), (None, Some(24)), "{platform}");
        assert_eq!(numbers.avg_likes.map(|mean| mean.as_f64()), Some(10.0), "{platform}");
        assert_eq!((connection.last_error, connection.profile.expect("a profile").followers), (None, Some(1240)));
        // Nor does it keep a new account out.
        let nina = &mara_on(platform).replace("mara", "nina");
        world.followers(platform, nina, 50);
        world.try_add("Nina", platform.slug(), nina).await.expect("connected");
        world.settle().await;
        let nina = world.show("Nina").await.connections.remove(0).latest.expect("a snapshot").numbers;
        assert_eq!((nina.followers, nina.posts), (None, Some(24)), "{platform}");
        assert_eq!(world.alerts().await, [], "{platform}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_and_withdrawn_counts_are_unknown_and_never_zero() {
    for platform in PUBLIC {
        let world = followed(platform, 1000).await;
        world.sandbox.world().fault(Fault { count: MOST, ..Fault::new(platform, FaultKind::HiddenCounts) });
        let run = world.sync_one("Mara").await;
        assert_eq!((run.outcome, run.followers), (Outcome::Ok, None), "{platform}: {run:?}");
        let connection = world.show("Mara").await.connections.remove(0);
        assert_eq!(connection.latest.expect("a snapshot").numbers.followers, None, "{platform}");
        assert_eq!(connection.profile.expect("a profile").followers, Some(1000), "{platform}");
        assert_eq!(world.alerts().await, [], "{platform}: no account lost a follower");
        world.sandbox.world().clear_faults();
        world.pass(24 * 3600).await;

        world.sandbox.world().fault(Fault { count: MOST, ..Fault::new(platform, FaultKind::WithdrawnMetric) });
        let run = world.sync_one("Mara").await;
        assert_eq!((run.outcome, run.followers), (Outcome::Ok, Some(1000)), "{platform}: {run:?}");
        let numbers = world.show("Mara").await.connections.remove(0).latest.expect("a snapshot").numbers;
        assert_eq!((numbers.posts, numbers.avg_likes), (None, None), "{platform}");
        assert_eq!(world.alerts().await, [], "{platform}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_obeyed_whatever_it_looks_like() {
    for platform in PUBLIC {
        for (retry_after, headers, at_least) in
            [(Some(600), true, 600), (None, false, 60), (Some(1_000_000_000), true, 600)]
        {
            let world = followed(platform, 1000).await;
            let fault = Fault { count: MOST, retry_after, headers, ..Fault::new(platform, FaultKind::RateLimited) };
            world.sandbox.world().fault(fault);
            let run = world.sync_one("Mara").await;
            let shown = format!("{platform}, retry after {retry_after:?}: {run:?}");
            assert_eq!((run.outcome, run.followers), (Outcome::Skipped, None), "{shown}");
            let retry_at = run.retry_at.expect("a time to retry");
            assert!(retry_at >= NOON.plus_seconds(at_least), "{shown}");
            assert!(retry_at <= NOON.plus_seconds(27 * 3600), "{shown}");
            assert_eq!(world.show("Mara").await.connections[0].blocked_by.as_deref(), Some("limit"), "{shown}");

            // While it lasts no request is sent: not for a sync, not for a look at a new account.
            world.sandbox.world().clear_requests();
            let skipped = world.sync_one("Mara").await;
            assert_eq!(skipped.outcome, Outcome::Skipped, "{shown}");
            assert!(skipped.retry_at.is_some_and(|at| at > NOON), "{shown}");
            let account = Account { platform: platform.slug().to_owned(), handle: mara_on(platform).to_owned() };
            world.client.look_up(within(LIMIT), account).await.expect("a response").expect_err("not now");
            world.pass(at_least / 2).await;
            assert_eq!(world.requests_to(""), 0, "{shown}");

            world.sandbox.world().clear_faults();
            world.followers(platform, mara_on(platform), 1010);
            world.pass(28 * 3600).await;
            assert_eq!(world.show("Mara").await.row.followers, Some(1010), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_disguised_as_a_bad_request_is_no_result_either() {
    for platform in PUBLIC {
        let world = followed(platform, 1000).await;
        world.followers(platform, mara_on(platform), 1010);
        let fault = Fault::new(platform, FaultKind::RateLimited);
        world.sandbox.world().fault(Fault { count: MOST, status: Some(400), retry_after: Some(600), ..fault });
        let run = world.sync_one("Mara").await;
        assert!(matches!(run.outcome, Outcome::Skipped | Outcome::Failed), "{platform}: {run:?}");
        assert!(run.retry_at.is_some_and(|at| at > NOON), "{platform}: {run:?}");
        is_one_clean_sentence(run.error.as_deref().expect("a reason"));
        assert_eq!(world.stored(platform).await, [("2026-11-21".to_owned(), Some(1000))], "{platform}");
        world.sandbox.world().clear_faults();
        world.pass(3600).await;
        assert_eq!(world.show("Mara").await.row.followers, Some(1010), "{platform}");
    }
}

/// How often each connection was tried, and how many requests the platform got, in a simulated hour.
async fn an_hour_of(world: &World, fault: Option<Fault>) -> (HashMap<String, usize>, usize) {
    let is_healthy = fault.is_none();
    if let Some(fault) = fault {
        world.sandbox.world().fault(fault);
    }
    let begin = rosterd::process::clock::Clock::now(&*world.clock);
    let end = begin.plus_seconds(3600);
    world.sandbox.world().clear_requests();
    let mut tried: HashMap<String, usize> = HashMap::new();
    for _ in 0..120 {
        world.pass(30).await;
    }
    let query = roster_protocol::service::RunsQuery { limit: 256, ..Default::default() };
    // Slots may be run up to a minute before they are due, when their batch has room: those of the hour are counted, or
    // else the tries in it.
    let of_slots = |run: &roster_protocol::Run| begin < run.slot_at && run.slot_at <= end;
    let is_of_the_hour = |run: &&roster_protocol::Run| {
        run.missed == 0 && if is_healthy { of_slots(run) } else { run.started_at > begin }
    };
    let mut mark = None;
    loop {
        let query = roster_protocol::service::RunsQuery { mark: mark.take(), ..query.clone() };
        let page = world.client.runs(within(LIMIT), query).await.expect("a response").expect("runs");
        for run in page.rows.iter().filter(is_of_the_hour) {
            *tried.entry(run.connection.to_string()).or_default() += 1;
        }
        mark = page.next;
        if mark.is_none() {
            break;
        }
    }
    world.sandbox.world().clear_faults();
    (tried, world.requests_to(""))
}

async fn are_troubled(world: &World, count: usize) -> bool {
    for number in 0..count {
        if world.connection(&format!("bluesky:star{number}.sky.test")).await.last_error.is_some() {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_no_storm() {
    const COUNT: usize = 25;
    let world = World::with_config("interval = \"10m\"\n").await;
    for number in 0..COUNT {
        let handle = format!("star{number}.sky.test");
        world.followers(Platform::Bluesky, &handle, 1000);
        world.try_add(&format!("Star {number}"), "bluesky", &handle).await.expect("added");
    }
    world.settle().await;
    let (tried, planned) = an_hour_of(&world, None).await;
    assert_eq!((tried.len(), tried.values().sum::<usize>()), (COUNT, 6 * COUNT), "six slots an hour each");
    assert!(planned > 0);
    for kind in [FaultKind::ServerError, FaultKind::Garbage, FaultKind::RateLimited] {
        let fault = Fault { count: MOST, headers: false, ..Fault::new(Platform::Bluesky, kind) };
        let (tried, requests) = an_hour_of(&world, Some(fault)).await;
        println!("an hour of {kind:?}: {requests} requests, {planned} without");
        // A platform that is down gets at most eight probes an hour, of one request each, after three batches, of which
        // each may be tried in parts.
        let is_down = kind == FaultKind::ServerError;
        assert!(!is_down || requests * 6 <= planned, "{kind:?}: {requests} requests, planned {planned}");
        assert!(is_down || tried.len() == COUNT, "{kind:?}: no connection is given up");
        // 15, 30, 60 … seconds at least between tries: no more than eight fit into an hour.
        assert!(tried.values().all(|tries| (1..=8).contains(tries)), "{kind:?}: {tried:?}");
        assert!(requests > 0 && requests * 10 <= planned * 12, "{kind:?}: {requests} requests, planned {planned}");
        // Afterwards every connection is well within the hour that the longest wait is.
        let mut minutes = 0;
        while are_troubled(&world, COUNT).await {
            world.pass(60).await;
            minutes += 1;
            assert!(minutes <= 60, "{kind:?}: a connection is still not well");
        }
        println!("all connections are well {minutes} minutes after {kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_gateway_is_no_platforms_fault() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let world = World::with_config(&format!("[platforms.bluesky]\ngateway = \"http://{closed}\"\n")).await;
    // An account may be added on trust while the platform cannot be reached.
    let mara = world.add("Mara", "bluesky", mara_on(Platform::Bluesky)).await;
    let connection = &mara.connections[0];
    assert_eq!((connection.latest.as_ref(), connection.blocked_by.as_deref()), (None, Some("network")));
    let error = connection.last_error.as_deref().expect("a reason");
    assert!(error.contains("gateway") && !error.contains(&closed.to_string()), "{error}");
    assert_eq!(world.alerts().await, [], "an outage of ours is no alert about her");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_platform_delays_no_other() {
    let world = World::new().await;
    for number in 0..12 {
        let handle = format!("star{number}.sky.test");
        world.followers(Platform::Bluesky, &handle, 1000);
        world.try_add(&format!("Star {number}"), "bluesky", &handle).await.expect("added");
    }
    world.followers(Platform::Mastodon, mara_on(Platform::Mastodon), 1000);
    world.add("Mara", "mastodon", mara_on(Platform::Mastodon)).await;
    world.settle().await;
    let slow = Fault { count: MOST, delay_ms: Some(300), ..Fault::new(Platform::Bluesky, FaultKind::Slow) };
    world.sandbox.world().fault(slow);
    // The profiles, then three rounds of four feeds: more than a second, and each well within the timeout.
    let ticket = world.client.sync(within(LIMIT), SyncTarget::All).await.expect("a response").expect("a ticket");
    assert_eq!(ticket.expected, 13);
    let first = world.client.sync_progress(within(LIMIT), ticket, 0).await.expect("a response").expect("progress");
    assert_eq!((first.runs.len(), first.runs[0].platform.as_str()), (1, "mastodon"), "{first:?}");
    let running = world.client.status(within(LIMIT)).await.expect("a response").expect("a status").running;
    assert_eq!((running.len(), running[0].connections), (1, 12));
    let mut runs = first.runs;
    while runs.len() < 13 {
        let more = world.client.sync_progress(within(LIMIT), ticket, runs.len() as u64).await;
        runs.extend(more.expect("a response").expect("progress").runs);
    }
    assert!(runs.iter().all(|run| run.outcome == Outcome::Ok), "slow is not wrong: {runs:?}");
}

/// Escapes, a clipboard write, turned text, line ends, invisible characters, and far too much of it.
fn hostile() -> String {
    let start = "\u{1b}[2J\u{1b}]52;c;aGFja2Vk\u{7}\u{9b}31m\u{202e}live\u{202c}\u{200b}\u{feff}\r\nroot:x:0\n\tMara\0";
    format!("{start}{}", "x\u{301}".repeat(20_000))
}

/// Nothing that a terminal would act on.
fn is_harmless(text: &str, what: &str) {
    let bad = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{202c}\u{200b}\u{feff}\u{2066}".contains(c);
    assert!(!text.is_empty(), "{what} says something");
    let first = text.char_indices().find(|(_, c)| bad(*c));
    assert!(first.is_none(), "{what}: {first:?} in {text:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_name_reaches_no_terminal_and_no_log() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let home = Home::before(&sandbox);
    let rosterd = home.start().await;
    let words = AccountEdit { display_name: Some(hostile()), description: Some(hostile()), ..AccountEdit::default() };
    for platform in PUBLIC {
        sandbox.world().put(platform, mara_on(platform), &words).expect("a possible account");
        let account = Account { platform: platform.slug().to_owned(), handle: mara_on(platform).to_owned() };
        let preview = rosterd.client.look_up(within(LIMIT), account.clone()).await;
        let name = preview.expect("a response").expect("a preview").display_name.expect("a name");
        is_harmless(&name, "a preview");
        assert!(name.contains("live") && name.contains("Mara"), "{name}");
        assert!(name.len() < 4000, "{} bytes of name", name.len());
        let new = NewInfluencer { name: platform.slug().to_owned(), accounts: vec![account], ..Default::default() };
        rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    home.json(&["sync", "--all"]).await;
    // A platform's words in an error: where the account has gone to.
    let moved = AccountEdit { moved_to: Some(format!("{}@other.example", hostile())), ..AccountEdit::default() };
    sandbox.world().put(Platform::Mastodon, mara_on(Platform::Mastodon), &moved).expect("a possible account");
    home.roster(&["sync", "--all"]).await;
    let runs = home.json(&["runs"]).await;
    let moved = runs["runs"].as_array().expect("runs").iter().filter_map(|run| run["error"].as_str());
    assert_eq!(moved.filter(|error| error.contains("moved to")).count(), 1, "{runs}");

    for arguments in [
        vec!["list"],
        vec!["show", "bluesky"],
        vec!["show", "mastodon"],
        vec!["runs"],
        vec!["status"],
        vec!["alerts"],
        vec!["audit"],
        vec!["history", "youtube:@mara"],
        vec!["add", "\u{1b}]52;c;aGFja2Vk\u{7}"],
        vec!["show", "\u{1b}[2J\u{202e}nobody"],
        vec!["connect", "bluesky", "bluesky", "--handle", "\u{1b}[2J.sky.test"],
    ] {
        for json in [&[][..], &["--json"]] {
            let arguments = [&arguments, json].concat();
            let CommandOutput { out, err, .. } = home.roster(&arguments).await;
            is_harmless(&format!("{out}{err}"), &format!("roster {arguments:?}"));
        }
    }
    assert!(home.log().contains("moved to"), "{}", home.log());
    is_harmless(&home.log(), "the log");
    assert!(rosterd.ready_after < limit(Duration::from_secs(10)));
}
