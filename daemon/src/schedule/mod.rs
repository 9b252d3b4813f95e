//! When a connection is due: a fixed grid, retries, and the queue of what is due. Pure.

mod backoff;
pub mod breaker;
pub mod coverage;
mod grid;
pub mod lane;
pub mod obstacles;
mod queue;

pub use backoff::back_off;
pub use grid::{EARLIEST_PLAUSIBLE, Grid, Slots};
pub use queue::Queue;

#[cfg(test)]
mod tests;
