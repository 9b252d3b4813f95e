//! A daemon with nothing to do: how much memory it holds, and whether it wakes up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use roster_bench::process::{Ended, Paths, field, resident_mib};
use roster_bench::{QUIET_CONFIG, lay_roster, verdict};

const CONNECTIONS: usize = 1000;
const DAYS: i32 = 90;
const WATCHED: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let paths = Paths::in_dir(dir.path(), QUIET_CONFIG)?;
    let later = roster_protocol::Timestamp::from(jiff::Timestamp::now()).plus_seconds(20 * 3600);
    lay_roster(&paths.state, CONNECTIONS, DAYS, later).await?;
    let begun = Instant::now();
    let rosterd = Ended(paths.command(env!("CARGO_BIN_EXE_rosterd-benched")).spawn()?);
    drop(paths.wait_until_ready().await?);
    println!("ready after                        {:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    // The start's own work, folding and scrubbing included, is over by then, and its threads have ended.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let before = switches(rosterd.0.id())?;
    tokio::time::sleep(WATCHED).await;
    let after = switches(rosterd.0.id())?;
    let woken: u64 = after.iter().map(|(thread, count)| count - before.get(thread).copied().unwrap_or_default()).sum();
    let rss = resident_mib(rosterd.0.id())?;
    println!("resident, {CONNECTIONS} connections × {DAYS} d  {rss:>9.1} MB   goal ≤ 40 {}", verdict(rss <= 40.0));
    println!("wake-ups in {} s, no watchdog       {woken:>9}      goal = 0 {}", WATCHED.as_secs(), verdict(woken == 0));
    Ok(())
}

/// Voluntary context switches of each thread: each is a wake-up that found nothing more to do.
fn switches(pid: u32) -> anyhow::Result<BTreeMap<PathBuf, u64>> {
    let mut counts = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = task?.path();
        counts.insert(thread.clone(), field(&thread.join("status"), "voluntary_ctxt_switches:")?);
    }
    Ok(counts)
}
