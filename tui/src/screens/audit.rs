//! Who did what, newest first.
//!
//! ```text
//!  Roster › Audit                                           ● 97.8% synced   2 alerts
//!      WHEN WHO      ACTION             ON                   WHAT
//!  ▌  14:02 ada      influencer.edit    Oskar & Ines         Oskar → Oskar & Ines
//! ```

use roster_protocol::service::{Page, PageMark};
use roster_protocol::{AuditEntry, InfluencerId, RosterError};

use super::listing::Listing;
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
    pub list: Listing<AuditEntry>,
}

/// Whether ids and years have room.
fn roomy(shared: &Shared) -> bool {
    shared.size.width >= 120
}

fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(3))
}

/// Asks for the newest.
pub fn reload(model: &mut Model) -> Vec<Effect> {
    let Screen::Audit(state) = &mut model.screen else { return Vec::new() };
    if state.list.reload() { vec![Effect::Request(Request::Audit(None))] } else { Vec::new() }
}

/// Takes a page.
pub fn answered(
    model: &mut Model,
    mark: Option<PageMark>,
    result: Result<Page<AuditEntry>, RosterError>,
) -> Vec<Effect> {
    let height = height(&model.shared);
    let Screen::Audit(state) = &mut model.screen else { return Vec::new() };
    let again = state.list.answered(mark.as_ref(), result, |a, b| a.number == b.number, height);
    if again { vec![Effect::Request(Request::Audit(None))] } else { Vec::new() }
}

/// What a key does here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let height = height(&model.shared);
    let Screen::Audit(state) = &mut model.screen else { return Vec::new() };
    let mark = state.list.moved(action, height);
    mark.map(|mark| Effect::Request(Request::Audit(Some(mark)))).into_iter().collect()
}

/// Draws the entries.
pub fn view(shared: &Shared, state: &State, pen: &mut Pen<'_>) {
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
    let empty = match (&state.list.error, state.list.loaded) {
        (Some(error), false) => Some(error.message.as_str()),
        (None, false) => Some("loading…"),
        (_, true) if state.list.rows.is_empty() => Some("Nobody has done anything yet."),
        _ => None,
    };
    if let Some(empty) = empty {
        pen.put(3, shared.size.height / 3, width.saturating_sub(4), empty, pen.theme.plain);
    }
    for ((entry, under_cursor), y) in state.list.visible(height(shared)).zip(2..) {
        table.row(pen, y, &cells(shared, entry, under_cursor), under_cursor);
    }
}

/// The readable name alone, where an id stands before one.
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
