//! The alert rules: what opens alerts, where each rule is from, and how often it alerted lately.
//!
//! ```text
//!  Roster › Rules  17 of 18 are on                          ◐ 97.8% synced   2 alerts
//!    RULE                  FROM      LEVEL     30 D  OPEN  WHAT
//!  ▌ ● big-drop            config    warning      4     1  followers down by 5 % and 10…
//!    ○ mine                store     critical     0     0  followers down by 5 % and 10…
//!
//!  followers down by 5 % and 100 within 1d; warning; cooldown 72h
//!  from the config: change [rules.big-drop] in /etc/roster/rosterd.toml, then reload rosterd
//! ```

use ratatui::layout::Rect;
use roster_protocol::RosterError;
use roster_protocol::rule::{ListedRule, Origin};

use super::{Entry, Screen};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{Modal, Next, confirm, form};
use crate::shared::{Shared, ToastLevel};
use crate::widgets::pen::Pen;
use crate::widgets::table::{Content, Table, cell, left, right};
use crate::widgets::window::Window;

const HERE: Context = Context::Screen("Rules");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(8),
        about: "rules: what opens alerts",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "test", "open its page: what it would have said lately"),
            bind(HERE, Action::Switch, "switch", &["space"], "on or off", "switch it on or off"),
            bind(HERE, Action::NewRule, "new-rule", &["n"], "new", "make a rule"),
            bind(HERE, Action::Edit, "edit", &["e"], "edit", "change it; a built-in one is overridden"),
            bind(HERE, Action::Remove, "remove", &["D"], "remove", "remove what was made of it"),
        ],
        filter: &[],
    },
    new: Some(new),
};

/// Lines below the list, about the rule under the cursor.
const BELOW: u16 = 5;

fn new() -> Box<dyn Screen> {
    Box::new(State::default())
}

/// What the screen shows.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// `None` before the first response.
    rules: Option<Vec<ListedRule>>,
    error: Option<RosterError>,
    window: Window,
    requested: bool,
    /// Something happened while a request was open.
    again: bool,
}

fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(3 + BELOW)).max(1)
}

/// What a key does to a rule, whichever screen shows it.
pub fn act_on(shared: &mut Shared, listed: &ListedRule, action: Action) -> Vec<Next> {
    let name = &listed.rule.name;
    if !matches!(action, Action::Switch | Action::Edit | Action::Remove) {
        return Vec::new();
    }
    match (listed.origin, action) {
        (Origin::Config, _) => {
            shared.say(ToastLevel::Failed, format!("the config has the rule {name}"), Some(where_to_change(listed)));
            Vec::new()
        }
        (_, Action::Switch) => Next::mutate(Mutation::SwitchRule { name: name.clone(), on: !listed.rule.enabled }),
        (_, Action::Edit) => vec![Next::Modal(form::edit_rule(shared, &listed.rule))],
        (Origin::BuiltIn, _) => {
            shared.say(ToastLevel::Failed, format!("{name} is built in"), Some("space switches it off".to_owned()));
            Vec::new()
        }
        (Origin::Store, _) => vec![Next::Modal(Modal::Confirm(confirm::remove_rule(listed)))],
    }
}

/// `change [rules.big-drop] in /etc/roster/rosterd.toml, then reload rosterd`.
fn where_to_change(listed: &ListedRule) -> String {
    let file = listed.file.as_deref().unwrap_or("rosterd.toml");
    format!("change [rules.{}] in {file}, then reload rosterd", listed.rule.name)
}

/// Where a rule is from, and how it is changed.
pub fn origin(listed: &ListedRule) -> String {
    let overrides_built_in = listed.overrides.contains(&Origin::BuiltIn);
    match listed.origin {
        Origin::Config if listed.overrides.contains(&Origin::Store) => {
            format!("from the config, which is used before the one made here: {}", where_to_change(listed))
        }
        Origin::Config => format!("from the config: {}", where_to_change(listed)),
        Origin::BuiltIn => "built in; an edit overrides it here".to_owned(),
        Origin::Store if overrides_built_in => "changed here; D makes it as it is built in".to_owned(),
        Origin::Store => "made here".to_owned(),
    }
}

impl State {
    fn current(&self) -> Option<&ListedRule> {
        self.rules.as_ref()?.get(self.window.cursor)
    }

