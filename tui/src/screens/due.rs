//! What is synced next, the earliest first, and what is late.
//!
//! ```text
//!  Roster › Due  18 of 700 are late                         ◐ 97.1% synced   2 alerts
//!      IN  ACCOUNT                    INFLUENCER          NOTE
//!  ▌  now  YouTube @mara              Mara Lindqvist      12m late
//!      4m  Bluesky mara.example       Mara Lindqvist      2h late · waits: Bluesky is down since 12:30
//! ```

use roster_protocol::service::DueQuery;
use roster_protocol::{DueRow, SyncTarget};

use super::paged::{Paged, Part};
use super::{Entry, Screen, states};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{Focus, Next};
use crate::shared::Shared;
use crate::widgets::pen::{Pen, columns};
use crate::widgets::table::{Content, Table, cell, left, right};

const HERE: Context = Context::Screen("Due");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(7),
        about: "due: what is synced next, and what is late",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "open", "open this account"),
            bind(HERE, Action::Sync, "sync", &["s"], "sync", "sync this account now"),
        ],
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
    list: Paged<DueRow>,
    /// How many are late.
    late: u64,
}

/// How many rows are seen at once: below them is a line for a long note.
fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(4)).max(1)
}

fn request(part: Option<Part>) -> Vec<Next> {
    let query = |part: Part| DueQuery { within: None, offset: part.offset, limit: part.limit };
    part.map_or_else(Vec::new, |part| Next::request(Request::Due(query(part))))
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, _: &Shared) -> String {
        match (self.list.loaded, self.late) {
            (false, _) => String::new(),
            (true, 0) => format!("{} wait, none is late", format::exact(self.list.total as u64)),
            (true, late) => format!("{} of {} are late", format::exact(late), format::exact(self.list.total as u64)),
        }
    }

    fn offers(&self, action: Action) -> bool {
        self.list.current().is_some() || !matches!(action, Action::Open | Action::Sync)
    }

    fn reload(&mut self, shared: &mut Shared) -> Vec<Next> {
        request(self.list.reload(height(shared)))
    }

    fn resized(&mut self, shared: &mut Shared) -> Vec<Next> {
        request(self.list.resized(height(shared)))
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Due(query, result) = response else { return Vec::new() };
        if let Ok(page) = result {
            self.late = page.late;
        }
        let part = Part { offset: query.offset, limit: query.limit };
        let page = result.clone().map(|page| (page.total, page.rows));
        request(self.list.responded(part, page, |a, b| a.connection == b.connection, height(shared)))
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match (action, self.list.current().cloned()) {
            (Action::Open, Some(row)) => {
                let focus = Focus { connection: Some(row.connection), ..Focus::default() };
                vec![Next::Influencer(row.influencer, row.influencer_name, focus)]
            }
            (Action::Sync, Some(row)) => {
                let (target, name) = (SyncTarget::One(row.connection.to_string()), account(shared, &row));
                Next::mutate(Mutation::Sync { target, name })
            }
            (Action::Open | Action::Sync, None) => Vec::new(),
            (action, _) => request(self.list.moved(action, height(shared))),
        }
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        vec![copy::command(&["due"])]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width;
        let empty = match (&self.list.error, self.list.loaded) {
            (Some(error), false) => Some(error.message.as_str()),
            (None, false) => Some("loading…"),
            (_, true) if self.list.total == 0 => Some("Nothing waits to be synced."),
            _ => None,
        };
        if let Some(empty) = empty {
            pen.put(3, shared.size.height / 3, width.saturating_sub(4), empty, pen.theme.plain);
            return;
        }
        let titles = [
            right("IN", 5, 0),
            left("ACCOUNT", (width / 3).min(44), 0),
            left("INFLUENCER", (width / 4).min(34), 60),
            left("NOTE", 0, 0),
        ];
        let table = Table::new(&titles, width);
        table.titles(pen, 1);
        for ((row, under_cursor), y) in self.list.visible(height(shared)).zip(2..) {
            match row {
                Some(row) => table.row(pen, y, &cells(shared, row, under_cursor), under_cursor),
                None => table.row(pen, y, &[cell("…", pen.theme.faint)], under_cursor),
            }
        }
        let note = self.list.current().map(|row| note(shared, row)).unwrap_or_default();
        if columns(&note) > usize::from(table.span(3).map_or(0, |(_, room)| room)) {
            pen.put(3, shared.size.height.saturating_sub(2), width.saturating_sub(4), &note, pen.theme.faint);
        }
    }
}

/// How late it is, and what holds it back.
fn note(shared: &Shared, row: &DueRow) -> String {
    let late = row.late_ms(shared.now);
    let late = (late >= 60_000).then(|| format!("{} late", format::age(shared.now, row.was_due_at)));
    let off = shared.platform(&row.platform).is_some_and(|platform| !platform.enabled);
    let name = shared.platform_name(&row.platform);
    let blocked = row.blocked_by.as_deref().and_then(|by| states::blocked_by(by, name, off));
    late.into_iter().chain(blocked).collect::<Vec<_>>().join(" · ")
}

fn account(shared: &Shared, row: &DueRow) -> String {
    format!("{} {}", shared.platform_name(&row.platform), row.handle)
}

fn cells(shared: &Shared, row: &DueRow, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    vec![
        cell(format::until(shared.now, row.due_at), theme.faint),
        cell(account(shared, row), if under_cursor { theme.strong } else { theme.plain }),
        cell(&row.influencer_name, theme.plain),
        cell(note(shared, row), theme.warn),
    ]
}
