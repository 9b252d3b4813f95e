//! Storms over the real daemon, whose memory, time and log are watched from outside: garbage, halves of frames, floods
//! of calls, responses that are not read, more clients than descriptors.

use std::path::Path;
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::{StreamExt, stream};
use roster_protocol::RosterResponse;
use roster_protocol::influencer::{InfluencerQuery, NewInfluencer};
use roster_protocol::transport::{self, within};
use roster_protocol::{RosterClient, RosterRequest};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use crate::support::programs::{Home, Rosterd, until};
use crate::support::raw::*;
use crate::support::{LIMIT, World, figure, idle, limit, nightly, times};

/// A user's permits, but for a few that other clients need in the meantime.
const AT_ONCE: usize = 20;

/// What grew while something happened: from what is in use now to the most there ever was.
struct Growth {
    before: u64,
}

impl Growth {
    fn of(rosterd: &Rosterd) -> Self {
        rosterd.forget_peak();
        Self { before: rosterd.memory_kib("VmRSS") }
    }

    fn kib(&self, rosterd: &Rosterd) -> u64 {
        rosterd.memory_kib("VmHWM").saturating_sub(self.before)
    }
}

/// Requests the status until `is_over`; returns how long each response took, sorted.
async fn status_meanwhile(client: &RosterClient, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let mut waited = Vec::new();
    while !is_over() {
        let begun = Instant::now();
        client.status(within(LIMIT)).await.expect("a response").expect("a status");
        waited.push(begun.elapsed());
    }
    waited.sort();
    waited
}

fn p99(sorted: &[Duration]) -> Duration {
    sorted[(sorted.len() * 99 / 100).min(sorted.len() - 1)]
}

