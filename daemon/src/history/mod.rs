//! Computations over many snapshots of one connection, wherever they are stored.

mod bits;
mod column;
pub mod chunk;
pub mod reported;
pub mod rollup;
pub mod retention;
pub mod run_sums;
pub mod engagement;
