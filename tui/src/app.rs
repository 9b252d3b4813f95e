//! The loop around `update` and `view`: keys and responses in, requests and pictures out.
//!
//! Only this module of the terminal UI reads the time and waits.

mod link;
mod request;

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures::StreamExt;
use jiff::tz::TimeZone;
use ratatui::layout::Size;
use roster_protocol::paths::Paths;
use roster_protocol::{RosterClient, RosterError, Timestamp};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::client_config::ClientConfig;
use crate::message::{Effect, Message};
use crate::model::Model;
use crate::shared::Link;
use crate::terminal::{self, Canvas, Guard};
use crate::theme::Theme;
use crate::update::update;

/// Starts a daemon, and returns at once.
pub type StartDaemon = fn() -> Result<(), RosterError>;

/// How to run the terminal UI.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The daemon's socket; `None`: the user's, then the system's.
    pub socket: Option<PathBuf>,
    /// How a daemon is started when the user wants one; `None` offers nothing.
    pub start_daemon: Option<StartDaemon>,
    /// The client's own file; `None`: `roster.toml` in the user's config directory.
    pub config: Option<PathBuf>,
}

/// What tasks send to the loop.
enum Incoming {
    Linked(RosterClient),
    Message(Message),
}

/// How long the first picture waits for the first response, so that nothing flickers.
const FIRST_PICTURE: Duration = Duration::from_millis(150);

