//! Every connection of the roster: what needs a person first, what is wrong with it, and the key that mends it.

mod view;

use ratatui::layout::Size;
use roster_protocol::service::ConnectionsQuery;
use roster_protocol::{ConnectionRow, SyncTarget};

use super::paged::{Paged, Part};
use super::{Entry, Screen};
use crate::keys::{Action, Context, ScreenKeys, bind};
use crate::message::{Mutation, Request, Response};
use crate::modal::copy::{self, Copied};
use crate::modal::{self, Focus, Next};
use crate::shared::Shared;
use crate::widgets::pen::Pen;

const HERE: Context = Context::Screen("Connections");

/// This screen's line in the table.
pub const ENTRY: Entry = Entry {
    keys: ScreenKeys {
        context: HERE,
        number: Some(6),
        about: "connections: what needs a person first",
        bindings: &[
            bind(HERE, Action::Back, "", &["esc"], "back", "go back"),
            bind(HERE, Action::Open, "open", &["enter"], "open", "open this account"),
            bind(
                HERE,
                Action::Connect,
                "connect",
                &["c"],
                "connect",
                "ask for the owner's consent again, or connect a further account",
            ),
            bind(HERE, Action::Sync, "sync", &["s"], "sync", "sync this account now"),
            bind(HERE, Action::Handle, "handle", &["H"], "", "another handle for it; its history stays"),
            bind(HERE, Action::Disconnect, "disconnect", &["D"], "disconnect", "disconnect it; its history stays"),
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
    pub list: Paged<ConnectionRow>,
}

/// Lines below the list that explain the row under the cursor, with the rule above them.
pub const PANE: u16 = 5;

/// How many rows are seen at once.
pub fn height(size: Size) -> usize {
    usize::from(size.height.saturating_sub(3 + PANE)).max(1)
}

fn request(part: Option<Part>) -> Vec<Next> {
    let query = |part: Part| ConnectionsQuery { offset: part.offset, limit: part.limit };
    part.map_or_else(Vec::new, |part| Next::request(Request::Connections(query(part))))
}

impl Screen for State {
    fn keys(&self) -> &'static ScreenKeys {
        &ENTRY.keys
    }

    fn summary(&self, shared: &Shared) -> String {
        shared.status.as_ref().map(view::summary).unwrap_or_default()
    }

    fn offers(&self, action: Action) -> bool {
        self.list.current().is_some() || !is_for_a_row(action)
    }

    fn reload(&mut self, shared: &mut Shared) -> Vec<Next> {
        request(self.list.reload(height(shared.size)))
    }

    fn resized(&mut self, shared: &mut Shared) -> Vec<Next> {
        request(self.list.resized(height(shared.size)))
    }

    fn responded(&mut self, shared: &mut Shared, response: &Response) -> Vec<Next> {
        let Response::Connections(query, result) = response else { return Vec::new() };
        let part = Part { offset: query.offset, limit: query.limit };
        let page = result.clone().map(|page| (page.total, page.rows));
        let same = |a: &ConnectionRow, b: &ConnectionRow| a.connection.id == b.connection.id;
        request(self.list.responded(part, page, same, height(shared.size)))
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Vec<Next> {
        match self.list.current().cloned() {
            Some(row) if is_for_a_row(action) => act_on(shared, action, row),
            _ => request(self.list.moved(action, height(shared.size))),
        }
    }

    fn copies(&self, shared: &Shared) -> Vec<Copied> {
        let Some(row) = self.list.current() else { return vec![copy::command(&["tokens"])] };
        let connection = &row.connection;
        let account = format!("{}:{}", connection.platform, connection.handle);
        let show = copy::command(&["show", &connection.influencer.to_string()]);
        vec![
            Copied::new("the handle", &connection.handle),
            Copied::row(&[&row.influencer_name, shared.platform_name(&connection.platform), &connection.handle]),
            Copied::new("the account", account),
            show,
        ]
    }

    fn view(&self, shared: &Shared, pen: &mut Pen<'_>) {
        view::view(shared, self, pen);
    }
}

fn is_for_a_row(action: Action) -> bool {
    use Action::{Connect, Disconnect, Handle, Open, Sync};
    matches!(action, Open | Connect | Sync | Handle | Disconnect)
}

/// What a key does with the connection under the cursor.
fn act_on(shared: &mut Shared, action: Action, row: ConnectionRow) -> Vec<Next> {
    let ConnectionRow { connection, influencer_name: name, grant } = row;
    let influencer = connection.influencer;
    match action {
        Action::Open => {
            let focus = Focus { connection: Some(connection.id), ..Focus::default() };
            vec![Next::Influencer(influencer, name, focus)]
        }
        Action::Connect if grant.is_some() || shared.may_consent(&connection.platform) => {
            modal::connect::again(shared, &connection, name)
        }
        Action::Connect => vec![Next::Modal(modal::form::connect(shared, influencer, name))],
        Action::Sync => {
            let (target, name) = (SyncTarget::One(connection.id.to_string()), shared.label(&connection));
            Next::mutate(Mutation::Sync { target, name })
        }
        Action::Handle => vec![Next::Modal(modal::form::handle(shared, &connection))],
        Action::Disconnect => {
            let name = shared.label(&connection);
            let after_consent = shared.platform(&connection.platform).and_then(|known| known.after_consent_days);
            vec![Next::Modal(modal::confirm::disconnect(connection.id, name, grant.is_some(), after_consent))]
        }
        _ => Vec::new(),
    }
}
