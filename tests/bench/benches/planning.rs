//! The queue of what is due: the time to put connections into it and to take all of them out again in batches, as the
//! scheduler does, against std's `BTreeMap` with the same keys; and the memory of each connection that waits.
//!
//! Connections are of several lanes: five platforms and some Mastodon instances. They come in the order of their ids, as the
//! store loads them, and are due at any time within six hours. Goal: 100,000 within 100 ms, with at most 64 bytes each.
//!
//! **Time.** That of the processor, because others may use it as well; medians of alternating rounds, with the least and the
//! greatest. The yardstick inserts each (due time, id) with its lane's number into one map, and takes the first until nothing
//! is left: it knows no lanes and finds nothing by id. Where each takes as long for all counts, the time is linear.
//!
//! **Memory.** What the process holds more with as many queues as have 400,000 connections together, so that small queues
//! are measured as exactly as large ones: just loaded, and **moved**, after each connection was taken and put again for
//! later, one after the other, as syncs do. It is the daemon's allocator, so that what it rounds up is counted, too.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use roster_bench::process::resident_mib;
use roster_bench::{median, spread, verdict};
use roster_protocol::ids::ConnectionId;
use roster_protocol::time::Timestamp;
use rosterd::schedule::{Moment, Queue, Room};
use rustix::time::{ClockId, clock_gettime};

const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];
const ROUNDS: usize = 15;
const PLATFORMS: [&str; 5] = ["bluesky", "facebook", "instagram", "tiktok", "youtube"];
/// How many connections the queues have together whose memory is measured.
const MEASURED: usize = 400_000;
const BATCH: usize = 25;
const SIX_HOURS_MS: i64 = 6 * 3600 * 1000;
const MOST_MS: f64 = 100.0;
const MOST_BYTES: f64 = 64.0;

/// What waits: the number of a lane, an id, and when it is due.
type Waiting = (usize, ConnectionId, Timestamp);

fn main() -> Result<()> {
    println!("a queue of connections of several lanes; medians of {ROUNDS} alternating rounds\n");
    let forms = COUNTS.map(|count| (count, 10)).into_iter().chain([(100_000, 1_000)]);
    let forms: Vec<_> = forms.map(|(count, lanes)| (lane_names(lanes), waiting(count, lanes))).collect();
    // First, because memory that was freed is not given back at once.
    let mut kept = Vec::new();
    for (lanes, waiting) in &forms {
        memory(lanes, waiting, &mut kept)?;
    }
    println!();
    for (lanes, waiting) in &forms {
        time(lanes, waiting)?;
    }
    Ok(())
}

fn lane_names(count: usize) -> Vec<String> {
    let instances = (0..).map(|number| format!("mastodon/home{number:05}.example"));
    PLATFORMS.iter().map(|platform| (*platform).to_owned()).chain(instances).take(count).collect()
}

fn waiting(count: usize, lanes: usize) -> Vec<Waiting> {
    let mut dice = fastrand::Rng::with_seed(7);
    let mut one = || {
        let id = ConnectionId::from_bytes(std::array::from_fn(|_| dice.u8(..)));
        (dice.usize(..lanes), id, Timestamp(dice.i64(0..SIX_HOURS_MS)))
    };
    let mut waiting: Vec<Waiting> = (0..count).map(|_| one()).collect();
    waiting.sort_by_key(|(_, id, _)| *id);
    waiting
}

/// A queue in which all of these wait.
fn filled(lanes: &[String], waiting: &[Waiting]) -> Queue {
    let mut queue = Queue::default();
    queue.expect(waiting.len());
    for (lane, id, due) in waiting {
        queue.put(&lanes[*lane], *id, *due);
    }
    queue
}

/// Takes all that is due out of a queue, a batch at a time; `each` gets the queue, the batch's lane, and the batch.
fn emptied(queue: &mut Queue, mut each: impl FnMut(&mut Queue, &str, Vec<ConnectionId>)) {
    let at = Moment::at(Timestamp(SIX_HOURS_MS));
    while let Some(lane) = queue.longest_waiting(at, |_| true, |_, _| true).map(str::to_owned) {
        let batch = queue.take_due(&lane, at, Room::of(BATCH));
        each(queue, &lane, batch);
    }
}

fn time(lanes: &[String], waiting: &[Waiting]) -> Result<()> {
    let (mut puts, mut takes, mut totals, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = thread_time();
        let mut map = BTreeMap::new();
        for (lane, id, due) in waiting {
            map.insert((*due, *id), *lane);
        }
        while map.pop_first().is_some() {}
        let yardstick = thread_time() - begun;

        let begun = thread_time();
        let mut queue = filled(lanes, waiting);
        let put = thread_time() - begun;
        let mut taken = 0;
        emptied(&mut queue, |_, _, batch| taken += batch.len());
        let total = thread_time() - begun;
        ensure!(taken == waiting.len(), "{taken} of {} were taken", waiting.len());
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        puts.push(millis(put));
        takes.push(millis(total - put));
        totals.push(millis(total));
        ratios.push(total.as_secs_f64() / yardstick.as_secs_f64());
    }
    let ((least, most), total) = (spread(&totals), median(totals));
    println!(
        "{:>7} in {:>5} lanes: {total:>7.2} ms ({least:.2} to {most:.2}): put {:.2}, take {:.2}; {:.0} ns each   {:.1} x a BTreeMap   goal <= {MOST_MS} ms {}",
        waiting.len(),
        lanes.len(),
        median(puts),
        median(takes),
        total * 1e6 / waiting.len() as f64,
        median(ratios),
        verdict(total <= MOST_MS),
    );
    Ok(())
}

/// Measures as many queues as are needed, and keeps them: what they hold is not given to the next ones.
fn memory(lanes: &[String], waiting: &[Waiting], kept: &mut Vec<Queue>) -> Result<()> {
    let queues = MEASURED / waiting.len();
    kept.reserve(queues);
    let before = resident_bytes()?;
    let first = kept.len();
    kept.extend((0..queues).map(|_| filled(lanes, waiting)));
    let new = (resident_bytes()? - before) / MEASURED as f64;
    let before = resident_bytes()?;
    for queue in &mut kept[first..] {
        let mut later = SIX_HOURS_MS;
        emptied(queue, |queue, lane, batch| {
            for id in batch {
                later += 1;
                queue.put(lane, id, Timestamp(later));
            }
        });
    }
    let moved = new + (resident_bytes()? - before) / MEASURED as f64;
    println!(
        "{:>7} in {:>5} lanes: {new:>5.1} bytes each, {moved:.1} when all were moved   goal <= {MOST_BYTES} {}",
        waiting.len(),
        lanes.len(),
        verdict(new.max(moved) <= MOST_BYTES),
    );
    Ok(())
}

fn resident_bytes() -> Result<f64> {
    Ok(resident_mib(std::process::id())? * 1024.0 * 1024.0)
}

/// The processor's time that this thread has used.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
