//! Keeps a connection to the daemon, and waits there for what happens.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use roster_protocol::paths::sockets_to_try;
use roster_protocol::service::LONGEST_WAIT;
use roster_protocol::transport::{ConnectError, within};
use roster_protocol::{Cursor, ErrorKind, RosterClient, RosterError};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use super::Incoming;
use crate::client;
use crate::message::{Message, NoDaemon};

/// The first and the longest pause between attempts.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The pause after a refusal: a role is given by a person, and refusals are counted.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);

/// Events within this time arrive in one batch: a sync of hundreds redraws a few times a second.
const GATHER: Duration = Duration::from_millis(200);

/// Connects, reports, waits for events, and begins anew when the connection ends; until the UI has ended.
/// `hurry` cuts a pause short: a daemon was just started.
pub(super) async fn keep(given: Option<PathBuf>, may_start: bool, hurry: Arc<Notify>, sender: Sender<Incoming>) {
    let mut pause = SHORTEST_PAUSE;
    let mut complained: Option<RosterError> = None;
    loop {
        let message = match client::find(given.as_deref()).await {
            Ok((client, _)) => {
                (pause, complained) = (SHORTEST_PAUSE, None);
                if sender.send(Incoming::Linked(client.clone())).await.is_err() {
                    return;
                }
                Some(Message::Lost(follow(&client, &sender).await))
            }
            Err(error) => {
                if matches!(error, ConnectError::NotPermitted { .. }) {
                    pause = REFUSED_PAUSE;
                }
                let no_daemon = no_daemon(&error, given.as_deref(), may_start);
                let news = complained.as_ref() != Some(&no_daemon.error);
                complained = Some(no_daemon.error.clone());
                news.then_some(Message::NoDaemon(no_daemon))
            }
        };
        if let Some(message) = message
            && sender.send(Incoming::Message(message)).await.is_err()
        {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            () = hurry.notified() => pause = SHORTEST_PAUSE,
        }
    }
}

fn no_daemon(error: &ConnectError, given: Option<&Path>, may_start: bool) -> NoDaemon {
    let absent = matches!(error, ConnectError::NotThere { .. });
    NoDaemon {
        tried: sockets_to_try(given),
        error: client::unreachable(error, given),
        // One that is there but refuses is not helped by another; nor is one wanted at a certain socket.
        can_start: absent && may_start && given.is_none(),
        starting: false,
    }
}

/// Passes on what happens until the connection ends; returns why it ended.
async fn follow(client: &RosterClient, sender: &Sender<Incoming>) -> RosterError {
    let mut after = Cursor::default();
    loop {
        let limit = LONGEST_WAIT + Duration::from_secs(5);
        let batch = match client::response(client.events_since(within(limit), after).await) {
            Ok(batch) => batch,
            // The connection is gone, or the daemon is about to go.
            Err(error) if matches!(error.kind, ErrorKind::Unreachable) => return error,
            Err(_) => {
                tokio::time::sleep(LONGEST_PAUSE).await;
                continue;
            }
        };
        let first = after == Cursor::default();
        after = batch.next;
        let quiet = batch.events.is_empty() && !batch.reload;
        // The first response only says where the feed is now; all was loaded when the connection began.
        if first && quiet {
            continue;
        }
        if sender.send(Incoming::Message(Message::Happened(batch))).await.is_err() {
            return RosterError::failed("the terminal UI has ended");
        }
        tokio::time::sleep(GATHER).await;
    }
}
