//! From being due to being committed: which connections form a batch, how a run goes, and looking accounts up.

pub mod lookup;
pub mod run;
pub mod scheduler;
