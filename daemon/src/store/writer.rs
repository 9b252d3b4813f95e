//! The one thread that writes: it takes queued jobs, in order, and makes groups of commits durable.
//!
//! A durable transaction costs the same for one commit as for a thousand. When the disk fails, the thread closes and
//! reopens the database until writing works again, and refuses all jobs meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::WriteTransaction;
use tokio::sync::oneshot;

use super::chain::Written;
use super::commit::{self, Batch, Encoded};
use super::error::StoreError;
use super::shared::{Shared, StoreState};

/// How many commits share a transaction; one with many snapshots counts as that many.
const GROUP: usize = 1_000;
/// How often the thread looks for more commits while it lingers, and how often in vain before it stops lingering.
const LOOKS: u32 = 25;
const LOOKS_IN_VAIN: u32 = 4;
/// Groups of sync results linger this many times longer for company: no client blocks on them.
const UNHURRIED: u32 = 8;
/// From how many commits on another thread sends a group's replies, while this one makes the next group durable.
const MANY: usize = 64;
/// The waits between attempts to reopen a store whose disk fails: doubled from the first to the last.
const RETRIES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

pub(super) type Reply = oneshot::Sender<Result<(), StoreError>>;
type Work = Box<dyn FnOnce(&WriteTransaction, &Shared) -> Result<(), StoreError> + Send>;

/// What the thread can be requested to do.
pub(super) enum Job {
    /// Write commits, together with others.
    Commit(Encoded, Reply),
    /// Run a transaction of its own.
    Alone(Work, Reply),
    /// Close the database and open it again.
    Reopen(Reply),
    /// Look whether the file is still the one at the store's path.
    Check(Reply),
    /// Write all rows into a new file, which takes the old one's place.
    Rewrite(Reply),
    /// Reply, which shows that the thread is alive.
    Ping(Reply),
}

/// Works until all senders are gone and the queue is empty.
pub(super) fn run(shared: &Arc<Shared>, queue: &Receiver<Job>, linger: Duration) {
    let (replying, written) = std::sync::mpsc::channel::<Durable>();
    let mut writer = Writer { shared, queue, linger, busy: false, replying };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("store-replies".to_owned());
        // Without such a thread the writer replies itself.
        drop(thread.spawn_scoped(scope, move || written.into_iter().for_each(Durable::reply)));
        let mut next = None;
        while let Some(job) = next.take().or_else(|| queue.recv().ok()) {
            next = writer.work(job);
        }
        drop(writer);
    });
}

/// The state of a store that cannot be written from now on.
pub(super) fn refusing(error: &StoreError) -> StoreState {
    StoreState::after(error, Instant::now())
}

/// A group that is durable: the replies to send, and the bytes to free.
struct Durable {
    replies: Vec<Reply>,
    _encoded: Vec<Encoded>,
}

impl Durable {
    fn reply(self) {
        for reply in self.replies {
            // The caller may have stopped waiting.
            let _ = reply.send(Ok(()));
        }
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    queue: &'a Receiver<Job>,
    linger: Duration,
    replying: std::sync::mpsc::Sender<Durable>,
    /// Whether the last group had more than one commit. A single caller that commits one after the other need not
    /// linger.
    busy: bool,
}

impl Writer<'_> {
    /// Does a job, together with all queued jobs that can join it, and returns one that cannot.
    fn work(&mut self, job: Job) -> Option<Job> {
        fail::fail_point!("writer.job");
        match job {
            Job::Commit(encoded, reply) => {
                let mut group = vec![(encoded, reply)];
                let next = self.gather(&mut group);
                self.busy = group.len() > 1;
                self.commit(group);
                next
            }
            Job::Alone(work, reply) => {
                let result = self.shared.write(|txn| work(txn, self.shared));
                self.reply(vec![reply], result);
                None
            }
            Job::Check(reply) => {
                let result = self.shared.check();
                self.reply(vec![reply], result);
                None
            }
            Job::Rewrite(reply) => {
                match self.shared.write_anew() {
                    // The file that is open is as it was.
                    Err(error) => drop(reply.send(Err(error))),
                    Ok(None) => drop(reply.send(Ok(()))),
                    Ok(Some(new)) => {
                        let result = self.shared.put_in_place(&new);
                        self.reply(vec![reply], result);
                    }
                }
                None
            }
            Job::Ping(reply) => {
                let _ = reply.send(Ok(()));
                None
            }
            Job::Reopen(reply) => {
                let result = self.shared.reopen();
                self.reply(vec![reply], result);
                None
            }
        }
    }

