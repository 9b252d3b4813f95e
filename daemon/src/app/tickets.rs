//! Requests to sync and their runs: kept for a while after they are done.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{Run, SyncProgress, SyncTicket};
use roster_protocol::time::Timestamp;
use tokio::sync::watch;

/// How long a ticket can be looked up.
const KEPT_MS: i64 = 3_600_000;
/// Runs that one response holds.
const PER_RESPONSE: usize = 256;

/// All tickets that can be looked up.
#[derive(Debug)]
pub struct Tickets {
    inner: Mutex<Inner>,
    moved: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    tickets: HashMap<u64, Ticket>,
    /// The tickets that wait for a connection's run.
    waiting: HashMap<ConnectionId, Vec<u64>>,
}

#[derive(Debug)]
struct Ticket {
    at: Timestamp,
    expected: u64,
    runs: Vec<Run>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self { inner: Mutex::default(), moved: watch::Sender::new(0) }
    }
}

impl Tickets {
    /// A ticket for these connections' next runs, and for runs that ended at once.
    pub fn open(&self, connections: &[ConnectionId], mut ended: Vec<Run>, now: Timestamp) -> SyncTicket {
        ended.reserve_exact(connections.len());
        let mut inner = self.inner();
        inner.tickets.retain(|_, ticket| now.since(ticket.at) < KEPT_MS);
        inner.next += 1;
        let (id, expected) = (inner.next, (connections.len() + ended.len()) as u64);
        inner.tickets.insert(id, Ticket { at: now, expected, runs: ended });
        for connection in connections {
            inner.waiting.entry(*connection).or_default().push(id);
        }
        SyncTicket { id, expected }
    }

    /// Whether a client waits for this connection's run.
    pub fn is_requested(&self, connection: ConnectionId) -> bool {
        self.inner().waiting.contains_key(&connection)
    }

    /// Notifies the waiting clients of how their runs ended; `None` for a connection that will not run: it was
    /// removed or paused before its turn.
    pub fn ended(&self, runs: impl Iterator<Item = (ConnectionId, Option<Run>)>) {
        let mut inner = self.inner();
        for (connection, run) in runs {
            let waiting = inner.waiting.remove(&connection).unwrap_or_default();
            for (id, run) in waiting.iter().zip(std::iter::repeat_n(run, waiting.len())) {
                let Some(ticket) = inner.tickets.get_mut(id) else { continue };
                match run {
                    Some(run) => ticket.runs.push(run),
                    None => ticket.expected = ticket.expected.saturating_sub(1),
                }
            }
        }
        drop(inner);
        self.moved.send_modify(|moves| *moves += 1);
    }

    /// Connections whose runs clients wait for.
    pub fn requested(&self) -> Vec<ConnectionId> {
        self.inner().waiting.keys().copied().collect()
    }

    /// Waits until a ticket has more than `seen` runs or is done, or `timeout` has passed. `None`: the ticket no longer
    /// exists.
    pub async fn progress(&self, ticket: SyncTicket, seen: u64, timeout: Duration) -> Option<SyncProgress> {
        let mut moved = self.moved.subscribe();
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        let waited = moved.wait_for(|_| self.look(ticket, seen).is_none_or(|now| now.done || !now.runs.is_empty()));
        let _ = tokio::time::timeout(timeout, waited).await;
        self.look(ticket, seen)
    }

    fn look(&self, ticket: SyncTicket, seen: usize) -> Option<SyncProgress> {
        let inner = self.inner();
        let ticket = inner.tickets.get(&ticket.id)?;
        let runs: Vec<Run> = ticket.runs.iter().skip(seen).take(PER_RESPONSE).cloned().collect();
        let returned = seen.min(ticket.runs.len()) + runs.len();
        Some(SyncProgress { expected: ticket.expected, runs, done: returned as u64 >= ticket.expected })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}
