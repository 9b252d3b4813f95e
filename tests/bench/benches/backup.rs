//! A backup while the daemon works, and the way back: the real programs over a store of 10,000 connections × 365 days
//! (3.65 M snapshots).
//!
//! A client calls `ping` and a page of 200 rows without a pause, another makes 256 commits a second, and a third takes one
//! backup after the other. Then the last one is verified and restored into an empty directory, as `README.md` says, and a
//! daemon is started there. Goal: p99 of a call <= 20 ms while backups are made.
//!
//! `ROSTER_BENCH_CONNECTIONS` makes the store smaller.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use roster_backup::NewFile;
use roster_bench::process::{Ended, Paths, field, most_resident_mib, resident_mib};
use roster_bench::{Figure, QUIET_CONFIG, figure, lay_roster, median, timed, verdict};
use roster_protocol::influencer::{InfluencerQuery, NewInfluencer};
use roster_protocol::transport::{self, within};
use roster_protocol::{BackupSeal, RosterClient, Timestamp};

const LIMIT: Duration = Duration::from_secs(100);
const DAYS: i32 = 365;
const CALLS: usize = 2_000;
const BACKUPS: usize = 5;
/// One commit in so many microseconds: 256 a second.
const COMMIT_EVERY: Duration = Duration::from_micros(1_000_000 / 256);
const GOAL: Duration = Duration::from_millis(20);
/// The public key of an identity that no program needs here.
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir_in(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("."))?;
    let count = std::env::var("ROSTER_BENCH_CONNECTIONS").ok().map_or(Ok(10_000), |text| text.parse())?;
    let paths = Paths::in_dir(dir.path(), QUIET_CONFIG)?;
    let later = Timestamp::from(jiff::Timestamp::now()).plus_seconds(20 * 3600);
    lay_roster(&paths.state, count, DAYS, later).await?;
    let size = std::fs::metadata(paths.state.join("roster.redb"))?.len() >> 20;
    println!("\nbackups of {count} connections × {DAYS} days, a store of {size} MiB");
    let rosterd = Ended(paths.command(env!("CARGO_BIN_EXE_rosterd-benched")).spawn()?);
    let client = paths.wait_until_ready().await?;
    // Until the start's own work is over.
    tokio::time::sleep(Duration::from_secs(20)).await;

    let over = Arc::new(AtomicBool::new(false));
    let commits = Arc::new(AtomicU64::new(0));
    let writing = tokio::spawn(commit(transport::connect(&paths.socket).await?, over.clone(), commits.clone()));
    print("calls, commits, no backup", calls(&client, None).await?);
    let (pid, resident) = (rosterd.0.id(), resident_mib(rosterd.0.id())?);
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
    let taken = Arc::new(AtomicBool::new(false));
    let file = dir.path().join("last.backup");
    let taking = tokio::spawn(take(transport::connect(&paths.socket).await?, file.clone(), taken.clone()));
    let begun = (Instant::now(), commits.load(Ordering::Relaxed));
    let during = calls(&client, Some(&taken)).await?;
    let rate = (commits.load(Ordering::Relaxed) - begun.1) as f64 / begun.0.elapsed().as_secs_f64();
    let made = taking.await??;
    print("calls, commits, backups", during);
    println!(
        "commits meanwhile {rate:.0}/s   p99 goal <= {GOAL:?} {}",
        verdict(during.0.p99.max(during.1.p99) <= GOAL)
    );
    println!(
        "a backup: copied in {:.2} s, complete after {:.2} s, {:.1} MiB; medians of {BACKUPS}",
        median(made.iter().map(|one| one.copied).collect()),
        median(made.iter().map(|one| one.complete).collect()),
        std::fs::metadata(&file)?.len() as f64 / f64::from(1 << 20)
    );
    println!("memory {resident:.0} MiB before, {:.0} MiB at most", most_resident_mib(pid)?);
    over.store(true, Ordering::Relaxed);
    writing.await??;
    with_passphrase(&client, pid).await?;
    drop(rosterd);
    restore(dir.path(), &paths).await
}

fn print(what: &str, (ping, page): (Figure, Figure)) {
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{what:<28} ping {:.2} ms (p99 {:.2})   page of 200 rows {:.2} ms (p99 {:.2})",
        ms(ping.p50),
        ms(ping.p99),
        ms(page.p50),
        ms(page.p99)
    );
}

