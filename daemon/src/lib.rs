//! `rosterd`: owns the store, the schedule, the snapshots, changes and alerts, and serves `roster`.
//!
//! The modules are listed in the order in which a number travels: its connection is due, a platform is requested, the
//! response becomes a snapshot, the change is measured, an alert opens, all of it is committed, then published and served.

pub mod model;
pub mod schedule;
pub mod roster;
pub mod alerts;
pub mod history;
pub mod decision;
pub mod app;
pub mod meters;
pub mod secret;
pub mod http_client;
pub mod oauth;
pub mod platforms;
pub mod consent;
pub mod sync;
pub mod webhooks;
pub mod edits;
pub mod delivery;
pub mod erasing;
pub mod backups;
pub mod keys;
pub mod browse;
pub mod store;
pub mod doctor;
pub mod serve;
pub mod process;
pub mod daemon;

pub use daemon::cli::main;
pub use daemon::{Daemon, Options, StartError};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
