//! What a monitoring system costs the daemon: a scrape of 10,000 connections with a day's runs of all of them.

use std::net::SocketAddr;
use std::time::Duration;

use roster_bench::{figure, lay_roster, timed};
use roster_protocol::sync::{Cause, Outcome};
use rosterd::model::Run;
use rosterd::process::config::Config;
use rosterd::{Daemon, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 10_000;
const RUNS_OF_EACH: i64 = 4;
const SCRAPES: usize = 200;
/// Other calls wait for the roster in the meantime.
const MOST: Duration = Duration::from_millis(50);
const MOST_BYTES: usize = 256 * 1024;
const CONFIG: &str = "[http]\nlisten = \"127.0.0.1:0\"\n[sync]\ngateway = \"http://127.0.0.1:9\"\n";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let state = dir.path().join("state");
    let later = roster_protocol::Timestamp::from(jiff::Timestamp::now()).plus_seconds(20 * 3600);
    lay_roster(&state, CONNECTIONS, 3, later).await?;
    let config = Config::parse(CONFIG, "bench")?;
    let daemon = Daemon::start(Options::new(config, state, dir.path().join("rosterd.sock"))).await?;
    a_days_runs(&daemon).await;
    let address = daemon.app.consents.listens_at().ok_or_else(|| anyhow::anyhow!("the listener is off"))?;

    let page = scrape(address).await?;
    let counted = format!("roster_connections{{platform=\"bluesky\",status=\"fresh\"}} {CONNECTIONS}");
    anyhow::ensure!(page.lines().any(|line| line == counted), "all of them are on the page");
    let mut took = Vec::new();
    for _ in 0..SCRAPES {
        took.push(timed(scrape(address)).await);
    }
    let took = figure(took);
    println!(
        "scrape of {CONNECTIONS} connections: {:.1} ms (p99 {:.1} ms), {} bytes; goals ≤ {} ms, ≤ {MOST_BYTES} bytes",
        took.p50.as_secs_f64() * 1e3,
        took.p99.as_secs_f64() * 1e3,
        page.len(),
        MOST.as_millis(),
    );
    anyhow::ensure!(took.p50 <= MOST && page.len() <= MOST_BYTES, "MISSED");
    daemon.end().await;
    Ok(())
}

async fn a_days_runs(daemon: &Daemon) {
    let now = daemon.app.clock.now();
    let decided = daemon.app.decide(|decision| {
        for connection in decision.roster.connections.values() {
            for slot in 0..RUNS_OF_EACH {
                let at = now.plus_seconds(-slot * 6 * 3600);
                let id = decision.fresh_id();
                decision.commit.sync.runs.push(Run {
                    id,
                    connection: connection.id,
                    influencer: connection.influencer,
                    platform: connection.platform.clone(),
                    due_at: at,
                    slot_at: at,
                    missed: 0,
                    started_at: at,
                    duration_ms: 120,
                    outcome: Outcome::Ok,
                    cause: Cause::Schedule,
                    is_retry: false,
                    followers: Some(1),
                    error: None,
                    retry_at: None,
                });
            }
        }
        Ok(())
    });
    decided.await.expect("the disk takes them");
}

async fn scrape(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    Ok(page)
}
