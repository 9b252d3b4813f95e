//! The agent's connection to the daemon.

use std::path::Path;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, pending};
use roster_protocol::service::Notice;
use roster_protocol::transport::{ConnectError, within};
use roster_protocol::{Cursor, EventBatch, RosterClient, RosterError};

use super::{Pace, Trouble};
use crate::client::{self, response};

/// A connection, and what is waited for there. A response that is not there yet is waited for in the next round.
pub(super) struct Link {
    pub client: RosterClient,
    pub notices: LocalBoxFuture<'static, Result<Vec<Notice>, RosterError>>,
    pub events: LocalBoxFuture<'static, Result<EventBatch, RosterError>>,
}

impl Link {
    /// Waits for notices, and for events after this.
    pub fn new(client: RosterClient, pace: Pace, after: Cursor) -> Self {
        let mut link = Self { client, notices: pending().boxed_local(), events: pending().boxed_local() };
        link.await_notices(pace);
        link.await_events(pace, after);
        link
    }

    /// Requests the next notices.
    pub fn await_notices(&mut self, pace: Pace) {
        let client = self.client.clone();
        let notices = async move { response(client.notices(within(pace.response)).await) };
        self.notices = notices.boxed_local();
    }

    /// Requests the events after this, once some could gather.
    pub fn await_events(&mut self, pace: Pace, after: Cursor) {
        let client = self.client.clone();
        let events = async move {
            tokio::time::sleep(pace.gather).await;
            response(client.events_since(within(pace.response), after).await)
        };
        self.events = events.boxed_local();
    }
}

/// Connects to the daemon.
pub(super) async fn connect(given: Option<&Path>) -> Result<RosterClient, Trouble> {
    client::find(given).await.map(|(client, _)| client).map_err(|error| {
        let reported = client::unreachable(&error, given);
        match error {
            // Another program version must be started; systemd does that when this one ends with a failure.
            ConnectError::WrongVersion { .. } | ConnectError::NotPermitted { .. } => Trouble::Refused(reported),
            _ => Trouble::Daemon(reported),
        }
    })
}