    /// Adds commits that are queued or arrive within the linger, up to a job of another kind, which it returns.
    ///
    /// It polls the queue instead of waiting for each commit: a wake-up costs more than a commit.
    fn gather(&self, group: &mut Vec<(Encoded, Reply)>) -> Option<Job> {
        let looks = if self.busy { LOOKS } else { 0 };
        let mut size = group.iter().map(|(encoded, _)| encoded.size()).sum::<usize>();
        let mut unhurried = group.iter().all(|(encoded, _)| encoded.is_unhurried());
        let mut in_vain = 0;
        for look in 0..=looks {
            let before = size;
            while size < GROUP {
                match self.queue.try_recv() {
                    Ok(Job::Commit(encoded, reply)) => {
                        size += encoded.size();
                        unhurried &= encoded.is_unhurried();
                        group.push((encoded, reply));
                    }
                    Ok(other) => return Some(other),
                    Err(_) => break,
                }
            }
            in_vain = if size == before { in_vain + 1 } else { 0 };
            let is_quiet = look > 0 && (in_vain >= LOOKS_IN_VAIN || !unhurried && in_vain > 0);
            if size >= GROUP || is_quiet || look == looks {
                break;
            }
            std::thread::sleep(self.linger / LOOKS * if unhurried { UNHURRIED } else { 1 });
        }
        None
    }

    fn commit(&self, group: Vec<(Encoded, Reply)>) {
        let (encoded, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let batches: Vec<&Batch> = encoded.iter().flat_map(|encoded| &encoded.0).collect();
        let begun = Instant::now();
        let result = self.shared.write(|txn| commit::apply(txn, &batches, &self.shared.damage));
        let took = begun.elapsed();
        if let Err(StoreError::Invalid { .. } | StoreError::NewerRecord { .. }) = result
            && encoded.len() > 1
        {
            // One commit cannot be stored. Each is written alone, so that the others do not fail with it.
            for (encoded, reply) in encoded.into_iter().zip(replies) {
                self.commit(vec![(encoded, reply)]);
            }
            return;
        }
        self.shared.meters.wrote(batches.len(), took, result.is_ok());
        let result = result.map(|lines| lines.iter().for_each(Written::log));
        match result {
            Ok(()) if replies.len() >= MANY => {
                let written = Durable { replies, _encoded: encoded };
                self.replying.send(written).unwrap_or_else(|unsent| unsent.0.reply());
            }
            result => self.reply(replies, result),
        }
    }

    /// Sends the result to the callers, and reopens the database when its disk failed.
    fn reply(&self, replies: Vec<Reply>, result: Result<(), StoreError>) {
        let failed = result.as_ref().err().filter(|error| error.latches()).cloned();
        if let Some(error) = &failed {
            tracing::error!(%error, "the store cannot write until that is mended");
            self.shared.state.send_replace(StoreState::after(error, Instant::now()));
        }
        for reply in replies {
            // The caller may have stopped waiting.
            let _ = reply.send(result.clone());
        }
        if failed.is_some() {
            self.mend();
        }
    }

    /// Reopens the database until writing works again or no caller is left. Jobs that were queued behind the failure
    /// are refused, because they may depend on what failed.
    fn mend(&self) {
        let mut wait = RETRIES.0;
        let mut requested = match self.refuse_for(Duration::ZERO) {
            Refused::ReopenRequested(reply) => Some(reply),
            Refused::TimedOut => None,
            Refused::Closing => return,
        };
        loop {
            let result = self.shared.reopen().and_then(|()| self.shared.try_writing());
            if result.is_ok() {
                tracing::info!("the store can write again");
                self.shared.recoveries.fetch_add(1, Ordering::SeqCst);
                self.shared.state.send_replace(StoreState::Working);
            }
            if let Some(reply) = requested.take() {
                let _ = Reply::send(reply, result.clone());
            }
            let Err(error) = result else { return };
            tracing::warn!(%error, "the store still cannot write");
            self.shared.state.send_if_modified(|state| {
                // What is worse than before is reported; how long writes have been refused goes on.
                let since = state.refusal().map_or_else(Instant::now, |(_, since)| since);
                let now = StoreState::after(&error, since);
                let is_news = std::mem::discriminant(state) != std::mem::discriminant(&now);
                // A file that is another one says more than what its disk does.
                let is_news = is_news && !matches!(state, StoreState::Replaced { .. });
                if is_news {
                    *state = now;
                }
                is_news
            });
            match self.refuse_for(wait) {
                Refused::TimedOut => {}
                Refused::ReopenRequested(reply) => requested = Some(reply),
                Refused::Closing => return,
            }
            wait = (wait * 2).min(RETRIES.1);
        }
    }

    /// Replies to jobs with an error, for a while.
    fn refuse_for(&self, wait: Duration) -> Refused {
        let ends = Instant::now() + wait;
        loop {
            match self.queue.recv_timeout(ends.saturating_duration_since(Instant::now())) {
                // A file that is looked at may just have been put back.
                Ok(Job::Reopen(reply) | Job::Check(reply)) => return Refused::ReopenRequested(reply),
                // The caller may have stopped waiting.
                Ok(Job::Ping(reply)) => drop(reply.send(Ok(()))),
                Ok(Job::Commit(_, reply) | Job::Alone(_, reply) | Job::Rewrite(reply)) => {
                    drop(reply.send(Err(self.shared.degraded())))
                }
                Err(RecvTimeoutError::Timeout) => return Refused::TimedOut,
                Err(RecvTimeoutError::Disconnected) => return Refused::Closing,
            }
        }
    }
}

/// Why the thread stopped refusing.
enum Refused {
    TimedOut,
    ReopenRequested(Reply),
    Closing,
}
