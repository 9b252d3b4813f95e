//! The store as a whole, over disks that tests can break.

mod basics;
mod chain;
mod crash;
mod damage;
pub(crate) mod disk;
mod erasing;
mod migration;
mod model;
mod newer;
mod repair;
mod replaced;
mod requests;
mod sample;
