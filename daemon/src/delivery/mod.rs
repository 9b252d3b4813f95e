//! Delivers alerts, at least once. A channel that is blocked delays nothing else.

pub mod channels;
pub mod desktop;
pub mod outbox;
#[cfg(test)]
pub(crate) mod samples;
pub mod text;
