//! One influencer: the accounts, how they stand, the numbers over time, and what happened.

mod view;

pub use view::{axis, view};

use ratatui::layout::Size;
use roster_protocol::audit::PauseTarget;
use roster_protocol::service::Page;
use roster_protocol::{
    Alert, Change, Connection, ConnectionStatus, Date, ErrorKind, Influencer, InfluencerEdit, InfluencerId, Metric,
    RosterError,
};

use super::roster::{pause, sync};
use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};
use crate::modal;
use crate::model::{Model, Screen};
use crate::shared::Shared;
use crate::shared::histories::{Known, points};
use crate::widgets::window::Window;

/// The lengths a chart can have, in days.
pub const RANGES: [i32; 3] = [30, 90, 365];

/// What the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    pub id: InfluencerId,
    /// The name as known before the answer.
    pub name: String,
    /// `None` before the answer.
    pub known: Option<Influencer>,
    pub error: Option<RosterError>,
    /// The cursor in the connections.
    pub window: Window,
    pub metric: Metric,
    /// Which of [`RANGES`].
    pub range: usize,
    /// The day under the chart's cursor.
    pub day: Option<Date>,
    /// Newest first.
    pub alerts: Vec<Alert>,
    /// Newest first.
    pub changes: Vec<Change>,
}

