//! What people change, each one decision with its line in the audit log.

pub mod acknowledging;
pub mod asking;
pub mod connections;
pub mod influencers;
pub mod logging;
pub mod merging;
pub mod pausing;
pub mod record;
