//! The first screen: who is on the roster, and how they do.

mod view;

pub use view::{tags, view};

use ratatui::layout::{Rect, Size};
use roster_protocol::audit::PauseTarget;
use roster_protocol::{
    ErrorKind, InfluencerId, InfluencerPage, InfluencerQuery, InfluencerRow, RosterError, SortBy, SyncTarget,
    Timestamp, query,
};
use tui_input::Input;

use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};
use crate::modal::{self, Modal};
use crate::model::Model;
use crate::screens::influencer;
use crate::shared::histories::Known;
use crate::widgets::window::Window;

/// What the roster shows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
    pub sort: SortBy,
    /// The loaded rows, the first of which has this index.
    pub rows: Vec<InfluencerRow>,
    pub offset: usize,
    pub matching: usize,
    pub total: usize,
    /// Whether the first answer was there.
    pub loaded: bool,
    pub window: Window,
    /// Who is explained below the list: the row under the cursor, once it rests there.
    pub explained: Option<InfluencerRow>,
    /// When the cursor will have rested; `None` when it does.
    pub rests_at: Option<Timestamp>,
    /// Why the filter or the last question made no sense.
    pub error: Option<RosterError>,
    asked: Option<InfluencerQuery>,
    again: bool,
}

/// Where the parts are.
#[derive(Clone, Copy, Debug)]
pub struct Areas {
    pub filter: Rect,
    pub titles: Rect,
    pub rows: Rect,
    /// The explanation of the row under the cursor; none on low screens.
    pub pane: Option<Rect>,
}

/// How many days the pane shows.
pub const PANE_DAYS: i32 = 90;

/// How long the cursor stays on a row before it is explained, in milliseconds. A key that is held down
/// moves every 30 or so, and over a slow line each explanation costs more than the step.
const REST: i64 = 80;

/// Lays the screen out.
pub fn areas(size: Size) -> Areas {
    let line = |y: u16, height: u16| Rect { x: 0, y, width: size.width, height };
    let body = size.height.saturating_sub(4);
    let pane = if body >= 14 { (body * 2 / 5).clamp(7, 16) } else { 0 };
    let rows = body - pane;
    Areas {
        filter: line(1, 1),
        titles: line(2, 1),
        rows: line(3, rows),
        pane: (pane > 0).then(|| line(3 + rows, pane)),
    }
}

fn height(size: Size) -> usize {
    usize::from(areas(size).rows.height).max(1)
}

impl State {
    /// A row by its place in the whole list, if loaded.
    pub fn row(&self, index: usize) -> Option<&InfluencerRow> {
        self.rows.get(index.checked_sub(self.offset)?)
    }

    /// The row under the cursor.
    pub fn current(&self) -> Option<&InfluencerRow> {
        self.row(self.window.cursor)
    }

    fn covers(&self, height: usize) -> bool {
        let end = (self.window.top + height).min(self.matching);
        self.loaded && self.window.top >= self.offset && end <= self.offset + self.rows.len()
    }

    /// What to ask for so that the seen rows are there.
    fn query(&self, height: usize) -> InfluencerQuery {
        let limit = (height * 3).clamp(60, roster_protocol::service::PAGE_ROWS as usize);
        let offset = self.window.top.saturating_sub(limit.saturating_sub(height) / 2);
        InfluencerQuery {
            filter: self.filter.value().trim().to_owned(),
            sort: self.sort,
            offset: offset as u64,
            limit: limit as u64,
        }
    }

    /// Asks, unless the filter makes no sense.
    fn ask(&mut self, height: usize) -> Vec<Effect> {
        let query = self.query(height);
        if let Err(error) = query::parse(&query.filter) {
            self.error = Some(RosterError::usage(error.to_string()));
            self.asked = None;
            return Vec::new();
        }
        self.asked = Some(query.clone());
        vec![Effect::Request(Request::Page(query))]
    }

    /// Asks if rows in sight are missing and nobody asked for them yet.
    fn ask_missing(&mut self, height: usize) -> Vec<Effect> {
        if self.covers(height) || self.asked.as_ref() == Some(&self.query(height)) {
            return Vec::new();
        }
        self.ask(height)
    }

    /// Starts anew at the top, after the filter or the order changed.
    fn restart(&mut self, height: usize) -> Vec<Effect> {
        self.window = Window::default();
        self.again = false;
        self.ask(height)
    }

    fn take(&mut self, query: &InfluencerQuery, page: InfluencerPage, height: usize) {
        let follow = self.current().map(|row| row.id).filter(|_| self.window.cursor > 0);
        self.rows = page.rows;
        self.offset = query.offset as usize;
        (self.matching, self.total) = (page.matching as usize, page.total as usize);
        (self.loaded, self.error) = (true, None);
        let place = follow.and_then(|id| self.rows.iter().position(|row| row.id == id));
        if let Some(place) = place {
            self.window.cursor = self.offset + place;
        }
        self.window.clamp(self.matching, height);
    }
}

/// Loads what is in sight anew, after something happened.
pub fn reload(model: &mut Model) -> Vec<Effect> {
    let height = height(model.shared.size);
    if model.roster.asked.is_some() {
        model.roster.again = true;
        return Vec::new();
    }
    model.roster.ask(height)
}

