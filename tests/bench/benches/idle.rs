//! A daemon with nothing to do: how much memory it holds, and whether it wakes up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use roster_bench::{QUIET_CONFIG, lay_roster};

const CONNECTIONS: usize = 1000;
const DAYS: i32 = 90;
const WATCHED: Duration = Duration::from_secs(20);

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let (state, socket, config) =
        (dir.path().join("state"), dir.path().join("rosterd.sock"), dir.path().join("rosterd.toml"));
    let later = roster_protocol::Timestamp::from(jiff::Timestamp::now()).plus_seconds(20 * 3600);
    lay_roster(&state, CONNECTIONS, DAYS, later).await?;
    std::fs::write(&config, QUIET_CONFIG)?;
    let begun = Instant::now();
    let rosterd = Command::new(env!("CARGO_BIN_EXE_rosterd-benched"))
        .args(["run", "--config"])
        .arg(&config)
        .arg("--state-dir")
        .arg(&state)
        .arg("--socket")
        .arg(&socket)
        .stderr(Stdio::null())
        .spawn()?;
    let rosterd = Ended(rosterd);
    while roster_protocol::transport::connect(&socket).await.is_err() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(20), "rosterd does not answer");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("ready after                        {:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    // The start's own work, folding and scrubbing included, is over by then, and its threads have ended.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let before = switches(rosterd.0.id())?;
    tokio::time::sleep(WATCHED).await;
    let after = switches(rosterd.0.id())?;
    let woken: u64 = after.iter().map(|(thread, count)| count - before.get(thread).copied().unwrap_or_default()).sum();
    let rss = resident_kb(rosterd.0.id())? as f64 / 1024.0;
    println!("resident, {CONNECTIONS} connections × {DAYS} d  {rss:>9.1} MB   goal ≤ 40 {}", verdict(rss <= 40.0));
    println!("wake-ups in {} s, no watchdog       {woken:>9}      goal = 0 {}", WATCHED.as_secs(), verdict(woken == 0));
    Ok(())
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
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

fn resident_kb(pid: u32) -> anyhow::Result<u64> {
    field(Path::new(&format!("/proc/{pid}/status")), "VmRSS:")
}

fn field(file: &Path, name: &str) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| anyhow::anyhow!("no {name}"))?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}
