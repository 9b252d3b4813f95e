//! All connections, those that need a person first. Pure.

use roster_protocol::connection::ConnectionStatus;
use roster_protocol::consent::{ConnectionPage, ConnectionRow};
use roster_protocol::service::{ConnectionsQuery, PAGE_ROWS};

use crate::consent::view;
use crate::model::{Connection, GrantState};
use crate::roster::Roster;
use crate::roster::rows::{self, Seen};

/// A consent that ends within this time is listed early, while the user can still act.
const SOON_MS: i64 = 14 * 24 * 3600 * 1000;

/// A page of all connections, in the order of [`ConnectionsQuery`].
pub fn page(roster: &Roster, query: &ConnectionsQuery, seen: Seen) -> ConnectionPage {
    let name = |connection: &Connection| {
        roster.influencers.get(&connection.influencer).map(|it| it.name.as_str()).unwrap_or_default()
    };
    let mut all: Vec<(_, &Connection)> = Vec::new();
    for connection in roster.connected() {
        let name = roster.texts.get(&connection.influencer).map(|texts| texts.sort_key.as_ref());
        let key = (rank(roster, connection, seen), name, connection.platform.as_str(), connection.id);
        all.push((key, connection));
    }
    all.sort_unstable_by_key(|(key, _)| *key);
    let total = all.len() as u64;
    let wanted = all.iter().skip(query.offset.min(total) as usize).take(query.limit.min(PAGE_ROWS) as usize);
    let rows = wanted.map(|(_, connection)| ConnectionRow {
        connection: rows::connection(roster, connection, seen),
        influencer_name: name(connection).to_owned(),
        grant: roster.consents.grant_of(connection.id).map(|grant| view::grant(roster, grant)),
    });
    ConnectionPage { total, rows: rows.collect() }
}

/// The rank of a connection: lower is listed first.
fn rank(roster: &Roster, connection: &Connection, seen: Seen) -> u8 {
    match rows::standing(roster, connection, seen).status {
        ConnectionStatus::Reauthorize => 0,
        ConnectionStatus::Error => 1,
        ConnectionStatus::Paused => 6,
        _ if is_soon(roster, connection, seen) => 2,
        ConnectionStatus::Never => 3,
        ConnectionStatus::Stale => 4,
        ConnectionStatus::Fresh => 5,
    }
}

/// Whether its consent lacks something, or ends soon.
fn is_soon(roster: &Roster, connection: &Connection, seen: Seen) -> bool {
    let Some(grant) = roster.consents.grant_of(connection.id).filter(|grant| grant.state == GrantState::Live) else {
        return false;
    };
    let ends = view::grant(roster, grant).act_before;
    !grant.missing.is_empty() || ends.is_some_and(|ends| ends.since(seen.now) < SOON_MS)
}
