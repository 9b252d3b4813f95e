//! How long a start takes: the daemon's until it is ready, the terminal UI's until its first full frame.
//!
//! **The daemon.** The real program over a store of 10,000 connections × 365 days (3.65 M snapshots) with four runs of
//! each in the last 24 hours; from the moment it is spawned to `READY=1` at the service manager's socket, and on to the
//! first page of 200 rows. It is ended politely between starts, then killed in the middle of its life, then
//! its file is pushed out of the page cache. A start over an empty store, in between, shows how noisy the machine is;
//! the daemon's own CPU time shows how much of the wait was work. Goal: ready <= 50 ms.
//!
//! **The terminal UI.** `roster` in a terminal of 200×60 against a running daemon with the demo's 700 accounts, from spawn
//! to the frame that shows as many rows as the settled screen does, against `vim -u NONE` on a file with as many lines, in
//! alternating starts. Goal: <= 2 x vim. Without vim the yardstick is left out, and a line says so.
//!
//! `ROSTER_BENCH_CONNECTIONS` makes the large store smaller.

use std::io::Read;
use std::num::NonZeroU16;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use roster_bench::process::{Ended, Paths, cpu, resident_mib};
use roster_bench::{Lay, QUIET_CONFIG, lay, lay_roster, median, spread, verdict};
use roster_protocol::Timestamp;
use roster_protocol::influencer::InfluencerQuery;
use roster_protocol::transport::{self, within};

const DAYS: i32 = 365;
const STARTS: usize = 11;
const FRAMES: usize = 21;
const ACCOUNTS: usize = 700;
/// The terminal.
const ROWS: NonZeroU16 = NonZeroU16::new(60).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(200).unwrap();
const LIMIT: Duration = Duration::from_secs(30);
const READY_GOAL_MS: f64 = 50.0;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir_in(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("."))?;
    first_frames(&dir.path().join("demo")).await?;
    starts(dir.path()).await
}

async fn starts(dir: &Path) -> Result<()> {
    let count = std::env::var("ROSTER_BENCH_CONNECTIONS").ok().map_or(Ok(10_000), |text| text.parse())?;
    let (large, empty) =
        (Paths::in_dir(&dir.join("large"), QUIET_CONFIG)?, Paths::in_dir(&dir.join("empty"), QUIET_CONFIG)?);
    let now = Timestamp::from(jiff::Timestamp::now());
    let roster =
        Lay { days: DAYS, runs: 4, ..roster_bench::roster::roster_of(count, DAYS, now.plus_seconds(20 * 3600)) };
    lay(&large.state, &roster).await?;
    let file = large.state.join("roster.redb");
    let size = std::fs::metadata(&file)?.len() >> 20;
    println!("\nstarts over {count} connections × {DAYS} days, {size} MiB; medians of {STARTS}");
    // The first start folds, prunes and scrubs; later ones find that done.
    let first = Start::of(&large, count).await?;
    println!("the first one after the store was made: ready after {:.0} ms", first.ready * 1e3);
    tokio::time::sleep(Duration::from_secs(20)).await;
    first.end()?;

    let (mut clean, mut nothing, mut killed, mut cold) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        nothing.push(Start::of(&empty, 0).await?.end()?);
        clean.push(Start::of(&large, count).await?.end()?);
    }
    for _ in 0..STARTS {
        killed.push(Start::of(&large, count).await?.kill());
    }
    for _ in 0..STARTS {
        forget(&file)?;
        cold.push(Start::of(&large, count).await?.end()?);
    }
    print("empty store", &nothing);
    print("after a clean end", &clean);
    print("after kill -9", &killed);
    print("not in the page cache", &cold);
    Ok(())
}

fn print(what: &str, starts: &[Figures]) {
    let ready: Vec<f64> = starts.iter().map(|start| start.ready * 1e3).collect();
    let page = starts.iter().map(|start| start.page * 1e3).collect();
    let (least, most) = spread(&ready);
    let cpu: f64 = starts.iter().map(|start| start.cpu * 1e3).sum::<f64>() / starts.len() as f64;
    let resident = median(starts.iter().map(|start| start.resident).collect());
    let ready = median(ready);
    println!(
        "{what:<24} ready {ready:>6.1} ms ({least:.1} to {most:.1})   goal <= {READY_GOAL_MS} {}   first page {:>6.1} ms   CPU until then {cpu:>4.0} ms   {resident:.0} MiB",
        verdict(ready <= READY_GOAL_MS),
        median(page),
    );
}

/// Pushes a file out of the page cache.
fn forget(file: &Path) -> Result<()> {
    let file = std::fs::File::open(file)?;
    file.sync_all()?;
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    Ok(())
}

/// What one start took, in seconds; and what it then held, in MiB.
#[derive(Clone, Copy)]
struct Figures {
    ready: f64,
    page: f64,
    cpu: f64,
    resident: f64,
}

/// A daemon that has been started.
struct Start {
    rosterd: Ended,
    ready: f64,
    page: f64,
    cpu: f64,
    resident: f64,
}

