//! What users change: each verb is one decision of `decision/`, with what must be known before it.

pub mod acknowledging;
pub mod connections;
pub mod delivering;
pub mod influencers;
pub mod logging;
pub mod merging;
pub mod pausing;
pub mod record;
pub mod retention;
pub mod ruling;
pub mod silencing;
pub mod syncing;
pub mod undoing;
