//! Requests to sync and their runs: compact, kept for a short while, and bounded for each user.
//!
//! A run is kept once, however many tickets refer to it. A ticket ends when its client has read it, when it is old, or when
//! its user has opened too many.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use roster_protocol::ids::ConnectionId;
use roster_protocol::sync::{Run, SyncProgress, SyncTicket};
use roster_protocol::time::{Seconds, Timestamp};
use tokio::sync::watch;

/// How long a ticket can be looked up.
const KEPT_MS: i64 = 3_600_000;
/// How long one can be looked up whose client has read all of it: a response may have been lost.
const READ_KEPT_MS: i64 = 60_000;
/// Tickets of one user at once.
const MOST_PER_USER: usize = 32;
/// Runs that one user's tickets wait for or hold, beside those of the newest ticket.
const MOST_RUNS_PER_USER: u64 = 20_000;
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
    recent: Recent,
}

#[derive(Debug)]
struct Ticket {
    at: Timestamp,
    uid: u32,
    expected: u64,
    runs: Vec<Arc<Run>>,
    /// When its client was given the last run.
    read_at: Option<Timestamp>,
}

/// What a request finds: who sent it, and how each of its connections is served.
#[derive(Debug, Default)]
pub struct Opening {
    pub uid: u32,
    /// Those that will be run.
    pub queued: Vec<ConnectionId>,
    /// Those that are not run, and why.
    pub skipped: Vec<Run>,
    /// Those whose run before counts.
    pub earlier: Vec<Arc<Run>>,
}

/// The runs that ended a short time ago, the newest of each connection.
#[derive(Debug, Default)]
struct Recent {
    by_connection: HashMap<ConnectionId, Arc<Run>>,
    in_order: VecDeque<Arc<Run>>,
}

impl Default for Tickets {
    fn default() -> Self {
        Self { inner: Mutex::default(), moved: watch::Sender::new(0) }
    }
}

impl Tickets {
    /// A ticket for the next runs of connections, and for those that need none.
    pub fn open(&self, opening: Opening, now: Timestamp) -> SyncTicket {
        let Opening { uid, queued, skipped, earlier } = opening;
        let counts = [queued.len(), skipped.len(), earlier.len()].map(|count| count as u64);
        let [_, skipped_count, earlier_count] = counts;
        let mut runs: Vec<Arc<Run>> = skipped.into_iter().map(Arc::new).chain(earlier).collect();
        runs.reserve_exact(queued.len());
        let mut inner = self.inner();
        inner.next += 1;
        let (id, expected) = (inner.next, counts.iter().sum());
        inner.make_room(uid, now);
        inner.tickets.insert(id, Ticket { at: now, uid, expected, runs, read_at: None });
        let Inner { tickets, waiting, .. } = &mut *inner;
        for connection in queued {
            let ids = waiting.entry(connection).or_default();
            // While a run takes long, those that wait for it may have been given up.
            ids.retain(|id| tickets.contains_key(id));
            ids.push(id);
        }
        SyncTicket { id, expected, skipped: skipped_count, earlier: earlier_count }
    }

    /// Whether a client waits for this connection's run.
    pub fn is_requested(&self, connection: ConnectionId) -> bool {
        self.inner().waiting.contains_key(&connection)
    }

    /// The run of a connection that ended within `distance` before `now`.
    pub fn recent(&self, connection: ConnectionId, now: Timestamp, distance: Seconds) -> Option<Arc<Run>> {
        let inner = self.inner();
        inner.recent.by_connection.get(&connection).filter(|run| is_within(run, now, distance)).cloned()
    }

    /// Notifies the waiting clients of how their runs ended; `None` for a connection that will not run: it was
    /// removed or paused before its turn. Runs are remembered for `distance`.
    pub fn ended(&self, runs: impl Iterator<Item = (ConnectionId, Option<Run>)>, now: Timestamp, distance: Seconds) {
        let mut inner = self.inner();
        inner.recent.forget(now, distance);
        for (connection, run) in runs {
            let run = run.map(Arc::new);
            inner.settle(connection, run.as_ref());
            if let Some(run) = run.filter(|_| distance.0 > 0) {
                inner.recent.put(run);
            }
        }
        drop(inner);
        self.moved.send_modify(|moves| *moves += 1);
    }

    /// Notifies the waiting clients of why there is no run; `None` as in [`Tickets::ended`]. It counts as no run for later
    /// requests.
    pub fn given_up(&self, runs: impl Iterator<Item = (ConnectionId, Option<Run>)>) {
        let mut inner = self.inner();
        runs.for_each(|(connection, run)| inner.settle(connection, run.map(Arc::new).as_ref()));
        drop(inner);
        self.moved.send_modify(|moves| *moves += 1);
    }

