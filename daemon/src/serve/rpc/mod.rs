//! The socket: which users are admitted, how many connections and calls each may have, and how calls are served.

mod calls;
mod class;
mod permit;
pub mod socket;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use roster_protocol::audit::Who;
use roster_protocol::transport::{self, PROTOCOL_VERSION, Timeouts, Verdict};
use roster_protocol::{RosterRequest, RosterResponse};
use tarpc::server::{BaseChannel, Channel, InFlightRequest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use crate::app::App;
use crate::delivery::outbox::Outbox;
use calls::Caller;
use class::Length;
use permit::ConnectionPermits;
use socket::{Gate, Socket};

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
    mut listener: UnixListener,
    timeouts: Timeouts,
) {
    let permits = Arc::new(ConnectionPermits::default());
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
            () = accept(&app, &outbox, &permits, &listener, socket.gate(), timeouts) => {}
            changed = looks.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(RETRY), if is_lost => {}
        }
    }
}

/// Accepts clients for good. A failing accept (no more descriptors) waits longer each time, and never spins.
async fn accept(
    app: &Arc<App>,
    outbox: &Arc<Outbox>,
    permits: &Arc<ConnectionPermits>,
    listener: &UnixListener,
    gate: Gate,
    timeouts: Timeouts,
) {
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
                tokio::spawn(welcome(app.clone(), outbox.clone(), permits.clone(), gate, stream, timeouts));
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

/// Checks the client's user and version, and serves it until either side disconnects. A failure here concerns only this
/// client.
async fn welcome(
    app: Arc<App>,
    outbox: Arc<Outbox>,
    permits: Arc<ConnectionPermits>,
    gate: Gate,
    mut stream: UnixStream,
    timeouts: Timeouts,
) {
    let Ok(peer) = stream.peer_cred() else { return };
    let permit = permits.acquire(peer.uid(), Gate::is_operator(peer.uid()));
    if permit.is_none() {
        app.meters.record_client(Verdict::Busy);
        // A client without a permit gets the reply at once, before its preamble is read.
        let _ = transport::reply_to_preamble(&mut stream, Verdict::Busy).await;
        return;
    }
    let Ok(version) = transport::read_preamble(&mut stream, timeouts).await else { return };
    let role = gate.role(peer.uid(), peer.gid());
    let verdict = match role {
        None => Verdict::NotPermitted,
        Some(_) if version != PROTOCOL_VERSION => Verdict::WrongVersion,
        Some(_) => Verdict::Welcome,
    };
    app.meters.record_client(verdict);
    let replied = transport::reply_to_preamble(&mut stream, verdict).await;
    let (Ok(()), Verdict::Welcome, Some(role)) = (replied, verdict, role) else { return };
    let who = Who { uid: peer.uid(), name: socket::user_name(peer.uid()) };
    let ending = app.ending.clone();
    tokio::select! {
        () = converse(Caller { app, outbox, who, role, backup: Arc::default() }, stream, timeouts) => {}
        () = ending.cancelled() => {}
    }
}

async fn converse(caller: Caller, stream: UnixStream, timeouts: Timeouts) {
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
            let _page = match class::of(&call.get().message).length {
                Length::Long => pages.acquire().await.ok(),
                Length::Short => None,
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
