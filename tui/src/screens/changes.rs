//! What moved, newest first.
//!
//! ```text
//!  Roster › Changes                                         ● 97.8% synced   2 alerts
//!     AGE INFLUENCER                 METRIC              FROM        TO  CHANGE
//!  ▌  25m Oskar & Ines            yt followers           459K      402K  -12.4%
//! ```

use roster_protocol::service::{Page, PageMark};
use roster_protocol::{Change, ChangeCause, RosterError};

use super::influencer;
use super::listing::Listing;
use super::states;
use crate::format;
use crate::keys::Action;
use crate::message::{Effect, Request};
use crate::model::{Model, Screen};
use crate::shared::Shared;
use crate::widgets::pen::Pen;
use crate::widgets::table::{Content, Table, cell, left, right};

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

/// Asks for the newest.
pub fn reload(model: &mut Model) -> Vec<Effect> {
    let Screen::Changes(state) = &mut model.screen else { return Vec::new() };
    if state.list.reload() { vec![Effect::Request(Request::Changes(None))] } else { Vec::new() }
}

/// Takes a page.
pub fn answered(model: &mut Model, mark: Option<PageMark>, result: Result<Page<Change>, RosterError>) -> Vec<Effect> {
    let height = height(&model.shared);
    let Screen::Changes(state) = &mut model.screen else { return Vec::new() };
    let same = |a: &Change, b: &Change| (a.at, a.connection, a.metric) == (b.at, b.connection, b.metric);
    let again = state.list.answered(mark.as_ref(), result, same, height);
    if again { vec![Effect::Request(Request::Changes(None))] } else { Vec::new() }
}

/// What a key does here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let height = height(&model.shared);
    let Screen::Changes(state) = &mut model.screen else { return Vec::new() };
    if action == Action::Open {
        return match state.list.current().cloned() {
            Some(change) => influencer::open(model, change.influencer, change.influencer_name),
            None => Vec::new(),
        };
    }
    let mark = state.list.moved(action, height);
    mark.map(|mark| Effect::Request(Request::Changes(Some(mark)))).into_iter().collect()
}

/// Draws the changes.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
    let width = shared.size.width;
    let numbers = if shared.exact { 13 } else { 9 };
    let roomy = width >= ROOMY;
    let columns = [
        right("AGE", 4, 0),
        left("INFLUENCER", if width >= 160 { 50 } else { 0 }, 0),
        left(if roomy { "PLATFORM" } else { "" }, if roomy { 12 } else { 2 }, 60),
        left("METRIC", if width >= 160 { 0 } else { 16 }, 60),
        right("FROM", numbers, 0),
        right("TO", numbers, 0),
        right("CHANGE", 7, 0),
        left("CAUSE", 7, ROOMY),
    ];
    let table = Table::new(&columns, width);
    table.titles(pen, 1);
    let empty = match (&state.list.error, state.list.loaded) {
        (Some(error), false) => Some(error.message.as_str()),
        (None, false) => Some("loading…"),
        (_, true) if state.list.rows.is_empty() => {
            Some("Nothing has changed yet: a first sync has nothing to compare with.")
        }
        _ => None,
    };
    if let Some(empty) = empty {
        pen.put(3, shared.size.height / 3, width.saturating_sub(4), empty, pen.theme.plain);
    }
    for ((change, under_cursor), y) in state.list.visible(height(shared)).zip(2..) {
        table.row(pen, y, &cells(shared, change, under_cursor), under_cursor);
    }
}

fn cells(shared: &Shared, change: &Change, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    // What is not significant steps back.
    let numbers = if change.significant { theme.plain } else { theme.faint };
    let by = match (change.from, change.to) {
        (Some(from), Some(to)) => format::change(from, to),
        _ => None,
    };
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
        cell(by.unwrap_or_else(|| format::UNKNOWN.to_owned()), numbers),
        cell(cause, theme.faint),
    ]
}
