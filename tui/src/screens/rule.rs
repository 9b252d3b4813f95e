//! One rule, and what it would have said of the stored history.
//!
//! ```text
//!  Roster › Rules › big-drop  on                            ◐ 97.8% synced   2 alerts
//!
//!    followers down by 5 % and 100 within 1d; warning; cooldown 72h
//!    built in; an edit overrides it here
//!
//!  LAST YEAR  12 accounts, 4,380 days together
//!    6 alerts, 0.50 per account and year, about 1 of them
//!
//!    DAY          INFLUENCER          PLATFORM   WHAT
//!  ▌ Oct 4        Mara Lindqvist      YouTube    followers fell 15.8 % within 24 hours, …
//! ```

use ratatui::layout::Rect;
use roster_protocol::rule::{Backtest, ListedRule, RuleParts, TestedAlert};
use roster_protocol::{Day, RosterError, Since, Timestamp};

use super::{Entry, Screen, rules};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Request, Response, RuleDraft};
use crate::modal::copy::{self, Copied};
use crate::modal::{Focus, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;
use crate::widgets::table::{Content, Table, cell, left};
use crate::widgets::window::Window;

const HERE: Context = Context::Screen("Rule");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: None,
        about: "",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "open", "open the example's account and day"),
            bind(HERE, Action::Range, "range", &["t"], "range", "test it over 30 days, a year, or all that is stored"),
            bind(HERE, Action::Switch, "switch", &["space"], "on or off", "switch it on or off"),
            bind(HERE, Action::Edit, "edit", &["e"], "edit", "change it; a built-in one is overridden"),
            bind(HERE, Action::Remove, "remove", &["D"], "", "remove what was made of it"),
        ],
        filter: &[],
    },
    new: None,
};

/// The histories a rule can be tested over: days, and how that is called.
const RANGES: [(Option<u32>, &str); 3] = [(Some(365), "LAST YEAR"), (None, "ALL"), (Some(30), "LAST 30 DAYS")];

/// What the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    listed: ListedRule,
    /// Which of [`RANGES`].
    range: usize,
    /// `None` while it is tested.
    tested: Option<Result<Box<Backtest>, RosterError>>,
    /// Whether a test is under way.
    requested: bool,
    window: Window,
}

impl State {
    /// The page of a rule, not tested yet.
    pub fn new(listed: ListedRule) -> Self {
        Self { listed, range: 0, tested: None, requested: false, window: Window::default() }
    }

    fn since(&self) -> Option<Since> {
        RANGES.get(self.range).and_then(|(days, _)| *days).map(|days| Since::Day(Day::Ago(days)))
    }

    /// Requests what the rule would have said.
    fn test(&mut self) -> Vec<Next> {
        (self.tested, self.requested, self.window) = (None, true, Window::default());
        let draft = Box::new(RuleDraft::of(RuleParts::default()));
        Next::request(Request::TestRule { form: None, name: self.listed.rule.name.clone(), draft, since: self.since() })
    }

    fn examples(&self) -> &[TestedAlert] {
        match &self.tested {
            Some(Ok(tested)) => &tested.examples,
            _ => &[],
        }
    }
}

/// The first line of the examples.
const EXAMPLES_AT: u16 = 11;

fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(EXAMPLES_AT + 2)).max(1)
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn title(&self) -> &str {
        &self.listed.rule.name
    }

    fn summary(&self, _: &Shared) -> String {
        if self.listed.rule.enabled { "on" } else { "off" }.to_owned()
    }

    fn offers(&self, action: Action) -> bool {
        action != Action::Open || !self.examples().is_empty()
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        let mut next = Next::request(Request::Rules);
        if self.tested.is_none() && !self.requested {
            next.extend(self.test());
        }
        next
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        match response {
            Response::Rules(Ok(rules)) => {
                match rules.iter().find(|listed| listed.rule.name == self.listed.rule.name) {
                    // It was removed.
                    None => return vec![Next::Back],
                    Some(listed) => {
                        let is_changed = listed.rule != self.listed.rule;
                        self.listed = listed.clone();
                        if is_changed {
                            return self.test();
                        }
                    }
                }
            }
            Response::Tested { form: None, name, since, result }
                if *name == self.listed.rule.name && *since == self.since() =>
            {
                (self.tested, self.requested) = (Some(result.clone()), false);
                self.window.clamp(self.examples().len(), height(shared));
            }
            _ => {}
        }
        Vec::new()
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match action {
            Action::Range => {
                self.range = (self.range + 1) % RANGES.len();
                self.test()
            }
            Action::Open => {
                let example = self.examples().get(self.window.cursor);
                example.map(opened).into_iter().collect()
            }
            Action::Switch | Action::Edit | Action::Remove => {
                let listed = self.listed.clone();
                rules::act_on(shared, &listed, action)
            }
            _ => {
                let total = self.examples().len();
                self.window.moved(action, total, height(shared));
                Vec::new()
            }
        }
    }

    fn copies(&self, _: &Shared) -> Vec<Copied> {
        let name = &self.listed.rule.name;
        vec![copy::command(&["rules", "test", name]), Copied::new("the name", name)]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let (width, faint, plain) = (shared.size.width.saturating_sub(4), pen.theme.faint, pen.theme.plain);
        let area = Rect { x: 3, y: 2, width, height: 2 };
        let used = pen.wrapped(area, &self.listed.rule.to_string(), plain);
        pen.wrapped(Rect { y: area.y + used, ..area }, &rules::origin(&self.listed), faint);
        let (_, range) = RANGES[self.range % RANGES.len()];
        let tested = match &self.tested {
            None => {
                pen.put(1, 7, width, &format!("{range}  testing …"), faint);
                return;
            }
            Some(Err(error)) => {
                pen.wrapped(Rect { y: 7, ..area }, &error.message, faint);
                return;
            }
            Some(Ok(tested)) => tested,
        };
        pen.pieces(1, 7, width, &[(format!("{range}  "), faint), (read(tested), faint)]);
        pen.put(3, 8, width, &tested.in_words(), plain);
        if !tested.examples.is_empty() {
            self.view_examples(shared, pen);
        }
    }
}

impl State {
    fn view_examples(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width;
        let columns =
            [left("DAY", 11, 0), left("INFLUENCER", (width / 4).min(30), 0), left("ON", 10, 100), left("WHAT", 0, 0)];
        let table = Table::new(&columns, width);
        table.titles(pen, EXAMPLES_AT - 1);
        let seen = self.examples().iter().enumerate().skip(self.window.top).take(height(shared));
        for ((index, example), y) in seen.zip(EXAMPLES_AT..) {
            let under_cursor = index == self.window.cursor;
            table.row(pen, y, &cells(shared, example, under_cursor), under_cursor);
        }
    }
}

/// Opens the account as it was at noon of that day.
fn opened(example: &TestedAlert) -> Next {
    let at = Timestamp((i64::from(example.date.0) * 24 + 12) * 3_600_000);
    let focus = Focus { connection: Some(example.connection), metric: Some(example.metric), at: Some(at) };
    Next::Influencer(example.influencer, example.influencer_name.clone(), focus)
}

/// `12 accounts, 4,380 days together`.
fn read(tested: &Backtest) -> String {
    format!("{}, {} together", counted(tested.accounts, "account"), counted(tested.days, "day"))
}

fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", format::exact(number), if number == 1 { "" } else { "s" })
}

fn cells(shared: &Shared, example: &TestedAlert, under_cursor: bool) -> Vec<Content> {
    let theme = &shared.theme;
    vec![
        cell(format::day_near(example.date, shared.today()), theme.faint),
        cell(&example.influencer_name, if under_cursor { theme.strong } else { theme.plain }),
        cell(shared.platform_name(&example.platform), theme.faint),
        cell(&example.why, theme.plain),
    ]
}
