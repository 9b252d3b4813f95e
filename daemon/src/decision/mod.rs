//! What happens becomes commits: pure decisions over the roster in memory.

pub mod run;
pub mod alerting;
pub mod grouping;
pub mod group_notices;
pub mod reported;
pub mod slots;
pub mod request;
pub mod record;
pub mod removal;
pub mod connect;
pub mod consented;
pub mod grants;
pub mod webhook;
pub mod lease;
pub mod warn;
pub mod outages;
pub mod withdrawn;
pub mod troubles;
pub mod deliveries;
pub mod routes;
pub mod keep;
pub mod edit;
pub mod merge;
pub mod pause;
pub mod undo;
pub mod erase;
pub mod acknowledge;
pub mod reading;
pub mod rules;
pub mod silences;
pub mod audit;
pub mod backups;
pub mod keys;
pub mod checks;

use roster_protocol::ids::Id;
use roster_protocol::metric::Ratio;
use roster_protocol::time::Timestamp;

use crate::model::{AuditLine, Commit};
use crate::roster::Roster;
use crate::roster::ids::InUse;
use crate::schedule::Grid;

/// One decision: what it sees, and the commit it fills.
pub struct Decision<'a> {
    pub roster: &'a Roster,
    pub grid: &'a Grid,
    /// The share above which a change is significant.
    pub significant: Ratio,
    pub now: Timestamp,
    /// What is decided so far; dropped when the decision is refused.
    pub commit: Commit,
    pub dice: &'a mut Dice,
}

impl<'a> Decision<'a> {
    /// One that has decided nothing yet.
    pub fn new(roster: &'a Roster, grid: &'a Grid, significant: Ratio, now: Timestamp, dice: &'a mut Dice) -> Self {
        Self { roster, grid, significant, now, commit: Commit::default(), dice }
    }

    /// An id that neither the roster nor this commit has.
    pub fn fresh_id<Of>(&mut self) -> Id<Of>
    where
        Id<Of>: InUse,
    {
        let (roster, commit) = (self.roster, &self.commit);
        self.dice.id_unless(|id: Id<Of>| id.is_in(roster) || id.is_in_commit(commit))
    }

    /// Adds a line to the audit log.
    pub fn log(&mut self, line: AuditLine) {
        self.commit.audit.lines.push(line);
    }
}

/// Randomness as a value: ids, and the spread of retries.
#[derive(Clone, Debug)]
pub struct Dice(pub fastrand::Rng);

impl Dice {
    /// An id, whether it is in use or not.
    pub fn id<Of>(&mut self) -> Id<Of> {
        Id::from_bytes(std::array::from_fn(|_| self.0.u8(..)))
    }

    /// An id, drawn until it is not in use. Ids are no secrets: their 40 bits are short enough to be typed, and too few
    /// to be left to chance.
    pub fn id_unless<Of>(&mut self, is_in_use: impl Fn(Id<Of>) -> bool) -> Id<Of> {
        loop {
            let id = self.id();
            if !is_in_use(id) {
                return id;
            }
        }
    }

    /// A number from 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.0.f64()
    }
}

#[cfg(test)]
mod tests;
