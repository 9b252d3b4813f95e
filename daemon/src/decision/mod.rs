//! What happens becomes commits: pure decisions over the roster in memory.

pub mod run;

use roster_protocol::ids::Id;
use roster_protocol::metric::Ratio;
use roster_protocol::time::Timestamp;

use crate::roster::Roster;
use crate::schedule::Grid;

/// Randomness as a value: ids, and the spread of retries.
#[derive(Clone, Debug)]
pub struct Dice(pub fastrand::Rng);

impl Dice {
    /// A fresh id. Ids are no secrets; 40 bits keep a roster of millions apart.
    pub fn id<Of>(&mut self) -> Id<Of> {
        Id::from_bytes(std::array::from_fn(|_| self.0.u8(..)))
    }

    /// A number from 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.0.f64()
    }
}

/// What deciding needs to know besides the result.
pub struct Facts<'a> {
    pub roster: &'a Roster,
    pub grid: &'a Grid,
    /// The share above which a change is significant.
    pub significant: Ratio,
    pub now: Timestamp,
}
