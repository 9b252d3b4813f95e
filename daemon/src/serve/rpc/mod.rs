//! The socket: who may come in, how many, and what they get.

mod calls;
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
        app.meters.came(Verdict::Busy);
        // Without a permit no preamble is waited for either.
        let _ = transport::answer_preamble(&mut stream, Verdict::Busy).await;
        return;
    }
    let Ok(version) = transport::read_preamble(&mut stream, timeouts).await else { return };
    let verdict = if !gate.admits(peer.uid(), peer.gid()) {
        Verdict::NotPermitted
    } else if version != PROTOCOL_VERSION {
        Verdict::WrongVersion
    } else {
        Verdict::Welcome
    };
    app.meters.came(verdict);
    if transport::answer_preamble(&mut stream, verdict).await.is_err() || verdict != Verdict::Welcome {
        return;
    }
    let who = Who { uid: peer.uid(), name: socket::user_name(peer.uid()) };
    let ending = app.ending.clone();
    tokio::select! {
        () = converse(app, who, stream, timeouts) => {}
        () = ending.cancelled() => {}
    }
}

async fn converse(app: Arc<App>, who: Who, stream: UnixStream, timeouts: Timeouts) {
    let frames = transport::server_over(stream, timeouts);
    let config = tarpc::server::Config { pending_response_buffer: MOST_UNREAD };
    let channel = BaseChannel::new(config, frames).max_concurrent_requests(MOST_CALLS);
    let caller = Caller { app, who };
    let pages = Semaphore::new(MOST_PAGES);
    let calls = channel
        .requests()
        .take_while(|call| std::future::ready(call.is_ok()))
        .filter_map(|call| std::future::ready(call.ok()));
    let serve = |call: InFlightRequest<RosterRequest, RosterResponse>| {
        let (caller, pages) = (caller.clone(), &pages);
        async move {
            caller.app.recalled().await;
            // Held until the answer is on its way: it is nobody else's memory that fills up with answers nobody reads.
            let _page = if is_long(&call.get().message) { pages.acquire().await.ok() } else { None };
            call.execute(caller).await;
        }
    };
    calls.for_each_concurrent(MOST_CALLS, serve).await;
}

/// Whether the answer may be a page, or a list as long as the roster.
fn is_long(call: &RosterRequest) -> bool {
    matches!(
        call,
        RosterRequest::Influencers { .. }
            | RosterRequest::Connections { .. }
            | RosterRequest::Grants { .. }
            | RosterRequest::Pause { .. }
            | RosterRequest::Runs { .. }
            | RosterRequest::History { .. }
            | RosterRequest::Changes { .. }
            | RosterRequest::Alerts { .. }
            | RosterRequest::Audit { .. }
    )
}
