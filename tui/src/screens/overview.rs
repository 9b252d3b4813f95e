//! What to know first: what needs a user today, who moved, and how well the roster is kept.
//!
//! ```text
//!  Roster › Overview  300 influencers · 700 connections       ◐ 97.1% synced   2 alerts
//!    ● 680 fresh  ◐ 5 stale  ✗ 3  ‖ 10 paused                     2 consent, 1 never · 6
//!    since you were here, Nov 20: 2 new alerts                            next sync 4m
//!
//!    ALL                    LAST 30 DAYS       NOW
//!    synced in 24 h         ⠒⠤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒   99.2%  2,760 ok, 12 failed
//!    MOVERS, 7 DAYS
//!  ▌ Mara Lindqvist            +8.1%↑    Oskar & Ines           -12.4%▼
//!    ALERTS
//!    ! 25m Oskar & Ines · YouTube   followers -12.4%▼
//!    PLATFORMS              LAST 30 DAYS       NOW
//!    YouTube                ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒   99.3%  ▰▰▰▰▱▱▱▱  52%  4m
//! ```

mod view;

use roster_protocol::status::DayFigures;
use roster_protocol::{Alert, AlertState, InfluencerQuery, InfluencerRow, Ratio, RosterError, SortBy};

use super::{Entry, Screen};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Request, Response, Which};
use crate::modal::copy::{self, Copied};
use crate::modal::{Focus, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;

const HERE: Context = Context::Screen("Overview");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(0),
        about: "overview: what needs you, who moved, and how well the roster is kept",
        bindings: &[
            bind(HERE, Action::Open, "open", &["enter"], "open", "open the influencer or the alert under the cursor"),
            bind(HERE, Action::Range, "range", &["t"], "1, 7, 30 days", "who moved over 1, 7 or 30 days"),
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
        ],
        filter: &[],
    },
    new: Some(new),
};

/// How many days the lines show.
const DAYS: usize = 30;

/// How many of those who rose most are shown, and of those who fell most.
const MOVERS: usize = 5;

/// How many alerts are shown.
const ALERTS: usize = 5;

fn new() -> Box<dyn Screen> {
    Box::new(State::default())
}

/// What the screen shows beside the daemon's status.
#[derive(Clone, Debug)]
pub struct State {
    days: Vec<DayFigures>,
    /// Over which days the movers moved.
    over: SortBy,
    /// Who rose most, and who fell most, the largest moves first.
    rose: Vec<InfluencerRow>,
    fell: Vec<InfluencerRow>,
    /// Open and acknowledged ones, newest first.
    alerts: Vec<Alert>,
    /// In the order of what can be opened: who rose, who fell, alerts.
    cursor: usize,
    error: Option<RosterError>,
    /// Whether a request is open, and whether something happened meanwhile.
    requested: bool,
    again: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            days: Vec::new(),
            over: SortBy::Growth7,
            rose: Vec::new(),
            fell: Vec::new(),
            alerts: Vec::new(),
            cursor: 0,
            error: None,
            requested: false,
            again: false,
        }
    }
}

impl State {
    /// Who moved most, one way or the other.
    fn movers(&self, falls: bool) -> InfluencerQuery {
        InfluencerQuery { sort: self.over, reverse: falls, limit: MOVERS as u64, ..InfluencerQuery::default() }
    }

    fn request_movers(&self) -> impl Iterator<Item = Next> {
        [false, true].map(|falls| Request::Page(self.movers(falls))).into_iter().flat_map(Next::request)
    }

    /// How far one moved.
    fn moved(&self, row: &InfluencerRow) -> Option<Ratio> {
        match self.over {
            SortBy::Growth1 => row.growth_1d,
            SortBy::Growth7 => row.growth_7d,
            _ => row.growth_30d,
        }
    }

    /// Takes those of a page who moved that way at all.
    fn take_movers(&mut self, query: &InfluencerQuery, rows: &[InfluencerRow]) {
        for falls in [false, true] {
            if *query != self.movers(falls) {
                continue;
            }
            let fits = |ratio: Ratio| if falls { ratio.0 < 0 } else { ratio.0 > 0 };
            let moved = rows.iter().filter(|row| self.moved(row).is_some_and(fits)).take(MOVERS).cloned().collect();
            if falls { self.fell = moved } else { self.rose = moved }
        }
        self.cursor = self.cursor.min(self.count().saturating_sub(1));
    }

    /// How much can be opened.
    fn count(&self) -> usize {
        self.rose.len() + self.fell.len() + self.alerts.len()
    }

    fn open(&self) -> Vec<Next> {
        if let Some(row) = self.rose.iter().chain(&self.fell).nth(self.cursor) {
            return vec![Next::Influencer(row.id, row.name.clone(), Focus::default())];
        }
        let alert = self.alerts.get(self.cursor.saturating_sub(self.rose.len() + self.fell.len()));
        alert.map(|alert| Next::Alert(Box::new(alert.clone()))).into_iter().collect()
    }
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, shared: &Shared) -> String {
        let Some(status) = &shared.status else { return String::new() };
        let (influencers, connections) = (format::exact(status.influencers), format::exact(status.connections.total));
        format!("{influencers} influencers · {connections} connections")
    }

    fn offers(&self, action: Action) -> bool {
        action != Action::Open || self.count() > 0
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        self.again = self.requested;
        if std::mem::replace(&mut self.requested, true) {
            return Vec::new();
        }
        let others = [Request::Figures(DAYS as u64), Request::Alerts(Which::Live, None)];
        others.into_iter().flat_map(Next::request).chain(self.request_movers()).collect()
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        match response {
            Response::Figures(result) => {
                self.requested = false;
                match result.clone() {
                    Ok(days) => (self.days, self.error) = (days, None),
                    Err(error) => self.error = Some(error),
                }
                return if self.again { self.reload(shared) } else { Vec::new() };
            }
            Response::Page(query, Ok(page)) => self.take_movers(query, &page.rows),
            Response::Alerts(Which::Live, None, Ok(page)) => {
                let open = page.rows.iter().filter(|alert| alert.state == AlertState::Open);
                self.alerts = open.take(ALERTS).cloned().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn act(&mut self, _: &mut Shared, action: Action) -> Vec<Next> {
        let last = self.count().saturating_sub(1);
        match action {
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Down => self.cursor = (self.cursor + 1).min(last),
            Action::Top => self.cursor = 0,
            Action::Bottom => self.cursor = last,
            Action::Open => return self.open(),
            Action::Range => {
                self.over = match self.over {
                    SortBy::Growth1 => SortBy::Growth7,
                    SortBy::Growth7 => SortBy::Growth,
                    _ => SortBy::Growth1,
                };
                (self.rose, self.fell) = (Vec::new(), Vec::new());
                return self.request_movers().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        vec![copy::command(&["status"])]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        view::view(shared, self, pen);
    }
}
