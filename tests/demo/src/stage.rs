//! Everything that runs, and its throw-away directory.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use roster_sandbox::{Options as SandboxOptions, Sandbox};
use rosterd::app::setup::Source;
use rosterd::delivery::desktop;
use rosterd::process::config::Config;
use rosterd::{Daemon, Options};
use serde::Serialize;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::{owners, past, show};

/// What a demo starts with.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// How many accounts to invent; 7 make 3 influencers.
    pub accounts: usize,
    /// The same seed invents the same world.
    pub seed: u64,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { accounts: 700, seed: 1 }
    }
}

/// A running demo.
pub struct Stage {
    sandbox: Arc<Sandbox>,
    daemon: Daemon,
    show: JoinHandle<()>,
    owners: JoinHandle<usize>,
    dir: TempDir,
}

/// What `--headless` prints.
#[derive(Serialize)]
struct Ready {
    socket: PathBuf,
    http: Option<String>,
    sandbox: String,
    state_dir: PathBuf,
}

impl Stage {
    /// Invents the world and its past, starts the daemon over it, and lets something happen soon.
    ///
    /// # Errors
    /// When no throw-away directory or no port can be had.
    pub async fn set(options: DemoOptions) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("roster-demo-").tempdir().context("no throw-away directory")?;
        let sandbox_options =
            SandboxOptions { accounts: options.accounts, seed: options.seed, live: true, ..SandboxOptions::default() };
        let sandbox = Arc::new(Sandbox::start(sandbox_options).await.context("the sandbox cannot listen")?);
        let state_dir = dir.path().join("state");
        // A file as anyone's, so that a reload and `roster doctor` find what they look for.
        let file = dir.path().join("rosterd.toml");
        let mut written = std::fs::OpenOptions::new();
        let mut written = written.write(true).create_new(true).mode(0o600).open(&file).context("no config")?;
        written.write_all(config_text(&sandbox.url()).as_bytes()).context("no config")?;
        let config = Config::load(&file)?;
        let source = || Source { file: file.clone(), environment: Default::default(), limits: Default::default() };
        let (setup, platforms) = source().set_up(config.clone())?;
        let laid = past::lay(&sandbox, &setup, &platforms, &state_dir, options.seed).await;
        laid.context("the past cannot be laid")?;
        let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok();
        let runtime_dir = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let daemon = Daemon::start(Options {
            source: source(),
            session: desktop::has_session(bus.as_deref(), runtime_dir.as_deref()),
            ..Options::new(config, state_dir, dir.path().join("rosterd.sock"))
        })
        .await?;
        let show = tokio::spawn(show::run(sandbox.clone(), daemon.app.clone()));
        let owners = tokio::spawn(owners::ask(daemon.app.clone()));
        Ok(Self { sandbox, daemon, show, owners, dir })
    }

    /// Where `roster` finds the daemon.
    pub fn socket(&self) -> PathBuf {
        self.daemon.socket.clone()
    }

    /// The invented world.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Waits until every owner who gives a consent has given it; returns how many did.
    ///
    /// # Errors
    /// When that could not be finished.
    pub async fn consented(&mut self) -> anyhow::Result<usize> {
        (&mut self.owners).await.context("the owners were interrupted")
    }

    /// One line of JSON for scripts.
    pub fn ready_line(&self) -> String {
        let ready = Ready {
            socket: self.socket(),
            http: self.daemon.http.map(|address| format!("http://{address}")),
            sandbox: self.sandbox.url(),
            state_dir: self.dir.path().join("state"),
        };
        serde_json::to_string(&ready).unwrap_or_default()
    }

    /// Ends everything and removes the directory.
    ///
    /// # Errors
    /// When the directory cannot be removed.
    pub async fn strike(self) -> anyhow::Result<()> {
        self.show.abort();
        self.owners.abort();
        // They were aborted; there is nothing to learn from their ends.
        let _ = self.show.await;
        if !self.owners.is_finished() {
            let _ = self.owners.await;
        }
        self.daemon.end().await;
        if let Some(sandbox) = Arc::into_inner(self.sandbox) {
            sandbox.shutdown().await;
        }
        self.dir.close().context("the throw-away directory is still there")
    }
}

fn config_text(sandbox: &str) -> String {
    format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n\
         [sync]\ngateway = \"{sandbox}\"\ninterval = \"6h\"\nmin_distance = \"0s\"\n\
         [platforms.youtube]\napi_key = \"youtube-api-key\"\n\
         client_id = \"youtube-client-id\"\nclient_secret = \"youtube-client-secret\"\n\
         [retention.youtube]\npublic = \"forever\"\nreason = \"numbers of the sandbox, which have no owner\"\n\
         [platforms.instagram]\nclient_id = \"instagram-client-id\"\nclient_secret = \"instagram-client-secret\"\n\
         [platforms.facebook]\nclient_id = \"facebook-client-id\"\nclient_secret = \"facebook-client-secret\"\n\
         [platforms.tiktok]\nclient_id = \"tiktok-client-id\"\nclient_secret = \"tiktok-client-secret\"\n"
    )
}
