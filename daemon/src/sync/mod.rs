//! From being due to being committed: together with which others, and how a run goes.

pub mod run;
pub mod scheduler;
