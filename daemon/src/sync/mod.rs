//! From being due to being committed: when, together with whom, how a run goes.

pub mod batch;
pub mod coverage;
pub mod decide;
pub mod run;
pub mod schedule;
pub mod scheduler;
pub mod tickets;
