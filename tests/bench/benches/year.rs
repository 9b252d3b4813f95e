//! A year of the daemon's life: 365 simulated days × 1,000 connections, in minutes.
//!
//! The real daemon runs in this process on a clock that is moved by hand, with its store on disk and real HTTP to a
//! provider in a process of its own, whose accounts grow day by day. Connections are synced four times a day, as by
//! default (`ROSTER_BENCH_RUNS_A_DAY` may say 1 instead). After each slot everything due must have run; at the end of each
//! simulated month a line prints what is held: memory, descriptors, threads, the file.
//!
//! It fails when a bound is broken: more than 1 MiB of memory for each month (the slope of a line through all months but the
//! first three, which fill caches and the 90 days for which runs are kept); more descriptors than in those months; more
//! threads than the pools have; a file that takes more of the disk than 1.3 x what its tables need, which grow with the
//! history; snapshot tables over 1.3 x 24 bytes a snapshot; another number of snapshots than days × connections, or of runs
//! than slots × connections; more than 10 minutes.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use roster_bench::process::{Ended, descriptors, resident_mib, threads};
use roster_bench::provider::{self, Responder};
use roster_bench::{Lay, lay, snapshot_bytes};
use roster_protocol::Timestamp;
use rosterd::process::clock::{Clock, ManualClock};
use rosterd::process::config::Config;
use rosterd::store::{RunsInOrder, SnapshotCount, TableBytes};
use rosterd::{Daemon, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PROVIDER: &str = "ROSTER_BENCH_PROVIDER";
const CONNECTIONS: usize = 1000;
const DAYS: i32 = 365;
const AT_ONCE: usize = 256;
/// 2026-01-01T00:00:00Z.
const BEGIN: Timestamp = Timestamp(1_767_225_600_000);
const HOUR: i64 = 3600;
/// Every connection is synced within a quarter of an hour after its slot.
const AFTER_SLOT: i64 = 16 * 60;
/// When the daily slot is, and when the daemon keeps house: the defaults.
const DAILY_HOUR: i64 = 2;
const HOUSEKEEPING: i64 = 30 * 60;
const LIMIT: Duration = Duration::from_secs(120);
/// The runtime's threads, as the program has them, and the store's two.
const WORKERS: usize = 2;
const BLOCKING: usize = 8;
const MOST_THREADS: u64 = 1 + WORKERS as u64 + BLOCKING as u64 + 2;
/// Months whose memory is not compared: caches fill, and so do the 90 days for which runs are kept.
const FILLING: usize = 3;
const RUNS_KEPT_DAYS: i64 = 90;
const BYTES_A_SNAPSHOT: f64 = 24.0;
/// What the file may take on the disk, of the pages of its tables.
const MOST_FILE: f64 = 1.3;

fn main() -> Result<()> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(WORKERS).max_blocking_threads(BLOCKING).enable_all().build()?;
    if std::env::var_os(PROVIDER).is_some() {
        return runtime.block_on(provide());
    }
    runtime.block_on(live())
}

/// A provider whose accounts grow from day to day.
#[derive(Default)]
struct Growing {
    day: AtomicI32,
    requests: AtomicU64,
}

/// Sets the provider's day; it responds with the number of requests so far.
const DAY: &str = "/day/";

