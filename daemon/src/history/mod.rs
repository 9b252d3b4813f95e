//! What many snapshots of one connection are, apart from where they lie.

mod bits;
pub mod chunk;
pub mod engagement;
