//! A frame of the roster screen at 200×60 over a roster of 10,000: the model is fed by a real daemon, then drawn.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;
use roster::message::{Effect, Message, Request, Response};
use roster::model::Model;
use roster::update::update;
use roster::view::view;
use roster_bench::{QUIET_CONFIG, figure, lay_roster};
use roster_protocol::transport::{self, within};
use roster_protocol::{RosterClient, Timestamp};
use rosterd::process::config::Config;
use rosterd::{Daemon, Options};

const LIMIT: Duration = Duration::from_secs(10);
const FRAMES: usize = 500;
const GOAL: Duration = Duration::from_millis(1);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let state = dir.path().join("state");
    let now = Timestamp::from(jiff::Timestamp::now());
    lay_roster(&state, 10_000, 90, now.plus_seconds(20 * 3600)).await?;
    let config = Config::parse(QUIET_CONFIG, "bench")?;
    let daemon = Daemon::start(Options::new(config, state, dir.path().join("rosterd.sock"))).await?;
    let client = transport::connect(&daemon.socket).await?;

    let mut model = Model::new(now, TimeZone::UTC, Size::new(200, 60));
    let mut effects = update(&mut model, Message::Online);
    while let Some(effect) = effects.pop() {
        if let Some(response) = response(&client, effect).await {
            effects.extend(update(&mut model, Message::Response(Box::new(response))));
        }
    }
    let mut terminal = Terminal::new(TestBackend::new(200, 60))?;
    let mut samples = Vec::new();
    for _ in 0..FRAMES {
        let begun = Instant::now();
        terminal.draw(|frame| view(&model, frame))?;
        samples.push(begun.elapsed());
    }
    let shown = terminal.backend().buffer().content().iter().filter(|cell| cell.symbol() != " ").count();
    anyhow::ensure!(shown > 2000, "a full screen, not {shown} cells");
    let figure = figure(samples);
    let verdict = if figure.p50 <= GOAL { "met" } else { "MISSED" };
    println!(
        "frame 200×60, roster of 10,000     {:>9.1} µs (p99 {:>9.1})   goal ≤ 1000 µs {verdict}",
        figure.p50.as_secs_f64() * 1e6,
        figure.p99.as_secs_f64() * 1e6
    );
    daemon.end().await;
    Ok(())
}

/// What the first screen requests; the rest does not matter to it.
async fn response(client: &RosterClient, effect: Effect) -> Option<Response> {
    let Effect::Request(request) = effect else { return None };
    Some(match request {
        Request::Status => Response::Status(Box::new(client.status(within(LIMIT)).await.ok()?)),
        Request::Page(query) => Response::Page(query.clone(), client.influencers(within(LIMIT), query).await.ok()?),
        Request::History { connection, since } => {
            let history = client.history(within(LIMIT), connection.to_string(), Some(since.into()), None).await.ok()?;
            Response::History { connection, since, result: history }
        }
        _ => return None,
    })
}
