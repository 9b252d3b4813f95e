//! The first screen: who is on the roster, and how they do.

mod view;

use crossterm::event::KeyEvent;
use ratatui::layout::{Rect, Size};
use roster_protocol::{
    ErrorKind, InfluencerId, InfluencerPage, InfluencerQuery, InfluencerRow, RosterError, SortBy, Timestamp,
};
use tui_input::Input;

use super::{Entry, Screen};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Effect, Request, Response};
use crate::modal::columns::Columns;
use crate::modal::copy::{self, Copied};
use crate::modal::{self, Focus, ListCommand, Modal, Next};
use crate::shared::Shared;
use crate::shared::histories::Known;
use crate::widgets::input;
use crate::widgets::pen::Pen;
use crate::widgets::window::Window;

const HERE: Context = Context::Screen("Roster");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(1),
        about: "roster",
        bindings: &[
            bind(HERE, Action::Open, "open", &["enter"], "open", "open the influencer under the cursor"),
            bind(HERE, Action::Filter, "filter", &["/"], "filter", "filter while typing; the words are below"),
            bind(HERE, Action::Sync, "sync", &["s"], "sync", "sync this influencer now"),
            bind(HERE, Action::Connect, "connect", &["c"], "connect", "connect a further account to this influencer"),
            bind(HERE, Action::Add, "add", &["a"], "add", "add an influencer"),
            bind(HERE, Action::Sort, "sort", &["o"], "sort", "by followers, total, growth, engagement, name, sync"),
            bind(HERE, Action::Reverse, "reverse", &["O"], "", "turn the order round"),
            bind(HERE, Action::Columns, "columns", &["w"], "", "choose columns, and how wide they are"),
            bind(HERE, Action::Edit, "edit", &["e"], "", "edit name and tags"),
            bind(HERE, Action::Note, "note", &["n"], "", "write a note"),
            bind(HERE, Action::PauseAll, "pause-influencer", &["P", "p"], "", "pause this influencer, or resume"),
            bind(HERE, Action::Merge, "merge", &["M"], "", "merge this influencer into another"),
            bind(HERE, Action::Back, "", &["esc"], "", "clear the filter"),
            bind(HERE, Action::Remove, "remove", &["D"], "", "remove this influencer and all history"),
        ],
        filter: &FILTER,
    },
    new: Some(new),
};

fn new() -> Box<dyn Screen> {
    Box::new(State::default())
}

/// The filter language, as `protocol::query` understands it.
const FILTER: [(&str, &str); 8] = [
    ("mara  \"mara lind\"", "the name, a handle or a tag contains it"),
    ("platform:NAME", "has an account there"),
    ("tag:beauty", "carries this tag"),
    ("status:error", "also fresh, stale, never, reauthorize, paused"),
    ("is:paused is:alerting", "paused as a whole; has an open alert"),
    ("followers:>10k", "also growth7:<-2% growth30:>5% engagement:>3%"),
    ("-tag:beauty", "a minus turns any word round"),
    ("\"re:zero\"", "in quotes a word is text, whatever it looks like"),
];

