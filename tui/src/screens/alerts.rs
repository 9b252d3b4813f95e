//! The alerts, newest first.
//!
//! ```text
//!  Roster › Alerts   2 open                                 ◐ 97.8% synced   2 alerts
//!  ▌•!  25m  Oskar & Ines · YouTube     followers -12.4%          459K → 402K
//!            normal day ±0.3 %; the step is 1,000
//!    ✓   6d  Mara Lindqvist · yours     followers -2.1%         acked by ada
//! ```

use ratatui::layout::Rect;
use roster_protocol::service::PageMark;
use roster_protocol::{Alert, AlertState};

use super::listing::Listing;
use super::{Entry, Screen, alert, states};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response, Which};
use crate::modal::Next;
use crate::modal::copy::{self, Copied};
use crate::shared::Shared;
use crate::widgets::pen::Pen;

const HERE: Context = Context::Screen("Alerts");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(3),
        about: "alerts",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "open", "open its page: all that explains it"),
            bind(HERE, Action::Acknowledge, "acknowledge", &["space"], "ack", "acknowledge: a person has seen it"),
            bind(HERE, Action::Note, "note", &["n"], "note", "acknowledge it with a note, or write another note"),
            bind(HERE, Action::Assign, "assign", &["u"], "user", "say which user takes care of it"),
            bind(HERE, Action::Silence, "silence", &["z"], "silence", "keep alerts like it quiet for some time"),
            bind(
                HERE,
                Action::Sort,
                "sort",
                &["o"],
                "which",
                "show unread, yours, open, acknowledged or resolved ones alone",
            ),
            bind(HERE, Action::ReadAll, "read-all", &["R"], "all read", "mark all as read by you"),
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
    pub list: Listing<Alert>,
    pub which: Which,
}

/// How many lines each alert takes: its reason needs two on narrow screens.
fn lines(shared: &Shared) -> u16 {
    if shared.size.width < 110 { 3 } else { 2 }
}

fn height(shared: &Shared) -> usize {
    usize::from(shared.size.height.saturating_sub(3) / lines(shared))
}

impl State {
    fn request(&self, mark: Option<PageMark>) -> Vec<Next> {
        Next::request(Request::Alerts(self.which, mark))
    }
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, _: &Shared) -> String {
        match self.which {
            Which::Live => "open and acknowledged".to_owned(),
            Which::Unread => "unread only".to_owned(),
            Which::Mine => "assigned to you only".to_owned(),
            Which::State(state) => format!("{} only", state.as_str()),
        }
    }

    fn offers(&self, action: Action) -> bool {
        use Action::{Acknowledge, Assign, Note, Open, Silence};
        self.list.current().is_some() || !matches!(action, Open | Acknowledge | Note | Assign | Silence)
    }

    fn reload(&mut self, _: &mut Shared) -> Vec<Next> {
        if self.list.reload() { self.request(None) } else { Vec::new() }
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Alerts(which, mark, result) = response else { return Vec::new() };
        if self.which != *which {
            return Vec::new();
        }
        let again = self.list.responded(mark.as_ref(), result.clone(), |a, b| a.id == b.id, height(shared));
        if again { self.request(None) } else { Vec::new() }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let height = height(shared);
        match (action, self.list.current().cloned()) {
            (Action::Open, Some(alert)) => {
                let read = alert.is_unread().then(|| Mutation::Read(Some(vec![alert.id])));
                let opened = Next::Alert(Box::new(alert));
                [opened].into_iter().chain(read.into_iter().flat_map(Next::mutate)).collect()
            }
            (Action::ReadAll, _) => Next::mutate(Mutation::Read(None)),
            (Action::Acknowledge, Some(alert)) => {
                self.list.moved(Action::Down, height);
                alert::act_on(shared, &alert, action)
            }
            (Action::Note | Action::Assign | Action::Silence, Some(alert)) => alert::act_on(shared, &alert, action),
            (Action::Sort, _) => {
                let which = match self.which {
                    Which::Live => Which::Unread,
                    Which::Unread => Which::Mine,
                    Which::Mine => Which::State(AlertState::Open),
                    Which::State(AlertState::Open) => Which::State(AlertState::Acknowledged),
                    Which::State(AlertState::Acknowledged) => Which::State(AlertState::Resolved),
                    Which::State(AlertState::Resolved) => Which::Live,
                };
                *self = State { which, ..State::default() };
                self.reload(shared)
            }
            (action, _) => match self.list.moved(action, height) {
                Some(mark) => self.request(Some(mark)),
                None => Vec::new(),
            },
        }
    }

    fn copies(&self, shared: &Shared) -> Vec<Copied> {
        let state = match self.which {
            Which::State(state) => vec!["alerts", "--state", state.as_str()],
            Which::Live | Which::Unread | Which::Mine => vec!["alerts"],
        };
        let command = copy::command(&state);
        match self.list.current() {
            Some(alert) => alert::copies(shared, alert).into_iter().chain([command]).collect(),
            None => vec![command],
        }
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        let width = shared.size.width.saturating_sub(4);
        let empty = match (&self.list.error, self.list.loaded, self.which) {
            (Some(error), false, _) => Some(error.message.as_str()),
            (None, false, _) => Some("loading…"),
            (_, true, _) if !self.list.rows.is_empty() => None,
            (_, _, Which::Live) => Some("No alerts: nothing moved more than it should."),
            (_, _, Which::Unread) => Some("You have read all alerts. o shows others."),
            (_, _, Which::Mine) => Some("No alert is assigned to you. o shows others."),
            _ => Some("None of these. o shows others."),
        };
        if let Some(empty) = empty {
            pen.put(3, shared.size.height / 3, width, empty, pen.theme.plain);
            return;
        }
        for ((alert, under_cursor), line) in self.list.visible(height(shared)).zip(0..) {
            draw(shared, alert, under_cursor, pen, 2 + line * lines(shared));
        }
    }
}

