//! When a connection is due: a fixed grid, retries, and the queue of what is due. Pure.

mod backoff;
pub mod breaker;
pub mod budget;
pub mod coverage;
pub mod gate;
mod grid;
pub mod lane;
pub mod obstacles;
pub mod pace;
mod queue;

pub use backoff::back_off;
pub use grid::{EARLIEST_PLAUSIBLE, Grid, Slots};
pub use pace::{Demand, Pace, Stretch};
pub use queue::{Moment, Queue, Room};

#[cfg(test)]
mod tests;
