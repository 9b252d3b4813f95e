//! The screens: each its state, what keys do there, and its picture.

pub mod alerts;
pub mod audit;
pub mod changes;
pub mod connections;
pub mod influencer;
pub mod listing;
pub mod no_daemon;
pub mod paged;
pub mod roster;
pub mod states;
pub mod sync;

#[cfg(test)]
mod tests;
