//! From being due to being committed: which connections form a batch, the steps of a run, and looking accounts up.

pub mod lookup;
pub mod run;
pub mod obstacles;
pub mod outages;
pub mod scheduler;
