//! One influencer: the accounts, their states, the numbers over time, and what happened.

pub mod charted;
mod view;

use ratatui::layout::Size;
use roster_protocol::audit::PauseTarget;
use roster_protocol::service::History;
use roster_protocol::{
    Alert, Change, Connection, ConnectionStatus, Date, ErrorKind, Influencer, InfluencerEdit, InfluencerId, Metric,
    RosterError, Snapshot, Timestamp,
};

use self::charted::Charted;
use super::{Entry, Screen};
use crate::format;
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{self, Focus, Next};
use crate::shared::histories::Known;
use crate::shared::{Shared, ToastLevel};
use crate::widgets::pen::Pen;
use crate::widgets::window::Window;

/// The lengths a chart can have, in days.
pub const RANGES: [i32; 4] = [30, 90, 365, 5 * 365];

const HERE: Context = Context::Screen("Influencer");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: None,
        about: "",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Sync, "sync", &["s"], "sync", "sync all accounts of this influencer now"),
            bind(HERE, Action::Connect, "connect", &["c"], "connect", "connect a further account, or one again"),
            bind(HERE, Action::Pause, "pause", &["p"], "pause", "pause the account under the cursor, or resume"),
            bind(HERE, Action::MetricAfter, "next-metric", &["]"], "metric", "chart the next metric"),
            bind(HERE, Action::MetricBefore, "previous-metric", &["["], "", "chart the metric before"),
            bind(HERE, Action::Range, "range", &["t"], "range", "chart 30, 90, 365 days or five years"),
            bind(HERE, Action::Shorter, "shorter", &["-"], "", "chart fewer days"),
            bind(HERE, Action::Longer, "longer", &["+", "="], "", "chart more days"),
            bind(HERE, Action::Left, "", &["left", "h"], "", "the measured day or week before"),
            bind(HERE, Action::Right, "", &["right", "l"], "", "the measured day or week after"),
            bind(HERE, Action::Record, "record", &["m"], "record", "type in a number by hand"),
            bind(HERE, Action::Note, "note", &["n"], "note", "write a note"),
            bind(HERE, Action::Edit, "edit", &["e"], "edit", "edit name and tags"),
            bind(HERE, Action::Interval, "interval", &["i"], "", "how often the account under the cursor is synced"),
            bind(HERE, Action::Handle, "handle", &["H"], "", "another handle for the account under the cursor"),
            bind(HERE, Action::Main, "main", &["*"], "", "make this account the main one, or leave it to size"),
            bind(HERE, Action::PauseAll, "pause-influencer", &["P"], "", "pause this influencer, or resume"),
            bind(HERE, Action::Disconnect, "disconnect", &["d"], "", "disconnect this account; its history stays"),
            bind(HERE, Action::Remove, "remove", &["D"], "", "remove this influencer and all history"),
        ],
        filter: &[],
    },
    new: None,
};

/// What the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    pub id: InfluencerId,
    /// The name as known before the response.
    pub name: String,
    /// `None` before the response.
    pub known: Option<Influencer>,
    pub error: Option<RosterError>,
    /// The cursor in the connections.
    pub window: Window,
    pub charted: Charted,
    /// Which of [`RANGES`].
    pub range: usize,
    /// The day under the chart's cursor.
    pub day: Option<Date>,
    /// What the user came for, as far as it is not shown yet.
    focus: Focus,
    /// Newest first.
    pub alerts: Vec<Alert>,
    /// Newest first.
    pub changes: Vec<Change>,
}

impl State {
    /// Before anything is known but its name.
    pub fn new(id: InfluencerId, name: String, focus: Focus) -> Self {
        Self {
            id,
            name,
            known: None,
            error: None,
            window: Window::default(),
            charted: Charted::Measured(focus.metric.unwrap_or(Metric::Followers)),
            range: 1,
            day: None,
            focus,
            alerts: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The connection under the cursor.
    pub fn connection(&self) -> Option<&Connection> {
        self.known.as_ref()?.connections.get(self.window.cursor)
    }

    /// The history of the connection under the cursor, as far as it is known.
    fn history<'a>(&self, shared: &'a Shared) -> Option<&'a History> {
        match shared.histories.get(self.connection()?.id) {
            Known::History(history) => Some(history),
            Known::NotYet | Known::Failed(_) => None,
        }
    }

    /// How many days the chart shows.
    pub fn days(&self) -> i32 {
        RANGES[self.range.min(RANGES.len() - 1)]
    }

    fn connections(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.connections.len())
    }
}

