//! The loop around `update` and `view`: keys and responses in, requests and pictures out.
//!
//! Only this module of the terminal UI reads the time and waits.

mod background;
mod link;
mod notices;
mod request;
mod signals;

use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::layout::Size;
use roster_protocol::paths::Paths;
use roster_protocol::{RosterClient, RosterError, Timestamp};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::client_config::{ClientConfig, NoticeChoice, Start};
use crate::message::{Effect, Message};
use crate::model::Model;
use crate::remembered::{Keeper, Remembered};
use crate::shared::Link;
use crate::terminal::notices::{Target, environment, is_set};
use crate::terminal::{self, Canvas, Event as TerminalEvent, Guard, Input, Reply};
use crate::theme::depth::Depth;
use crate::theme::look::Look;
use crate::theme::palette::Ground;
use crate::update::update;
use background::{Background, Taken};
use notices::Notices;
use signals::{Signal, Signals};

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
    /// Where what lasts until the next time is kept; `None`: nothing does.
    pub remember: Option<PathBuf>,
    /// How the terminal is notified of alerts; `None`: as the client's file says.
    pub osc: Option<NoticeChoice>,
}

/// What tasks send to the loop.
enum Incoming {
    Linked(RosterClient),
    Message(Message),
    /// How the terminal is notified.
    NoticeTarget(Target),
}

/// How long the first picture waits for the first response, so that nothing flickers.
const FIRST_PICTURE: Duration = Duration::from_millis(150);

/// How long the end waits for replies that are on their way: after it they would be typed into the shell.
const LAST_REPLIES: Duration = Duration::from_millis(500);

/// Requests that are open at a time: those that wait for something to happen, and all others. With the one for events
/// they are no more than the daemon takes of a client; a held key waits its turn instead of failing.
const MOST_WAITING: usize = 5;
const MOST_OPEN: usize = 8;

/// How many keys that are there already are taken before the next look at everything else.
const MOST_READY: usize = 4_096;

