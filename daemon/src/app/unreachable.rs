//! Requests for syncs that will not be made now: their clients learn why instead of waiting.

use roster_protocol::ids::ConnectionId;

use super::App;
use crate::decision::{request, run};
use crate::roster::rows;

impl App {
    /// Settles requests for connections that will not be synced: paused, disconnected or removed meanwhile, or on a
    /// platform that is down or whose limit was used up meanwhile.
    pub fn give_up_unreachable(&self) {
        let requested = self.tickets.requested();
        if requested.is_empty() {
            return;
        }
        let (now, setup) = (self.clock.now(), self.setup());
        let id = self.fresh_id();
        let settled = self.look(|roster| {
            let settled = |connection: ConnectionId| {
                let Some(known) = roster.connections.get(&connection) else { return Some((connection, None)) };
                if roster.running.contains(&connection) {
                    return None;
                }
                let why = request::kept_from(roster, &setup.config.sync.grid.zone, known, now)?;
                // It is not stored: nothing is found by its id.
                Some((connection, Some(rows::run(roster, &run::skipped(id, known, why, now)))))
            };
            requested.into_iter().filter_map(settled).collect::<Vec<_>>()
        });
        if !settled.is_empty() {
            self.tickets.given_up(settled.into_iter());
        }
    }
}