/// Pings and pages: so many, or as long as backups are taken.
async fn calls(client: &RosterClient, taken: Option<&AtomicBool>) -> Result<(Figure, Figure)> {
    let query = InfluencerQuery { limit: 200, ..InfluencerQuery::default() };
    let (mut pings, mut pages) = (Vec::new(), Vec::new());
    while taken.map_or(pings.len() < CALLS, |taken| !taken.load(Ordering::Relaxed)) {
        pings.push(timed(client.ping(within(LIMIT))).await);
        pages.push(timed(client.influencers(within(LIMIT), query.clone())).await);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ensure!(pings.len() >= 100, "{} calls are too few", pings.len());
    Ok((figure(pings), figure(pages)))
}

async fn commit(client: RosterClient, over: Arc<AtomicBool>, commits: Arc<AtomicU64>) -> Result<()> {
    let mut ticks = tokio::time::interval(COMMIT_EVERY);
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0.. {
        ticks.tick().await;
        if over.load(Ordering::Relaxed) {
            break;
        }
        while under_way.len() >= 12 {
            under_way.join_next().await;
        }
        let (client, commits) = (client.clone(), commits.clone());
        under_way.spawn(async move {
            let new = NewInfluencer { name: format!("Added {number}"), ..NewInfluencer::default() };
            if matches!(client.add(within(LIMIT), new).await, Ok(Ok(_))) {
                commits.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    under_way.join_all().await;
    Ok(())
}

/// Seconds until a backup was copied, and until its file was complete.
struct Made {
    copied: f64,
    complete: f64,
}

async fn take(client: RosterClient, path: std::path::PathBuf, taken: Arc<AtomicBool>) -> Result<Vec<Made>> {
    let mut made = Vec::new();
    for _ in 0..BACKUPS {
        let _ = std::fs::remove_file(&path);
        made.push(one(&client, BackupSeal::Recipient(RECIPIENT.to_owned()), &path).await?);
    }
    let _ = std::fs::remove_file(&path);
    one(&client, BackupSeal::AsConfigured, &path).await?;
    taken.store(true, Ordering::Relaxed);
    Ok(made)
}

async fn one(client: &RosterClient, seal: BackupSeal, path: &Path) -> Result<Made> {
    let begun = Instant::now();
    let mut file = NewFile::create(path)?;
    client.backup(within(LIMIT), seal, false).await??;
    let copied = begun.elapsed().as_secs_f64();
    loop {
        let piece = client.backup_piece(within(LIMIT)).await??;
        if piece.end.is_some() {
            break;
        }
        file.write_all(&piece.bytes)?;
    }
    file.finish()?;
    client.backup_kept(within(LIMIT)).await??;
    Ok(Made { copied, complete: begun.elapsed().as_secs_f64() })
}

/// A passphrase costs memory for a moment.
async fn with_passphrase(client: &RosterClient, pid: u32) -> Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
    let dir = tempfile::tempdir()?;
    let made = one(client, BackupSeal::Passphrase("of three words".to_owned()), &dir.path().join("p.backup")).await?;
    println!("with a passphrase: complete after {:.2} s, {:.0} MiB at most", made.complete, most_resident_mib(pid)?);
    Ok(())
}

/// The way back, on a directory that knows nothing of the first.
async fn restore(dir: &Path, from: &Paths) -> Result<()> {
    let backup = dir.join("last.backup");
    let begun = Instant::now();
    let file = std::fs::File::open(&backup)?;
    let (_, manifest) = roster_backup::verify(roster_backup::open(file, &roster_backup::Key::Nothing)?)?;
    let verified = begun.elapsed().as_secs_f64();
    let to = Paths::in_dir(&dir.join("other"), QUIET_CONFIG)?;
    std::fs::create_dir(&to.state)?;
    std::fs::copy(from.state.join("master.key"), to.state.join("master.key"))?;
    let begun = Instant::now();
    let mut restoring = Command::new(env!("CARGO_BIN_EXE_rosterd-benched"));
    restoring.arg("restore").arg(&backup).arg("--config").arg(&to.config).arg("--state-dir").arg(&to.state);
    let mut child = Ended(restoring.spawn()?);
    let mut most = 0.0_f64;
    while child.0.try_wait()?.is_none() {
        let status = std::path::PathBuf::from(format!("/proc/{}/status", child.0.id()));
        most = most.max(field(&status, "VmHWM:").unwrap_or_default() as f64 / 1024.0);
        std::thread::sleep(Duration::from_millis(5));
    }
    let restored = begun.elapsed().as_secs_f64();
    ensure!(child.0.wait()?.success(), "it was not restored");
    let _rosterd = Ended(to.command(env!("CARGO_BIN_EXE_rosterd-benched")).spawn()?);
    let client = to.wait_until_ready().await?;
    let ready = begun.elapsed().as_secs_f64();
    let status = client.status(within(LIMIT)).await??;
    println!(
        "{} rows, {} snapshots: verified in {verified:.2} s, restored in {restored:.2} s ({most:.0} MiB at most), and a \
         daemon ready on it after {ready:.2} s in all",
        manifest.rows(),
        status.store.snapshots
    );
    Ok(())
}