/// What the roster shows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
    pub sort: SortBy,
    /// Whether the order begins at its other end.
    pub reverse: bool,
    /// The loaded rows, the first of which has this index.
    pub rows: Vec<InfluencerRow>,
    pub offset: usize,
    pub matching: usize,
    pub total: usize,
    /// Whether the first response was there.
    pub loaded: bool,
    pub window: Window,
    /// Who is explained below the list: the row under the cursor, once it rests there.
    pub explained: Option<InfluencerRow>,
    /// When the cursor will have rested; `None` when it does.
    pub rests_at: Option<Timestamp>,
    /// Why the filter or the last request made no sense.
    pub error: Option<RosterError>,
    requested: Option<InfluencerQuery>,
    again: bool,
    /// The filter and the order of the loaded rows, and whether it is turned round.
    answered: Option<(String, SortBy, bool)>,
    /// Whom the cursor stays on, wherever their row moves, until a key moves it.
    held: Option<InfluencerId>,
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
    /// A row by its index in the whole list, if loaded.
    pub fn row(&self, index: usize) -> Option<&InfluencerRow> {
        self.rows.get(index.checked_sub(self.offset)?)
    }

    /// The row under the cursor; none while the cursor is on its way to one.
    pub fn current(&self) -> Option<&InfluencerRow> {
        self.row(self.window.cursor).filter(|row| self.held.is_none_or(|held| held == row.id))
    }

    /// Whether the loaded rows are those of the filter and the order that are shown above them.
    pub fn is_answered(&self) -> bool {
        let answered = self.answered.as_ref();
        let wanted = (self.filter.value().trim(), self.sort, self.reverse);
        answered.is_some_and(|(filter, sort, reverse)| (filter.as_str(), *sort, *reverse) == wanted)
    }

    /// Whether rows were requested and are still to come.
    pub fn is_waiting(&self) -> bool {
        self.requested.is_some()
    }

    fn covers(&self, height: usize) -> bool {
        let end = (self.window.top + height).min(self.matching);
        self.loaded && self.window.top >= self.offset && end <= self.offset + self.rows.len()
    }

    /// What to request so that the seen rows are there.
    fn query(&self, height: usize) -> InfluencerQuery {
        let limit = (height * 3).clamp(60, roster_protocol::service::PAGE_ROWS as usize);
        let offset = self.window.top.saturating_sub(limit.saturating_sub(height) / 2);
        InfluencerQuery {
            filter: self.filter.value().trim().to_owned(),
            sort: self.sort,
            reverse: self.reverse,
            offset: offset as u64,
            limit: limit as u64,
            near: self.held.filter(|_| self.current().is_none()),
        }
    }

    /// Requests the rows. What a filter means, only the daemon knows: it has the platforms.
    fn request(&mut self, height: usize) -> Vec<Next> {
        // One request is open at a time, however fast one moves or types: only the last place needs rows.
        if self.requested.is_some() {
            self.again = true;
            return Vec::new();
        }
        self.again = false;
        let query = self.query(height);
        self.requested = Some(query.clone());
        Next::request(Request::Page(query))
    }

    /// Keeps the cursor among the loaded rows: where what is typed has no rows, no others of these will arrive.
    fn keep_to_loaded(&mut self, height: usize) {
        let last = self.offset + self.rows.len().saturating_sub(1);
        self.window.cursor = self.window.cursor.clamp(self.offset, last);
        self.window.top = self.window.top.max(self.offset);
        self.window.clamp(last + 1, height);
    }

    /// Requests rows in sight that are missing.
    fn request_missing(&mut self, height: usize) -> Vec<Next> {
        if self.covers(height) { Vec::new() } else { self.request(height) }
    }

    /// Starts anew at the top, after the filter or the order changed.
    fn restart(&mut self, height: usize) -> Vec<Next> {
        (self.window, self.held) = (Window::default(), None);
        self.request(height)
    }

    /// Takes a page; a late one for another filter or order is dropped.
    fn take(
        &mut self,
        shared: &mut Shared,
        query: &InfluencerQuery,
        result: &Result<InfluencerPage, RosterError>,
    ) -> Vec<Next> {
        let height = height(shared.size);
        if self.requested.as_ref() != Some(query) {
            return Vec::new();
        }
        self.requested = None;
        let current = self.query(height);
        if (&query.filter, query.sort, query.reverse) != (&current.filter, current.sort, current.reverse) {
            // Another filter or order is wanted by now.
            return if self.again { self.request(height) } else { Vec::new() };
        }
        match result {
            Ok(page) => {
                self.take_page(query, page.clone(), height);
                match (self.held, self.current()) {
                    // Their row moved out of the page.
                    (Some(_), None) if query.near.is_none() => return self.request(height),
                    // They were removed.
                    (Some(_), None) => self.held = None,
                    _ => {}
                }
            }
            Err(error) => {
                (self.again, self.held) = (false, None);
                // The first line says that the daemon is away; what is shown stays.
                if error.kind != ErrorKind::Unreachable || !self.loaded {
                    self.error = Some(error.clone());
                }
                return Vec::new();
            }
        }
        let again = std::mem::take(&mut self.again);
        let mut next = match () {
            () if again => self.request(height),
            // A daemon that returns fewer rows than fit would be sent the same request for ever.
            () if self.query(height) == *query => Vec::new(),
            () => self.request_missing(height),
        };
        next.extend(self.want_history(shared));
        next
    }

    fn take_page(&mut self, query: &InfluencerQuery, page: InfluencerPage, height: usize) {
        let under_cursor = self.current().map(|row| row.id).filter(|_| self.window.cursor > 0);
        let follow = self.held.or(under_cursor);
        self.rows = page.rows;
        self.offset = page.offset as usize;
        self.answered = Some((query.filter.clone(), query.sort, query.reverse));
        (self.matching, self.total) = (page.matching as usize, page.total as usize);
        (self.loaded, self.error) = (true, None);
        if !follow.is_some_and(|id| self.move_to(id, height)) {
            self.window.clamp(self.matching, height);
        }
    }

    /// Moves the cursor to an influencer whose row is loaded; false where it is not.
    fn move_to(&mut self, influencer: InfluencerId, height: usize) -> bool {
        let Some(index) = self.rows.iter().position(|row| row.id == influencer) else { return false };
        self.window.cursor = self.offset + index;
        self.window.clamp(self.matching, height);
        true
    }

    /// Requests the days of the row the cursor rests on, and explains it once they are there.
    fn want_history(&mut self, shared: &mut Shared) -> Vec<Next> {
        if self.rests_at.is_some() || areas(shared.size).pane.is_none() {
            return Vec::new();
        }
        let since = shared.today().plus_days(-PANE_DAYS);
        let row = self.current().cloned();
        let main = row.as_ref().and_then(|row| row.main);
        let waits = main.is_some_and(|main| matches!(shared.histories.get(main), Known::NotYet));
        // What is there stays until the next is whole.
        if !waits || self.explained.is_none() {
            self.explained = row;
        }
        let request = main.and_then(|main| shared.histories.want(main, since));
        request.map_or_else(Vec::new, Next::request)
    }

    /// The filter's text changed.
    fn filter_changed(&mut self, shared: &Shared) -> Vec<Next> {
        self.error = None;
        self.restart(height(shared.size))
    }

    fn set_filter(&mut self, shared: &Shared, filter: &str) -> Vec<Next> {
        self.filter = Input::from(filter);
        self.filter_changed(shared)
    }

    fn set_sort(&mut self, shared: &mut Shared, sort: SortBy, reverse: bool) -> Vec<Next> {
        (self.sort, self.reverse) = (sort, reverse);
        shared.remembered.set_sort(sort, reverse);
        let remember = Next::Effect(Effect::Remember(Box::new(shared.remembered.clone())));
        [remember].into_iter().chain(self.restart(height(shared.size))).collect()
    }

    fn moved(&mut self, shared: &Shared) -> Vec<Next> {
        let height = height(shared.size);
        self.held = None;
        self.window.clamp(self.matching, height);
        self.rests_at = Some(Timestamp(shared.now.0.saturating_add(REST)));
        if self.loaded { self.request_missing(height) } else { Vec::new() }
    }

    fn clear_filter(&mut self, shared: &Shared) -> Vec<Next> {
        self.filtering = false;
        if self.filter.value().is_empty() { Vec::new() } else { self.set_filter(shared, "") }
    }
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, shared: &Shared) -> String {
        shared.status.as_ref().map(view::totals).unwrap_or_default()
    }

    fn context(&self) -> Context {
        if self.filtering { Context::Filtering } else { HERE }
    }

    fn offers(&self, action: Action) -> bool {
        use Action::{Add, Back, Columns, Filter, Help, Quit, Reverse, Screen, Sort};
        match self.total {
            _ if self.filtering || self.current().is_some() => true,
            // On an empty roster there is nothing to do anything with.
            0 => matches!(action, Add | Screen(_) | Help | Quit),
            _ => matches!(action, Add | Screen(_) | Help | Quit | Filter | Back | Sort | Reverse | Columns),
        }
    }

    fn reload(&mut self, shared: &mut Shared) -> Vec<Next> {
        if !self.loaded && self.requested.is_none() {
            (self.sort, self.reverse) = (shared.remembered.sort(), shared.remembered.reverse);
        }
        self.request(height(shared.size))
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        match response {
            Response::Page(query, result) => self.take(shared, query, result),
            // The cursor may have moved on meanwhile.
            Response::History { .. } => self.want_history(shared),
            _ => Vec::new(),
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        if self.window.moved(action, self.matching, height(shared.size)) {
            if !self.is_answered() && !self.is_waiting() {
                self.keep_to_loaded(height(shared.size));
            }
            return self.moved(shared);
        }
        match action {
            Action::Filter => {
                self.filtering = true;
                Vec::new()
            }
            Action::Submit => {
                self.filtering = false;
                Vec::new()
            }
            Action::Back => self.clear_filter(shared),
            Action::Sort => {
                let at = SortBy::ALL.iter().position(|sort| *sort == self.sort).unwrap_or_default();
                self.set_sort(shared, SortBy::ALL[(at + 1) % SortBy::ALL.len()], false)
            }
            Action::Reverse => self.set_sort(shared, self.sort, !self.reverse),
            Action::Columns => vec![Next::Modal(Modal::Columns(Columns::new(self.sort)))],
            action => self.current().map_or_else(Vec::new, |row| act_on(shared, action, row)),
        }
    }

    fn copies(&self, shared: &Shared) -> Vec<Copied> {
        let filter = self.filter.value().trim();
        let mut words = vec!["list", "--sort", self.sort.as_str()];
        words.extend(self.reverse.then_some("--reverse"));
        words.extend((!filter.is_empty()).then_some(["--", filter]).into_iter().flatten());
        let command = copy::command(&words);
        let Some(row) = self.current() else { return vec![command] };
        let id = row.id.to_string();
        let exact = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let growth = |ratio: Option<roster_protocol::Ratio>| ratio.map(format::percent).unwrap_or_default();
        let (followers, total, tags) = (exact(row.followers), exact(row.followers_total), row.tags.join(" "));
        let (week, month) = (growth(row.growth_7d), growth(row.growth_30d));
        let age = row.synced_at.map(|at| format::age(shared.now, at)).unwrap_or_default();
        vec![
            Copied::new("the name", &row.name),
            Copied::row(&[&row.name, &followers, &total, &week, &month, &age, &tags]),
            Copied::new("followers", followers),
            Copied::new("the id", &id),
            Copied { what: "its command".to_owned(), ..copy::command(&["show", &id]) },
            command,
        ]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        view::view(shared, self, pen);
    }

    fn typed(&mut self, shared: &mut Shared, key: KeyEvent) -> Vec<Next> {
        if input::edit(&mut self.filter, key) { self.filter_changed(shared) } else { Vec::new() }
    }

    fn pasted(&mut self, shared: &mut Shared, text: &str) -> Vec<Next> {
        if input::paste(&mut self.filter, text) { self.filter_changed(shared) } else { Vec::new() }
    }

    fn subject(&self) -> Option<(InfluencerId, String)> {
        self.current().map(|row| (row.id, row.name.clone()))
    }

    fn command(&mut self, shared: &mut Shared, command: ListCommand) -> Vec<Next> {
        match command {
            ListCommand::Filter(filter) => self.set_filter(shared, &filter),
            ListCommand::Sort(sort) => self.set_sort(shared, sort, false),
            ListCommand::Reverse => self.set_sort(shared, self.sort, !self.reverse),
            ListCommand::Show(influencer) => {
                // A filter could hide them.
                (self.filter, self.filtering, self.error) = (Input::default(), false, None);
                self.held = Some(influencer);
                self.request(height(shared.size))
            }
            ListCommand::Go(number) => {
                self.window.cursor = number.saturating_sub(1);
                self.moved(shared)
            }
        }
    }

    fn resized(&mut self, shared: &mut Shared) -> Vec<Next> {
        let height = height(shared.size);
        self.window.clamp(self.matching, height);
        if !self.loaded {
            return Vec::new();
        }
        let mut next = self.request_missing(height);
        next.extend(self.want_history(shared));
        next
    }

    fn tick(&mut self, shared: &mut Shared) -> Vec<Next> {
        if self.rests_at.is_none_or(|at| at > shared.now) {
            return Vec::new();
        }
        self.rests_at = None;
        self.want_history(shared)
    }

    fn wakes_at(&self, _: &Shared) -> Option<Timestamp> {
        self.rests_at
    }

    fn is_ready(&self) -> bool {
        self.loaded || self.error.is_some()
    }
}

/// What a key does with the influencer under the cursor.
fn act_on(shared: &mut Shared, action: Action, row: &InfluencerRow) -> Vec<Next> {
    let (influencer, name) = (row.id, row.name.clone());
    match action {
        Action::Open => vec![Next::Influencer(influencer, name, Focus::default())],
        Action::Sync => Next::sync(influencer, name),
        Action::PauseAll => Next::pause(influencer, name, row.sync_enabled),
        Action::Connect => vec![Next::Modal(modal::form::connect(shared, influencer, name))],
        Action::Edit => vec![Next::Modal(modal::form::edit(shared, row))],
        Action::Note => vec![Next::Modal(modal::form::note(shared, row))],
        Action::Remove => vec![Next::Modal(modal::confirm::remove(influencer, name))],
        Action::Merge => {
            let picker = Modal::Picker(modal::picker::Picker::new(influencer, name));
            [Next::Modal(picker)].into_iter().chain(Next::request(Request::Choices(String::new()))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
