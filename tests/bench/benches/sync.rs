//! Full syncs by the real program, from a due connection to its durable commit, against the least that could be done.
//!
//! A sync is two requests, one after the other: profile (1.1 kB) and posts (3.6 kB). A provider in a process of its own
//! responds; every profile reports other followers than the one before, so that each sync decides and stores something.
//!
//! The roster is written in two forms. **Together**: all accounts are on one host, as they are on most platforms; the
//! daemon requests batches of 20, in each four accounts at a time. Goals are for this one. **Alone**: a host for each,
//! so that every sync is a batch of its own and nothing is shared: the most that a sync can cost.
//!
//! **At once.** The provider responds after 50 ms. The yardstick is a raw generator: as many TCP connections, each
//! sending the same requests and reading as many bytes, over and over. Both are timed from the first request that the
//! provider sees to the end: ours when the last sync is durable and published, the generator's with its last byte. What
//! the generator reaches of the rate that is possible at all shows that the provider is not what limits. Goal: >= 0.9
//! of the generator's rate.
//!
//! **CPU.** The same provider without delay, 256 at once: user and system time of the daemon's process for each sync, from
//! the moment all are due, against that of a bare reqwest program (`src/fetch.rs`) that fetches the same bodies, reads no
//! word of them and stores nothing. Goal: <= 2.2 x. `cargo bench --bench sync -- cpu` measures that alone.
//!
//! **Memory.** What the daemon holds more at 1,024 at once than at 256, after as many syncs, for each more at once.
//! Goal: <= 20 kB.
//!
//! Every round checks that each connection was synced, that none failed, and that there were two requests for each.
//! `ROSTER_BENCH_SYNCS` changes how many connections there are.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use roster_bench::process::{Ended, Paths, cpu, most_resident_mib, resident_mib};
use roster_bench::provider::{self, Canned, TALLY, monotonic_ns};
use roster_bench::{Lay, lay, median, spread, verdict};
use roster_protocol::RosterClient;
use roster_protocol::sync::SyncTarget;
use roster_protocol::transport::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PROVIDER: &str = "ROSTER_BENCH_PROVIDER";
const DELAY: Duration = Duration::from_millis(50);
/// Requests of one sync.
const REQUESTS: u64 = 2;
const LIMIT: Duration = Duration::from_secs(60);
const ROUNDS: usize = 5;
/// How many accounts of one batch the daemon requests at once.
const OF_A_BATCH: usize = 4;
/// More accounts than any roster here has.
const ALL: usize = 100_000;

/// How the roster's accounts live.
struct Form {
    name: &'static str,
    /// How many of a batch are requested at once.
    of_a_batch: usize,
    handle: fn(usize) -> String,
    user_id: fn(usize) -> String,
    path: fn(usize) -> String,
}

const FORMS: [Form; 2] = [
    Form {
        name: "together",
        of_a_batch: OF_A_BATCH,
        handle: provider::handle::<ALL>,
        user_id: provider::user_id::<ALL>,
        path: provider::path::<ALL>,
    },
    Form {
        name: "alone",
        of_a_batch: 1,
        handle: provider::handle::<1>,
        user_id: provider::user_id::<1>,
        path: provider::path::<1>,
    },
];

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if std::env::var_os(PROVIDER).is_some() {
        return runtime.block_on(provide());
    }
    runtime.block_on(measure())
}