fn draw(shared: &Shared, alert: &Alert, under_cursor: bool, pen: &mut Pen<'_>, y: u16) {
    let (plain, faint) = (pen.theme.plain, pen.theme.faint);
    if under_cursor {
        pen.sign(1, y, '▌', pen.theme.accent);
    }
    let (shape, style) = states::alert_shape(shared, alert);
    pen.sign(3, y, shape, style);
    pen.put_right(5, y, 4, &format::age(shared.now, alert.opened_at), faint);
    let width = shared.size.width;
    let right = beside(shared, alert);
    let right_width = crate::widgets::pen::columns(&right).min(usize::from(width / 3)) as u16;
    let who = (width * 3 / 8).min(50);
    let unread = alert.is_unread();
    let name = if under_cursor || unread { pen.theme.strong } else { plain };
    if unread {
        pen.sign(2, y, '•', pen.theme.strong);
    }
    let (whose, platform) = states::alert_subject(shared, alert);
    let yours = if alert.is_mine() { " · yours" } else { "" };
    pen.pieces(11, y, who, &[(whose.as_str(), name), (&platform, faint), (yours, plain)]);
    let about = 11 + who + 1;
    pen.pieces(about, y, width.saturating_sub(about + right_width + 3), &states::alert_pieces(shared, alert));
    pen.put_right(width.saturating_sub(right_width + 1), y, right_width, &right, faint);
    let why = Rect { x: 11, y: y + 1, width: width.saturating_sub(12), height: lines(shared) - 1 };
    pen.wrapped(why, &alert.why, faint);
}

/// Until when an open alert is silenced, or its numbers; who has seen an acknowledged one.
fn beside(shared: &Shared, alert: &Alert) -> String {
    let ended =
        alert.ended_at.map(|at| format!(" {}", format::moment(at, shared.now, &shared.zone))).unwrap_or_default();
    match (alert.state, &alert.acknowledged_by, alert.metric) {
        (AlertState::Open, ..) if alert.silenced.is_silent() => match alert.silenced.until {
            Some(until) => format!("silenced until {}", format::moment(until, shared.now, &shared.zone)),
            None => "opened silenced".to_owned(),
        },
        (AlertState::Acknowledged, Some(by), _) => format!("acked by {by}{ended}"),
        (AlertState::Acknowledged, None, _) => format!("acked{ended}"),
        (AlertState::Resolved, ..) => format!("ended by itself{ended}"),
        (AlertState::Open, _, Some(metric)) => states::from_to(shared, metric, alert.from, alert.to),
        (AlertState::Open, _, None) => String::new(),
    }
}
