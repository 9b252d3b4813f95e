//! Refuses connections of peers that are not let in.

use std::sync::Arc;

use roster_protocol::audit::Who;
use roster_protocol::transport::{self, Verdict};
use tokio::net::UnixStream;

use super::access::{Judge, Judged, Peer};
use crate::app::App;
use crate::app::refusals::{Refusal, Requester};

/// Replies to a peer that is not let in. One that is not permitted learns whom to turn to.
pub async fn refuse(app: &Arc<App>, judge: &Judge, peer: Peer, refusal: Refusal, stream: &mut UnixStream) {
    let verdict = match refusal {
        Refusal::Busy => Verdict::Busy,
        Refusal::Unclear => Verdict::Unclear,
        _ => Verdict::NotPermitted,
    };
    app.meters.record_client(verdict);
    // It gets the reply at once, before its preamble is read; when it has hung up there is nothing to do.
    let _ = match verdict {
        Verdict::NotPermitted => transport::refuse(stream, &judge.turn_to(&app.setup().file).await).await,
        _ => transport::reply_to_preamble(stream, verdict).await,
    };
    let who = async || Some(Who { uid: peer.uid, name: judge.name(peer.uid).await });
    app.refused(Requester::User(peer.uid), refusal, who).await;
}

/// Why a peer with this judgement is refused.
pub fn reason(judged: &Judged) -> Refusal {
    if *judged == Judged::Unclear { Refusal::Unclear } else { Refusal::NotPermitted }
}