/// Takes a page; a late one for another question is dropped.
pub fn answered(model: &mut Model, query: InfluencerQuery, result: Result<InfluencerPage, RosterError>) -> Vec<Effect> {
    let height = height(model.shared.size);
    let state = &mut model.roster;
    if state.asked.as_ref() != Some(&query) {
        return Vec::new();
    }
    state.asked = None;
    match result {
        Ok(page) => state.take(&query, page, height),
        Err(error) => {
            state.again = false;
            // The first line says that the daemon is away; what is shown stays.
            if error.kind != ErrorKind::Unreachable || !state.loaded {
                state.error = Some(error);
            }
            return Vec::new();
        }
    }
    let again = std::mem::take(&mut state.again);
    let mut effects = match () {
        () if again => state.ask(height),
        // Whoever answers with fewer rows than fit would be asked the same for ever.
        () if state.query(height) == query => Vec::new(),
        () => state.ask_missing(height),
    };
    effects.extend(want_history(model));
    effects
}

/// Asks for the days of the row the cursor rests on, and explains it once they are there.
pub fn want_history(model: &mut Model) -> Vec<Effect> {
    if model.roster.rests_at.is_some() || areas(model.shared.size).pane.is_none() {
        return Vec::new();
    }
    let since = model.shared.today().plus_days(-PANE_DAYS);
    let row = model.roster.current().cloned();
    let main = row.as_ref().and_then(|row| row.main);
    let waits = main.is_some_and(|main| matches!(model.shared.histories.get(main), Known::NotYet));
    // What is there stays until the next is whole.
    if !waits || model.roster.explained.is_none() {
        model.roster.explained = row;
    }
    let request = main.and_then(|main| model.shared.histories.want(main, since));
    request.map(Effect::Request).into_iter().collect()
}

/// Time passed: the cursor may have rested.
pub fn tick(model: &mut Model) -> Vec<Effect> {
    if model.roster.rests_at.is_none_or(|at| at > model.shared.now) {
        return Vec::new();
    }
    model.roster.rests_at = None;
    want_history(model)
}

/// After the screen's size changed.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    let height = height(model.shared.size);
    model.roster.window.clamp(model.roster.matching, height);
    if !model.roster.loaded {
        return Vec::new();
    }
    let mut effects = model.roster.ask_missing(height);
    effects.extend(want_history(model));
    effects
}

/// The filter's text changed.
pub fn filter_changed(model: &mut Model) -> Vec<Effect> {
    model.roster.error = None;
    let height = height(model.shared.size);
    model.roster.restart(height)
}

/// Takes another filter, from the command line or to clear it.
pub fn set_filter(model: &mut Model, filter: &str) -> Vec<Effect> {
    model.roster.filter = Input::from(filter);
    filter_changed(model)
}

/// Takes another order.
pub fn set_sort(model: &mut Model, sort: SortBy) -> Vec<Effect> {
    model.roster.sort = sort;
    let height = height(model.shared.size);
    model.roster.restart(height)
}

/// Goes to a row, counted from 1.
pub fn go_to(model: &mut Model, number: usize) -> Vec<Effect> {
    model.roster.window.cursor = number.saturating_sub(1);
    moved(model)
}

fn moved(model: &mut Model) -> Vec<Effect> {
    let height = height(model.shared.size);
    model.roster.window.clamp(model.roster.matching, height);
    model.roster.rests_at = Some(Timestamp(model.shared.now.0.saturating_add(REST)));
    if model.roster.loaded { model.roster.ask_missing(height) } else { Vec::new() }
}

/// What a key does here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let height = height(model.shared.size);
    let total = model.roster.matching;
    if model.roster.window.moved(action, total, height) {
        return moved(model);
    }
    match action {
        Action::Filter => {
            model.roster.filtering = true;
            Vec::new()
        }
        Action::Submit => {
            model.roster.filtering = false;
            Vec::new()
        }
        Action::Back => clear_filter(model),
        Action::Sort => {
            let at = SortBy::ALL.iter().position(|sort| *sort == model.roster.sort).unwrap_or_default();
            set_sort(model, SortBy::ALL[(at + 1) % SortBy::ALL.len()])
        }
        action => match model.roster.current().cloned() {
            Some(row) => act_on(model, action, row),
            None => Vec::new(),
        },
    }
}

fn clear_filter(model: &mut Model) -> Vec<Effect> {
    model.roster.filtering = false;
    if model.roster.filter.value().is_empty() { Vec::new() } else { set_filter(model, "") }
}

/// What a key does with the influencer under the cursor.
fn act_on(model: &mut Model, action: Action, row: InfluencerRow) -> Vec<Effect> {
    let (influencer, name) = (row.id, row.name.clone());
    match action {
        Action::Open => return influencer::open(model, influencer, name),
        Action::Sync => return vec![sync(influencer, name)],
        Action::PauseAll => return vec![pause(influencer, name, row.sync_enabled)],
        Action::Connect => model.modal = Some(modal::form::connect(model, influencer, name)),
        Action::Edit => model.modal = Some(modal::form::edit(model, &row)),
        Action::Note => model.modal = Some(modal::form::note(model, &row)),
        Action::Remove => model.modal = Some(modal::confirm::remove(influencer, name)),
        Action::Merge => return merge(model, influencer, name),
        _ => {}
    }
    Vec::new()
}

fn merge(model: &mut Model, influencer: InfluencerId, name: String) -> Vec<Effect> {
    model.modal = Some(Modal::Picker(modal::picker::Picker::new(influencer, name)));
    vec![Effect::Request(Request::Choices(String::new()))]
}

/// Asks for a sync of one influencer.
pub fn sync(influencer: InfluencerId, name: String) -> Effect {
    Effect::Request(Request::Mutate(Mutation::Sync { target: SyncTarget::One(influencer.to_string()), name }))
}

/// Asks to pause one influencer, or to resume.
pub fn pause(influencer: InfluencerId, name: String, paused: bool) -> Effect {
    Effect::Request(Request::Mutate(Mutation::Pause { target: PauseTarget::One(influencer.to_string()), name, paused }))
}