impl Responder for Growing {
    fn respond(&self, path: &str, out: &mut Vec<u8>) {
        if let Some(day) = path.strip_prefix(DAY) {
            self.day.store(day.parse().unwrap_or_default(), Ordering::Relaxed);
            return out.extend(provider::response(&self.requests.load(Ordering::Relaxed).to_string()));
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let day = self.day.load(Ordering::Relaxed) as u64;
        let index = provider::host_number(path).unwrap_or_default() as u64;
        // The same for the same account and day, and different for others.
        let noise = fastrand::Rng::with_seed(index << 16 | day).u64(0..100);
        let size = 500 + index * index;
        let body = match path.contains("/statuses") {
            true => provider::posts(size / 20 + size / 2000 * (noise % 10)),
            false => provider::profile(size + size * (day * 10 + noise / 10) / 10_000, 210 + noise / 30, 900 + day),
        };
        out.extend(provider::response(&body));
    }
}

async fn provide() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(provider::serve(listener, Duration::ZERO, Arc::new(Growing::default())));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// Sets the day; returns the number of requests so far.
async fn dawn(provider: SocketAddr, day: i32) -> Result<u64> {
    let mut stream = TcpStream::connect(provider).await?;
    stream.write_all(format!("GET {DAY}{day} HTTP/1.1\r\n\r\n").as_bytes()).await?;
    let mut response = [0; 512];
    let length = stream.read(&mut response).await?;
    let text = String::from_utf8_lossy(&response[..length]);
    Ok(text.split_once("\r\n\r\n").context("a number")?.1.parse()?)
}

/// What a day held open.
#[derive(Clone, Copy, Default)]
struct Open {
    descriptors: usize,
    threads: u64,
}

impl Open {
    fn most(self, other: Self) -> Self {
        Self { descriptors: self.descriptors.max(other.descriptors), threads: self.threads.max(other.threads) }
    }
}

/// What is held at the end of a month.
struct Month {
    resident_mib: f64,
    /// At most, on any of its days.
    open: Open,
    /// What the file takes on the disk, in bytes.
    file: f64,
    /// The pages of its tables, in bytes.
    tables: f64,
    snapshots: u64,
}

async fn live() -> Result<()> {
    let runs_a_day: i64 = std::env::var("ROSTER_BENCH_RUNS_A_DAY").ok().map_or(Ok(4), |text| text.parse())?;
    ensure!(24 % runs_a_day == 0, "as many runs a day as divide 24 hours");
    let dir = tempfile::tempdir_in(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("."))?;
    let child = Command::new(std::env::current_exe()?)
        .env(PROVIDER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut child = Ended(child);
    let mut output = BufReader::new(child.0.stdout.take().context("a pipe")?).lines();
    let provider: SocketAddr = output.next().context("the provider listens")??.parse()?;
    let year = Year::begin(dir.path(), provider, 24 / runs_a_day).await?;
    let begun = Instant::now();
    println!("{CONNECTIONS} connections, {runs_a_day} runs a day each, {AT_ONCE} at once");
    println!(
        "{:>5} {:>9} {:>12} {:>8} {:>9} {:>11} {:>6} {:>10}",
        "month", "RSS MiB", "descriptors", "threads", "file MiB", "tables MiB", "ratio", "snapshots"
    );
    let (mut months, mut open): (Vec<Month>, Open) = (Vec::new(), Open::default());
    for day in 0..DAYS {
        open = open.most(year.day(day).await?);
        if (day + 1) % 30 == 0 || day + 1 == DAYS {
            // What the last day started in the background ends.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let month = year.month(std::mem::take(&mut open)).await?;
            println!(
                "{:>5} {:>9.1} {:>12} {:>8} {:>9.1} {:>11.1} {:>6.2} {:>10}",
                months.len() + 1,
                month.resident_mib,
                month.open.descriptors,
                month.open.threads,
                month.file / 1024.0 / 1024.0,
                month.tables / 1024.0 / 1024.0,
                month.file / month.tables,
                month.snapshots
            );
            months.push(month);
        }
    }
    let took = begun.elapsed();
    println!("{:.0} s for the year; goal <= 600", took.as_secs_f64());
    year.check(&months, runs_a_day, provider).await?;
    ensure!(took <= Duration::from_secs(600), "too slow");
    Ok(())
}

struct Year {
    daemon: Daemon,
    file: PathBuf,
    clock: Arc<ManualClock>,
    provider: SocketAddr,
    /// Hours between two slots.
    every: i64,
}

impl Year {
    async fn begin(dir: &std::path::Path, provider: SocketAddr, every: i64) -> Result<Self> {
        let config = format!(
            "[http]\nlisten = \"off\"\n[sync]\ngateway = \"http://{provider}\"\ninterval = \"{every}h\"\n\
             concurrency = {AT_ONCE}\nconcurrency_per_platform = {AT_ONCE}\n"
        );
        let state = dir.join("state");
        let roster = Lay {
            count: CONNECTIONS,
            days: 0,
            runs: 0,
            now: BEGIN,
            due: BEGIN.plus_seconds(DAILY_HOUR * HOUR),
            platform: "mastodon",
            handle: provider::handle::<1>,
            user_id: provider::user_id::<1>,
        };
        lay(&state, &roster).await?;
        let clock = Arc::new(ManualClock::at(BEGIN));
        let config = Config::parse(&config, "bench")?;
        let file = state.join("roster.redb");
        let options = Options { clock: clock.clone(), ..Options::new(config, state, dir.join("rosterd.sock")) };
        Ok(Self { daemon: Daemon::start(options).await?, file, clock, provider, every })
    }

    /// Lives through one day: housekeeping after midnight, then slot after slot.
    async fn day(&self, day: i32) -> Result<Open> {
        dawn(self.provider, day).await?;
        let midnight = BEGIN.plus_seconds(i64::from(day) * 24 * HOUR);
        self.clock.set(midnight.plus_seconds(HOUSEKEEPING));
        for hour in (DAILY_HOUR..24).step_by(self.every as usize) {
            self.clock.set(midnight.plus_seconds(hour * HOUR + AFTER_SLOT));
            self.settle().await?;
        }
        let pid = std::process::id();
        Ok(Open { descriptors: descriptors(pid)?, threads: threads(pid)? })
    }

    /// Waits until nothing is due or running.
    async fn settle(&self) -> Result<()> {
        let settled = async {
            let is_idle = || {
                let now = self.clock.now();
                self.daemon
                    .app
                    .look(|roster| roster.running.is_empty() && roster.queue.next_due().is_none_or(|due| due > now))
            };
            while !is_idle() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LIMIT, settled).await.context("what is due is not run in time")
    }

    async fn month(&self, open: Open) -> Result<Month> {
        let store = &self.daemon.app.store;
        let (snapshots, tables) = (store.read(SnapshotCount).await?, store.read(TableBytes).await?);
        Ok(Month {
            resident_mib: resident_mib(std::process::id())?,
            open,
            file: std::fs::metadata(&self.file)?.blocks() as f64 * 512.0,
            tables: tables.values().map(|bytes| *bytes as f64).sum(),
            snapshots,
        })
    }

    /// What must be true at the end of a year.
    async fn check(self, months: &[Month], runs_a_day: i64, provider: SocketAddr) -> Result<()> {
        let store = &self.daemon.app.store;
        let snapshots = months.last().map_or(0, |month| month.snapshots);
        let tables = store.read(TableBytes).await?;
        let table_bytes = snapshot_bytes(&tables) as f64 / snapshots as f64;
        let since = self.clock.now().plus_seconds(-(RUNS_KEPT_DAYS - 1) * 24 * HOUR);
        let mut runs = RunsInOrder { since, after: None, limit: 50_000 };
        let mut recent = 0;
        loop {
            let page = store.read(runs.clone()).await?;
            recent += page.rows.len() as i64;
            let Some(mark) = page.next else { break };
            runs.after = Some(mark);
        }
        let count = dawn(provider, DAYS).await?;
        let slope = slope(months.iter().skip(FILLING).map(|month| month.resident_mib));
        println!("memory grows by {slope:.2} MiB a month; snapshot tables hold {table_bytes:.1} B a snapshot");
        let (filled, later) = months.split_at(FILLING.min(months.len()));
        let most_open = filled.iter().map(|month| month.open.descriptors).max().unwrap_or_default();
        let all = CONNECTIONS as i64 * runs_a_day;
        ensure!(snapshots == DAYS as u64 * CONNECTIONS as u64, "{snapshots} snapshots");
        ensure!(count as i64 == 2 * all * i64::from(DAYS), "the provider got {count} requests");
        // The last slot of the day before the first whole one is within as well, or not: by its hour.
        ensure!((recent - all * (RUNS_KEPT_DAYS - 1)).abs() <= CONNECTIONS as i64, "{recent} runs in the last days");
        ensure!(slope <= 1.0, "memory grows by {slope:.2} MiB a month");
        ensure!(later.iter().all(|month| month.open.descriptors <= most_open), "more than {most_open} descriptors");
        ensure!(months.iter().all(|month| month.open.threads <= MOST_THREADS), "more than {MOST_THREADS} threads");
        let largest = later.iter().map(|month| month.file / month.tables).fold(0.0, f64::max);
        ensure!(largest <= MOST_FILE, "the file takes {largest:.2} times what its tables need");
        ensure!(table_bytes <= 1.3 * BYTES_A_SNAPSHOT, "{table_bytes:.1} bytes a snapshot");
        println!("all bounds are kept");
        self.daemon.end().await;
        Ok(())
    }
}

/// The slope of the line that is nearest to the values, for each step.
fn slope(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let (x, y) = ((count - 1.0) / 2.0, values.clone().sum::<f64>() / count);
    let (mut over, mut under) = (0.0, 0.0);
    for (index, value) in values.enumerate() {
        over += (index as f64 - x) * (value - y);
        under += (index as f64 - x).powi(2);
    }
    over / under
}
