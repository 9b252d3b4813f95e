//! All the terminal UI knows: what its screens share, the screens, and the modal on top. `update` changes it, `view`
//! reads it.

use jiff::tz::TimeZone;
use ratatui::layout::Size;
use roster_protocol::{InfluencerId, Timestamp};

use crate::keys::{Context, Keymap};
use crate::modal::{Focus, Modal};
use crate::screens::influencer;
use crate::screens::roster;
use crate::screens::{self, Screen};
use crate::shared::{Link, Shared};

/// The state of the terminal UI.
pub struct Model {
    pub shared: Shared,
    /// The list of influencers, which keeps its position while others are shown above it.
    pub first: Box<dyn Screen>,
    /// The screens above it; the last is shown.
    pub above: Vec<Box<dyn Screen>>,
    /// On top of the screen; keys go to it alone.
    pub modal: Option<Modal>,
    pub quit: bool,
}

impl Model {
    /// The model before anything is known.
    pub fn new(now: Timestamp, zone: TimeZone, size: Size) -> Self {
        Self {
            shared: Shared::new(now, zone, size, Keymap::new(screens::keys())),
            first: Box::new(roster::State::default()),
            above: Vec::new(),
            modal: None,
            quit: false,
        }
    }

    /// The screen that is shown.
    pub fn shown(&self) -> &dyn Screen {
        self.above.last().unwrap_or(&self.first).as_ref()
    }

    /// All screens, the one that is shown last.
    pub fn screens(&self) -> impl Iterator<Item = &dyn Screen> {
        [&self.first].into_iter().chain(&self.above).map(|screen| screen.as_ref())
    }

    /// Opens an influencer above the screen that is shown.
    pub fn open(&mut self, influencer: InfluencerId, name: String, focus: Focus) {
        self.above.push(Box::new(influencer::State::new(influencer, name, focus)));
    }

    /// Shows a numbered screen straight above the first; one that is shown already stays as it is.
    pub fn show(&mut self, number: u8) {
        if self.shown().keys().number == Some(number) {
            return;
        }
        self.above.clear();
        if self.first.keys().number != Some(number) {
            self.above.extend(screens::numbered(number));
        }
    }

    /// Where keys are pressed now.
    pub fn context(&self) -> Context {
        match (&self.modal, &self.shared.link) {
            (Some(modal), _) => modal.context(),
            (None, Link::NoDaemon(_) | Link::Connecting) => Context::NoDaemon,
            (None, Link::Online | Link::Offline { .. }) => self.shown().context(),
        }
    }

    /// When the picture changes next without a message: a toast expires, an age changes.
    pub fn next_tick(&self) -> Timestamp {
        let calm = self.shared.now.plus_seconds(30);
        let counts_down = matches!(&self.modal, Some(Modal::Connect(connect)) if connect.counts_down());
        let running = counts_down.then(|| self.shared.now.plus_seconds(1));
        let toast = self.shared.toasts.iter().map(|toast| toast.until).min();
        let screens = self.screens().filter_map(|screen| screen.wakes_at(&self.shared));
        screens.chain(running).chain(toast).fold(calm, Timestamp::min)
    }
}
