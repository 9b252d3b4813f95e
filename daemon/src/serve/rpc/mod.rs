//! The socket: which users are admitted, how many connections and calls each may have, and how calls are served.

pub mod access;
mod calls;
pub mod class;
mod permit;
mod refusing;
pub mod socket;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use roster_protocol::audit::Who;
use roster_protocol::transport::{self, PROTOCOL_VERSION, Timeouts, Verdict};
use roster_protocol::{Role, RosterRequest, RosterResponse};
use tarpc::server::{BaseChannel, Channel, InFlightRequest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use crate::app::App;
use crate::app::refusals::Refusal;
use crate::delivery::outbox::Outbox;
use access::{Judge, Judged, Peer};
use calls::Caller;
use class::Length;
use permit::{ConnectionPermit, ConnectionPermits};
use socket::Socket;

/// Calls of one connection at once; two of them may wait.
const MOST_CALLS: usize = 16;
/// Calls of one connection at once whose responses are as long as a page: each is kept until the client reads it.
const MOST_PAGES: usize = 2;
/// Responses that wait for a client to read them; when there are more, the handlers wait.
const MOST_UNREAD: usize = 1;

/// The shortest and the longest wait after a failed accept; each further failure doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// After so many accepted clients without a failure the shortage is over, and the next one is logged again.
const ENOUGH_TO_BE_OVER: u32 = 100;

/// How often a socket that is gone is made again when that failed.
const RETRY: Duration = Duration::from_secs(5);

/// Serves until the end. A socket whose file or directory is removed is made again; its clients stay.
pub async fn serve(
    app: Arc<App>,
    outbox: Arc<Outbox>,
    socket: Arc<Socket>,
    listener: UnixListener,
    timeouts: Timeouts,
) {
    let judge = Arc::new(Judge::of_host());
    judge.read(&app, &socket).await;
    let door = Door {
        app: app.clone(),
        outbox,
        judge: judge.clone(),
        arrivals: Arc::default(),
        permits: Arc::default(),
        timeouts,
    };
    tokio::select! {
        () = judge.keep(&app, &socket) => {}
        () = listen(door, &socket, listener) => {}
    }
}

/// What is needed to let clients in.
#[derive(Clone)]
struct Door {
    app: Arc<App>,
    outbox: Arc<Outbox>,
    judge: Arc<Judge>,
    /// For those who have to be looked up, until they are.
    arrivals: Arc<ConnectionPermits>,
    permits: Arc<ConnectionPermits>,
    timeouts: Timeouts,
}

async fn listen(door: Door, socket: &Socket, mut listener: UnixListener) {
    let app = &door.app;
    let mut looks = app.look_again.subscribe();
    let mut reported = None;
    loop {
        // At the end the daemon itself removes it.
        let is_lost = !app.ending.is_cancelled() && !socket.is_there();
        if is_lost {
            match socket.listen_again() {
                Ok(again) => {
                    listener = again;
                    reported = None;
                    tracing::warn!("the socket was removed or replaced: it is there again");
                    // Its directory may be another one, which is to be watched.
                    app.look_again.send_replace(());
                    continue;
                }
                Err(error) => {
                    let problem = error.to_string();
                    if reported.as_ref() != Some(&problem) {
                        tracing::error!(problem, "the socket was removed or replaced, and no client can connect");
                    }
                    reported = Some(problem);
                }
            }
        }
        tokio::select! {
            () = app.ending.cancelled() => return,
            () = accept(&door, &listener) => {}
            changed = looks.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(RETRY), if is_lost => {}
        }
    }
}

/// Accepts clients for good. A failing accept (no more descriptors) waits longer each time, and never spins.
async fn accept(door: &Door, listener: &UnixListener) {
    let mut pause = SHORTEST_PAUSE;
    let mut is_logged = false;
    let mut let_in = 0;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Clients that queued up during a shortage use up the descriptors again a few times: the waits stay short.
                pause = SHORTEST_PAUSE;
                let_in += 1;
                is_logged &= let_in < ENOUGH_TO_BE_OVER;
                tokio::spawn(welcome(door.clone(), stream));
            }
            Err(error) => {
                let_in = 0;
                if !is_logged {
                    tracing::warn!(%error, "no further client can be let in at present");
                    is_logged = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Judges the client's user, checks its version, and serves it until either side disconnects or its role ends. A failure here
/// concerns only this client.
async fn welcome(door: Door, mut stream: UnixStream) {
    let Ok(peer) = stream.peer_cred() else { return };
    let peer = Peer::from(peer);
    let (role, permit) = match admit(&door, peer).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusing::refuse(&door.app, &door.judge, peer, refusal, &mut stream).await,
    };
    let Ok(version) = transport::read_preamble(&mut stream, door.timeouts).await else { return };
    let verdict = if version == PROTOCOL_VERSION { Verdict::Welcome } else { Verdict::WrongVersion };
    door.app.meters.record_client(verdict);
    let replied = transport::reply_to_preamble(&mut stream, verdict).await;
    if replied.is_ok() && verdict == Verdict::Welcome {
        host(door, peer, (role, permit), stream).await;
    }
}

/// Lets a user in that has a role, as far as there is room. One that has to be looked up takes no room before it is.
async fn admit(door: &Door, peer: Peer) -> Result<(Role, ConnectionPermit), Refusal> {
    let is_operator = door.judge.is_operator(peer.uid);
    let judged = match door.judge.at_once(peer) {
        Some(judged) => judged,
        None => {
            let _arrival = door.arrivals.acquire(peer.uid, is_operator).ok_or(Refusal::Busy)?;
            door.judge.judge(peer).await
        }
    };
    let Judged::May(role, _) = judged else { return Err(refusing::reason(&judged)) };
    let permit = door.permits.acquire(peer.uid, is_operator).ok_or(Refusal::Busy)?;
    Ok((role, permit))
}

/// Serves a client that was let in.
async fn host(door: Door, peer: Peer, (role, permit): (Role, ConnectionPermit), stream: UnixStream) {
    let Door { app, outbox, judge, timeouts, .. } = door;
    let who = Who { uid: peer.uid, name: judge.name(peer.uid).await };
    let ending = app.ending.clone();
    let role = watch::Sender::new(role);
    let standing = role.subscribe();
    let caller = Caller { app, outbox, who, peer, standing, judge: judge.clone(), backup: Arc::default() };
    tokio::select! {
        () = converse(caller, &permit, stream, timeouts) => {}
        ended = judge.follow(peer, &role) => {
            let why = refusing::reason(&ended).in_words();
            tracing::info!(uid = peer.uid, why, "a client was let out: its user has no role any more");
        }
        () = ending.cancelled() => {}
    }
}

async fn converse(caller: Caller, permit: &ConnectionPermit, stream: UnixStream, timeouts: Timeouts) {
    let frames = transport::server_over(stream, timeouts);
    let config = tarpc::server::Config { pending_response_buffer: MOST_UNREAD };
    let channel = BaseChannel::new(config, frames).max_concurrent_requests(MOST_CALLS);
    let pages = Semaphore::new(MOST_PAGES);
    let under_way = watch::Sender::new(0_usize);
    let calls = channel
        .requests()
        .take_while(|call| std::future::ready(call.is_ok()))
        .filter_map(|call| std::future::ready(call.ok()));
    let serve = |call: InFlightRequest<RosterRequest, RosterResponse>| {
        let (caller, pages, under_way) = (caller.clone(), &pages, &under_way);
        async move {
            under_way.send_modify(|calls| *calls += 1);
            // A failed load is in the log; what is in memory is served.
            let _ = caller.app.wait_until_current().await;
            // Held until the response is sent: a client that does not read fills no more memory than these pages.
            let _place = match class::of(&call.get().message).length {
                Length::Long => (Some(pages.acquire().await), Some(permit.places.pages.acquire().await)),
                Length::Awaited => (None, Some(permit.places.awaited.acquire().await)),
                Length::Short => (None, None),
            };
            call.execute(caller).await;
            under_way.send_modify(|calls| *calls -= 1);
        }
    };
    tokio::select! {
        () = calls.for_each_concurrent(MOST_CALLS, serve) => {}
        () = idle(under_way.subscribe(), timeouts.idle) => {}
    }
}

/// Waits until a client has had no call under way for so long.
async fn idle(mut under_way: watch::Receiver<usize>, timeout: Duration) {
    loop {
        if under_way.wait_for(|calls| *calls == 0).await.is_err() {
            return;
        }
        if tokio::time::timeout(timeout, under_way.changed()).await.is_err() {
            return;
        }
    }
}
