//! One member's requests in a loop cost the others nothing: neither memory nor the platforms' quotas nor rows.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::join_all;
use roster_protocol::ids::ConnectionId;
use roster_protocol::service::RunsQuery;
use roster_protocol::sync::{Run, SyncTarget};
use roster_protocol::transport::{self, within};
use roster_protocol::{RosterClient, audit::PauseTarget};
use roster_sandbox::{AccountEdit, Platform, Sandbox};

use crate::support::programs::{Home, Rosterd};
use crate::support::{LIMIT, figure, limit, nightly, times};

/// 92 accounts: half of them are requested in batches, half one by one.
const ACCOUNTS: usize = 92;
/// Callers at once.
const CALLERS: usize = 14;
/// What all requests together may cost.
const MOST_KIB: u64 = 20 * 1024;

fn handle_of(number: usize) -> (Platform, String) {
    match number % 2 {
        0 => (Platform::Bluesky, format!("star{number}.sky.test")),
        _ => (Platform::Mastodon, format!("star{number}@social.example")),
    }
}

/// A daemon with 92 accounts that were synced, and the least distance of two syncs of one.
async fn followed(sandbox: &Sandbox, distance: Duration) -> (Home, Rosterd) {
    // No account becomes due meanwhile.
    let home = Home::new(&format!(
        "[sync]\ngateway = \"{}\"\nmin_distance = \"{}s\"\ndaily_snapshot = \"off\"\ninterval = \"360d\"\n",
        sandbox.url(),
        distance.as_secs()
    ));
    let rosterd = home.start().await;
    for number in 0..ACCOUNTS {
        let (platform, handle) = handle_of(number);
        let edit = AccountEdit { followers: Some(1000), growth_per_day: Some(0.0), ..AccountEdit::default() };
        sandbox.world().put(platform, &handle, &edit).expect("a possible account");
        let accounts = vec![roster_protocol::connection::Account { platform: platform.slug().to_owned(), handle }];
        let new = roster_protocol::NewInfluencer { name: format!("Star {number}"), accounts, ..Default::default() };
        rosterd.client.add(within(LIMIT), new).await.expect("a response").expect("added");
    }
    synced(&rosterd.client, SyncTarget::All).await;
    (home, rosterd)
}

/// Requests a sync and waits for all of its runs; returns them, and how many of them were runs before.
async fn synced(client: &RosterClient, target: SyncTarget) -> (Vec<Run>, u64) {
    let ticket = client.sync(within(LIMIT), target).await.expect("a response").expect("a ticket");
    let mut runs = Vec::new();
    loop {
        let progress = client.sync_progress(within(LIMIT), ticket, runs.len() as u64).await;
        let progress = progress.expect("a response").expect("it is not over");
        runs.extend(progress.runs);
        if progress.done {
            assert_eq!(runs.len() as u64, progress.expected);
            return (runs, ticket.earlier);
        }
    }
}

/// All runs that are stored.
async fn stored(client: &RosterClient) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut query = RunsQuery { limit: 256, ..RunsQuery::default() };
    loop {
        let page = client.runs(within(LIMIT), query.clone()).await.expect("a response").expect("a page");
        runs.extend(page.rows);
        match page.next {
            Some(mark) => query.mark = Some(mark),
            None => return runs,
        }
    }
}

