//! Who did what, newest first.
//!
//! ```text
//!  Roster › Audit                                           ◐ 97.8% synced   2 alerts
//!      WHEN WHO      ACTION             ON                   WHAT
//!  ▌  14:02 ada      influencer.edit    Oskar & Ines         Oskar → Oskar & Ines
//! ```

use roster_protocol::{AuditEntry, InfluencerId};

use super::listing::Listing;
use super::{Entry, Screen};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Request, Response};
use crate::modal::Next;
use crate::modal::copy::{self, Copied};
use crate::shared::Shared;
use crate::widgets::pen::Pen;
use crate::widgets::table::{Content, Table, cell, left, right};

const HERE: Context = Context::Screen("Audit");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(5),
        about: "audit: who did what",
        bindings: &[bind(HERE, Action::Back, "", &["esc"], "back", "go back")],
        filter: &[],
    },
    new: Some(new),
};

fn new() -> Box<dyn Screen> {
    Box::new(State::default())
}

/// What the screen shows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub list: Listing<AuditEntry>,
}

/// Whether ids and years have room.
fn roomy(shared: &Shared) -> bool {
    shared.size.width >= 120
}

fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(3))
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        if self.list.reload() { Next::request(Request::Audit(None)) } else { Vec::new() }
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Audit(mark, result) = response else { return Vec::new() };
        let again = self.list.responded(mark.as_ref(), result.clone(), |a, b| a.number == b.number, height(shared));
        if again { Next::request(Request::Audit(None)) } else { Vec::new() }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let mark = self.list.moved(action, height(shared));
        mark.map_or_else(Vec::new, |mark| Next::request(Request::Audit(Some(mark))))
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        vec![copy::command(&["audit"])]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width;
        let columns = [
            right("WHEN", if roomy(shared) { 11 } else { 6 }, 0),
            left("WHO", if roomy(shared) { 12 } else { 8 }, 0),
            left("ACTION", 18, 60),
            left("ON", if roomy(shared) { 34 } else { width / 4 }, 0),
            left("WHAT", 0, 0),
            left("CAUSE", 8, 120),
        ];
        let table = Table::new(&columns, width);
        table.titles(pen, 1);
        let empty = match (&self.list.error, self.list.loaded) {
            (Some(error), false) => Some(error.message.as_str()),
            (None, false) => Some("loading…"),
            (_, true) if self.list.rows.is_empty() => Some("Nothing has been done yet."),
            _ => None,
        };
        if let Some(empty) = empty {
            pen.put(3, shared.size.height / 3, width.saturating_sub(4), empty, pen.theme.plain);
        }
        for ((entry, under_cursor), y) in self.list.visible(height(shared)).zip(2..) {
            table.row(pen, y, &cells(shared, entry, under_cursor), under_cursor);
        }
    }
}

/// The readable name alone, where an id is before it.
fn without_id(on: &str) -> &str {
    match on.split_once(' ') {
        Some((id, name)) if id.parse::<InfluencerId>().is_ok() => name,
        _ => on,
    }
}

fn cells(shared: &Shared, entry: &AuditEntry, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    let who = match &entry.who {
        None => "rosterd".to_owned(),
        Some(who) if who.name.is_empty() => format!("uid {}", who.uid),
        Some(who) => who.name.clone(),
    };
    let what = match (&entry.old, &entry.new) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (Some(old), None) => format!("was {old}"),
        (None, Some(new)) => new.clone(),
        (None, None) => String::new(),
    };
    let on = if roomy(shared) { &entry.on } else { without_id(&entry.on) };
    vec![
        cell(format::moment(entry.at, shared.now, &shared.zone), theme.faint),
        cell(who, theme.plain),
        cell(&entry.action, theme.faint),
        cell(on, if under_cursor { theme.strong } else { theme.plain }),
        cell(what, theme.plain),
        cell(&entry.cause, theme.faint),
    ]
}
