//! The socket: who is admitted, how many connections there may be, and what each call gets.

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
use tokio::sync::Semaphore;

use crate::app::App;
use calls::Caller;
use class::Length;
use permit::ConnectionPermits;
use socket::Gate;

/// Calls of one connection at once; two of them may wait.
const MOST_CALLS: usize = 16;
/// Calls of one connection at once whose answers are as long as a page: they are kept until the client reads them.
const MOST_PAGES: usize = 2;
/// Answers that wait for a client to read them; behind them the handlers wait.
const MOST_UNREAD: usize = 1;

/// The waits after an accept that failed: doubled from the first to the last.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// So many clients let in without a failure between: the shortage is over, and the next one is told again.
const ENOUGH_TO_BE_WELL: u32 = 100;

/// Accepts clients until the end. A failing accept (no more descriptors) waits longer each time, and never spins.
pub async fn serve(app: Arc<App>, listener: UnixListener, gate: Gate, timeouts: Timeouts) {
    let permits = Arc::new(ConnectionPermits::default());
    let mut pause = SHORTEST_PAUSE;
    let mut told = false;
    let mut let_in = 0;
    loop {
        let accepted = tokio::select! {
            () = app.ending.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // What queued up during a shortage fills the places anew a few times: no long waits in between.
                pause = SHORTEST_PAUSE;
                let_in += 1;
                told &= let_in < ENOUGH_TO_BE_WELL;
                tokio::spawn(welcome(app.clone(), permits.clone(), gate, stream, timeouts));
            }
            Err(error) => {
                let_in = 0;
                if !told {
                    tracing::warn!(%error, "no further client can be let in at present");
                    told = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Checks who comes, in which version, and serves until one side leaves. What goes wrong here is the client's own.
async fn welcome(
    app: Arc<App>,
    permits: Arc<ConnectionPermits>,
    gate: Gate,
    mut stream: UnixStream,
    timeouts: Timeouts,
) {
    let Ok(peer) = stream.peer_cred() else { return };
    let permit = permits.acquire(peer.uid());
    if permit.is_none() {
        app.meters.record_client(Verdict::Busy);
        // Without a permit no preamble is waited for either.
        let _ = transport::reply_to_preamble(&mut stream, Verdict::Busy).await;
        return;
    }
    let Ok(version) = transport::read_preamble(&mut stream, timeouts).await else { return };
    let access = gate.access(peer.uid(), peer.gid());
    let verdict = match access {
        None => Verdict::NotPermitted,
        Some(_) if version != PROTOCOL_VERSION => Verdict::WrongVersion,
        Some(_) => Verdict::Welcome,
    };
    app.meters.record_client(verdict);
    let answered = transport::reply_to_preamble(&mut stream, verdict).await;
    let (Ok(()), Verdict::Welcome, Some(access)) = (answered, verdict, access) else { return };
    let who = Who { uid: peer.uid(), name: socket::user_name(peer.uid()) };
    let ending = app.ending.clone();
    tokio::select! {
        () = converse(Caller { app, who, access }, stream, timeouts) => {}
        () = ending.cancelled() => {}
    }
}

async fn converse(caller: Caller, stream: UnixStream, timeouts: Timeouts) {
    let frames = transport::server_over(stream, timeouts);
    let config = tarpc::server::Config { pending_response_buffer: MOST_UNREAD };
    let channel = BaseChannel::new(config, frames).max_concurrent_requests(MOST_CALLS);
    let pages = Semaphore::new(MOST_PAGES);
    let calls = channel
        .requests()
        .take_while(|call| std::future::ready(call.is_ok()))
        .filter_map(|call| std::future::ready(call.ok()));
    let serve = |call: InFlightRequest<RosterRequest, RosterResponse>| {
        let (caller, pages) = (caller.clone(), &pages);
        async move {
            // What cannot be loaded is in the log; what is known is served.
            let _ = caller.app.wait_until_current().await;
            // Held until the response is on its way: a client that does not read fills no more memory than these pages.
            let _page = match class::of(&call.get().message).length {
                Length::Long => pages.acquire().await.ok(),
                Length::Short => None,
            };
            call.execute(caller).await;
        }
    };
    calls.for_each_concurrent(MOST_CALLS, serve).await;
}
