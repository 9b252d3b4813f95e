//! What a commit changes in memory, by subject.

mod alerting;
mod members;
mod sync;

use std::collections::HashSet;

use roster_protocol::ids::InfluencerId;

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
        self.orders.get_mut().touch(&touched);
    }
}
