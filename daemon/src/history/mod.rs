//! Computations over many snapshots of one connection, wherever they are stored.

mod bits;
pub mod chunk;
pub mod engagement;