    /// Connections whose runs clients wait for.
    pub fn requested(&self) -> Vec<ConnectionId> {
        self.inner().waiting.keys().copied().collect()
    }

    /// Waits until a ticket has more than `seen` runs or is done, or `timeout` has passed. `None`: the ticket no longer
    /// exists.
    pub async fn progress(
        &self,
        ticket: SyncTicket,
        seen: u64,
        timeout: Duration,
        now: impl Fn() -> Timestamp,
    ) -> Option<SyncProgress> {
        let mut moved = self.moved.subscribe();
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        let waited = moved.wait_for(|_| self.look(ticket, seen).is_none_or(|now| now.done || !now.runs.is_empty()));
        let _ = tokio::time::timeout(timeout, waited).await;
        let progress = self.look(ticket, seen)?;
        if progress.done
            && let Some(ticket) = self.inner().tickets.get_mut(&ticket.id)
        {
            ticket.read_at = Some(now());
        }
        Some(progress)
    }

    fn look(&self, ticket: SyncTicket, seen: usize) -> Option<SyncProgress> {
        let inner = self.inner();
        let ticket = inner.tickets.get(&ticket.id)?;
        let runs: Vec<Run> =
            ticket.runs.iter().skip(seen).take(PER_RESPONSE).map(|run| Run::clone(run.as_ref())).collect();
        let returned = seen.min(ticket.runs.len()) + runs.len();
        Some(SyncProgress { expected: ticket.expected, runs, done: returned as u64 >= ticket.expected })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Inner {
    /// Gives the tickets that wait for a connection what became of it.
    fn settle(&mut self, connection: ConnectionId, run: Option<&Arc<Run>>) {
        for id in self.waiting.remove(&connection).unwrap_or_default() {
            let Some(ticket) = self.tickets.get_mut(&id) else { continue };
            match run {
                Some(run) => ticket.runs.push(run.clone()),
                None => ticket.expected = ticket.expected.saturating_sub(1),
            }
        }
    }

    /// Ends tickets that are old or read, and of a user who has too many those that were read, then the oldest.
    fn make_room(&mut self, uid: u32, now: Timestamp) {
        self.tickets.retain(|_, ticket| {
            let read = ticket.read_at.is_some_and(|at| now.since(at) >= READ_KEPT_MS);
            !read && now.since(ticket.at) < KEPT_MS
        });
        let own = self.tickets.iter().filter(|(_, it)| it.uid == uid);
        // A client that is slow to read must not lose its ticket to those of quick ones.
        let mut own: Vec<_> = own.map(|(id, it)| (it.read_at.is_some(), Reverse(*id), it.expected)).collect();
        own.sort_unstable();
        let mut runs = 0;
        let over = own.into_iter().enumerate().filter_map(|(place, (_, Reverse(id), expected))| {
            runs += expected;
            (place + 1 >= MOST_PER_USER || runs > MOST_RUNS_PER_USER).then_some(id)
        });
        over.for_each(|id| drop(self.tickets.remove(&id)));
    }
}

impl Recent {
    fn put(&mut self, run: Arc<Run>) {
        self.by_connection.insert(run.connection, run.clone());
        self.in_order.push_back(run);
    }

    /// Drops what no request can get any more.
    fn forget(&mut self, now: Timestamp, distance: Seconds) {
        while let Some(first) = self.in_order.pop_front_if(|run| !is_within(run, now, distance)) {
            if self.by_connection.get(&first.connection).is_some_and(|newest| newest.id == first.id) {
                self.by_connection.remove(&first.connection);
            }
        }
    }
}

/// Whether a run ended within `distance` before `now`. After the clock was set back, no run did.
fn is_within(run: &Run, now: Timestamp, distance: Seconds) -> bool {
    let ended_at = Timestamp(run.started_at.0.saturating_add_unsigned(run.duration_ms));
    (0..distance.millis()).contains(&now.since(ended_at))
}

#[cfg(test)]
mod tests {
    use roster_protocol::ids::{InfluencerId, RunId};
    use roster_protocol::sync::{Cause, Outcome};

    use super::*;

    const DISTANCE: Seconds = Seconds(10);

    fn connection(which: u8) -> ConnectionId {
        ConnectionId::from_bytes([which; 5])
    }

    fn run(which: u8, at: Timestamp) -> Run {
        Run {
            id: RunId::from_bytes([which, at.0 as u8, 0, 0, 0]),
            connection: connection(which),
            influencer: InfluencerId::from_bytes([0; 5]),
            influencer_name: String::new(),
            platform: "bluesky".to_owned(),
            due_at: at,
            slot_at: at,
            missed: 0,
            started_at: at,
            duration_ms: 0,
            outcome: Outcome::Ok,
            cause: Cause::Person,
            followers: Some(1),
            error: None,
            retry_at: None,
        }
    }

    fn ask(tickets: &Tickets, uid: u32, which: u8, now: Timestamp) -> SyncTicket {
        tickets.open(Opening { uid, queued: vec![connection(which)], ..Opening::default() }, now)
    }

    async fn read(tickets: &Tickets, ticket: SyncTicket, now: Timestamp) -> Option<usize> {
        let progress = tickets.progress(ticket, 0, Duration::ZERO, || now).await;
        progress.map(|progress| progress.runs.len())
    }

    #[tokio::test]
    async fn a_user_who_never_reads_ends_only_own_tickets() {
        let (tickets, now) = (Tickets::default(), Timestamp(0));
        let other = ask(&tickets, 2, 1, now);
        let first = ask(&tickets, 1, 1, now);
        let newest = (0..10_000).map(|_| ask(&tickets, 1, 1, now)).last().expect("some");
        let held = |tickets: &Tickets| {
            let inner = tickets.inner();
            (inner.tickets.len(), inner.waiting[&connection(1)].len())
        };
        assert_eq!(held(&tickets), (1 + MOST_PER_USER, 1 + MOST_PER_USER));
        tickets.ended([(connection(1), Some(run(1, now)))].into_iter(), now, DISTANCE);
        assert_eq!(read(&tickets, first, now).await, None);
        assert_eq!(read(&tickets, newest, now).await, Some(1));
        assert_eq!(read(&tickets, other, now).await, Some(1));
    }

    #[tokio::test]
    async fn what_is_given_up_is_answered_and_counts_as_no_run() {
        let (tickets, now) = (Tickets::default(), Timestamp(0));
        let ticket = ask(&tickets, 1, 1, now);
        let gone = ask(&tickets, 1, 2, now);
        tickets.given_up([(connection(1), Some(run(1, now))), (connection(2), None)].into_iter());
        assert_eq!((read(&tickets, ticket, now).await, read(&tickets, gone, now).await), (Some(1), Some(0)));
        assert!(tickets.recent(connection(1), now, DISTANCE).is_none() && tickets.requested().is_empty());
    }

    #[tokio::test]
    async fn a_ticket_that_was_read_is_kept_for_a_minute_only() {
        let (tickets, now) = (Tickets::default(), Timestamp(0));
        let ticket = ask(&tickets, 1, 1, now);
        tickets.ended([(connection(1), Some(run(1, now)))].into_iter(), now, DISTANCE);
        assert_eq!(read(&tickets, ticket, now).await, Some(1));
        ask(&tickets, 1, 2, now.plus_seconds(59));
        assert_eq!(read(&tickets, ticket, now).await, Some(1), "the response may have been lost");
        ask(&tickets, 1, 2, now.plus_seconds(60));
        assert_eq!(read(&tickets, ticket, now).await, None);
    }

    #[tokio::test]
    async fn a_ticket_that_was_read_ends_before_an_older_one_that_was_not() {
        let (tickets, now) = (Tickets::default(), Timestamp(0));
        let slow = ask(&tickets, 1, 1, now);
        for _ in 0..100 {
            let quick = ask(&tickets, 1, 2, now);
            tickets.ended([(connection(2), Some(run(2, now)))].into_iter(), now, DISTANCE);
            assert_eq!(read(&tickets, quick, now).await, Some(1));
        }
        tickets.ended([(connection(1), Some(run(1, now)))].into_iter(), now, DISTANCE);
        assert_eq!(read(&tickets, slow, now).await, Some(1));
    }

    #[test]
    fn a_run_is_recent_for_the_distance_and_is_then_forgotten() {
        let (tickets, now) = (Tickets::default(), Timestamp(1_000_000));
        tickets.ended([(connection(1), Some(run(1, now)))].into_iter(), now, DISTANCE);
        let check = |later: i64, expected: bool| {
            let found = tickets.recent(connection(1), Timestamp(now.0 + later), DISTANCE);
            assert_eq!(found.is_some(), expected, "{later}");
        };
        check(0, true);
        check(9_999, true);
        check(10_000, false);
        check(-1, false);
        tickets.ended([(connection(2), Some(run(2, now)))].into_iter(), now.plus_seconds(10), DISTANCE);
        assert_eq!(tickets.inner().recent.by_connection.len(), 1);
        tickets.ended([(connection(3), Some(run(3, now)))].into_iter(), now, Seconds(0));
        assert!(tickets.recent(connection(3), now, DISTANCE).is_none(), "switched off, nothing is remembered");
    }
}