/// Connects again and again, each time with a burst of frames that make no sense; returns how often, and how many frames.
async fn pelt(socket: &Path, seed: u64, ends: Option<Instant>) -> (u64, u64) {
    const BURST: u64 = 200;
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut connections = 0;
    while ends.map_or(connections < 400, |end| Instant::now() < end) {
        let mut bytes = preamble(VERSION);
        for _ in 0..BURST {
            let noise: Vec<u8> = (0..dice.usize(1..60)).map(|_| dice.u8(..)).collect();
            bytes.extend(framed(&noise));
        }
        let mut raw = Raw::to(socket).await.expect("a connection");
        // It may have been cut off in the middle already.
        let _ = raw.send(&bytes).await;
        let _ = raw.stream.shutdown().await;
        raw.hung_up().await;
        connections += 1;
    }
    (connections, connections * BURST)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_garbage_costs_nothing() {
    let home = Home::new("");
    let rosterd = home.start().await;
    let socket = home.socket();
    pelt(&socket, 0, None).await;
    let (growth, lines, begun) = (Growth::of(&rosterd), home.log().lines().count(), Instant::now());
    let ends = nightly().map(|share| begun + Duration::from_secs_f64(300.0 * share));
    let pelting: Vec<_> = (1..=3)
        .map(|seed| {
            let socket = socket.clone();
            tokio::spawn(async move { pelt(&socket, seed, ends).await })
        })
        .collect();
    let waited = status_meanwhile(&rosterd.client, || pelting.iter().all(tokio::task::JoinHandle::is_finished)).await;
    let took = begun.elapsed();
    let (mut connections, mut frames) = (0, 0);
    for pelted in pelting {
        let pelted = pelted.await.expect("no panic");
        (connections, frames) = (connections + pelted.0, frames + pelted.1);
    }
    let rate = frames as f64 / took.as_secs_f64();
    let (grown, lines) = (growth.kib(&rosterd), home.log().lines().count() - lines);
    figure(format!(
        "garbage for {took:.0?}: {rate:.0} frames/s in {connections} connections, {grown} KiB more, {lines} log lines; \
         a good client's p99 {:?} of {}",
        p99(&waited),
        waited.len()
    ));
    assert!(frames > 0 && grown <= 8 * 1024, "{grown} KiB more");
    assert!(lines as f64 <= 60.0 * (took.as_secs_f64() / 60.0).max(1.0), "{lines} lines were logged");
    if nightly().is_some() {
        assert!(rate >= 20_000.0 && p99(&waited) <= limit(Duration::from_millis(50)), "{rate}, {:?}", p99(&waited));
    }
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_frames_are_cut_and_cost_what_was_sent() {
    let home = Home::new("");
    let rosterd = home.start().await;
    let socket = home.socket();
    is_well(&socket).await;
    let growth = Growth::of(&rosterd);
    let clients = times(AT_ONCE as u64, 64);
    let half = async |_| {
        let mut raw = Raw::connected(&socket).await;
        let longest = framed(&vec![0; transport::MAX_REQUEST_BYTES]);
        raw.send(&longest[..longest.len() - 1]).await.expect("sent");
        raw.hung_up().await
    };
    let cut: Vec<Duration> = stream::iter(0..clients).map(half).buffer_unordered(AT_ONCE).collect().await;
    let (first, last) = (cut.iter().min().expect("some"), cut.iter().max().expect("some"));
    let grown = growth.kib(&rosterd);
    figure(format!("{clients} halves of frames cut after {first:.1?} to {last:.1?}, {grown} KiB more"));
    assert!(*first >= Duration::from_secs(4) && *last <= limit(idle(Duration::from_millis(6500))), "{cut:?}");
    assert!(grown <= 64 * 64, "{grown} KiB more");
    is_well(&socket).await;
}

/// Sends `calls` without waiting and reads what arrives; returns how many got a response and how many were throttled.
async fn flood(socket: &Path, calls: u64) -> (u64, u64) {
    let (reader, mut writer) = Raw::connected(socket).await.stream.into_split();
    let write = async move {
        for first in (0..calls).step_by(100) {
            let some: Vec<u8> =
                (first..calls.min(first + 100)).flat_map(|id| call(id, 60_000, unknown_connection())).collect();
            writer.write_all(&some).await.expect("sent");
        }
        writer
    };
    let read = async move {
        let mut frames = tokio_util::codec::FramedRead::new(reader, ResponseCodec);
        let mut seen = vec![false; calls as usize];
        let (mut responses, mut throttled) = (0, 0);
        while responses + throttled < calls {
            let next = tokio::time::timeout(LIMIT, frames.next()).await;
            let response = next.expect("a response in time").expect("no end").expect("a proper response");
            assert!(!std::mem::replace(&mut seen[response.id as usize], true), "{} has two responses", response.id);
            match response.message {
                Ok(RosterResponse::Connection(Err(_))) => responses += 1,
                Err(Failure::Throttled) => throttled += 1,
                Ok(_) => panic!("another request's response"),
                Err(failure) => panic!("{failure:?}"),
            }
        }
        (responses, throttled)
    };
    let (_writer, counts) = tokio::join!(write, read);
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_calls_is_throttled_and_other_clients_are_served() {
    let world = World::new().await;
    let socket = world.daemon().socket.clone();
    let ((responses, throttled), slowest) = tokio::join!(flood(&socket, 20_000), async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            is_well(&socket).await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    });
    assert!(responses > 0 && responses + throttled == 20_000, "{responses} responses, {throttled} throttled");
    println!("20,000 calls at once: {responses} responses, {throttled} throttled; others waited {slowest:?} at most");
    assert!(slowest < limit(Duration::from_secs(5)), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_costs_no_memory() {
    let home = Home::new("");
    let rosterd = home.start().await;
    flood(&home.socket(), 2_000).await;
    let (growth, begun, calls) = (Growth::of(&rosterd), Instant::now(), times(100_000, 300_000));
    let (responses, throttled) = flood(&home.socket(), calls).await;
    let grown = growth.kib(&rosterd);
    figure(format!(
        "{calls} calls at once in {:.1?}: {responses} responses, {throttled} throttled, {grown} KiB more",
        begun.elapsed()
    ));
    assert!(responses > 0 && grown <= 16 * 1024, "{grown} KiB more");
    is_well(&home.socket()).await;
}

/// As many influencers as fill a page of a quarter of a mebibyte.
async fn fill_a_page(client: &RosterClient) {
    let tags = |number: usize| (0..20).map(move |tag| format!("{number}-{tag}-{}", "x".repeat(50))).collect();
    let add = async |number: usize| {
        let new = NewInfluencer { name: format!("Star {number}"), tags: tags(number), ..NewInfluencer::default() };
        client.add(within(LIMIT), new).await.expect("a response").expect("added");
    };
    for some in (0..256).collect::<Vec<_>>().chunks(8) {
        join_all(some.iter().map(|number| add(*number))).await;
    }
}

fn page() -> RosterRequest {
    RosterRequest::Influencers { query: InfluencerQuery { limit: 256, ..InfluencerQuery::default() } }
}

/// Requests up to so many pages and reads none; returns how many requests were accepted until the socket took no more.
async fn request_and_never_read(raw: &mut Raw, pages: u64) -> u64 {
    for id in 0..pages {
        let sent = tokio::time::timeout(Duration::from_millis(500), raw.send(&call(id, 120_000, page()))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return id;
        }
    }
    pages
}

/// Waits, without reading anything, until the daemon has hung up: then nothing more can be sent.
async fn hung_up_unread(raw: &mut Raw) {
    while raw.send(&[0]).await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_cut_off() {
    let world = World::new().await;
    let socket = world.daemon().socket.clone();
    fill_a_page(&world.client).await;
    // The world's timeout for readers is 1.5 s.
    let attack = async |_: usize| {
        let mut raw = Raw::connected(&socket).await;
        let begun = Instant::now();
        let requested = request_and_never_read(&mut raw, 100_000).await;
        tokio::time::timeout(LIMIT, hung_up_unread(&mut raw)).await.expect("cut off in time");
        (requested, begun.elapsed())
    };
    let (attacks, ()) = tokio::join!(join_all((0..8).map(attack)), async {
        for _ in 0..10 {
            is_well(&socket).await;
        }
    });
    for (requested, after) in attacks {
        assert!(requested >= 100, "{requested} requests are not enough to fill the buffers");
        assert!(after >= Duration::from_millis(1400), "{after:?} is too soon");
    }
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_that_are_not_read_cost_little() {
    let home = Home::new("");
    let rosterd = home.start().await;
    let socket = home.socket();
    fill_a_page(&rosterd.client).await;
    let (growth, clients) = (Growth::of(&rosterd), times(AT_ONCE as u64, 64));
    // Waiting for the daemon's timeout of half a minute is for the night.
    let waits = nightly().is_some();
    let attack = async |_| {
        let mut raw = Raw::connected(&socket).await;
        let begun = Instant::now();
        let requested = request_and_never_read(&mut raw, 1_000).await;
        if waits {
            tokio::time::timeout(3 * LIMIT, hung_up_unread(&mut raw)).await.expect("cut off in time");
        }
        (raw, requested, begun.elapsed())
    };
    let attacks: Vec<_> = stream::iter(0..clients).map(attack).buffer_unordered(AT_ONCE).collect().await;
    let grown = growth.kib(&rosterd);
    let cut = attacks.iter().map(|(_, _, after)| *after).max().filter(|_| waits);
    let requested: u64 = attacks.iter().map(|(_, requested, _)| requested).sum();
    figure(format!(
        "{clients} clients never read {requested} pages: {grown} KiB more, cut off after {cut:.1?} at most"
    ));
    assert!(attacks.iter().all(|(_, requested, _)| *requested >= 16), "too few requests to be refused any");
    assert!(grown <= 64 * 1024 + 64 * 1024, "{grown} KiB more");
    assert!(cut.is_none_or(|cut| cut <= limit(Duration::from_secs(40))), "{cut:?}");
    drop(attacks);
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_it_waits_and_recovers() {
    const LOGGED: &str = "no further client can be let in at present";
    let home = Home::new("");
    let rosterd: Rosterd = home.start_as(home.rosterd_after("ulimit -n 40")).await;
    let mut crowd = Vec::new();
    let socket = home.socket();
    // Idle, and more than there are descriptors for; those beyond the backlog are not even queued.
    until("the descriptors run out", async || {
        while let Ok(stream) = UnixStream::connect(&socket).await {
            crowd.push(stream);
            if crowd.len() >= 200 {
                break;
            }
        }
        home.log().contains(LOGGED).then_some(())
    })
    .await;
    let window = Duration::from_secs(times(1, 60));
    let (busy, begun) = (rosterd.busy(), Instant::now());
    // A client that is cut off connects again.
    let misery = async {
        while begun.elapsed() < window {
            crowd.retain(|stream| !matches!(stream.try_read(&mut [0; 16]), Ok(0)));
            while crowd.len() < 200
                && let Ok(stream) = UnixStream::connect(&socket).await
            {
                crowd.push(stream);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(3 * window.max(LIMIT), misery).await.expect("an end of misery");
    let busy = rosterd.busy() - busy;
    let share = busy.as_secs_f64() / begun.elapsed().as_secs_f64();
    let lines = home.log().matches(LOGGED).count();
    let crowded = crowd.len();
    drop(crowd);
    let begun = Instant::now();
    is_well(&socket).await;
    let recovered = begun.elapsed();
    figure(format!(
        "without descriptors for {window:?}, {crowded} clients at the door: {:.1} % busy, {lines} log lines, well again \
         after {recovered:.1?}",
        share * 100.0
    ));
    assert!(share <= 0.05, "{busy:?} were spent on nothing");
    assert!(recovered <= limit(idle(Duration::from_secs(1))), "{recovered:?}");
    assert!((1..=10).contains(&lines), "{}", home.log());
}
