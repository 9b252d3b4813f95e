//! What a commit changes in memory, by subject.

mod alerting;
mod members;
mod sync;

use std::collections::HashSet;

use roster_protocol::ids::{ConnectionId, InfluencerId};

use super::Roster;
use crate::model::Commit;

/// Influencers whose rows differ from before.
type Touched = HashSet<InfluencerId>;

impl Roster {
    /// Applies a commit. Runs, changes and the audit log are in the store only.
    pub fn apply(&mut self, commit: &Commit) {
        let mut touched = Touched::new();
        self.consents.apply(&commit.consents);
        self.webhooks.apply(&commit.webhooks);
        self.apply_members(&commit.roster, &mut touched);
        self.apply_sync(&commit.sync, &mut touched);
        self.apply_alerting(&commit.alerting);
        self.touch_moves(commit, &touched);
        self.orders.get_mut().touch(&touched);
    }

    /// Records which connections may have moved: those of touched influencers, and those that are gone.
    fn touch_moves(&mut self, commit: &Commit, touched: &Touched) {
        let mut connections: HashSet<ConnectionId> =
            commit.roster.removed_connections.iter().map(|connection| connection.id).collect();
        for influencer in touched {
            connections.extend(self.index.of_influencer.of(influencer));
        }
        self.movers.get_mut().touch(&connections);
    }
}
