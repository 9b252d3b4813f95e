//! The command line of `roster-sandbox`.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{Options, Sandbox};

/// Simulated platforms over real HTTP.
#[derive(Parser)]
#[command(name = "roster-sandbox", version, about)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9900")]
    listen: SocketAddr,
    /// How many accounts to invent, over all platforms.
    #[arg(long, value_name = "N", default_value_t = Options::default().accounts)]
    accounts: usize,
    /// Another seed gives other influencers.
    #[arg(long, value_name = "N", default_value_t = Options::default().seed)]
    seed: u64,
    /// Let numbers follow the wall clock, not only POST /_sandbox/clock.
    #[arg(long)]
    live: bool,
    /// Let consent pages approve at once, as the account of login_hint or the first one.
    #[arg(long)]
    auto_approve: bool,
}

/// Runs the program until SIGINT or SIGTERM: 0 ended on request, 1 failed, 2 usage.
///
/// The first line on stdout ends with the URL, also when a free port was requested.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("roster-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> std::io::Result<()> {
    let Arguments { listen, accounts, seed, live, auto_approve } = arguments;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(Options { listen, accounts, seed, live, now: None, auto_approve })
        .await
        .map_err(|error| std::io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}")))?;
    // The reader of the URL may have closed its end of the pipe; that ends nothing.
    let _ = announce(&sandbox.url());
    tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
    sandbox.shutdown().await;
    Ok(())
}

fn announce(url: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "roster-sandbox listens on {url}")?;
    writeln!(out, "In rosterd.toml: [sync] gateway = \"{url}\"")?;
    writeln!(out, "Accounts: {url}/_sandbox/accounts")?;
    out.flush()
}
