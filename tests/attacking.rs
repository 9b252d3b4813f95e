//! Whoever may connect and means no good: only his own connection suffers.
//!
//! Attackers write their own bytes; what travels is written down here once more, so that a change of it is noticed.

use std::io;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use futures::future::join_all;
use nix::sys::signal::Signal;
use proptest::prelude::*;
use roster_protocol::influencer::{InfluencerQuery, NewInfluencer};
use roster_protocol::transport::{self, ClientCodec, ConnectError, ServerCodec, within};
use roster_protocol::{RosterRequest, RosterResponse};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::codec::Decoder;

use crate::support::programs::{Place, Rosterd, until};
use crate::support::{LIMIT, World};

const VERSION: u16 = transport::PROTOCOL_VERSION;
/// What the daemon says to a preamble.
const WELCOME: u8 = 0;
const WRONG_VERSION: u8 = 1;
const BUSY: u8 = 2;

#[derive(Serialize)]
enum Call {
    Request { id: u64, deadline_ms: u64, message: RosterRequest },
    Cancel { id: u64 },
}

#[derive(Deserialize)]
struct Answer {
    id: u64,
    message: Result<RosterResponse, Failure>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Failure {
    Throttled,
    TooLong,
    Other,
}

fn preamble(version: u16) -> Vec<u8> {
    [b"ROSTER".as_slice(), &version.to_be_bytes()].concat()
}

fn framed(body: &[u8]) -> Vec<u8> {
    [(body.len() as u32).to_be_bytes().as_slice(), body].concat()
}

fn call(id: u64, deadline_ms: u64, message: RosterRequest) -> Vec<u8> {
    framed(&postcard::to_stdvec(&Call::Request { id, deadline_ms, message }).expect("a call"))
}

/// A question whose answer is short.
fn nobody() -> RosterRequest {
    RosterRequest::Connection { connection: "nobody".to_owned() }
}

/// One attacker's connection.
struct Raw {
    stream: UnixStream,
    unread: BytesMut,
}

impl Raw {
    async fn to(socket: &std::path::Path) -> io::Result<Self> {
        Ok(Self { stream: UnixStream::connect(socket).await?, unread: BytesMut::new() })
    }

    /// Connects with this version; gives the daemon's version and verdict too.
    async fn knock(socket: &std::path::Path, version: u16) -> io::Result<(Self, u16, u8)> {
        let mut raw = Self::to(socket).await?;
        // Who is turned away at the door may be told before he has said anything.
        let _ = raw.stream.write_all(&preamble(version)).await;
        let mut answer = [0; 9];
        raw.stream.read_exact(&mut answer).await?;
        assert_eq!(&answer[..6], b"ROSTER");
        Ok((raw, u16::from_be_bytes([answer[6], answer[7]]), answer[8]))
    }

    /// Connects and is let in, as soon as there is a place.
    async fn guest(socket: &std::path::Path) -> Self {
        let come_in = until("the attacker is let in", async || {
            let (raw, _, verdict) = Self::knock(socket, VERSION).await.ok()?;
            (verdict == WELCOME).then_some(raw)
        });
        come_in.await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    async fn answer(&mut self) -> Option<Answer> {
        let answer = async {
            loop {
                if let Some(head) = self.unread.first_chunk::<4>() {
                    let length = u32::from_be_bytes(*head) as usize;
                    assert!(length <= transport::MAX_ANSWER_BYTES);
                    if self.unread.len() >= 4 + length {
                        self.unread.advance(4);
                        let body = self.unread.split_to(length);
                        return Some(postcard::from_bytes(&body).expect("an answer"));
                    }
                }
                if !matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..)) {
                    return None;
                }
            }
        };
        tokio::time::timeout(LIMIT, answer).await.expect("an answer or an end in time")
    }

    /// Reads until the daemon hangs up; gives how long that took.
    async fn hung_up(&mut self) -> Duration {
        let begun = Instant::now();
        let read = async { while matches!(self.stream.read_buf(&mut self.unread).await, Ok(1..)) {} };
        tokio::time::timeout(LIMIT, read).await.expect("the daemon hangs up in time");
        begun.elapsed()
    }
}

/// Somebody who means well comes in and is answered.
async fn is_well(socket: &std::path::Path) {
    let client = until("a good client is let in", async || transport::connect(socket).await.ok()).await;
    client.status(within(LIMIT)).await.expect("an answer").expect("a status");
}

