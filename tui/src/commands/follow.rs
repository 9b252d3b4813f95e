//! Waits for events, for `--follow`; also for a daemon that restarts.

use std::time::Duration;

use roster_protocol::transport::ConnectError;
use roster_protocol::{Cursor, ErrorKind, EventBatch, RosterClient, RosterError};

use crate::client::{self, response, short_call};
use crate::session::Session;

/// How long to wait before the daemon is looked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// A position in the feed, and the client to read it with.
pub(super) struct Feed {
    pub client: RosterClient,
    cursor: Cursor,
}

impl Feed {
    /// Begins at the newest position: the feed returns everything that is committed after this.
    pub async fn start(session: &Session) -> Result<Self, RosterError> {
        let client = session.connect().await?;
        let batch = response(client.events_since(short_call(), Cursor::default()).await)?;
        Ok(Self { client, cursor: batch.next })
    }

    /// Waits for events; an empty batch means that none arrived in time. With `reload` some were missed.
    pub async fn next(&mut self, session: &Session) -> Result<EventBatch, RosterError> {
        loop {
            match response(self.client.events_since(short_call(), self.cursor).await) {
                Ok(batch) => {
                    self.cursor = batch.next;
                    return Ok(batch);
                }
                Err(error) if error.kind == ErrorKind::Unreachable => self.client = reconnect(session).await?,
                Err(error) => return Err(error),
            }
        }
    }
}

/// Waits until the daemon is there again; one that refuses ends the wait.
pub(super) async fn reconnect(session: &Session) -> Result<RosterClient, RosterError> {
    session.output.remark("rosterd is gone; waiting until it is back");
    loop {
        match client::find(session.socket.as_deref()).await {
            Ok((client, _)) => return Ok(client),
            Err(
                ConnectError::NotThere { .. }
                | ConnectError::Busy { .. }
                | ConnectError::Unclear { .. }
                | ConnectError::NotRoster { .. },
            ) => {
                tokio::time::sleep(AGAIN).await;
            }
            Err(refusal) => return Err(client::unreachable(&refusal, session.socket.as_deref())),
        }
    }
}
