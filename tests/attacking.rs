//! A client that may connect and is hostile harms only its own connection.
//!
//! Attackers write their own bytes: the wire format is spelled out here a second time, so that a change is noticed.

use std::io;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures::future::join_all;
use nix::sys::signal::Signal;
use proptest::prelude::*;
use roster_protocol::event::Cursor;
use roster_protocol::influencer::{InfluencerQuery, NewInfluencer};
use roster_protocol::transport::{self, ClientCodec, ConnectError, ServerCodec, within};
use roster_protocol::{RosterRequest, RosterResponse};
use rosterd::process::config::Config;
use rosterd::{Daemon, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio_util::codec::Decoder;

use crate::support::programs::{Home, until};
use crate::support::raw::*;
use crate::support::{LIMIT, World, limit, times};

async fn world() -> (World, std::path::PathBuf) {
    let world = World::new().await;
    let socket = world.daemon().socket.clone();
    (world, socket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_its_own_connection() {
    const EACH: usize = 1000;
    let (_world, socket) = world().await;
    let attack = async |seed: u64| {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut ended = 0;
        for round in 0..EACH {
            let noise: Vec<u8> = (0..dice.usize(1..2000)).map(|_| dice.u8(..)).collect();
            // Garbage from the first byte on, after the preamble, in a frame, and in place of a call's middle.
            let bytes = match round % 4 {
                0 => noise,
                1 => [preamble(VERSION), noise].concat(),
                2 => [preamble(VERSION), framed(&noise)].concat(),
                _ => {
                    let mut bytes = call(1, 1000, unknown_connection());
                    let home = dice.usize(4..bytes.len());
                    bytes[home] = noise[0];
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
async fn other_versions_learn_which_side_to_restart() {
    let (_world, socket) = world().await;
    for version in [0, VERSION + 1, u16::MAX] {
        let (mut raw, theirs, verdict) = Raw::knock(&socket, version).await.expect("a response");
        assert_eq!((theirs, verdict), (VERSION, WRONG_VERSION));
        raw.hung_up().await;
    }
    let mut raw = Raw::to(&socket).await.expect("a connection");
    raw.send(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
    raw.hung_up().await;
    assert!(raw.unread.is_empty(), "a client of another protocol gets no bytes");
    is_well(&socket).await;

    // And the reverse: a daemon of another version, or another program altogether.
    let home = Home::new("");
    std::fs::create_dir(home.path("run")).expect("a directory");
    let listener = UnixListener::bind(home.socket()).expect("a socket");
    let newer = format!("rosterd version {}: restart roster", VERSION + 1);
    let responses = [
        ([preamble(VERSION + 1), vec![WRONG_VERSION]].concat(), newer.as_str()),
        ([preamble(0), vec![WRONG_VERSION]].concat(), "rosterd version 0: restart rosterd"),
        ([preamble(VERSION + 1), vec![WELCOME]].concat(), newer.as_str()),
        ([preamble(VERSION + 1), vec![99]].concat(), newer.as_str()),
        ([preamble(VERSION), vec![BUSY]].concat(), "has too many connections open"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "does not respond as rosterd does"),
        (b"RO".to_vec(), "does not respond as rosterd does"),
    ];
    for (response, expected) in responses {
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a client");
            stream.read_exact(&mut [0; 8]).await.expect("a preamble");
            stream.write_all(&response).await.expect("sent");
        };
        let ((), output) = tokio::join!(serve, home.roster(&["status", "--json"]));
        assert_eq!(output.code, Some(3), "{output:?}");
        let error = &output.json()["error"];
        assert!(error["message"].as_str().expect("a message").contains(expected), "{error}");
        assert_eq!(error["kind"], "unreachable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stops_in_the_middle_is_cut_off() {
    let (_world, socket) = world().await;
    // The world's timeout is 400 ms for each of these.
    let whole = call(7, 1000, unknown_connection());
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
    assert!(cut.iter().all(|after| *after < limit(Duration::from_secs(5))), "{cut:?}");

    // Nor does it help to send a byte now and then.
    let mut raw = Raw::connected(&socket).await;
    raw.send(&framed(&[0; 1000])[..4]).await.expect("sent");
    let begun = Instant::now();
    let drip = async {
        while raw.send(&[0]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, drip).await.expect("the drip is cut off in time");
    assert!(begun.elapsed() < limit(Duration::from_secs(5)), "{:?}", begun.elapsed());

    // A client that has sent a whole request may be silent as long as it likes.
    let mut raw = Raw::connected(&socket).await;
    let quiet = tokio::time::timeout(Duration::from_millis(900), raw.stream.read_u8()).await;
    assert!(quiet.is_err(), "hung up on a waiting client: {quiet:?}");
    raw.send(&call(1, 5000, unknown_connection())).await.expect("sent");
    assert_eq!(raw.response().await.expect("a response").id, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_too_long_is_refused_at_its_head() {
    let (_world, socket) = world().await;
    for length in [transport::MAX_REQUEST_BYTES as u32 + 1, 1 << 24, u32::MAX] {
        let mut raw = Raw::connected(&socket).await;
        raw.send(&length.to_be_bytes()).await.expect("sent");
        raw.hung_up().await;
    }
    // The longest one is a request like any other.
    let empty =
        postcard::to_stdvec(&Call::Request { id: 1, deadline_ms: 5000, message: named("").into() }).expect("a call");
    // The text's length takes two bytes more than that of an empty one.
    let text = "x".repeat(transport::MAX_REQUEST_BYTES - empty.len() - 2);
    let longest = call(1, 5000, named(&text));
    assert_eq!(longest.len(), 4 + transport::MAX_REQUEST_BYTES);
    let mut raw = Raw::connected(&socket).await;
    raw.send(&longest).await.expect("sent");
    let response = raw.response().await.expect("a response");
    assert!(matches!(response.message, Ok(RosterResponse::Influencer(Err(_)))), "no influencer of that name");
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_deadlines_hurt_no_other_client() {
    let (_world, socket) = world().await;
    let mut raw = Raw::connected(&socket).await;
    // A call whose deadline may pass before it starts need not get a response; the next call does.
    for (id, deadline_ms) in (1..).zip([0, 1, 0, u64::from(u32::MAX / 2), u32::MAX.into()]) {
        raw.send(&call(id, deadline_ms, unknown_connection())).await.expect("sent");
    }
    raw.send(&call(100, 5000, unknown_connection())).await.expect("sent");
    let mut responses = Vec::new();
    while !responses.contains(&100) {
        responses.push(raw.response().await.expect("a response").id);
    }
    while !(responses.contains(&4) && responses.contains(&5)) {
        responses.push(raw.response().await.expect("a response").id);
    }
    // Longer than the field: that is no call.
    for deadline_ms in [u64::from(u32::MAX) + 1, u64::MAX] {
        let mut raw = Raw::connected(&socket).await;
        raw.send(&call(1, deadline_ms, unknown_connection())).await.expect("sent");
        raw.hung_up().await;
    }
    // The same id again and again, and cancels of what never was.
    let mut raw = Raw::connected(&socket).await;
    for _ in 0..100 {
        raw.send(&call(1, 5000, unknown_connection())).await.expect("sent");
        raw.send(&framed(&postcard::to_stdvec(&Call::Cancel { id: u64::MAX }).expect("a cancel"))).await.expect("sent");
    }
    assert_eq!(raw.response().await.expect("a response").id, 1);
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_connections_are_refused_as_such() {
    let (_world, socket) = world().await;
    let mut clients = Vec::new();
    // The world's own client holds one of the 24 permits of a user.
    while clients.len() < 23 {
        clients.push(Raw::connected(&socket).await);
    }
    for _ in 0..200 {
        let (mut raw, _, verdict) = Raw::knock(&socket, VERSION).await.expect("a verdict");
        assert_eq!(verdict, BUSY);
        raw.hung_up().await;
        let refused = transport::connect(&socket).await.expect_err("no permit");
        assert!(matches!(refused, ConnectError::Busy { .. }), "{refused}");
    }
    for client in &mut clients {
        client.send(&call(1, 5000, unknown_connection())).await.expect("sent");
        assert_eq!(client.response().await.expect("a client with a permit keeps it").id, 1);
    }
    clients.truncate(20);
    is_well(&socket).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_ends_and_one_that_waits_for_a_response_does_not() {
    let dir = tempfile::tempdir().expect("a throw-away directory");
    let config = Config::parse("[http]\nlisten = \"off\"\n", "the story's config").expect("a good config");
    let idle = Duration::from_millis(1500);
    let socket = dir.path().join("run").join("rosterd.sock");
    let options = Options {
        rpc_timeouts: transport::Timeouts { idle, ..transport::Timeouts::default() },
        ..Options::new(config, dir.path().join("state"), socket.clone())
    };
    let daemon = Daemon::start(options).await.expect("the daemon starts");
    let waiting = transport::connect(&socket).await.expect("a permit");
    let cursor = waiting.events_since(within(LIMIT), Cursor::default()).await.expect("a response").expect("a cursor");
    let waits = tokio::spawn({
        let waiting = waiting.clone();
        async move { waiting.events_since(within(LIMIT), cursor.next).await }
    });
    // All permits of a user, again and again: each is free again when its connection was idle for long enough.
    for _ in 0..2 {
        let mut clients = Vec::new();
        while clients.len() < 23 {
            clients.push(Raw::connected(&socket).await);
        }
        let (mut refused, _, verdict) = Raw::knock(&socket, VERSION).await.expect("a verdict");
        assert_eq!(verdict, BUSY);
        refused.hung_up().await;
        let begun = Instant::now();
        for client in &mut clients {
            client.send(&call(1, 5000, unknown_connection())).await.expect("sent");
            assert_eq!(client.response().await.expect("it is not idle yet").id, 1);
        }
        join_all(clients.iter_mut().map(Raw::hung_up)).await;
        assert!(begun.elapsed() >= idle, "not before they were idle");
    }
    assert!(!waits.is_finished(), "it has waited all the time");
    let mut other = Raw::connected(&socket).await;
    let new = NewInfluencer { name: "Mara".to_owned(), ..NewInfluencer::default() };
    other.send(&call(1, 5000, RosterRequest::Add { new })).await.expect("sent");
    let batch = waits.await.expect("it ends").expect("a response").expect("events");
    assert!(!batch.events.is_empty(), "{batch:?}");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_stops_nothing_it_began() {
    let (world, socket) = world().await;
    for number in 0..50 {
        let mut raw = Raw::connected(&socket).await;
        let new = NewInfluencer { name: format!("Star {number}"), ..NewInfluencer::default() };
        raw.send(&call(1, 5000, RosterRequest::Add { new })).await.expect("sent");
    }
    let all = until("all are added", async || {
        let query = InfluencerQuery::default();
        let page = world.client.influencers(within(LIMIT), query).await.expect("a response").expect("a page");
        (page.total == 50).then_some(page.total)
    });
    assert_eq!(all.await, 50);
}

/// Decodes until there is nothing more in it; returns how many calls were in it.
fn calls_in<T>(codec: &mut impl Decoder<Item = T, Error = io::Error>, bytes: &[u8]) -> usize {
    let mut buffer = BytesMut::from(bytes);
    std::iter::from_fn(|| codec.decode(&mut buffer).ok().flatten()).count()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(times(4_000, 1_000_000) as u32) })]

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
    fn any_deadline_is_cut_to_the_longest_or_is_no_call(
        deadline_ms in prop_oneof![
            any::<u64>(),
            any::<u32>().prop_map(u64::from),
            // Nothing, two years, three years, and the edges of the field.
            prop::sample::select(vec![0, 1, 63_072_000_000, 94_608_000_000, u32::MAX.into(), 1 << 32, u64::MAX]),
        ],
    ) {
        let mut server = ServerCodec::<RosterRequest, RosterResponse>::default();
        let decoded = server.decode(&mut BytesMut::from(call(1, deadline_ms, unknown_connection()).as_slice()));
        match decoded {
            Ok(Some(tarpc::ClientMessage::Request(request))) => {
                prop_assert!(u32::try_from(deadline_ms).is_ok());
                prop_assert!(request.context.deadline <= Instant::now() + transport::MAX_DEADLINE);
            }
            Ok(other) => prop_assert!(false, "{}", other.is_some()),
            Err(_) => prop_assert!(deadline_ms > u32::MAX.into()),
        }
    }

    #[test]
    fn a_call_with_any_byte_turned_is_a_call_or_an_error(
        id in any::<u64>(),
        deadline_ms in any::<u32>(),
        text in "\\PC{0,40}",
        home in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut server = ServerCodec::<RosterRequest, RosterResponse>::default();
        let mut bytes = call(id, deadline_ms.into(), named(&text));
        prop_assert_eq!(calls_in(&mut server, &bytes), 1);
        let home = home.index(bytes.len());
        bytes[home] = byte;
        calls_in(&mut server, &bytes);
        calls_in(&mut server, &bytes[..home]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_in_the_middle_of_everything_is_an_end() {
    let home = Home::new("");
    let mut rosterd = home.start().await;
    let socket = home.socket();
    let mut clients = Vec::new();
    for id in 0..10 {
        let mut raw = Raw::connected(&socket).await;
        raw.send(&call(id, 120_000, RosterRequest::EventsSince { after: roster_protocol::Cursor::default() }))
            .await
            .expect("sent");
        let Some(RawResponse { message: Ok(RosterResponse::EventsSince(Ok(batch))), .. }) = raw.response().await else {
            panic!()
        };
        // A long poll is under way, and half a frame has arrived.
        raw.send(&call(id, 120_000, RosterRequest::EventsSince { after: batch.next })).await.expect("sent");
        raw.send(&[0, 0]).await.expect("sent");
        clients.push(raw);
    }
    let (status, after) = rosterd.end(Signal::SIGTERM).await;
    assert_eq!(status.code(), Some(0), "{}", home.log());
    assert!(after < limit(Duration::from_secs(5)), "{after:?}");
}