impl State {
    fn new(id: InfluencerId, name: String) -> Self {
        Self {
            id,
            name,
            known: None,
            error: None,
            window: Window::default(),
            metric: Metric::Followers,
            range: 1,
            day: None,
            alerts: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The connection under the cursor.
    pub fn connection(&self) -> Option<&Connection> {
        self.known.as_ref()?.connections.get(self.window.cursor)
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

/// Opens an influencer on top of what is shown.
pub fn open(model: &mut Model, id: InfluencerId, name: String) -> Vec<Effect> {
    let below = std::mem::replace(&mut model.screen, Screen::Influencer(Box::new(State::new(id, name))));
    model.behind.push(below);
    reload(model)
}

/// Asks for everything about the influencer.
pub fn reload(model: &mut Model) -> Vec<Effect> {
    let Screen::Influencer(state) = &model.screen else { return Vec::new() };
    let id = state.id;
    let requests = [Request::Influencer(id), Request::AlertsOf(id), Request::ChangesOf(id)];
    let mut effects: Vec<Effect> = requests.into_iter().map(Effect::Request).collect();
    effects.extend(want_history(model));
    effects
}

/// Takes the influencer; one that is gone leads back.
pub fn answered(model: &mut Model, id: InfluencerId, result: Result<Influencer, RosterError>) -> Vec<Effect> {
    let size = model.shared.size;
    let Screen::Influencer(state) = &mut model.screen else { return Vec::new() };
    if state.id != id {
        return Vec::new();
    }
    match result {
        Ok(known) => {
            let under_cursor = state.connection().map(|connection| connection.id);
            state.name = known.row.name.clone();
            let place = known.connections.iter().position(|connection| Some(connection.id) == under_cursor);
            state.window.cursor = place.unwrap_or(state.window.cursor);
            (state.known, state.error) = (Some(known), None);
            let total = state.connections();
            state.window.clamp(total, seen_connections(size, total));
        }
        Err(error) if error.kind == ErrorKind::NotFound => {
            let name = state.name.clone();
            model.shared.say(crate::shared::ToastLevel::Failed, format!("{name} is not on the roster any more"), None);
            return crate::update::back(model);
        }
        Err(error) => state.error = Some(error),
    }
    want_history(model)
}

/// Takes the alerts; a failure is told by the influencer's own answer.
pub fn alerts(model: &mut Model, id: InfluencerId, result: Result<Page<Alert>, RosterError>) {
    if let (Screen::Influencer(state), Ok(page)) = (&mut model.screen, result)
        && state.id == id
    {
        state.alerts = page.rows;
    }
}

/// Takes the changes; a failure is told by the influencer's own answer.
pub fn changes(model: &mut Model, id: InfluencerId, result: Result<Page<Change>, RosterError>) {
    if let (Screen::Influencer(state), Ok(page)) = (&mut model.screen, result)
        && state.id == id
    {
        state.changes = page.rows;
    }
}

/// Asks for the days of the connection under the cursor.
pub fn want_history(model: &mut Model) -> Vec<Effect> {
    let longest = model.shared.today().plus_days(-RANGES[2]);
    let Screen::Influencer(state) = &model.screen else { return Vec::new() };
    let connection = state.connection().map(|connection| connection.id);
    let request = connection.and_then(|connection| model.shared.histories.want(connection, longest));
    request.map(Effect::Request).into_iter().collect()
}

/// After the screen's size changed.
pub fn resized(model: &mut Model) {
    let size = model.shared.size;
    if let Screen::Influencer(state) = &mut model.screen {
        let total = state.connections();
        state.window.clamp(total, seen_connections(size, total));
    }
}

/// What a key does here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let size = model.shared.size;
    let Screen::Influencer(state) = &mut model.screen else { return Vec::new() };
    let total = state.connections();
    if state.window.moved(action, total, seen_connections(size, total)) {
        state.day = None;
        return want_history(model);
    }
    match action {
        Action::MetricAfter => state.metric = neighbour(state.metric, 1),
        Action::MetricBefore => state.metric = neighbour(state.metric, Metric::ALL.len() - 1),
        Action::Range => state.range = (state.range + 1) % RANGES.len(),
        Action::Shorter => state.range = state.range.saturating_sub(1),
        Action::Longer => state.range = (state.range + 1).min(RANGES.len() - 1),
        Action::Left => step_day(model, -1),
        Action::Right => step_day(model, 1),
        action => return act_on(model, action),
    }
    Vec::new()
}

fn neighbour(metric: Metric, step: usize) -> Metric {
    let at = Metric::ALL.iter().position(|other| *other == metric).unwrap_or_default();
    Metric::ALL[(at + step) % Metric::ALL.len()]
}

/// Moves the chart's cursor to the next measured day; the first step goes to the newest.
fn step_day(model: &mut Model, step: isize) {
    let today = model.shared.today();
    let Screen::Influencer(state) = &mut model.screen else { return };
    let Some(connection) = state.known.as_ref().and_then(|known| known.connections.get(state.window.cursor)) else {
        return;
    };
    let Known::Snapshots(snapshots) = model.shared.histories.get(connection.id) else { return };
    let from = today.plus_days(-state.days());
    let days: Vec<Date> =
        points(snapshots, state.metric).into_iter().map(|(day, _)| day).filter(|day| *day >= from).collect();
    let Some(last) = days.len().checked_sub(1) else { return };
    let place = match state.day {
        None => last,
        Some(day) => days.partition_point(|other| *other < day).saturating_add_signed(step).min(last),
    };
    state.day = Some(days[place]);
}

/// What a key does with the influencer, or with the connection under the cursor.
fn act_on(model: &mut Model, action: Action) -> Vec<Effect> {
    let Screen::Influencer(state) = &model.screen else { return Vec::new() };
    let Some(known) = state.known.clone() else { return Vec::new() };
    let (influencer, name) = (known.row.id, known.row.name.clone());
    let connection = state.connection().cloned();
    match (action, connection) {
        (Action::Sync, _) => return vec![sync(influencer, name)],
        (Action::PauseAll, _) => return vec![pause(influencer, name, known.row.sync_enabled)],
        (Action::Connect, Some(connection)) if connection.status == ConnectionStatus::Reauthorize => {
            return modal::connect::again(model, &connection, name);
        }
        (Action::Connect, _) => model.modal = Some(modal::form::connect(model, influencer, name)),
        (Action::Edit, _) => model.modal = Some(modal::form::edit(model, &known.row)),
        (Action::Note, _) => model.modal = Some(modal::form::note(model, &known.row)),
        (Action::Remove, _) => model.modal = Some(modal::confirm::remove(influencer, name)),
        (Action::Pause, Some(connection)) => return vec![pause_connection(&model.shared, &connection)],
        (Action::Record, Some(connection)) => model.modal = Some(modal::form::record(model, &connection)),
        (Action::Interval, Some(connection)) => model.modal = Some(modal::form::interval(model, &connection)),
        (Action::Main, Some(connection)) => return vec![choose_main(&known, &connection)],
        (Action::Disconnect, Some(connection)) => {
            let consented = model.shared.may_consent(&connection.platform);
            model.modal = Some(modal::confirm::disconnect(connection.id, model.shared.label(&connection), consented));
        }
        _ => {}
    }
    Vec::new()
}

fn pause_connection(shared: &Shared, connection: &Connection) -> Effect {
    Effect::Request(Request::Mutate(Mutation::Pause {
        target: PauseTarget::One(connection.id.to_string()),
        name: shared.label(connection),
        paused: !connection.paused,
    }))
}

/// Makes a connection the main one; when it is already by choice, size decides again.
fn choose_main(known: &Influencer, connection: &Connection) -> Effect {
    let chosen = known.row.main_chosen && known.row.main == Some(connection.id);
    let main = if chosen { "auto".to_owned() } else { connection.id.to_string() };
    Effect::Request(Request::Mutate(Mutation::Edit {
        influencer: known.row.id,
        name: known.row.name.clone(),
        edit: InfluencerEdit { main: Some(main), ..InfluencerEdit::default() },
    }))
}
