//! Every connection of the roster: what needs somebody first, what is wrong with it, and the key that mends it.

mod view;

pub use view::{summary, view};

use ratatui::layout::Size;
use roster_protocol::service::ConnectionsQuery;
use roster_protocol::{ConnectionPage, ConnectionRow, RosterError, SyncTarget};

use super::influencer;
use super::paged::{Paged, Part};
use crate::keys::Action;
use crate::message::{Effect, Mutation, Request};
use crate::modal;
use crate::model::{Model, Screen};

/// What the screen shows.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub list: Paged<ConnectionRow>,
}

/// Lines below the list that explain the row under the cursor, with the rule above them.
pub const PANE: u16 = 5;

/// How many rows are seen at once.
pub fn height(size: Size) -> usize {
    usize::from(size.height.saturating_sub(3 + PANE)).max(1)
}

fn ask(part: Option<Part>) -> Vec<Effect> {
    let request = |part: Part| Request::Connections(ConnectionsQuery { offset: part.offset, limit: part.limit });
    part.map(|part| Effect::Request(request(part))).into_iter().collect()
}

/// Asks for what is in sight.
pub fn reload(model: &mut Model) -> Vec<Effect> {
    let height = height(model.shared.size);
    let Screen::Connections(state) = &mut model.screen else { return Vec::new() };
    ask(state.list.reload(height))
}

/// After the screen's size changed.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    let height = height(model.shared.size);
    let Screen::Connections(state) = &mut model.screen else { return Vec::new() };
    ask(state.list.resized(height))
}

/// Takes a page.
pub fn answered(
    model: &mut Model,
    query: ConnectionsQuery,
    result: Result<ConnectionPage, RosterError>,
) -> Vec<Effect> {
    let height = height(model.shared.size);
    let Screen::Connections(state) = &mut model.screen else { return Vec::new() };
    let part = Part { offset: query.offset, limit: query.limit };
    let same = |a: &ConnectionRow, b: &ConnectionRow| a.connection.id == b.connection.id;
    ask(state.list.answered(part, result.map(|page| (page.total, page.rows)), same, height))
}

/// What a key does here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let height = height(model.shared.size);
    let Screen::Connections(state) = &mut model.screen else { return Vec::new() };
    match state.list.current().cloned() {
        Some(row) if matches!(action, Action::Open | Action::Connect | Action::Sync | Action::Disconnect) => {
            act_on(model, action, row)
        }
        _ => ask(state.list.moved(action, height)),
    }
}

/// What a key does with the connection under the cursor.
fn act_on(model: &mut Model, action: Action, row: ConnectionRow) -> Vec<Effect> {
    let ConnectionRow { connection, influencer_name, grant } = row;
    match action {
        Action::Open => return influencer::open(model, connection.influencer, influencer_name),
        Action::Connect if grant.is_some() || model.shared.may_consent(&connection.platform) => {
            return modal::connect::again(model, &connection, influencer_name);
        }
        Action::Connect => model.modal = Some(modal::form::connect(model, connection.influencer, influencer_name)),
        Action::Sync => {
            let (target, name) = (SyncTarget::One(connection.id.to_string()), model.shared.label(&connection));
            return vec![Effect::Request(Request::Mutate(Mutation::Sync { target, name }))];
        }
        Action::Disconnect => {
            let name = model.shared.label(&connection);
            model.modal = Some(modal::confirm::disconnect(connection.id, name, grant.is_some()));
        }
        _ => {}
    }
    Vec::new()
}
