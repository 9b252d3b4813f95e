//! Computations over many snapshots of one connection, wherever they are stored.

mod bits;
mod column;
pub mod chunk;
pub mod engagement;