/// Runs the terminal UI until the user quits, or the terminal is gone.
///
/// # Errors
/// When there is no terminal.
pub async fn run(options: RunOptions) -> io::Result<()> {
    let signals = Signals::new()?;
    let guard = Guard::take()?;
    let input = Input::open()?;
    let (mut model, look, configured) = first_model(terminal::size()?, options.config);
    model.shared.remembered = options.remember.as_deref().map(Remembered::read).unwrap_or_default();
    let (sender, inbox) = mpsc::channel(256);
    let hurry = Arc::new(Notify::new());
    let keep = link::keep(options.socket, options.start_daemon.is_some(), hurry.clone(), sender.clone());
    let link = tokio::spawn(keep);
    let (canvas, start_daemon) = (Canvas::default(), options.start_daemon);
    let (waiting, open) = (Arc::new(Semaphore::new(MOST_WAITING)), Arc::new(Semaphore::new(MOST_OPEN)));
    let background = Background::start(look, &guard);
    let notices = Notices::start(options.osc.or(configured), &guard, &sender);
    let mut app = App {
        guard,
        background,
        notices,
        model,
        canvas,
        drawing: None,
        client: None,
        waiting,
        open,
        sender,
        start_daemon,
        remembers: options.remember.map(|path| Arc::new(Keeper::new(path))),
        hurry,
    };
    let ended = app.live(input, inbox, signals).await;
    link.abort();
    app.was_here().await;
    ended
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// The model with the user's look and keys, what decides the look, and how the user wants to be notified; a mistake
/// there is shown and does no harm.
fn first_model(size: Size, config: Option<PathBuf>) -> (Model, Look, Option<NoticeChoice>) {
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
    if config.start == Start::Overview {
        model.show(0);
    }
    let environment = environment();
    let colorterm = std::env::var("COLORTERM").unwrap_or_default();
    let depth = Depth::of(&environment.term, &colorterm, environment.in_screen);
    let look = Look::new(config.theme, depth, is_set("NO_COLOR"));
    match look.on(Ground::default()) {
        Ok(theme) => model.shared.theme = theme,
        Err(error) => model.shared.complain(error),
    }
    (model, look, config.notify)
}

struct App {
    guard: Guard,
    background: Background,
    notices: Notices,
    model: Model,
    canvas: Canvas,
    /// The picture that the terminal has not taken yet.
    drawing: Option<oneshot::Receiver<io::Result<()>>>,
    client: Option<RosterClient>,
    waiting: Arc<Semaphore>,
    open: Arc<Semaphore>,
    sender: mpsc::Sender<Incoming>,
    start_daemon: Option<StartDaemon>,
    /// The file of what lasts until the next time.
    remembers: Option<Arc<Keeper>>,
    /// Wakes the link when a daemon was started.
    hurry: Arc<Notify>,
}

impl App {
    async fn live(
        &mut self,
        mut input: Input,
        mut inbox: mpsc::Receiver<Incoming>,
        mut signals: Signals,
    ) -> io::Result<()> {
        let deadline = Instant::now() + FIRST_PICTURE;
        while !self.model.quit {
            self.guard.check()?;
            let waits = self.waits_for_first_response() && Instant::now() < deadline;
            if !waits {
                let Ok(size) = terminal::size() else { return Ok(()) };
                self.resized(size)?;
                self.draw()?;
            }
            self.notify();
            let tick = if waits { deadline } else { self.next_tick() };
            tokio::select! {
                event = input.next() => match event {
                    Some(event) => self.terminal_event(event)?,
                    None => return Ok(()),
                },
                is_drawn = drawn(&mut self.drawing) => if !is_drawn { return Ok(()) },
                incoming = inbox.recv() => if let Some(incoming) = incoming { self.incoming(incoming)? },
                () = tokio::time::sleep_until(tick) => self.take(Message::Tick)?,
                signal = signals.next() => match signal {
                    Signal::End => return Ok(()),
                    Signal::Stop => self.continued(Guard::stop)?,
                    Signal::Continue => self.continued(Guard::take_again)?,
                    // It is looked at before the next picture.
                    Signal::Resize => {}
                },
            }
            // What is there already changes the same picture.
            for _ in 0..MOST_READY {
                let Some(event) = input.ready() else { break };
                self.terminal_event(event)?;
            }
            while let Ok(incoming) = inbox.try_recv() {
                self.incoming(incoming)?;
            }
        }
        self.take_last_replies(&mut input).await;
        Ok(())
    }

    /// Writes the notice that is due.
    fn notify(&mut self) {
        if let Some(bytes) = self.notices.take(Instant::now().into_std()) {
            self.guard.write(bytes);
        }
    }

    fn replied(&mut self, reply: &Reply) {
        match self.background.replied(reply) {
            Taken::NotOurs => self.notices.replied(reply),
            Taken::Nothing => {}
            Taken::Theme(theme) => self.model.shared.theme = *theme,
        }
    }

    async fn take_last_replies(&mut self, input: &mut Input) {
        let replies = async {
            while self.background.waits() || self.notices.waits() {
                match input.next().await {
                    Some(TerminalEvent::Reply(reply)) => self.replied(&reply),
                    Some(_) => {}
                    None => return,
                }
            }
        };
        // A terminal that replies later still cannot be waited for.
        let _ = tokio::time::timeout(LAST_REPLIES, replies).await;
    }

    /// Draws the model, once the terminal has taken the picture before: a slow one gets the newest only.
    fn draw(&mut self) -> io::Result<()> {
        if self.drawing.is_none() {
            self.drawing = self.canvas.draw(&self.model)?.map(|bytes| self.guard.write(bytes));
        }
        Ok(())
    }

    fn waits_for_first_response(&self) -> bool {
        match self.model.shared.link {
            Link::Connecting => true,
            Link::Online => !self.model.shown().is_ready(),
            Link::Offline { .. } | Link::NoDaemon(_) => false,
        }
    }

    /// A signal about another size can be missed while the program starts or is stopped; the terminal knows.
    fn resized(&mut self, size: Size) -> io::Result<()> {
        if size == self.model.shared.size { Ok(()) } else { self.take(Message::Resized(size)) }
    }

    /// Takes the terminal after a stop, and draws all anew.
    fn continued(&mut self, take: fn(&Guard) -> io::Result<()>) -> io::Result<()> {
        self.canvas.redraw();
        take(&self.guard)
    }

    fn next_tick(&self) -> Instant {
        let millis = self.model.next_tick().since(now()).clamp(50, 60_000);
        let tick = Instant::now() + Duration::from_millis(millis.unsigned_abs());
        self.notices.due().map_or(tick, |due| tick.min(due.into()))
    }

    fn terminal_event(&mut self, event: TerminalEvent) -> io::Result<()> {
        match event {
            TerminalEvent::Key(key) => self.take(Message::Key(key)),
            TerminalEvent::Paste(text) => self.take(Message::Paste(text)),
            TerminalEvent::Reply(reply) => {
                self.replied(&reply);
                Ok(())
            }
        }
    }

    fn incoming(&mut self, incoming: Incoming) -> io::Result<()> {
        match incoming {
            Incoming::Message(message) => {
                if let Message::Happened(batch) = &message {
                    self.notices.happened(batch, Instant::now().into_std());
                }
                self.take(message)
            }
            Incoming::NoticeTarget(target) => {
                self.notices.found(target);
                Ok(())
            }
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
            (Effect::Redraw, _) => self.canvas.redraw(),
            (Effect::Stop, _) => terminal::stop_job()?,
            (Effect::StartDaemon, _) => self.start(),
            (Effect::Remember(remembered), _) => self.remember(*remembered),
            (Effect::Copy(text), _) => _ = self.guard.write(terminal::copy(&text)),
            (Effect::Request(request), Some(client)) => {
                let (client, sender) = (client.clone(), self.sender.clone());
                let permits = if request.waits() { &self.waiting } else { &self.open }.clone();
                tokio::spawn(async move {
                    // Taken in the order of the requests; the semaphore is never closed.
                    let _permit = permits.acquire().await;
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

    /// Writes what lasts until the next time; a home that is full or hangs keeps nothing from going on.
    fn remember(&self, remembered: Remembered) {
        let Some(keeper) = self.remembers.clone() else { return };
        let (sender, number) = (self.sender.clone(), keeper.begin());
        tokio::spawn(async move {
            let shown = keeper.path.display().to_string();
            let written = tokio::task::spawn_blocking(move || keeper.write(number, &remembered)).await;
            if let Ok(Err(error)) = written {
                let error = RosterError::failed(format!("{shown} cannot be written: {error}"));
                let complaint = Message::Complaint(error.hint("what was chosen lasts until the end of this session"));
                // The UI may have ended meanwhile.
                let _ = sender.send(Incoming::Message(complaint)).await;
            }
        });
    }

    /// Remembers until when the user has seen what happens. A home that hangs delays no end for long.
    async fn was_here(&mut self) {
        let Some(keeper) = self.remembers.clone().filter(|_| self.model.shared.status.is_some()) else { return };
        let mut remembered = self.model.shared.remembered.clone();
        remembered.is_here(now());
        let number = keeper.begin();
        let written = tokio::task::spawn_blocking(move || keeper.write(number, &remembered));
        // What cannot be written is not remembered; there is no screen left to say so on.
        let _ = tokio::time::timeout(LAST_REPLIES, written).await;
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

/// Waits until the terminal has taken a picture; false when it is gone.
async fn drawn(drawing: &mut Option<oneshot::Receiver<io::Result<()>>>) -> bool {
    let Some(written) = drawing else { return pending().await };
    let written = written.await;
    *drawing = None;
    matches!(written, Ok(Ok(())))
}
