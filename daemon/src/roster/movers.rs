//! Connections by how far their followers moved, kept sorted: a commit moves only those that it touched. Pure.

use std::collections::HashSet;

use roster_protocol::ids::ConnectionId;
use roster_protocol::mover::MovedBy;
use roster_protocol::rule::Window;

use super::Roster;
use super::recent::Recent;

/// How many windows there are, and how many measures.
const KINDS: usize = 3 * MovedBy::ALL.len();

/// The orders that were requested, by window and measure.
#[derive(Debug, Default)]
pub struct Movers([Option<Order>; KINDS]);

/// By how much followers moved in a window: a share in millionths, or followers. `None`: unknown, or not at all.
fn moved(recent: &Recent, over: Window, by: MovedBy) -> Option<i64> {
    let days = over.days() as usize;
    let (from, to) = recent.ends(days)?;
    let moved = match by {
        MovedBy::Percent => recent.growth(days)?.0,
        MovedBy::Absolute => i64::try_from(i128::from(to) - i128::from(from)).ok()?,
    };
    (moved != 0).then_some(moved)
}

#[derive(Debug, Default)]
struct Order {
    /// The largest fall first, the largest rise last.
    moves: Vec<(i64, ConnectionId)>,
    /// Connections that may have moved since.
    touched: HashSet<ConnectionId>,
}

impl Movers {
    /// Records which connections may have moved.
    pub fn touch(&mut self, connections: &HashSet<ConnectionId>) {
        self.0.iter_mut().flatten().for_each(|order| order.touched.extend(connections));
    }

    /// Every move that is not zero, the largest fall first.
    pub fn of(&mut self, roster: &Roster, over: Window, by: MovedBy) -> &[(i64, ConnectionId)] {
        let kind = over as usize * MovedBy::ALL.len() + by as usize;
        let order = self.0[kind]
            .get_or_insert_with(|| Order { touched: roster.recent.keys().copied().collect(), ..Order::default() });
        if !order.touched.is_empty() {
            order.sort(roster, over, by);
        }
        &order.moves
    }
}

impl Order {
    /// Takes out the connections that may have moved, and merges them in again where they belong now.
    fn sort(&mut self, roster: &Roster, over: Window, by: MovedBy) {
        let touched = std::mem::take(&mut self.touched);
        self.moves.retain(|(_, id)| !touched.contains(id));
        let compared = |id: &ConnectionId| {
            let connection = roster.connections.get(id)?;
            let is_compared = connection.disconnected_at.is_none() && roster.derives(connection);
            Some((moved(roster.recent.get(id).filter(|_| is_compared)?, over, by)?, *id))
        };
        self.moves.extend(touched.iter().filter_map(compared));
        // All but the end is sorted already: the sort merges the two runs.
        self.moves.sort();
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::connection::Snapshot;

    use super::*;
    use crate::model::{Commit, Connection, RosterCommit, SyncCommit};
    use crate::roster::samples::*;

    fn take(roster: &mut Roster, connection: ConnectionId, age: i32, followers: u64) {
        let taken = Snapshot { date: TODAY.plus_days(-age), ..measured(Some(followers), None) };
        roster.apply(&Commit::from(SyncCommit { snapshots: vec![(connection, taken)], ..SyncCommit::default() }));
    }

    #[test]
    fn the_order_follows_what_is_measured_moved_and_removed() {
        let mut roster = roster();
        let moves = |roster: &Roster, by| roster.moves(Window::Week, by, <[_]>::to_vec);
        take(&mut roster, SKY, 7, 1000);
        take(&mut roster, SKY, 0, 800);
        take(&mut roster, HERS, 8, 10);
        take(&mut roster, HERS, 0, 15);
        assert_eq!(moves(&roster, MovedBy::Percent), [(-200_000, SKY), (500_000, HERS)]);
        assert_eq!(moves(&roster, MovedBy::Absolute), [(-200, SKY), (5, HERS)]);
        take(&mut roster, SKY, 0, 1000);
        take(&mut roster, HERS, 0, 4);
        assert_eq!(moves(&roster, MovedBy::Absolute), [(-6, HERS)]);
        take(&mut roster, SKY, 0, 1001);
        assert_eq!(moves(&roster, MovedBy::Percent), [(-600_000, HERS), (1000, SKY)]);
        let gone = Connection { disconnected_at: Some(NOON), ..connection(SKY, MARA, "bluesky", "mara.example") };
        roster.apply(&Commit::from(RosterCommit { connections: vec![gone], ..RosterCommit::default() }));
        assert_eq!(moves(&roster, MovedBy::Percent), [(-600_000, HERS)]);
        let removed_connections = vec![roster.connections[&HERS].clone()];
        let removed = RosterCommit { removed_influencers: vec![LEA], removed_connections, ..RosterCommit::default() };
        roster.apply(&Commit::from(removed));
        assert_eq!(moves(&roster, MovedBy::Percent), []);
    }
}
