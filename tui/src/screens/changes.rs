//! What moved, newest first.
//!
//! ```text
//!  Roster › Changes                                         ◐ 97.8% synced   2 alerts
//!     AGE INFLUENCER                 METRIC              FROM        TO  CHANGE
//!  ▌  25m Oskar & Ines            yt followers           459K      402K  -12.4%
//! ```

use roster_protocol::{Change, ChangeCause};

use super::listing::Listing;
use super::{Entry, Screen, states};
use crate::format::{self, Trend};
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{Focus, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;
use crate::widgets::table::{Content, Table, cell, left, right};

const HERE: Context = Context::Screen("Changes");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(4),
        about: "changes",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "open", "open its account, metric and day"),
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
    pub list: Listing<Change>,
}

/// From here on platforms have their names.
const ROOMY: u16 = 100;

fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(3))
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn offers(&self, action: Action) -> bool {
        self.list.current().is_some() || action != Action::Open
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        if self.list.reload() { Next::request(Request::Changes(None)) } else { Vec::new() }
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Changes(mark, result) = response else { return Vec::new() };
        let same = |a: &Change, b: &Change| (a.at, a.connection, a.metric) == (b.at, b.connection, b.metric);
        let again = self.list.responded(mark.as_ref(), result.clone(), same, height(shared));
        if again { Next::request(Request::Changes(None)) } else { Vec::new() }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        if action == Action::Open {
            let open = |change: &Change| {
                let connection = Some(change.connection);
                let focus = Focus { connection, metric: Some(change.metric), at: Some(change.at) };
                Next::Influencer(change.influencer, change.influencer_name.clone(), focus)
            };
            return self.list.current().map(open).into_iter().collect();
        }
        let mark = self.list.moved(action, height(shared));
        mark.map_or_else(Vec::new, |mark| Next::request(Request::Changes(Some(mark))))
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        vec![copy::command(&["changes"])]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width;
        let numbers = if shared.exact { 13 } else { 11 };
        let roomy = width >= ROOMY;
        let columns = [
            right("AGE", 4, 0),
            left("INFLUENCER", if width >= 160 { 50 } else { 0 }, 0),
            left(if roomy { "PLATFORM" } else { "" }, if roomy { 12 } else { 2 }, 60),
            left("METRIC", if width >= 160 { 0 } else { 16 }, 60),
            right("FROM", numbers, 0),
            right("TO", numbers, 0),
            right("CHANGE ", 7, 0),
            left("CAUSE", 7, ROOMY),
        ];
        let table = Table::new(&columns, width);
        table.titles(pen, 1);
        let empty = match (&self.list.error, self.list.loaded) {
            (Some(error), false) => Some(error.message.as_str()),
            (None, false) => Some("loading…"),
            (_, true) if self.list.rows.is_empty() => {
                Some("Nothing has changed yet: a first sync has nothing to compare with.")
            }
            _ => None,
        };
        if let Some(empty) = empty {
            pen.put(3, shared.size.height / 3, width.saturating_sub(4), empty, pen.theme.plain);
        }
        for ((change, under_cursor), y) in self.list.visible(height(shared)).zip(2..) {
            table.row(pen, y, &cells(shared, change, under_cursor), under_cursor);
        }
    }
}

fn cells(shared: &Shared, change: &Change, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    // What is not significant steps back.
    let numbers = if change.significant { theme.plain } else { theme.faint };
    let by = match (change.from, change.to) {
        (Some(from), Some(to)) => format::ratio(from, to),
        _ => None,
    };
    let by = by.map_or_else(
        || cell(format!("{} ", format::UNKNOWN), numbers),
        |ratio| {
            let trend = Trend::of(ratio);
            cell(format::trend(ratio), if change.significant { theme.trend(trend) } else { theme.line(trend) })
        },
    );
    let cause = if change.cause == ChangeCause::Manual { "by hand" } else { change.cause.as_str() };
    let platform = match shared.size.width >= ROOMY {
        true => shared.platform_name(&change.platform),
        false => shared.platform_short(&change.platform),
    };
    let (from, to) = states::pair(shared, change.metric, change.from, change.to);
    vec![
        cell(format::age(shared.now, change.at), theme.faint),
        cell(&change.influencer_name, if under_cursor { theme.strong } else { theme.plain }),
        cell(platform, theme.plain),
        cell(change.metric.label(), theme.plain),
        cell(from, numbers),
        cell(to, numbers),
        by,
        cell(cause, theme.faint),
    ]
}