async fn world() -> (World, std::path::PathBuf) {
    let world = World::new().await;
    let socket = world.daemon().socket.clone();
    (world, socket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_the_connection_it_came_on() {
    const EACH: usize = 1000;
    let (_world, socket) = world().await;
    let attack = async |seed: u64| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut ended = 0;
        for round in 0..EACH {
            let noise: Vec<u8> = (0..dice.usize(1..2000)).map(|_| dice.u8(..)).collect();
            // Nonsense from the first byte on, after the preamble, in a frame, and in place of a call's middle.
            let bytes = match round % 4 {
                0 => noise,
                1 => [preamble(VERSION), noise].concat(),
                2 => [preamble(VERSION), framed(&noise)].concat(),
                _ => {
                    let mut bytes = call(1, 1000, nobody());
                    let place = dice.usize(4..bytes.len());
                    bytes[place] = noise[0];
                    [preamble(VERSION), bytes].concat()
                }
            };
            let mut raw = Raw::to(&socket).await.expect("a connection");
            // It may have been cut off in the middle already.
            let _ = raw.send(&bytes).await;
            let _ = raw.stream.shutdown().await;
            raw.hung_up().await;
            ended += 1;
        }
        ended
    };
    let (attacks, ()) = tokio::join!(join_all((0..4).map(attack)), async {
        for _ in 0..20 {
            is_well(&socket).await;
        }
    });
    assert_eq!(attacks.into_iter().sum::<usize>(), 4 * EACH);
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_versions_are_told_which_side_to_restart() {
    let (_world, socket) = world().await;
    for version in [0, VERSION + 1, u16::MAX] {
        let (mut raw, theirs, verdict) = Raw::knock(&socket, version).await.expect("an answer");
        assert_eq!((theirs, verdict), (VERSION, WRONG_VERSION));
        raw.hung_up().await;
    }
    let mut raw = Raw::to(&socket).await.expect("a connection");
    raw.send(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
    raw.hung_up().await;
    assert!(raw.unread.is_empty(), "who is no Roster client is told nothing");
    is_well(&socket).await;

    // And the other way round: a daemon of another version, or something else altogether.
    let place = Place::new("");
    std::fs::create_dir(place.path("run")).expect("a directory");
    let listener = UnixListener::bind(place.socket()).expect("a socket");
    let newer = format!("rosterd version {}: restart roster", VERSION + 1);
    let answers = [
        ([preamble(VERSION + 1), vec![WRONG_VERSION]].concat(), newer.as_str()),
        ([preamble(0), vec![WRONG_VERSION]].concat(), "rosterd version 0: restart rosterd"),
        ([preamble(VERSION + 1), vec![WELCOME]].concat(), newer.as_str()),
        ([preamble(VERSION + 1), vec![99]].concat(), newer.as_str()),
        ([preamble(VERSION), vec![BUSY]].concat(), "has too many connections open"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "does not answer as rosterd does"),
        (b"RO".to_vec(), "does not answer as rosterd does"),
    ];
    for (answer, expected) in answers {
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a client");
            stream.read_exact(&mut [0; 8]).await.expect("a preamble");
            stream.write_all(&answer).await.expect("sent");
        };
        let ((), said) = tokio::join!(serve, place.roster(&["status", "--json"]));
        assert_eq!(said.code, Some(3), "{said:?}");
        let error = &said.json()["error"];
        assert!(error["message"].as_str().expect("a message").contains(expected), "{error}");
        assert_eq!(error["kind"], "unreachable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_in_the_middle_is_cut_off() {
    let (_world, socket) = world().await;
    // The world's patience is 400 ms for each of these.
    let whole = call(7, 1000, nobody());
    let starts = [
        vec![],
        preamble(VERSION)[..5].to_vec(),
        [preamble(VERSION), whole[..2].to_vec()].concat(),
        [preamble(VERSION), whole[..whole.len() - 1].to_vec()].concat(),
        [preamble(VERSION), whole.clone(), whole[..4].to_vec()].concat(),
    ];
    let stop = async |bytes: &Vec<u8>| {
        let mut raw = Raw::to(&socket).await.expect("a connection");
        raw.send(bytes).await.expect("sent");
        raw.hung_up().await
    };
    let (cut, ()) = tokio::join!(join_all(starts.iter().chain(&starts).chain(&starts).map(stop)), is_well(&socket));
    assert!(cut.iter().all(|after| *after >= Duration::from_millis(300)), "{cut:?}");
    assert!(cut.iter().all(|after| *after < Duration::from_secs(5)), "{cut:?}");

    // Nor does it help to send a byte now and then.
    let mut raw = Raw::guest(&socket).await;
    raw.send(&framed(&[0; 1000])[..4]).await.expect("sent");
    let begun = Instant::now();
    let drip = async {
        while raw.send(&[0]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, drip).await.expect("the drip is cut off in time");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    // Who has said a whole thing may be silent as long as he likes.
    let mut raw = Raw::guest(&socket).await;
    let quiet = tokio::time::timeout(Duration::from_millis(900), raw.stream.read_u8()).await;
    assert!(quiet.is_err(), "hung up on somebody who waits: {quiet:?}");
    raw.send(&call(1, 5000, nobody())).await.expect("sent");
    assert_eq!(raw.answer().await.expect("an answer").id, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_too_long_is_refused_at_its_head() {
    let (_world, socket) = world().await;
    for length in [transport::MAX_REQUEST_BYTES as u32 + 1, 1 << 24, u32::MAX] {
        let mut raw = Raw::guest(&socket).await;
        raw.send(&length.to_be_bytes()).await.expect("sent");
        raw.hung_up().await;
    }
    // The longest one is a question like any other.
    let empty = postcard::to_stdvec(&Call::Request { id: 1, deadline_ms: 5000, message: named("") }).expect("a call");
    // The text's length takes two bytes more than that of an empty one.
    let text = "x".repeat(transport::MAX_REQUEST_BYTES - empty.len() - 2);
    let longest = call(1, 5000, named(&text));
    assert_eq!(longest.len(), 4 + transport::MAX_REQUEST_BYTES);
    let mut raw = Raw::guest(&socket).await;
    raw.send(&longest).await.expect("sent");
    let answer = raw.answer().await.expect("an answer");
    assert!(matches!(answer.message, Ok(RosterResponse::Influencer(Err(_)))), "nobody of that name");
    is_well(&socket).await;
}

fn named(name: &str) -> RosterRequest {
    RosterRequest::Influencer { influencer: name.to_owned() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_deadlines_hurt_nobody() {
    let (_world, socket) = world().await;
    let mut raw = Raw::guest(&socket).await;
    // What may be over before it begins is perhaps not answered, and what follows is.
    for (id, deadline_ms) in (1..).zip([0, 1, 0, u64::from(u32::MAX / 2), u32::MAX.into()]) {
        raw.send(&call(id, deadline_ms, nobody())).await.expect("sent");
    }
    raw.send(&call(100, 5000, nobody())).await.expect("sent");
    let mut answered = Vec::new();
    while !answered.contains(&100) {
        answered.push(raw.answer().await.expect("an answer").id);
    }
    while !(answered.contains(&4) && answered.contains(&5)) {
        answered.push(raw.answer().await.expect("an answer").id);
    }
    // Longer than the field: that is no call.
    for deadline_ms in [u64::from(u32::MAX) + 1, u64::MAX] {
        let mut raw = Raw::guest(&socket).await;
        raw.send(&call(1, deadline_ms, nobody())).await.expect("sent");
        raw.hung_up().await;
    }
    // The same id again and again, and cancels of what never was.
    let mut raw = Raw::guest(&socket).await;
    for _ in 0..100 {
        raw.send(&call(1, 5000, nobody())).await.expect("sent");
        raw.send(&framed(&postcard::to_stdvec(&Call::Cancel { id: u64::MAX }).expect("a cancel"))).await.expect("sent");
    }
    assert_eq!(raw.answer().await.expect("an answer").id, 1);
    is_well(&socket).await;
}

/// Sends `calls` without waiting and reads what comes; gives how many were answered properly and how many throttled.
async fn flood(socket: &std::path::Path, calls: u64) -> (u64, u64) {
    let (reader, mut writer) = Raw::guest(socket).await.stream.into_split();
    let write = async move {
        for first in (0..calls).step_by(100) {
            let some: Vec<u8> = (first..calls.min(first + 100)).flat_map(|id| call(id, 60_000, nobody())).collect();
            writer.write_all(&some).await.expect("sent");
        }
        writer
    };
    let read = async move {
        let mut frames = tokio_util::codec::FramedRead::new(reader, AnswerCodec);
        let mut seen = vec![false; calls as usize];
        let (mut answered, mut throttled) = (0, 0);
        while answered + throttled < calls {
            let next = tokio::time::timeout(LIMIT, futures::StreamExt::next(&mut frames)).await;
            let answer = next.expect("an answer in time").expect("no end").expect("a proper answer");
            assert!(!std::mem::replace(&mut seen[answer.id as usize], true), "{} is answered twice", answer.id);
            match answer.message {
                Ok(RosterResponse::Connection(Err(_))) => answered += 1,
                Err(Failure::Throttled) => throttled += 1,
                Ok(_) => panic!("another question's answer"),
                Err(failure) => panic!("{failure:?}"),
            }
        }
        (answered, throttled)
    };
    let (_writer, counts) = tokio::join!(write, read);
    counts
}

struct AnswerCodec;

impl Decoder for AnswerCodec {
    type Item = Answer;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Answer>> {
        let Some(head) = buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if buffer.len() < 4 + length {
            return Ok(None);
        }
        buffer.advance(4);
        let body = buffer.split_to(length);
        postcard::from_bytes(&body).map(Some).map_err(io::Error::other)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_calls_is_throttled_and_others_are_answered() {
    let (_world, socket) = world().await;
    let ((answered, throttled), slowest) = tokio::join!(flood(&socket, 20_000), async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            is_well(&socket).await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    });
    assert!(answered > 0 && answered + throttled == 20_000, "{answered} answered, {throttled} throttled");
    println!("20,000 calls at once: {answered} answered, {throttled} throttled; others waited {slowest:?} at most");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_costs_no_memory() {
    let place = Place::new("");
    let rosterd = place.start().await;
    flood(&place.socket(), 2_000).await;
    let before = rosterd.memory_kib("VmRSS");
    let begun = Instant::now();
    let (answered, throttled) = flood(&place.socket(), 100_000).await;
    let grown = rosterd.memory_kib("VmHWM").saturating_sub(before);
    println!(
        "100,000 calls at once in {:?}: {answered} answered, {throttled} throttled; {grown} KiB more than {before} KiB",
        begun.elapsed()
    );
    assert!(answered > 0 && grown < 32 * 1024, "{grown} KiB more");
    is_well(&place.socket()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_cut_off() {
    let (world, socket) = world().await;
    let tags = |number: usize| (0..20).map(move |tag| format!("{number}-{tag}-{}", "x".repeat(50))).collect();
    let add = async |number: usize| {
        let new = NewInfluencer { name: format!("Star {number}"), tags: tags(number), ..NewInfluencer::default() };
        world.client.add(within(LIMIT), new).await.expect("an answer").expect("added");
    };
    for some in (0..256).collect::<Vec<_>>().chunks(8) {
        join_all(some.iter().map(|number| add(*number))).await;
    }
    let page = || RosterRequest::Influencers { query: InfluencerQuery { limit: 256, ..InfluencerQuery::default() } };
    // A page is a quarter of a mebibyte; the world's patience with readers is 1.5 s.
    let attack = async |_: usize| {
        let mut raw = Raw::guest(&socket).await;
        let begun = Instant::now();
        let ask = async {
            for id in 0.. {
                if raw.send(&call(id, 120_000, page())).await.is_err() {
                    return id;
                }
            }
            0
        };
        let asked = tokio::time::timeout(LIMIT, ask).await.expect("cut off in time");
        (asked, begun.elapsed())
    };
    let (attacks, ()) = tokio::join!(join_all((0..8).map(attack)), async {
        for _ in 0..10 {
            is_well(&socket).await;
        }
    });
    for (asked, after) in attacks {
        assert!(asked >= 100, "{asked} questions are not enough to fill what lies between");
        assert!(after >= Duration::from_millis(1400), "{after:?} is too soon");
    }
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_connections_are_told_so() {
    let (_world, socket) = world().await;
    let mut guests = Vec::new();
    // One of the 24 places of a user is the world's own client's.
    while guests.len() < 23 {
        guests.push(Raw::guest(&socket).await);
    }
    for _ in 0..200 {
        let (mut raw, _, verdict) = Raw::knock(&socket, VERSION).await.expect("a verdict");
        assert_eq!(verdict, BUSY);
        raw.hung_up().await;
        let refused = transport::connect(&socket).await.expect_err("no place");
        assert!(matches!(refused, ConnectError::Busy { .. }), "{refused}");
    }
    for guest in &mut guests {
        guest.send(&call(1, 5000, nobody())).await.expect("sent");
        assert_eq!(guest.answer().await.expect("who is in stays in").id, 1);
    }
    guests.truncate(20);
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_it_waits_and_recovers() {
    const TOLD: &str = "no further client can be let in at present";
    let place = Place::new("");
    let rosterd: Rosterd = place.start_as(place.rosterd_after("ulimit -n 40")).await;
    let mut crowd = Vec::new();
    let socket = place.socket();
    // Idle, and more than there are descriptors for; those beyond the backlog are not even queued.
    until("the descriptors run out", async || {
        while crowd.len() < 100 {
            crowd.push(UnixStream::connect(&socket).await.ok()?);
        }
        place.log().contains(TOLD).then_some(())
    })
    .await;
    let (busy, begun) = (rosterd.busy(), Instant::now());
    until("a second of misery", async || (begun.elapsed() > Duration::from_secs(1)).then_some(())).await;
    let busy = rosterd.busy() - busy;
    assert!(busy < Duration::from_millis(300), "{busy:?} of a second were spent on nothing");
    drop(crowd);
    let begun = Instant::now();
    is_well(&socket).await;
    let recovered = begun.elapsed();
    println!("without descriptors {busy:?} of a second busy; recovered in {recovered:?}");
    assert!(recovered < Duration::from_secs(1), "{recovered:?}");
    assert!(place.log().matches(TOLD).count() <= 2, "{}", place.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_stops_nothing_it_began() {
    let (world, socket) = world().await;
    for number in 0..50 {
        let mut raw = Raw::guest(&socket).await;
        let new = NewInfluencer { name: format!("Star {number}"), ..NewInfluencer::default() };
        raw.send(&call(1, 5000, RosterRequest::Add { new })).await.expect("sent");
    }
    let all = until("everybody is added", async || {
        let query = InfluencerQuery::default();
        let page = world.client.influencers(within(LIMIT), query).await.expect("an answer").expect("a page");
        (page.total == 50).then_some(page.total)
    });
    assert_eq!(all.await, 50);
}

/// Decodes until there is nothing more in it; gives how many calls were in it.
fn calls_in<T>(codec: &mut impl Decoder<Item = T, Error = io::Error>, bytes: &[u8]) -> usize {
    let mut buffer = BytesMut::from(bytes);
    std::iter::from_fn(|| codec.decode(&mut buffer).ok().flatten()).count()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn any_bytes_are_calls_or_errors(noise in prop::collection::vec(any::<u8>(), 0..600)) {
        let (mut server, mut client) = (
            ServerCodec::<RosterRequest, RosterResponse>::default(),
            ClientCodec::<RosterRequest, RosterResponse>::default(),
        );
        for bytes in [noise.clone(), framed(&noise)] {
            calls_in(&mut server, &bytes);
            calls_in(&mut client, &bytes);
        }
    }

    #[test]
    fn a_call_with_any_byte_turned_is_a_call_or_an_error(
        id in any::<u64>(),
        deadline_ms in any::<u32>(),
        text in "\\PC{0,40}",
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut server = ServerCodec::<RosterRequest, RosterResponse>::default();
        let mut bytes = call(id, deadline_ms.into(), named(&text));
        prop_assert_eq!(calls_in(&mut server, &bytes), 1);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        calls_in(&mut server, &bytes);
        calls_in(&mut server, &bytes[..place]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_in_the_middle_of_everything_is_an_end() {
    let place = Place::new("");
    let mut rosterd = place.start().await;
    let socket = place.socket();
    let mut guests = Vec::new();
    for id in 0..10 {
        let mut raw = Raw::guest(&socket).await;
        raw.send(&call(id, 120_000, RosterRequest::EventsSince { after: roster_protocol::Cursor::default() }))
            .await
            .expect("sent");
        let Some(Answer { message: Ok(RosterResponse::EventsSince(Ok(batch))), .. }) = raw.answer().await else {
            panic!()
        };
        // A long wait is under way, and the half of a frame.
        raw.send(&call(id, 120_000, RosterRequest::EventsSince { after: batch.next })).await.expect("sent");
        raw.send(&[0, 0]).await.expect("sent");
        guests.push(raw);
    }
    let (status, after) = rosterd.end(Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0), "{}", place.log());
    assert!(after < Duration::from_secs(5), "{after:?}");
}
