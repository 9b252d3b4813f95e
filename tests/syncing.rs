//! The schedule: due, late, doubled, missed, held, and how it is reported.

use roster_protocol::audit::PauseTarget;
use roster_protocol::connection::ConnectionStatus;
use roster_protocol::service::{DueQuery, RunsQuery};
use roster_protocol::sync::{Cause, Outcome, SyncTarget};
use roster_protocol::time::{Seconds, Timestamp};
use roster_protocol::transport::within;
use roster_sandbox::{AccountEdit, Fault, FaultKind, Platform};

use crate::support::{LIMIT, NOON, World};

const MARA: &str = "mara.sky.test";
const HOUR: i64 = 3600;

async fn followed(followers: u64) -> World {
    let world = World::new().await;
    world.followers(Platform::Bluesky, MARA, followers);
    world.add("Mara", "bluesky", MARA).await;
    world
}

async fn history(world: &World) -> Vec<(String, Option<u64>)> {
    let history = world.client.history(within(LIMIT), format!("bluesky:{MARA}"), None, None).await;
    let snapshots = history.expect("a response").expect("a history").snapshots;
    snapshots.into_iter().map(|snapshot| (snapshot.date.to_string(), snapshot.numbers.followers)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_day_has_one_snapshot_and_the_last_of_the_day_counts() {
    let world = followed(1000).await;
    for followers in [1001, 1002] {
        world.followers(Platform::Bluesky, MARA, followers);
        world.sync("Mara").await;
    }
    assert_eq!(history(&world).await, [("2026-11-21".to_owned(), Some(1002))]);
    world.followers(Platform::Bluesky, MARA, 1003);
    world.pass(24 * HOUR).await;
    let expected = [("2026-11-21".to_owned(), Some(1002)), ("2026-11-22".to_owned(), Some(1003))];
    assert_eq!(history(&world).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_slots_are_caught_up_once() {
    let mut world = followed(1000).await;
    let before = world.runs().await.len();
    world.stop().await;
    world.clock.advance(3 * 24 * HOUR);
    world.resume().await;
    world.settle().await;
    let (missed, runs): (Vec<_>, Vec<_>) = world.runs().await.into_iter().partition(|run| run.missed > 0);
    assert_eq!((runs.len() - before, runs[0].cause), (1, Cause::CatchUp));
    // The run is as late as the last slot is; those before it are counted, and since when.
    assert!(runs[0].late_ms() < 6 * HOUR * 1000);
    assert!(missed.len() == 1 && missed[0].started_at.since(missed[0].due_at) > 2 * 24 * HOUR * 1000, "{missed:?}");
    let next = world.connection(&format!("bluesky:{MARA}")).await.next_due_at.expect("a next time");
    assert!(next > runs[0].started_at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_neither_skips_nor_doubles() {
    let world = followed(1000).await;
    world.pass(24 * HOUR).await;
    let before = world.runs().await.len();
    // A day back: everything was run for these slots already.
    world.pass(-24 * HOUR).await;
    world.pass(23 * HOUR).await;
    assert_eq!(world.runs().await.len(), before, "no slot of that day is run again");
    assert_eq!(history(&world).await.len(), 2);
    // Years ahead by mistake, and back again: the schedule continues from the clock's time.
    world.pass(4 * 365 * 24 * HOUR).await;
    world.clock.set(NOON.plus_seconds(2 * 24 * HOUR));
    world.settle().await;
    let due = async || world.connection(&format!("bluesky:{MARA}")).await.next_due_at.expect("a next time");
    let limit = tokio::time::timeout(LIMIT, async {
        while due().await.since(NOON) > 4 * 24 * HOUR * 1000 {
            tokio::task::yield_now().await;
        }
    });
    limit.await.expect("the due time is brought back");
    // A clock from before the first computers: nothing is requested, nothing is written.
    world.clock.set(Timestamp(0));
    world.settle().await;
    assert!(world.runs().await.iter().all(|run| run.started_at >= NOON));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_far_ahead_silences_no_alert() {
    let world = followed(1000).await;
    world.pass(4 * 365 * 24 * HOUR).await;
    assert_eq!(history(&world).await.len(), 2, "measured on a day in the future");
    world.clock.set(NOON.plus_seconds(24 * HOUR));
    world.followers(Platform::Bluesky, MARA, 500);
    world.sync("Mara").await;
    let latest = world.connection(&format!("bluesky:{MARA}")).await.latest.expect("a snapshot");
    assert_eq!((latest.date.to_string().as_str(), latest.numbers.followers), ("2026-11-22", Some(500)));
    // Beside one about the clock itself.
    let about_mara = world.alerts().await.into_iter().filter(|alert| alert.rule != "clock").count();
    assert_eq!(about_mara, 1, "half of them have left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_obeyed_by_all_connections_and_survives_a_restart() {
    let mut world = followed(1000).await;
    let fault = Fault { retry_after: Some(900), ..Fault::new(Platform::Bluesky, FaultKind::RateLimited) };
    world.sandbox.world().fault(fault);
    let run = world.sync("Mara").await.remove(0);
    assert_eq!(run.outcome, Outcome::Skipped);
    let retry_at = run.retry_at.expect("a time to retry");
    assert!(retry_at >= NOON.plus_seconds(900));
    world.restart().await;
    world.sandbox.world().clear_requests();
    let run = world.sync("Mara").await.remove(0);
    assert_eq!((run.outcome, world.requests_to("")), (Outcome::Skipped, 0));
    let connection = world.connection(&format!("bluesky:{MARA}")).await;
    assert_eq!((connection.status, connection.blocked_by.as_deref()), (ConnectionStatus::Fresh, Some("limit")));
    world.pass(1000).await;
    assert_eq!(world.runs().await[0].outcome, Outcome::Ok);
    let connection = world.connection(&format!("bluesky:{MARA}")).await;
    assert_eq!((connection.blocked_by, connection.last_error), (None, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_or_paused_is_answered_as_skipped_and_neither_stored_nor_counted() {
    let world = followed(1000).await;
    let fault = Fault { retry_after: Some(900), ..Fault::new(Platform::Bluesky, FaultKind::RateLimited) };
    world.sandbox.world().fault(fault);
    world.sync("Mara").await;
    world.followers(Platform::Bluesky, "ines.sky.test", 500);
    let ines = world.try_add("Ines", "bluesky", "ines.sky.test").await.expect("added").connections.remove(0);
    let seen = (ines.status, ines.blocked_by.as_deref(), ines.next_due_at);
    assert_eq!((seen.0, seen.1), (ConnectionStatus::Never, Some("limit")), "held, though never synced");
    assert!(seen.2 >= Some(NOON.plus_seconds(900)));
    let coverage =
        async || world.client.status(within(LIMIT)).await.expect("a response").expect("a status").coverage_24h;
    let before = (world.runs().await, coverage().await);
    for _ in 0..3 {
        let run = world.sync_one("Ines").await;
        assert_eq!((run.outcome, run.retry_at.is_some()), (Outcome::Skipped, true));
    }
    world.client.pause(within(LIMIT), PauseTarget::All, true).await.expect("a response").expect("paused");
    assert_eq!(world.sync_one("Ines").await.outcome, Outcome::Skipped);
    assert_eq!((world.runs().await, coverage().await), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_next_and_what_went_wrong_are_listed() {
    let world = followed(1000).await;
    world.followers(Platform::Bluesky, "ines.sky.test", 500);
    world.add("Ines", "bluesky", "ines.sky.test").await;
    let due = async |within_s: Option<u64>| {
        let query = DueQuery { within: within_s.map(Seconds), limit: 256, ..DueQuery::default() };
        world.client.due(within(LIMIT), query).await.expect("a response").expect("a list")
    };
    let all = due(None).await;
    assert_eq!((all.total, all.rows.len()), (2, 2));
    let first = &all.rows[0];
    let next = world.connection(&format!("bluesky:{}", first.handle)).await.next_due_at.expect("a next time");
    assert!(first.due_at == next && first.due_at <= all.rows[1].due_at, "{all:?}");
    assert_eq!(due(Some(1)).await.total, 0);
    let ended = async |outcome| {
        let query = RunsQuery { outcome: Some(outcome), limit: 256, ..RunsQuery::default() };
        let page = world.client.runs(within(LIMIT), query).await.expect("a response").expect("runs");
        page.rows.into_iter().map(|run| (run.influencer_name, run.outcome)).collect::<Vec<_>>()
    };
    let suspended = AccountEdit { suspended: Some(true), ..AccountEdit::default() };
    world.account(Platform::Bluesky, MARA, suspended);
    let before = ended(Outcome::Ok).await.len();
    world.sync_target(SyncTarget::All).await;
    assert_eq!(ended(Outcome::Failed).await, [("Mara".to_owned(), Outcome::Failed)]);
    assert_eq!((ended(Outcome::Ok).await.len(), ended(Outcome::Skipped).await), (before + 1, vec![]));
    world.client.pause(within(LIMIT), PauseTarget::All, true).await.expect("a response").expect("paused");
    assert_eq!(due(None).await.total, 0, "nothing is synced while everything is paused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_request_within_the_distance_gets_the_run_before() {
    let mut world = followed(1000).await;
    world.reload(|config| config.replace("min_distance = \"0s\"", "min_distance = \"10s\"")).await.expect("a config");
    world.clock.advance(60);
    let first = world.sync_one("Mara").await;
    world.sandbox.world().clear_requests();
    let target = || SyncTarget::One("Mara".to_owned());
    for _ in 0..20 {
        let ticket = world.client.sync(within(LIMIT), target()).await.expect("a response").expect("a ticket");
        assert_eq!((ticket.expected, ticket.earlier, ticket.queued()), (1, 1, 0));
        assert_eq!(world.sync_one("Mara").await.id, first.id);
    }
    assert_eq!(world.requests_to(""), 0, "nothing is requested again");
    world.clock.advance(11);
    assert_ne!(world.sync_one("Mara").await.id, first.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_handle_keeps_connection_and_history_and_another_account_asks_first() {
    let world = World::new().await;
    let (old, new) = ("mara@social.example", "mara@new.example");
    world.followers(Platform::Mastodon, old, 1234);
    world.followers(Platform::Mastodon, new, 1300);
    world.add("Mara", "mastodon", old).await;
    let moved = roster_sandbox::AccountEdit { moved_to: Some(new.to_owned()), ..Default::default() };
    world.account(Platform::Mastodon, old, moved);
    world.clock.advance(24 * HOUR);
    world.settle().await;
    world.sync("Mara").await;
    let before = world.show("Mara").await.connections.remove(0);
    assert_eq!(before.moved_to.as_deref(), Some(new));
    let advice = format!("`roster set mastodon:{old} handle {new}` follows it");
    assert!(before.last_error.as_deref().is_some_and(|error| error.contains(&advice)), "{before:?}");
    let set = async |another| {
        let named = format!("mastodon:{old}");
        world.client.set_handle(within(LIMIT), named, new.to_owned(), another).await.expect("a response")
    };
    let asks = set(false).await.expect_err("another account");
    assert!(asks.hint.expect("a hint").contains("--yes"));
    let now = set(true).await.expect("set");
    assert_eq!((now.id, now.handle.as_str()), (before.id, new));
    world.settle().await;
    let now = world.connection(&format!("mastodon:{new}")).await;
    assert_eq!((now.id, now.moved_to, now.last_error), (before.id, None, None));
    let history = world.client.history(within(LIMIT), before.id.to_string(), None, None).await;
    let snapshots = history.expect("a response").expect("a history").snapshots;
    assert_eq!(snapshots.iter().map(|day| day.numbers.followers).collect::<Vec<_>>(), [Some(1234), Some(1300)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_under_way_when_its_handle_changes_counts_for_neither() {
    let world = World::new().await;
    let (old, new) = ("mara@social.example", "mara@new.example");
    world.followers(Platform::Mastodon, old, 1234);
    world.followers(Platform::Mastodon, new, 1300);
    let added = world.add("Mara", "mastodon", old).await.connections.remove(0);
    let before = world.runs().await;
    world.clock.advance(60);
    // The request about the old handle gets no response as long as it is waited for.
    world.sandbox.world().fault(Fault::new(Platform::Mastodon, FaultKind::Timeout));
    world.sandbox.world().clear_requests();
    let target = SyncTarget::One("Mara".to_owned());
    let ticket = world.client.sync(within(LIMIT), target).await.expect("a response").expect("a ticket");
    crate::support::programs::until("the run is under way", async || {
        let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
        (!status.running.is_empty() && world.requests_to("") > 0).then_some(())
    })
    .await;
    let set = world.client.set_handle(within(LIMIT), added.id.to_string(), new.to_owned(), true).await;
    assert_eq!(set.expect("a response").expect("set").handle, new);
    // The client gets the run of the new handle; the one that was under way is neither stored nor a failure.
    let mut runs = Vec::new();
    while runs.is_empty() {
        let progress = world.client.sync_progress(within(LIMIT), ticket, 0).await.expect("a response");
        runs = progress.expect("it is not over").runs;
    }
    assert_eq!((runs.len(), runs[0].outcome, runs[0].followers), (1, Outcome::Ok, Some(1300)));
    world.settle().await;
    let after = world.runs().await;
    assert_eq!((after.len(), after[0].id), (before.len() + 1, runs[0].id));
    let now = world.connection(&added.id.to_string()).await;
    assert_eq!((now.status, now.last_error), (ConnectionStatus::Fresh, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_platform_lacks_blocks_its_accounts_and_is_no_fault_of_theirs() {
    const KEY: &str = "[platforms.youtube]\napi_key = \"youtube-api-key\"\n";
    let mut world = World::with_config(KEY).await;
    world.followers(Platform::Youtube, "@mara", 1000);
    world.add("Mara", "youtube", "@mara").await;
    let shown = async |world: &World| {
        let shown = world.show("Mara").await.connections.remove(0);
        (shown.status, shown.blocked_by)
    };
    let setup = Some("setup".to_owned());
    assert_eq!(shown(&world).await, (ConnectionStatus::Fresh, None));
    let (without, off) = ("[platforms.youtube]\nenabled = true\n", "[platforms.youtube]\nenabled = false\n");
    // Before it was tried and after, and also when the platform is switched off.
    world.reload(|config| config.replace(KEY, without)).await.expect("a config");
    assert_eq!(shown(&world).await, (ConnectionStatus::Fresh, setup.clone()));
    world.clock.advance(60);
    let run = world.sync_one("Mara").await;
    assert!(run.error.is_some_and(|error| error.contains("api_key")), "it says what is missing");
    assert_eq!((run.outcome, shown(&world).await), (Outcome::Skipped, (ConnectionStatus::Fresh, setup.clone())));
    world.clock.advance(26 * HOUR);
    world.settle().await;
    assert_eq!(shown(&world).await, (ConnectionStatus::Stale, setup.clone()), "old, and not in error");
    world.reload(|config| config.replace(without, off)).await.expect("a config");
    assert_eq!(shown(&world).await.1, setup);
    world.reload(|config| config.replace(off, KEY)).await.expect("a config");
    world.clock.advance(60);
    assert_eq!(world.sync_one("Mara").await.outcome, Outcome::Ok);
    assert_eq!(shown(&world).await, (ConnectionStatus::Fresh, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interval_of_its_own_is_followed() {
    let world = followed(1000).await;
    let own = world.client.set_interval(within(LIMIT), format!("bluesky:{MARA}"), Some(Seconds(600)), None).await;
    let own = own.expect("a response").expect("set");
    assert_eq!(own.interval, Some(Seconds(600)));
    let before = world.runs().await.len();
    for _ in 0..6 {
        world.pass(600).await;
    }
    assert_eq!(world.runs().await.len() - before, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syncing_everything_requests_batches_and_reports_each_end() {
    let world = World::new().await;
    for home in 0..60 {
        let handle = format!("star{home}.sky.test");
        world.followers(Platform::Bluesky, &handle, 100 + home);
        world.try_add(&format!("Star {home}"), "bluesky", &handle).await.expect("added");
    }
    world.settle().await;
    world.sandbox.world().clear_requests();
    let runs = world.sync_target(SyncTarget::All).await;
    assert_eq!((runs.len(), runs.iter().filter(|run| run.outcome == Outcome::Ok).count()), (60, 60));
    assert_eq!(world.requests_to("getProfiles"), 3, "25 at once");
    let status = world.client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert_eq!((status.connections.fresh, status.store.snapshots), (60, 60));
    assert_eq!((status.coverage_24h.ok, status.coverage_24h.failed), (120, 0));
    assert_eq!(world.sync_target(SyncTarget::Due).await, [], "nothing is due");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_that_changes_is_followed_by_the_platforms_id() {
    let world = followed(1000).await;
    let renamed = roster_sandbox::AccountEdit { handle: Some("mara-new.sky.test".into()), ..Default::default() };
    world.account(Platform::Bluesky, MARA, renamed);
    world.sync("Mara").await;
    assert_eq!(world.show("Mara").await.connections[0].handle, "mara-new.sky.test");
    let gone = roster_sandbox::AccountEdit { gone: Some(true), ..Default::default() };
    world.account(Platform::Bluesky, "mara-new.sky.test", gone);
    for _ in 0..2 {
        assert_eq!(world.sync("Mara").await[0].outcome, Outcome::Failed);
    }
    let connection = &world.show("Mara").await.connections[0];
    assert_eq!(connection.status, ConnectionStatus::Error);
    assert_eq!(world.alerts().await[0].rule, "needs-person");
    let back = roster_sandbox::AccountEdit { gone: Some(false), ..Default::default() };
    world.account(Platform::Bluesky, "mara-new.sky.test", back);
    world.sync("Mara").await;
    assert_eq!(world.alerts().await, []);
}
