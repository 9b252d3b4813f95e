//! All the terminal UI knows: what its screens share, the screens, and what lies on top. `update` changes it, `view`
//! reads it.

use jiff::tz::TimeZone;
use ratatui::layout::Size;
use roster_protocol::Timestamp;

use crate::keys::Place;
use crate::modal::Modal;
use crate::screens::{alerts, audit, changes, connections, influencer, roster, sync};
use crate::shared::{Link, Shared};

/// The state of the terminal UI.
pub struct Model {
    pub shared: Shared,
    pub screen: Screen,
    /// The screens to go back to, the nearest last.
    pub behind: Vec<Screen>,
    /// The first screen keeps its place while others are shown.
    pub roster: roster::State,
    /// What lies on top.
    pub modal: Option<Modal>,
    pub quit: bool,
}

/// What is shown. What excludes one another is one value.
pub enum Screen {
    Roster,
    Influencer(Box<influencer::State>),
    Sync(sync::State),
    Alerts(alerts::State),
    Changes(changes::State),
    Audit(audit::State),
    Connections(connections::State),
}

impl Model {
    /// The model before anything is known.
    pub fn new(now: Timestamp, zone: TimeZone, size: Size) -> Self {
        Self {
            shared: Shared::new(now, zone, size),
            screen: Screen::Roster,
            behind: Vec::new(),
            roster: roster::State::default(),
            modal: None,
            quit: false,
        }
    }

    /// Where keys are pressed now.
    pub fn place(&self) -> Place {
        if let Some(modal) = &self.modal {
            return modal.place();
        }
        if matches!(self.shared.link, Link::NoDaemon(_) | Link::Connecting) {
            return Place::NoDaemon;
        }
        match &self.screen {
            Screen::Roster if self.roster.filtering => Place::Filtering,
            Screen::Roster => Place::Roster,
            Screen::Influencer(_) => Place::Influencer,
            Screen::Sync(_) => Place::Sync,
            Screen::Alerts(_) => Place::Alerts,
            Screen::Changes(_) => Place::Changes,
            Screen::Audit(_) => Place::Audit,
            Screen::Connections(_) => Place::Connections,
        }
    }

    /// When the picture changes by itself next: a toast goes, an age becomes another.
    pub fn next_tick(&self) -> Timestamp {
        let calm = self.shared.now.plus_seconds(30);
        let busy = matches!(self.screen, Screen::Sync(_))
            && self.shared.status.as_ref().is_some_and(|s| !s.running.is_empty());
        let counts_down = matches!(&self.modal, Some(Modal::Connect(connect)) if connect.counts_down());
        let running = (busy || counts_down).then(|| self.shared.now.plus_seconds(1));
        let toast = self.shared.toasts.iter().map(|toast| toast.until).min();
        [running, toast, self.roster.rests_at].into_iter().flatten().fold(calm, Timestamp::min)
    }
}
