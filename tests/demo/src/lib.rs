//! The demo: sandbox, daemon and terminal UI in one process, over a throw-away directory.
//!
//! Its course: a world is invented ([`roster_sandbox`]), its accounts are looked up (`look`) and its last 90 days are
//! decided and written into a fresh store (`past`), the daemon is started over both (`stage`), owners give their consent
//! (`owners`), within a minute something happens (`show`), and at the end nothing is left.

mod look;
mod owners;
mod past;
mod show;
mod stage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

pub use stage::{DemoOptions, Stage};

/// Roster's main job against simulated platforms: nothing is kept, and no request leaves this machine.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Arguments {
    /// No terminal UI: prints one JSON line when ready and stays until SIGINT or SIGTERM
    #[arg(long)]
    headless: bool,
    /// How many accounts to invent
    #[arg(long, default_value_t = 700)]
    accounts: usize,
}

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = runtime.context("no threads").and_then(|runtime| {
        let ended = runtime.block_on(run(arguments));
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    if !arguments.headless {
        eprintln!("Inventing influencers and their last 90 days …");
    }
    let options = DemoOptions { accounts: arguments.accounts, ..DemoOptions::default() };
    let stage = Stage::set(options).await?;
    if arguments.headless {
        println!("{}", stage.ready_line());
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        return stage.strike().await;
    }
    let watched = tokio::select! {
        watched = watch(stage.socket()) => watched,
        _ = interrupted.recv() => Ok(()),
        _ = terminated.recv() => Ok(()),
    };
    stage.strike().await?;
    watched
}

async fn watch(socket: PathBuf) -> anyhow::Result<()> {
    roster::app::run(roster::app::RunOptions { socket: Some(socket), ..Default::default() }).await?;
    Ok(())
}
