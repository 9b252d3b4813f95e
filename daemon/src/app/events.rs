//! The numbered feed of committed events: published after the commit, never before, and kept in memory for a while.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use roster_protocol::event::{Cursor, Event, EventBatch};
use tokio::sync::watch;

/// How many events are kept for clients that are behind.
const KEPT: usize = 4096;
/// How many one response holds; an event with an alert in it has about half a kilobyte.
const PER_RESPONSE: usize = 256;

/// The feed. Each start of the daemon gives it another epoch.
#[derive(Debug)]
pub struct Feed {
    epoch: u64,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
    /// The number of the newest event of an alert.
    newest_alert: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The number of the newest event; 0 before the first.
    newest: u64,
    events: VecDeque<Event>,
}

impl Feed {
    /// An empty feed.
    pub fn new(epoch: u64) -> Self {
        Self {
            epoch: epoch.max(1),
            kept: Mutex::default(),
            newest: watch::Sender::new(0),
            newest_alert: watch::Sender::new(0),
        }
    }

    /// Publishes the events of a commit, in order.
    pub fn publish(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let has_alerts = events.iter().any(|event| matches!(event, Event::AlertChanged(_)));
        let newest = {
            let mut kept = self.kept();
            kept.newest += events.len() as u64;
            kept.events.extend(events);
            let excess = kept.events.len().saturating_sub(KEPT);
            kept.events.drain(..excess);
            kept.newest
        };
        self.newest.send_replace(newest);
        if has_alerts {
            self.newest_alert.send_replace(newest);
        }
    }

    /// Changes whenever an alert is published: wakes the calls that wait for one.
    pub fn watch_alerts(&self) -> watch::Receiver<u64> {
        self.newest_alert.subscribe()
    }

    /// The events after `after`; waits for the first until `timeout` has passed. For [`Cursor::default`] it returns the
    /// newest cursor at once; for a cursor whose events are gone, or of another epoch, `reload`.
    pub async fn since(&self, after: Cursor, timeout: Duration) -> EventBatch {
        if after == Cursor::default() {
            return EventBatch { reload: false, ..self.nothing() };
        }
        let mut newest = self.newest.subscribe();
        let later = newest.wait_for(|newest| after.epoch != self.epoch || *newest != after.number);
        let _ = tokio::time::timeout(timeout, later).await;
        self.after(after)
    }

    fn after(&self, after: Cursor) -> EventBatch {
        let kept = self.kept();
        let oldest = kept.newest - kept.events.len() as u64;
        if after.epoch != self.epoch || after.number < oldest || after.number > kept.newest {
            let next = Cursor { epoch: self.epoch, number: kept.newest };
            return EventBatch { next, events: Vec::new(), reload: true };
        }
        let skipped = (after.number - oldest) as usize;
        let events: Vec<Event> = kept.events.iter().skip(skipped).take(PER_RESPONSE).cloned().collect();
        let next = Cursor { epoch: self.epoch, number: after.number + events.len() as u64 };
        EventBatch { next, events, reload: false }
    }

    fn nothing(&self) -> EventBatch {
        let next = Cursor { epoch: self.epoch, number: self.kept().newest };
        EventBatch { next, events: Vec::new(), reload: false }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_arrive_once_in_order_and_a_client_too_far_behind_reloads() {
        let feed = Feed::new(7);
        let start = feed.since(Cursor::default(), Duration::ZERO).await;
        assert_eq!((start.next, start.reload), (Cursor { epoch: 7, number: 0 }, false));
        feed.publish(vec![Event::SyncMoved, Event::ScheduleChanged]);
        let batch = feed.since(start.next, Duration::ZERO).await;
        assert_eq!(batch.events, [Event::SyncMoved, Event::ScheduleChanged]);
        assert_eq!(feed.since(batch.next, Duration::ZERO).await.events, []);
        feed.publish(vec![Event::SyncMoved; KEPT + 1]);
        assert!(feed.since(batch.next, Duration::ZERO).await.reload);
        assert!(feed.since(Cursor { epoch: 6, number: 0 }, Duration::MAX).await.reload);
        assert!(feed.since(Cursor { epoch: 7, number: u64::MAX }, Duration::MAX).await.reload);
    }

    #[tokio::test]
    async fn a_waiter_is_woken() {
        let feed = Feed::new(7);
        let start = feed.since(Cursor::default(), Duration::ZERO).await.next;
        let (batch, ()) =
            tokio::join!(feed.since(start, Duration::from_secs(60)), async { feed.publish(vec![Event::SyncMoved]) });
        assert_eq!(batch.events, [Event::SyncMoved]);
    }
}