    fn take(&mut self, shared: &Shared, rules: &[ListedRule]) {
        let name = self.current().map(|listed| listed.rule.name.clone());
        let at = name.and_then(|name| rules.iter().position(|listed| listed.rule.name == name));
        self.window.cursor = at.unwrap_or(self.window.cursor);
        (self.rules, self.error) = (Some(rules.to_vec()), None);
        self.window.clamp(rules.len(), height(shared));
    }
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, _: &Shared) -> String {
        let Some(rules) = &self.rules else { return String::new() };
        let on = rules.iter().filter(|listed| listed.rule.enabled).count();
        format!("{on} of {} are on", rules.len())
    }

    fn offers(&self, action: Action) -> bool {
        match (action, self.current()) {
            (Action::Open | Action::Switch | Action::Edit, current) => current.is_some(),
            (Action::Remove, current) => current.is_some_and(|listed| listed.origin == Origin::Store),
            _ => true,
        }
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        // Their alerts are counted anew each time.
        self.again = self.requested;
        if std::mem::replace(&mut self.requested, true) { Vec::new() } else { Next::request(Request::Rules) }
    }

    fn resized(&mut self, shared: &mut Shared) -> Vec<Next> {
        let total = self.rules.as_ref().map_or(0, Vec::len);
        self.window.clamp(total, height(shared));
        Vec::new()
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        match response {
            Response::Rules(Ok(rules)) => self.take(shared, rules),
            Response::Rules(Err(error)) => self.error = Some(error.clone()),
            _ => return Vec::new(),
        }
        self.requested = false;
        if self.again { self.reload(shared) } else { Vec::new() }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match (action, self.current().cloned()) {
            (Action::NewRule, _) => vec![Next::Modal(form::add_rule(shared))],
            (Action::Open, Some(listed)) => vec![Next::Rule(Box::new(listed))],
            (Action::Switch | Action::Edit | Action::Remove, Some(listed)) => act_on(shared, &listed, action),
            (action, _) => {
                let total = self.rules.as_ref().map_or(0, Vec::len);
                self.window.moved(action, total, height(shared));
                Vec::new()
            }
        }
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        vec![copy::command(&["rules", "list"])]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width;
        let Some(rules) = &self.rules else {
            let text = self.error.as_ref().map_or("loading…", |error| error.message.as_str());
            pen.put(3, shared.size.height / 3, width.saturating_sub(4), text, pen.theme.plain);
            return;
        };
        let columns = [
            left("RULE", 24, 0),
            left("FROM", 8, 70),
            left("LEVEL", 8, 60),
            right("30 D", 6, 0),
            right("OPEN", 5, 0),
            left("WHAT", 0, 0),
        ];
        let table = Table::new(&columns, width);
        table.titles(pen, 1);
        let seen = rules.iter().enumerate().skip(self.window.top).take(height(shared));
        for ((index, listed), y) in seen.zip(2..) {
            let under_cursor = index == self.window.cursor;
            table.row(pen, y, &cells(shared, listed, under_cursor), under_cursor);
        }
        if let Some(listed) = self.current() {
            let area =
                Rect { x: 3, y: shared.size.height.saturating_sub(BELOW), width: width.saturating_sub(4), height: 2 };
            let used = pen.wrapped(area, &listed.rule.to_string(), pen.theme.plain);
            pen.wrapped(Rect { y: area.y + used, height: 2, ..area }, &origin(listed), pen.theme.faint);
        }
    }
}

fn cells(shared: &Shared, listed: &ListedRule, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    let (shape, style) = if listed.rule.enabled { ("● ", theme.good) } else { ("○ ", theme.faint) };
    let name = if under_cursor { theme.strong } else { theme.plain };
    let text = if listed.rule.enabled { theme.plain } else { theme.faint };
    vec![
        vec![(shape.to_owned(), style), (listed.rule.name.clone(), name)],
        cell(listed.origin.as_str(), theme.faint),
        cell(listed.rule.severity.as_str(), theme.faint),
        cell(format::exact(listed.alerts_30d), text),
        cell(format::exact(listed.open), if listed.open > 0 { theme.warn } else { theme.faint }),
        cell(listed.rule.test.to_string(), text),
    ]
}
