//! From a platform's response to the notification on the desktop: the real daemon over loopback, a bus of its own, and a
//! notification service that takes each popup and does nothing else. Goal: at most 250 ms, the worst included.
//!
//! Each account falls by half once, by a rule of its own, so that no two alerts are a group. Measured is from the moment
//! before the last response of an account's sync is written to the moment at which `Notify` is read from the bus: first
//! with the daemon in the desktop's session, then with `roster notify` there. The yardstick is a bare `Notify` over the
//! same bus.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use roster_bench::process::{Ended, Paths};
use roster_bench::provider::{Responder, handle, host_number, monotonic_ns, posts, profile, response, serve, user_id};
use roster_bench::{Figure, Lay, figure, lay, verdict};
use roster_protocol::sync::SyncTarget;
use roster_protocol::{RosterClient, Timestamp, transport};
use rosterd::store::{OpenOptions, Store};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use zbus::{Connection, MessageStream, Variant, connection, message};

/// The first one warms everything up and is not counted.
const FALLS: usize = 51;
const BEFORE: u64 = 10_000;
const GOAL: Duration = Duration::from_millis(250);
/// What does not arrive within this time never does.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two falls: alerts come one by one.
const PAUSE: Duration = Duration::from_millis(150);
const SERVICE: &str = "org.freedesktop.Notifications";
const AT: &str = "/org/freedesktop/Notifications";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let bus = Bus::begin(dir.path()).await?;
    let mut desktop = Desktop::begin(&bus.address).await?;
    let yardstick = bare(&bus.address, &mut desktop).await?;
    print("a bare Notify", yardstick);
    for (name, is_agent) in [("rosterd in the session", false), ("roster notify", true)] {
        let noticed = noticed(&dir.path().join(name), &bus.address, &mut desktop, is_agent).await?;
        print(name, figure(noticed.clone()));
        let worst = noticed.into_iter().max().unwrap_or_default();
        println!("{:<24} worst {:>8.1} ms   goal ≤ {} ms {}", "", ms(worst), GOAL.as_millis(), verdict(worst <= GOAL));
    }
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn print(name: &str, figure: Figure) {
    println!("{name:<24} p50   {:>8.1} ms   p99 {:>8.1} ms", ms(figure.p50), ms(figure.p99));
}

/// A session bus of its own.
struct Bus {
    address: String,
    _daemon: Ended,
}

impl Bus {
    async fn begin(dir: &Path) -> anyhow::Result<Self> {
        let (socket, config) = (dir.join("bus"), dir.join("bus.conf"));
        let address = format!("unix:path={}", socket.display());
        let policy = r#"<allow eavesdrop="true"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/>"#;
        let text = format!(
            r#"<busconfig><type>session</type><listen>{address}</listen><policy context="default">{policy}</policy></busconfig>"#
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile"]).arg(format!("--config-file={}", config.display()));
        let daemon = Ended(command.stdout(Stdio::null()).spawn().context("dbus-daemon is needed")?);
        let listens = async {
            while !socket.exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LIMIT, listens).await.context("dbus-daemon listens")?;
        Ok(Self { address, _daemon: daemon })
    }
}

/// A notification service: when each popup arrived.
struct Desktop {
    _service: Connection,
    popups: mpsc::UnboundedReceiver<u64>,
}

impl Desktop {
    async fn begin(address: &str) -> anyhow::Result<Self> {
        let service = connection::Builder::address(address).build().await?;
        let calls = MessageStream::from(&service);
        let (sender, popups) = mpsc::unbounded_channel();
        tokio::spawn(respond(service.clone(), calls, sender));
        service.request_name(SERVICE).await?;
        Ok(Self { _service: service, popups })
    }