impl Start {
    async fn of(paths: &Paths, count: usize) -> Result<Self> {
        let manager = paths.state.with_extension("notify");
        // The one of the start before may be there.
        let _ = std::fs::remove_file(&manager);
        let notified = UnixDatagram::bind(&manager)?;
        notified.set_read_timeout(Some(LIMIT))?;
        let begun = Instant::now();
        let rosterd = paths.command(env!("CARGO_BIN_EXE_rosterd-benched")).env("NOTIFY_SOCKET", &manager).spawn()?;
        let rosterd = Ended(rosterd);
        let mut word = [0; 64];
        let length = notified.recv(&mut word).context("rosterd is not ready in time")?;
        let ready = begun.elapsed().as_secs_f64();
        ensure!(word[..length].starts_with(b"READY=1"), "{}", String::from_utf8_lossy(&word[..length]));
        let client = transport::connect(&paths.socket).await?;
        let query = InfluencerQuery { limit: 200, ..InfluencerQuery::default() };
        let page = client.influencers(within(LIMIT), query).await??;
        let until_page = begun.elapsed().as_secs_f64();
        let cpu = cpu(rosterd.0.id())?.as_secs_f64();
        ensure!(page.rows.len() == count.min(200), "{} rows", page.rows.len());
        ensure!(page.rows.iter().all(|row| row.growth_30d.is_some()), "a page without growth");
        let status = client.status(within(LIMIT)).await??;
        ensure!(status.coverage_24h.ok == 4 * count as u64, "{:?}", status.coverage_24h);
        ensure!(status.store.snapshots == count as u64 * DAYS as u64, "{} snapshots", status.store.snapshots);
        let resident = resident_mib(rosterd.0.id())?;
        Ok(Self { rosterd, ready, page: until_page, cpu, resident })
    }

    fn figures(&self) -> Figures {
        Figures { ready: self.ready, page: self.page, cpu: self.cpu, resident: self.resident }
    }

    /// Ends it as a service manager does.
    fn end(mut self) -> Result<Figures> {
        let pid = rustix::process::Pid::from_child(&self.rosterd.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.rosterd.0.wait()?;
        Ok(self.figures())
    }

    /// Kills it.
    fn kill(self) -> Figures {
        self.figures()
    }
}

async fn first_frames(dir: &Path) -> Result<()> {
    let paths = Paths::in_dir(dir, QUIET_CONFIG)?;
    let later = Timestamp::from(jiff::Timestamp::now()).plus_seconds(20 * 3600);
    lay_roster(&paths.state, ACCOUNTS, 90, later).await?;
    let _rosterd = Ended(paths.command(env!("CARGO_BIN_EXE_rosterd-benched")).spawn()?);
    drop(paths.wait_until_ready().await?);
    // Until the start's own work is over.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut roster = CommandBuilder::new(env!("CARGO_BIN_EXE_roster-benched"));
    roster.arg("--socket");
    roster.arg(&paths.socket);
    let file = dir.join("influencers.txt");
    let lines: Vec<String> =
        (0..ACCOUNTS).map(|index| format!("Influencer {index:05}  {}", "1234.5 ".repeat(20))).collect();
    std::fs::write(&file, lines.join("\n"))?;
    let mut vim = CommandBuilder::new("vim");
    vim.args(["-u", "NONE"]);
    vim.arg(&file);
    let is_there = |name: &str| {
        std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| path.exists())
    };
    let has_vim = is_there("vim").is_some();
    for command in [&mut roster, &mut vim] {
        command.env("TERM", "xterm-256color");
        command.env("HOME", dir);
        command.env("XDG_CONFIG_HOME", dir);
    }
    let rows = settled_rows(&roster)?;
    ensure!(rows > 20, "the settled screen shows {rows} rows");
    let vim_rows = if has_vim { settled_rows(&vim)? } else { 0 };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..FRAMES {
        ours.push(until_rows(&roster, rows)?.as_secs_f64() * 1e3);
        if has_vim {
            theirs.push(until_rows(&vim, vim_rows)?.as_secs_f64() * 1e3);
        }
    }
    let (least, most) = spread(&ours);
    let ours = median(ours);
    print!("first full frame, {rows} rows: {ours:.1} ms ({least:.1} to {most:.1})   ");
    if !has_vim {
        println!("vim is not there: no yardstick");
        return Ok(());
    }
    let (least, most) = spread(&theirs);
    let theirs = median(theirs);
    let ratio = ours / theirs;
    println!(
        "vim -u NONE, {vim_rows} rows: {theirs:.1} ms ({least:.1} to {most:.1})   ratio {ratio:.2}   goal <= 2 {}",
        verdict(ratio <= 2.0)
    );
    Ok(())
}

/// A program in a terminal.
struct OnScreen {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _terminal: Box<dyn portable_pty::MasterPty + Send>,
    chunks: mpsc::Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Drop for OnScreen {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl OnScreen {
    fn of(command: &CommandBuilder) -> Result<Self> {
        let pty = native_pty_system().openpty(PtySize {
            rows: ROWS.get(),
            cols: COLUMNS.get(),
            pixel_width: 0,
            pixel_height: 0,
        })?;
        let mut reader = pty.master.try_clone_reader()?;
        let (send, chunks) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(length @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let child = pty.slave.spawn_command(command.clone())?;
        Ok(Self { child, _terminal: pty.master, chunks, screen: vt100::Parser::new(ROWS, COLUMNS, 0) })
    }

    /// Takes in what it writes next; `false` when it writes nothing for so long.
    fn step(&mut self, timeout: Duration) -> bool {
        match self.chunks.recv_timeout(timeout) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// How many lines show an influencer.
    fn rows(&self) -> usize {
        self.screen.screen().contents().lines().filter(|line| line.contains("Influencer 0")).count()
    }
}

/// How many rows the screen shows once nothing moves any more.
fn settled_rows(command: &CommandBuilder) -> Result<usize> {
    let mut screen = OnScreen::of(command)?;
    while screen.step(Duration::from_secs(2)) {}
    Ok(screen.rows())
}

/// From the spawn to the first frame with so many rows.
fn until_rows(command: &CommandBuilder, rows: usize) -> Result<Duration> {
    let begun = Instant::now();
    let mut screen = OnScreen::of(command)?;
    while screen.rows() < rows {
        ensure!(screen.step(LIMIT), "it shows {} rows only:\n{}", screen.rows(), screen.screen.screen().contents());
    }
    Ok(begun.elapsed())
}