/// How many connections are seen at once.
pub fn seen_connections(size: Size, connections: usize) -> usize {
    connections.clamp(1, usize::from(size.height / 5).max(2))
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn title(&self) -> &str {
        &self.name
    }

    fn summary(&self, _: &Shared) -> String {
        self.known.as_ref().map(|known| format::tags(&known.row.tags)).unwrap_or_default()
    }

    fn offers(&self, action: Action) -> bool {
        use Action::{Back, Help, MetricAfter, Pause, Quit, Range, Record, Screen, Sync};
        match &self.known {
            // Before its response nothing is known to act on.
            None => matches!(action, Back | Screen(_) | Help | Quit),
            Some(_) => self.connection().is_some() || !matches!(action, MetricAfter | Pause | Range | Record | Sync),
        }
    }

    fn reload(&mut self, shared: &mut Shared) -> Vec<Next> {
        let requests = [Request::Influencer(self.id), Request::AlertsOf(self.id), Request::ChangesOf(self.id)];
        let mut next: Vec<Next> = requests.into_iter().flat_map(Next::request).collect();
        next.extend(self.want_history(shared));
        next
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        match response {
            Response::Influencer(id, result) if *id == self.id => self.take(shared, result.clone()),
            // A failure shows in the influencer's own response.
            Response::AlertsOf(id, Ok(page)) if *id == self.id => {
                self.alerts.clone_from(&page.rows);
                Vec::new()
            }
            Response::ChangesOf(id, Ok(page)) if *id == self.id => {
                self.changes.clone_from(&page.rows);
                Vec::new()
            }
            // The cursor may have moved on meanwhile.
            Response::History { .. } => {
                self.focus_day(shared);
                self.want_history(shared)
            }
            _ => Vec::new(),
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let total = self.connections();
        if self.window.moved(action, total, seen_connections(shared.size, total)) {
            (self.day, self.focus) = (None, Focus::default());
            return self.want_history(shared);
        }
        match action {
            Action::MetricAfter => self.charted = self.charted.further(self.history(shared), 1),
            Action::MetricBefore => self.charted = self.charted.further(self.history(shared), -1),
            Action::Range => self.range = (self.range + 1) % RANGES.len(),
            Action::Shorter => self.range = self.range.saturating_sub(1),
            Action::Longer => self.range = (self.range + 1).min(RANGES.len() - 1),
            Action::Left => self.step_day(shared, -1),
            Action::Right => self.step_day(shared, 1),
            action => return self.act_on(shared, action),
        }
        Vec::new()
    }

    fn copies(&self, shared: &Shared) -> Vec<Copied> {
        let id = self.id.to_string();
        let whole = copy::command(&["show", &id]);
        let name = Copied::new("the name", self.known.as_ref().map_or(&self.name, |known| &known.row.name));
        let Some(connection) = self.connection() else { return vec![name, Copied::new("the id", id), whole] };
        let account = format!("{}:{}", connection.platform, connection.handle);
        let followers = connection.latest.as_ref().and_then(|latest| latest.numbers.followers);
        let followers = followers.map(|count| count.to_string()).unwrap_or_default();
        let history = copy::command(&["history", &connection.id.to_string()]);
        let cells = [&name.text, shared.platform_name(&connection.platform), &connection.handle, &followers];
        vec![
            Copied::new("the handle", &connection.handle),
            Copied::new("the account", account),
            Copied::row(&cells.map(String::from).each_ref().map(String::as_str)),
            Copied { what: "its history".to_owned(), ..history },
            name,
            Copied::new("the id", id),
            whole,
        ]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        view::view(shared, self, pen);
    }

    fn resized(&mut self, shared: &mut Shared) -> Vec<Next> {
        let total = self.connections();
        self.window.clamp(total, seen_connections(shared.size, total));
        Vec::new()
    }

    fn subject(&self) -> Option<(InfluencerId, String)> {
        let known = self.known.as_ref().map(|known| known.row.name.clone());
        Some((self.id, known.unwrap_or_else(|| self.name.clone())))
    }

    fn is_about(&self, influencer: InfluencerId) -> bool {
        self.id == influencer
    }
}

impl State {
    /// Takes the influencer; one that is gone leads back.
    fn take(&mut self, shared: &mut Shared, result: Result<Influencer, RosterError>) -> Vec<Next> {
        match result {
            Ok(known) => {
                let focused = self.focus.connection.take();
                let wanted = focused.or(self.connection().map(|connection| connection.id));
                self.name.clone_from(&known.row.name);
                let index = known.connections.iter().position(|connection| Some(connection.id) == wanted);
                if focused.is_some() && index.is_none() {
                    // Another account's chart does not have that day.
                    self.focus = Focus::default();
                    shared.say(ToastLevel::Failed, "that account is not connected any more", None);
                }
                self.window.cursor = index.unwrap_or(self.window.cursor);
                (self.known, self.error) = (Some(known), None);
                let total = self.connections();
                self.window.clamp(total, seen_connections(shared.size, total));
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                shared.say(ToastLevel::Failed, format!("{} is not on the roster any more", self.name), None);
                return vec![Next::Back];
            }
            Err(error) => self.error = Some(error),
        }
        self.focus_day(shared);
        self.want_history(shared)
    }

    /// Moves the chart's cursor to the day the user came for, and makes the chart long enough, once its days are known.
    fn focus_day(&mut self, shared: &Shared) {
        let (Some(at), Some(history)) = (self.focus.at, self.history(shared)) else { return };
        let day = day_of(shared, &history.snapshots, at);
        let age = shared.today().0.saturating_sub(day.0);
        let enough = RANGES.iter().position(|days| *days >= age).unwrap_or(RANGES.len() - 1);
        (self.day, self.range, self.focus.at) = (Some(day), self.range.max(enough), None);
    }

    /// Requests the days of the connection under the cursor.
    fn want_history(&self, shared: &mut Shared) -> Vec<Next> {
        let longest = shared.today().plus_days(-RANGES[RANGES.len() - 1]);
        let connection = self.connection().map(|connection| connection.id);
        let request = connection.and_then(|connection| shared.histories.want(connection, longest));
        request.map_or_else(Vec::new, Next::request)
    }

    /// Moves the chart's cursor to the next measured day; the first step selects the newest.
    fn step_day(&mut self, shared: &Shared, step: isize) {
        let Some(history) = self.history(shared) else { return };
        let from = shared.today().plus_days(-self.days());
        let weeks = self.charted.weeks(history).into_iter().map(|week| week.monday);
        let days = self.charted.points(history).into_iter().map(|(day, _)| day);
        let days: Vec<Date> = weeks.chain(days).filter(|day| *day >= from).collect();
        let Some(last) = days.len().checked_sub(1) else { return };
        let index = match self.day {
            None => last,
            Some(day) => days.partition_point(|other| *other < day).saturating_add_signed(step).min(last),
        };
        self.day = Some(days[index]);
    }

    /// What a key does with the influencer, or with the connection under the cursor.
    fn act_on(&self, shared: &mut Shared, action: Action) -> Vec<Next> {
        let Some(known) = &self.known else { return Vec::new() };
        let row = &known.row;
        let (influencer, name) = (row.id, row.name.clone());
        match (action, self.connection()) {
            (Action::Sync, _) => Next::sync(influencer, name),
            (Action::PauseAll, _) => Next::pause(influencer, name, row.sync_enabled),
            (Action::Connect, Some(connection)) if connection.status == ConnectionStatus::Reauthorize => {
                modal::connect::again(shared, connection, name)
            }
            (Action::Connect, _) => vec![Next::Modal(modal::form::connect(shared, influencer, name))],
            (Action::Edit, _) => vec![Next::Modal(modal::form::edit(shared, row))],
            (Action::Note, _) => vec![Next::Modal(modal::form::note(shared, row))],
            (Action::Remove, _) => vec![Next::Modal(modal::confirm::remove(influencer, name))],
            (Action::Pause, Some(connection)) => pause_connection(shared, connection),
            (Action::Record, Some(connection)) => vec![Next::Modal(modal::form::record(shared, connection))],
            (Action::Interval, Some(connection)) => vec![Next::Modal(modal::form::interval(shared, connection))],
            (Action::Handle, Some(connection)) => vec![Next::Modal(modal::form::handle(shared, connection))],
            (Action::Main, Some(connection)) => choose_main(known, connection),
            (Action::Disconnect, Some(connection)) => {
                let consented = shared.may_consent(&connection.platform);
                let name = shared.label(connection);
                let after_consent = shared.platform(&connection.platform).and_then(|known| known.after_consent_days);
                vec![Next::Modal(modal::confirm::disconnect(connection.id, name, consented, after_consent))]
            }
            _ => Vec::new(),
        }
    }
}

/// The day of what happened: that of its snapshot, which a user may have recorded for an earlier day.
fn day_of(shared: &Shared, snapshots: &[Snapshot], at: Timestamp) -> Date {
    let measured = snapshots.iter().find(|snapshot| snapshot.observed_at.whole_seconds() == at.whole_seconds());
    measured.map_or_else(|| shared.day_of(at), |snapshot| snapshot.date)
}

fn pause_connection(shared: &Shared, connection: &Connection) -> Vec<Next> {
    Next::mutate(Mutation::Pause {
        target: PauseTarget::One(connection.id.to_string()),
        name: shared.label(connection),
        paused: !connection.paused,
    })
}

/// Makes a connection the main one; when it is already by choice, size decides again.
fn choose_main(known: &Influencer, connection: &Connection) -> Vec<Next> {
    let chosen = known.row.main_chosen && known.row.main == Some(connection.id);
    let main = if chosen { "auto".to_owned() } else { connection.id.to_string() };
    Next::mutate(Mutation::Edit {
        influencer: known.row.id,
        name: known.row.name.clone(),
        edit: InfluencerEdit { main: Some(main), ..InfluencerEdit::default() },
    })
}
