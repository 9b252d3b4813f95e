//! Requests for syncs that will not be made now: their clients learn why instead of waiting.

use roster_protocol::ids::ConnectionId;

use super::App;
use crate::decision::{request, run};
use crate::roster::rows;

impl App {
    /// Settles requests for connections that will not be synced: paused, disconnected or removed meanwhile, or on a
    /// platform that is down or whose limit was used up meanwhile.
    pub async fn give_up_unreachable(&self) {
        let requested = self.tickets.requested();
        if requested.is_empty() {
            return;
        }
        let is_kept = self.look(|roster| {
            let now = self.clock.now();
            let zone = &self.setup().config.sync.grid.zone;
            let is_kept = |id: &ConnectionId| {
                let connection = roster.connections.get(id);
                let kept = connection.map(|connection| request::kept_from(roster, zone, connection, now).is_some());
                !roster.running.contains(id) && kept.unwrap_or(true)
            };
            requested.into_iter().filter(is_kept).collect::<Vec<_>>()
        });
        if is_kept.is_empty() {
            return;
        }
        let settled = self.decide(|decision| {
            let (roster, grid, now) = (decision.roster, decision.grid, decision.now);
            let run = |id: &ConnectionId| {
                let connection = roster.connections.get(id)?;
                let (why, until) = request::kept_from(roster, &grid.zone, connection, now)?;
                Some(rows::run(roster, &run::skipped(decision, connection, &why, until)))
            };
            Ok(is_kept.iter().map(run).collect::<Vec<_>>())
        });
        let Ok(runs) = settled.await else { return };
        let distance = self.setup().config.sync.min_distance;
        self.tickets.ended(is_kept.into_iter().zip(runs), self.clock.now(), distance);
    }
}