/// Has all callers do the same again and again, each over a connection of its own; returns how often they did.
async fn in_a_loop(socket: PathBuf, work: impl AsyncFn(&RosterClient, u64) -> bool) -> u64 {
    let callers = (0..CALLERS).map(async |_| {
        let client = transport::connect(&socket).await.expect("a permit");
        let mut done = 0;
        while work(&client, done).await {
            done += 1;
        }
        done
    });
    join_all(callers).await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn syncs_in_a_loop_request_each_account_once_in_a_while_and_cost_no_memory() {
    let (distance, lasts) = match nightly() {
        Some(_) => (Duration::from_secs(10), Duration::from_secs(30)),
        None => (Duration::from_secs(1), Duration::from_secs(3)),
    };
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let (home, rosterd) = followed(&sandbox, distance).await;
    let before = stored(&rosterd.client).await.len();
    let memory = rosterd.memory_kib("VmRSS");
    sandbox.world().clear_requests();

    let begun = Instant::now();
    let earlier = std::sync::atomic::AtomicU64::new(0);
    let requested = in_a_loop(home.socket(), async |client, _| {
        let (runs, of_before) = synced(client, SyncTarget::All).await;
        assert_eq!(runs.len(), ACCOUNTS);
        earlier.fetch_add(of_before, std::sync::atomic::Ordering::Relaxed);
        begun.elapsed() < lasts
    })
    .await;
    let took = begun.elapsed();
    let grown = rosterd.memory_kib("VmRSS").saturating_sub(memory);
    let runs = stored(&rosterd.client).await;
    let requests = sandbox.world().requests().len();

    // Each account once in the distance, however many callers there are; their answers say that it was the run before.
    let mut by_connection: HashMap<ConnectionId, Vec<&Run>> = HashMap::new();
    runs.iter().for_each(|run| by_connection.entry(run.connection).or_default().push(run));
    assert_eq!(by_connection.len(), ACCOUNTS);
    for of_one in by_connection.values() {
        let newest_first = of_one.windows(2);
        for pair in newest_first.filter(|pair| pair[0].cause == roster_protocol::sync::Cause::Person) {
            let ended = pair[1].started_at.0 + pair[1].duration_ms as i64;
            let apart = pair[0].started_at.0 - ended;
            assert!(apart >= distance.as_millis() as i64 - 1, "{apart} ms: {pair:?}");
        }
    }
    let rounds = took.as_secs_f64() / distance.as_secs_f64() + 2.0;
    assert!(((runs.len() - before) as f64) < rounds * ACCOUNTS as f64, "{} runs in {took:?}", runs.len() - before);
    // A sync of all is a few requests an account; without the distance it would be one for each of what follows.
    assert!((requests as f64) < rounds * 6.0 * ACCOUNTS as f64, "{requests} requests in {took:?}");
    let earlier = earlier.into_inner();
    assert!(earlier > 0, "in {requested} requests no answer was the run before");
    assert!(grown < MOST_KIB, "{grown} KiB more");
    figure(format!(
        "{requested} times sync --all of {ACCOUNTS} accounts, {CALLERS} callers at once, in {:.1} s: {} runs, {requests} \
         requests to platforms, {grown} KiB more",
        took.as_secs_f64(),
        runs.len() - before
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paused_is_requested_in_vain_without_a_trace() {
    let sandbox = roster_sandbox::Options { accounts: 0, ..Default::default() };
    let sandbox = Sandbox::start(sandbox).await.expect("the sandbox listens");
    let (home, rosterd) = followed(&sandbox, Duration::from_secs(10)).await;
    let client = &rosterd.client;
    client.pause(within(LIMIT), PauseTarget::All, true).await.expect("a response").expect("paused");
    let coverage = async || client.status(within(LIMIT)).await.expect("a response").expect("a status").coverage_24h;
    let audit = async || {
        let query = roster_protocol::service::AuditQuery { limit: 1, ..Default::default() };
        client.audit(within(LIMIT), query).await.expect("a response").expect("a log").rows[0].number
    };
    let before = (stored(client).await, coverage().await, audit().await);
    let bytes = client.status(within(LIMIT)).await.expect("a response").expect("a status").store.bytes;
    let memory = rosterd.memory_kib("VmRSS");
    sandbox.world().clear_requests();

    let begun = Instant::now();
    let each = times(2_000, 17_000) / CALLERS as u64 + 1;
    let requested = in_a_loop(home.socket(), async |client, done| {
        let (runs, earlier) = synced(client, SyncTarget::One(format!("Star {}", done % ACCOUNTS as u64))).await;
        assert_eq!((runs.len(), earlier), (1, 0));
        assert_eq!(runs[0].outcome, roster_protocol::sync::Outcome::Skipped);
        done + 1 < each
    })
    .await;
    let grown = rosterd.memory_kib("VmRSS").saturating_sub(memory);
    assert!(begun.elapsed() < limit(Duration::from_secs(120)), "{:?}", begun.elapsed());
    assert_eq!((stored(client).await, coverage().await, audit().await), before);
    let status = client.status(within(LIMIT)).await.expect("a response").expect("a status");
    assert_eq!(status.store.bytes, bytes, "nothing was written");
    assert_eq!(sandbox.world().requests().len(), 0, "no platform was requested");
    assert!(grown < MOST_KIB, "{grown} KiB more");
    figure(format!("{requested} requests to sync what is paused: no run, no row, {grown} KiB more"));
}
