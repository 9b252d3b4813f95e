//! The figures by which a team judges its roster, as they are and over the last days.
//!
//! ```text
//!  Roster › Overview  300 influencers · 700 connections       ◐ 97.1% synced   2 alerts
//!    ALL                    LAST 30 DAYS        NOW
//!    synced in 24 h         ⠒⠤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒   99.2%  2,760 ok, 12 failed
//!    influencers connected  ⣀⣀⣀⡠⠤⠤⠤⠤⠤⠔⠒⠒⠒⠊⠉   96.6%  290 of 300
//!    PLATFORMS
//!    YouTube                ⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒   99.3%  1,590 ok, 10 failed
//! ```

use roster_protocol::RosterError;
use roster_protocol::status::DayFigures;

use super::{Entry, Screen};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Request, Response};
use crate::modal::Next;
use crate::shared::Shared;
use crate::widgets::figures::{Series, of_platforms, of_roster};
use crate::widgets::pen::{Pen, columns};
use crate::widgets::sparkline;
use crate::widgets::table::{Content, Table, cell, left, right};

const HERE: Context = Context::Screen("Overview");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(0),
        about: "overview: how well the roster is kept",
        bindings: &[bind(HERE, Action::Back, "", &["esc"], "back", "go back")],
        filter: &[],
    },
    new: Some(new),
};

/// How many days the charts show.
const DAYS: usize = 30;

/// Columns of the line of these days: two days each.
const LINE: u16 = DAYS.div_ceil(2) as u16;

fn new() -> Box<dyn Screen> {
    Box::new(State::default())
}

/// What the screen shows beside the daemon's status.
#[derive(Clone, Debug, Default)]
pub struct State {
    days: Vec<DayFigures>,
    error: Option<RosterError>,
    /// Whether a request is open, and whether something happened meanwhile.
    requested: bool,
    again: bool,
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

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        self.again = self.requested;
        if std::mem::replace(&mut self.requested, true) {
            Vec::new()
        } else {
            Next::request(Request::Figures(DAYS as u64))
        }
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Figures(result) = response else { return Vec::new() };
        self.requested = false;
        match result.clone() {
            Ok(days) => (self.days, self.error) = (days, None),
            Err(error) => self.error = Some(error),
        }
        if self.again { self.reload(shared) } else { Vec::new() }
    }

    fn act(&mut self, _: &mut Shared, _: Action) -> Vec<Next> {
        Vec::new()
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width;
        let Some(status) = &shared.status else {
            pen.put(3, shared.size.height / 3, width, "loading…", pen.theme.faint);
            return;
        };
        let last = shared.size.height.saturating_sub(1);
        let y = draw(shared, pen, "ALL", &of_roster(status, &self.days, DAYS), 1..last);
        let y = draw(shared, pen, "PLATFORMS", &of_platforms(status, &self.days, DAYS), y + 1..last);
        if let Some(error) = self.error.as_ref().filter(|_| y < last) {
            pen.put(3, y, width.saturating_sub(4), &error.message, pen.theme.bad);
        }
    }
}

/// Draws a title and rows below it; gives the line after them.
fn draw(shared: &Shared, pen: &mut Pen<'_>, title: &'static str, rows: &[Series], lines: std::ops::Range<u16>) -> u16 {
    let columns = [left(title, 22, 0), left("LAST 30 DAYS", LINE, 60), right("NOW", 6, 0), left("", 0, 0)];
    let table = Table::new(&columns, shared.size.width);
    if lines.is_empty() {
        return lines.end;
    }
    table.titles(pen, lines.start);
    let room = table.span(3).map_or(0, |(_, room)| room.into());
    for (row, y) in rows.iter().zip(lines.start + 1..lines.end) {
        table.row(pen, y, &cells(shared, row, room), false);
    }
    lines.end.min(lines.start + 1 + rows.len() as u16)
}

/// A row's cells; `room` is how many columns its detail has.
fn cells(shared: &Shared, row: &Series, room: usize) -> Vec<Content> {
    let theme = &shared.theme;
    let chart = sparkline::line(&row.values, LINE.into());
    vec![
        cell(&row.name, theme.plain),
        cell(chart, theme.faint),
        cell(&row.now, if row.is_short { theme.warn } else { theme.strong }),
        cell(if columns(&row.detail) > room { &row.brief } else { &row.detail }, theme.faint),
    ]
}
