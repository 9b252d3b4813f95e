//! What runs measured, and which lanes are held.

use roster_protocol::time::Timestamp;

use super::Touched;
use crate::model::SyncCommit;
use crate::roster::Roster;

const DAY_MS: i64 = 24 * 3_600_000;

impl Roster {
    pub(super) fn apply_sync(&mut self, commit: &SyncCommit, touched: &mut Touched) {
        for (connection, snapshot) in &commit.snapshots {
            let Some(known) = self.connections.get(connection) else { continue };
            touched.insert(known.influencer);
            self.recent.entry(*connection).or_default().put(snapshot.date, snapshot.numbers.followers);
            self.baselines.entry(*connection).or_default().learn(&self.rules, snapshot);
        }
        for connection in &commit.forgotten_histories {
            touched.insert(connection.influencer);
            self.recent.remove(&connection.id);
            self.baselines.remove(&connection.id);
        }
        for (connection, from) in &commit.expired {
            touched.extend(self.connections.get(connection).map(|known| known.influencer));
            if let Some(recent) = self.recent.get_mut(connection) {
                recent.forget_before(*from);
            }
            if let Some(baseline) = self.baselines.get_mut(connection) {
                baseline.forget_before(Timestamp(i64::from(from.0) * DAY_MS));
            }
        }
        for hold in &commit.holds {
            self.holds.insert(hold.lane.clone(), hold.clone());
        }
        for lane in &commit.released_holds {
            self.holds.remove(lane);
        }
        commit.runs.iter().for_each(|run| self.coverage.put(run));
    }
}