/// Two listeners, one that responds late and one that responds at once, until the other end of stdin is closed.
async fn provide() -> Result<()> {
    for delay in [DELAY, Duration::ZERO] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        tokio::spawn(provider::serve(listener, delay, Arc::new(Canned::default())));
    }
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn measure() -> Result<()> {
    let syncs = std::env::var("ROSTER_BENCH_SYNCS").ok().map_or(Ok(20_480), |text| text.parse())?;
    let dir = tempfile::tempdir_in(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("."))?;
    let mut provider = Command::new(std::env::current_exe()?);
    provider.env(PROVIDER, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut provider = Ended(provider.spawn()?);
    let mut output = BufReader::new(provider.0.stdout.take().context("a pipe")?).lines();
    let mut address = || -> Result<SocketAddr> { Ok(output.next().context("the provider listens")??.parse()?) };
    let (late, prompt) = (Provider { at: address()? }, Provider { at: address()? });
    println!("{syncs} connections; a sync is a profile and its posts; medians of {ROUNDS} alternating rounds");
    let only_cpu = std::env::args().any(|arg| arg == "cpu");
    for form in &FORMS {
        println!("\n{}:", form.name);
        let daemon = Daemon::start(dir.path(), &prompt, form, 256, syncs).await?;
        daemon.against_bare_reqwest(&prompt).await?;
        drop(daemon);
        if only_cpu {
            continue;
        }
        let mut resident = Vec::new();
        for at_once in [256, 1024] {
            let daemon = Daemon::start(dir.path(), &late, form, at_once, syncs).await?;
            daemon.against_the_raw_generator(&late).await?;
            resident.push((at_once as f64, most_resident_mib(daemon.program.0.id())?));
        }
        if let [(few, less), (many, more)] = resident[..] {
            let each = (more - less) * 1024.0 / (many - few);
            println!(
                "resident at most: {less:.1} MiB at 256 at once, {more:.1} MiB at 1,024: {each:.1} kB for each more   goal <= 20 kB {}",
                verdict(each <= 20.0)
            );
        }
    }
    Ok(())
}

/// The provider's process, at one of its two listeners.
struct Provider {
    at: SocketAddr,
}

impl Provider {
    /// How many requests it has had since this was last called, and when they began.
    async fn tally(&self) -> Result<(u64, u64)> {
        let mut stream = TcpStream::connect(self.at).await?;
        stream.write_all(format!("GET {TALLY} HTTP/1.1\r\n\r\n").as_bytes()).await?;
        let mut response = [0; 512];
        let length = stream.read(&mut response).await?;
        let text = String::from_utf8_lossy(&response[..length]);
        let (_, body) = text.split_once("\r\n\r\n").context("a tally")?;
        let (count, began) = body.split_once(' ').context("two numbers")?;
        Ok((count.parse()?, began.parse()?))
    }
}

/// What a round took.
#[derive(Clone, Copy)]
struct Round {
    /// From the provider's first request to the end, in seconds.
    seconds: f64,
    cpu: Duration,
}

/// The real program with a roster.
struct Daemon {
    form: &'static Form,
    program: Ended,
    client: RosterClient,
    at_once: usize,
    syncs: usize,
}

impl Daemon {
    async fn start(dir: &Path, provider: &Provider, form: &'static Form, at_once: usize, syncs: usize) -> Result<Self> {
        let dir = &dir.join(format!("{}-{}-{at_once}", form.name, provider.at.port()));
        let batches = at_once / form.of_a_batch;
        // No connection becomes due by the schedule in the meantime, at whatever time of day this runs.
        let config = format!(
            "[http]\nlisten = \"off\"\n[sync]\ninterval = \"300d\"\ndaily_snapshot = \"off\"\ngateway = \"http://{}\"\nconcurrency = {batches}\nconcurrency_per_platform = {batches}\nmin_distance = \"0s\"\n",
            provider.at
        );
        let paths = Paths::in_dir(dir, &config)?;
        let now = roster_protocol::Timestamp::from(jiff::Timestamp::now());
        let roster = Lay {
            count: syncs,
            days: 0,
            runs: 0,
            now,
            due: now.plus_seconds(20 * 3600),
            platform: "mastodon",
            handle: form.handle,
            user_id: form.user_id,
        };
        lay(&paths.state, &roster).await?;
        let program = Ended(paths.command(env!("CARGO_BIN_EXE_rosterd-benched")).spawn()?);
        let client = paths.wait_until_ready().await?;
        let daemon = Self { form, program, client, at_once, syncs };
        // The first time, connections are opened and nothing is known: that is not what a day is like.
        daemon.round(provider).await?;
        Ok(daemon)
    }

    /// Syncs every connection once.
    async fn round(&self, provider: &Provider) -> Result<Round> {
        provider.tally().await?;
        let before = self.client.status(within(LIMIT)).await??.coverage_24h;
        let ticket = self.client.sync(within(LIMIT), SyncTarget::All).await??;
        let cpu_before = cpu(self.program.0.id())?;
        let all = self.syncs as u64;
        ensure!(ticket.expected == all, "{} are due, not {all}", ticket.expected);
        // The call returns when all but the last have ended: a call after each would be work of its own.
        while !self.client.sync_progress(within(LIMIT), ticket, all - 1).await??.done {}
        let ended = monotonic_ns();
        let spent = cpu(self.program.0.id())?.saturating_sub(cpu_before);
        let (count, began) = provider.tally().await?;
        let after = self.client.status(within(LIMIT)).await??.coverage_24h;
        ensure!(count == REQUESTS * all, "{count} requests, not {}", REQUESTS * all);
        ensure!(after.ok == before.ok + all && after.expected == after.ok, "not everything went well: {after:?}");
        Ok(Round { seconds: (ended - began) as f64 / 1e9, cpu: spent })
    }

    async fn against_the_raw_generator(&self, provider: &Provider) -> Result<()> {
        let (mut ours, mut raw, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut spent = Vec::new();
        for _ in 0..ROUNDS {
            let of_raw = generate(provider, self.form, self.at_once, self.syncs).await?;
            let of_ours = self.round(provider).await?;
            raw.push(self.syncs as f64 / of_raw);
            ours.push(self.syncs as f64 / of_ours.seconds);
            spent.push(of_ours.cpu.as_secs_f64() * 1e6 / self.syncs as f64);
            ratios.push(of_raw / of_ours.seconds);
        }
        let possible = self.at_once as f64 / (DELAY.as_secs_f64() * REQUESTS as f64);
        let ((least, most), ratio) = (spread(&ratios), median(ratios));
        let (ours, raw) = (median(ours), median(raw));
        println!(
            "{:>5} at once: {ours:>6.0} syncs/s   raw generator {raw:>6.0} ({:.2} of possible)   ratio {ratio:.2} ({least:.2} to {most:.2})   goal >= 0.9 {}   {:.0} µs CPU a sync",
            self.at_once,
            raw / possible,
            verdict(ratio >= 0.9),
            median(spent),
        );
        Ok(())
    }

    async fn against_bare_reqwest(&self, provider: &Provider) -> Result<()> {
        let (mut ours, mut bare, mut ratios, mut rates) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let each = |round: Round| round.cpu.as_secs_f64() * 1e6 / self.syncs as f64;
        let mut yardstick = Bare::start(provider, self.form, self.at_once, self.syncs)?;
        yardstick.round(provider).await?;
        for _ in 0..ROUNDS {
            let of_bare = yardstick.round(provider).await?;
            let of_ours = self.round(provider).await?;
            bare.push(each(of_bare));
            ours.push(each(of_ours));
            rates.push((self.syncs as f64 / of_ours.seconds, self.syncs as f64 / of_bare.seconds));
            ratios.push(each(of_ours) / each(of_bare));
        }
        let ((least, most), ratio) = (spread(&ratios), median(ratios));
        let (rate, bare_rate): (Vec<f64>, Vec<f64>) = rates.into_iter().unzip();
        println!(
            "CPU a full sync, no delay: {:.0} µs   bare reqwest {:.0} µs   ratio {ratio:.2} ({least:.2} to {most:.2})   goal <= 2.2 {}   {:.0} syncs/s, bare {:.0}",
            median(ours),
            median(bare),
            verdict(ratio <= 2.2),
            median(rate),
            median(bare_rate),
        );
        println!("resident afterwards: {:.1} MiB", resident_mib(self.program.0.id())?);
        Ok(())
    }
}

/// The yardstick for CPU: the same bodies, fetched by a program that does nothing else with the library we fetch with.
struct Bare {
    program: Ended,
    output: Lines<BufReader<ChildStdout>>,
    syncs: usize,
}

impl Bare {
    fn start(provider: &Provider, form: &'static Form, at_once: usize, syncs: usize) -> Result<Self> {
        let mut program = Command::new(env!("CARGO_BIN_EXE_reqwest-benched"));
        program.arg(at_once.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = Ended(program.spawn()?);
        let mut accounts: String =
            (0..syncs).map(|index| format!("http://{}{}\n", provider.at, (form.path)(index))).collect();
        accounts.push('\n');
        program.0.stdin.as_mut().context("a pipe")?.write_all(accounts.as_bytes())?;
        let output = BufReader::new(program.0.stdout.take().context("a pipe")?).lines();
        Ok(Self { program, output, syncs })
    }

    /// Fetches every account once.
    async fn round(&mut self, provider: &Provider) -> Result<Round> {
        provider.tally().await?;
        let before = cpu(self.program.0.id())?;
        self.program.0.stdin.as_mut().context("a pipe")?.write_all(b"\n")?;
        tokio::task::block_in_place(|| self.output.next().context("it fetches every account"))??;
        let (ended, spent) = (monotonic_ns(), cpu(self.program.0.id())?.saturating_sub(before));
        let (count, began) = provider.tally().await?;
        ensure!(count == REQUESTS * self.syncs as u64, "{count} requests");
        Ok(Round { seconds: (ended - began) as f64 / 1e9, cpu: spent })
    }
}

/// The yardstick for time: `at_once` connections that send requests and read, and decode nothing. In seconds.
async fn generate(provider: &Provider, form: &'static Form, at_once: usize, syncs: usize) -> Result<f64> {
    provider.tally().await?;
    let (profile, posts) = Canned::default().lengths();
    let left = Arc::new(AtomicI64::new(syncs as i64));
    let at = provider.at;
    let one = |left: Arc<AtomicI64>| async move {
        let mut stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        let request = |rest| request(at, &(form.path)(0), rest);
        let requests = [(request(""), profile), (request("/statuses?limit=40"), posts)];
        let mut buffer = vec![0; 8192];
        while left.fetch_sub(1, Ordering::Relaxed) > 0 {
            for (request, length) in &requests {
                stream.write_all(request).await?;
                stream.read_exact(&mut buffer[..*length]).await?;
            }
        }
        anyhow::Ok(())
    };
    let tasks: Vec<_> = (0..at_once).map(|_| tokio::spawn(one(Arc::clone(&left)))).collect();
    for task in tasks {
        task.await??;
    }
    let ended = monotonic_ns();
    let (count, began) = provider.tally().await?;
    ensure!(count == REQUESTS * syncs as u64, "{count} requests");
    Ok((ended - began) as f64 / 1e9)
}

fn request(at: SocketAddr, path: &str, rest: &str) -> Vec<u8> {
    format!(
        "GET {path}{rest} HTTP/1.1\r\naccept: */*\r\naccept-encoding: gzip\r\nuser-agent: Roster\r\nhost: {at}\r\n\r\n"
    )
    .into()
}