/// Runs the terminal UI until the user quits.
///
/// # Errors
/// When there is no terminal, or it disappears.
pub async fn run(options: RunOptions) -> io::Result<()> {
    let signals = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
    let signals = signals.map(signal).into_iter().collect::<io::Result<Vec<Signal>>>()?;
    let guard = Guard::take()?;
    let canvas = Canvas::new()?;
    let model = first_model(canvas.size()?, options.config);
    let (sender, inbox) = mpsc::channel(256);
    let hurry = Arc::new(Notify::new());
    let keep = link::keep(options.socket, options.start_daemon.is_some(), hurry.clone(), sender.clone());
    let link = tokio::spawn(keep);
    let mut app = App { model, canvas, client: None, sender, start_daemon: options.start_daemon, hurry };
    let ended = app.live(&guard, inbox, signals).await;
    link.abort();
    ended
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// The model with the user's look and keys; a mistake there is shown and does no harm.
fn first_model(size: Size, config: Option<PathBuf>) -> Model {
    let mut model = Model::new(now(), TimeZone::system(), size);
    let path = config.or_else(|| Paths::of_user().map(|paths| paths.config.join("roster.toml")));
    let config = path.map_or(Ok(ClientConfig::default()), |path| ClientConfig::read(&path)).unwrap_or_else(|error| {
        model.shared.complain(error);
        ClientConfig::default()
    });
    match model.shared.keys.with(&config.keys) {
        Ok(keys) => model.shared.keys = keys,
        Err(error) => model.shared.complain(error),
    }
    let colorless = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match Theme::configured(&config.theme) {
        _ if colorless => model.shared.theme = Theme::colorless(),
        Ok(theme) => model.shared.theme = theme,
        Err(error) => model.shared.complain(error),
    }
    model
}

struct App {
    model: Model,
    canvas: Canvas,
    client: Option<RosterClient>,
    sender: mpsc::Sender<Incoming>,
    start_daemon: Option<StartDaemon>,
    /// Wakes the link when a daemon was started.
    hurry: Arc<Notify>,
}

impl App {
    async fn live(
        &mut self,
        guard: &Guard,
        mut inbox: mpsc::Receiver<Incoming>,
        mut signals: Vec<Signal>,
    ) -> io::Result<()> {
        let mut keys = EventStream::new();
        let deadline = Instant::now() + FIRST_PICTURE;
        while !self.model.quit {
            guard.check()?;
            let waits = self.waits_for_first_response() && Instant::now() < deadline;
            if !waits {
                self.look_at_size()?;
                self.canvas.draw(&self.model)?;
            }
            let tick = if waits { deadline } else { self.next_tick() };
            tokio::select! {
                key = keys.next() => match key {
                    Some(event) => self.terminal_event(event?)?,
                    None => return Ok(()),
                },
                incoming = inbox.recv() => if let Some(incoming) = incoming { self.incoming(incoming)? },
                () = tokio::time::sleep_until(tick) => self.take(Message::Tick)?,
                () = any(&mut signals) => return Ok(()),
            }
            // What is there already changes the same picture.
            // Polled with this task's own waker: crossterm keeps the first one it is given until the next key.
            while let Poll::Ready(Some(event)) = futures::poll!(keys.next()) {
                self.terminal_event(event?)?;
            }
            while let Ok(incoming) = inbox.try_recv() {
                self.incoming(incoming)?;
            }
        }
        Ok(())
    }

    fn waits_for_first_response(&self) -> bool {
        match self.model.shared.link {
            Link::Connecting => true,
            Link::Online => !self.model.first.is_ready(),
            Link::Offline { .. } | Link::NoDaemon(_) => false,
        }
    }

    /// A signal about another size can be missed while the program starts; the terminal knows.
    fn look_at_size(&mut self) -> io::Result<()> {
        let size = self.canvas.size()?;
        if size == self.model.shared.size { Ok(()) } else { self.take(Message::Resized(size)) }
    }

    fn next_tick(&self) -> Instant {
        let millis = self.model.next_tick().since(now()).clamp(50, 60_000);
        Instant::now() + Duration::from_millis(millis.unsigned_abs())
    }

    fn terminal_event(&mut self, event: TerminalEvent) -> io::Result<()> {
        match event {
            TerminalEvent::Key(key) => self.take(Message::Key(key)),
            TerminalEvent::Paste(text) => self.take(Message::Paste(text)),
            TerminalEvent::Resize(width, height) => self.take(Message::Resized(Size { width, height })),
            _ => Ok(()),
        }
    }

    fn incoming(&mut self, incoming: Incoming) -> io::Result<()> {
        match incoming {
            Incoming::Message(message) => self.take(message),
            Incoming::Linked(client) => {
                self.client = Some(client);
                self.take(Message::Online)
            }
        }
    }

    fn take(&mut self, message: Message) -> io::Result<()> {
        self.model.shared.now = now();
        for effect in update(&mut self.model, message) {
            self.perform(effect)?;
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> io::Result<()> {
        match (effect, &self.client) {
            (Effect::Redraw, _) => self.canvas.redraw()?,
            (Effect::StartDaemon, _) => self.start(),
            (Effect::Copy(url), _) => terminal::copy(&url)?,
            (Effect::Request(request), Some(client)) => {
                let (client, sender) = (client.clone(), self.sender.clone());
                tokio::spawn(async move {
                    let response = Message::Response(Box::new(request::send(&client, request).await));
                    // The UI may have ended meanwhile.
                    let _ = sender.send(Incoming::Message(response)).await;
                });
            }
            // Nothing is requested before the first connection; after that there always is a client, be it a dead one.
            (Effect::Request(_), None) => {}
        }
        Ok(())
    }

    fn start(&self) {
        let Some(start) = self.start_daemon else { return };
        let (sender, hurry) = (self.sender.clone(), self.hurry.clone());
        tokio::spawn(async move {
            let started = tokio::task::spawn_blocking(start).await;
            let started = started.unwrap_or_else(|_| Err(RosterError::failed("rosterd could not be started")));
            hurry.notify_one();
            let _ = sender.send(Incoming::Message(Message::Started(started))).await;
        });
    }
}

/// Waits until one of the signals arrives.
async fn any(signals: &mut [Signal]) {
    if signals.is_empty() {
        return pending().await;
    }
    futures::future::select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
}
