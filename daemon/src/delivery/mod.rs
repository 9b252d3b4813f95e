//! Delivers alerts, at least once. A channel that is blocked delays nothing else.

pub mod channels;
pub mod desktop;
pub mod outbox;
pub mod text;