    async fn popup(&mut self) -> anyhow::Result<u64> {
        let popup = tokio::time::timeout(LIMIT, self.popups.recv()).await.context("no popup arrived")?;
        popup.context("the service ended")
    }
}

async fn respond(service: Connection, mut calls: MessageStream, popups: mpsc::UnboundedSender<u64>) {
    let mut shown = 0_u32;
    while let Some(Ok(call)) = calls.next().await {
        let at = monotonic_ns();
        let header = call.header();
        if call.message_type() != message::Type::MethodCall {
            continue;
        }
        let replied = match header.member().map(|member| member.as_str()) {
            Some("Notify") => {
                shown += 1;
                // The benchmark may have ended.
                let _ = popups.send(at);
                service.reply(&header, &shown).await
            }
            Some("GetCapabilities") => service.reply(&header, &["body", "actions"].as_slice()).await,
            Some("GetServerInformation") => service.reply(&header, &("bench", "roster", "1", "1.2")).await,
            _ => service.reply(&header, &()).await,
        };
        if let Err(error) = replied {
            eprintln!("the notification service cannot respond: {error}");
        }
    }
}

/// What a popup takes over the bus alone.
async fn bare(address: &str, desktop: &mut Desktop) -> anyhow::Result<Figure> {
    let client = connection::Builder::address(address).build().await?;
    let mut took = Vec::new();
    for _ in 0..FALLS {
        let begun = monotonic_ns();
        let hints = std::collections::HashMap::<&str, Variant<'_>>::new();
        let body = ("bench", 0_u32, "", "title", "body", [""; 0].as_slice(), hints, -1_i32);
        client.call_method(Some(SERVICE), AT, Some(SERVICE), "Notify", &body).await?;
        took.push(Duration::from_nanos(desktop.popup().await?.saturating_sub(begun)));
    }
    Ok(figure(took.split_off(1)))
}

/// How long each fall took from the platform's response to its popup.
async fn noticed(dir: &Path, bus: &str, desktop: &mut Desktop, is_agent: bool) -> anyhow::Result<Vec<Duration>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let gateway = format!("http://{}", listener.local_addr()?);
    let platform = Arc::new(Falling::default());
    let provider = tokio::spawn(serve(listener, Duration::ZERO, Arc::clone(&platform)));
    let paths = followed(dir, &gateway).await?;
    let session = |command: &mut Command, is_in: bool| {
        command.env_remove("XDG_RUNTIME_DIR").env_remove("DBUS_SESSION_BUS_ADDRESS");
        if is_in {
            command.env("DBUS_SESSION_BUS_ADDRESS", bus);
        }
    };
    let mut rosterd = paths.command(env!("CARGO_BIN_EXE_rosterd-benched"));
    session(&mut rosterd, !is_agent);
    let _rosterd = Ended(rosterd.spawn()?);
    let client = paths.wait_until_ready().await?;
    sync(&client, SyncTarget::All).await?;
    let mut agent = Command::new(env!("CARGO_BIN_EXE_roster-benched"));
    agent.arg("notify").arg("--socket").arg(&paths.socket);
    session(&mut agent, true);
    let _agent = if is_agent { Some(Ended(agent.spawn()?)) } else { None };
    let mut took = Vec::new();
    for index in 0..FALLS {
        platform.fallen.store(index as u64 + 1, Ordering::SeqCst);
        sync(&client, SyncTarget::One(format!("mastodon:{}", handle::<1>(index)))).await?;
        let shown = desktop.popup().await?;
        let responded = platform.responded_ns.load(Ordering::SeqCst);
        took.push(Duration::from_nanos(shown.saturating_sub(responded)));
        tokio::time::sleep(PAUSE).await;
    }
    provider.abort();
    Ok(took.split_off(1))
}

/// The files of a daemon that follows so many accounts, each with a rule of its own.
async fn followed(dir: &Path, gateway: &str) -> anyhow::Result<Paths> {
    let now: Timestamp = jiff::Timestamp::now().into();
    let due = now.plus_seconds(20 * 3600);
    let accounts = Lay {
        count: FALLS,
        days: 0,
        runs: 0,
        now,
        due,
        platform: "mastodon",
        handle: handle::<1>,
        user_id: user_id::<1>,
    };
    let state: PathBuf = dir.join("state");
    lay(&state, &accounts).await?;
    let (store, loaded) = Store::open(OpenOptions::in_dir(&state, now))?;
    drop(store);
    let rules = loaded.influencers.iter().enumerate().map(|(number, influencer)| {
        format!(
            "[rules.fall-{number}]\npercent = 20\nseverity = \"critical\"\nonly = {{ influencers = [\"{}\"] }}\n",
            influencer.id
        )
    });
    let rules: String = rules.collect();
    Paths::in_dir(
        dir,
        &format!("[http]\nlisten = \"off\"\n[sync]\ngateway = \"{gateway}\"\nmin_distance = \"0s\"\n{rules}"),
    )
}

/// Syncs, and waits until the results are stored.
async fn sync(client: &RosterClient, target: SyncTarget) -> anyhow::Result<()> {
    let ticket = client.sync(transport::within(LIMIT), target).await??;
    let mut seen = 0;
    loop {
        let progress = client.sync_progress(transport::within(LIMIT), ticket, seen).await??;
        seen += progress.runs.len() as u64;
        if progress.done {
            return Ok(());
        }
    }
}

/// Accounts that have half their followers from some moment on, one after the other.
#[derive(Default)]
struct Falling {
    /// Those before it have fallen.
    fallen: AtomicU64,
    responded_ns: AtomicU64,
}

impl Responder for Falling {
    fn respond(&self, path: &str, out: &mut Vec<u8>) {
        let has_fallen = host_number(path).is_some_and(|number| (number as u64) < self.fallen.load(Ordering::SeqCst));
        let is_posts = path.split('?').next().is_some_and(|path| path.ends_with("/statuses"));
        let body = match is_posts {
            true => posts(400),
            false => profile(if has_fallen { BEFORE / 2 } else { BEFORE }, 210, 987),
        };
        out.extend(response(&body));
        self.responded_ns.store(monotonic_ns(), Ordering::SeqCst);
    }
}
