//! `rosterd`: owns the store, the schedule, the snapshots, changes and alerts, and answers `roster`.
//!
//! The modules stand in the order in which a number travels: it is due, a platform is asked, the answer is a
//! snapshot, what changed is named, an alert opens, all of it is committed, then told, shown and served.

pub mod alerts;
pub mod app;
pub mod browse;
pub mod clock;
pub mod config;
pub mod consent;
pub mod daemon;
pub mod delivery;
pub mod edits;
pub mod effective;
pub mod events;
pub mod history;
pub mod http_client;
pub mod logs;
pub mod meters;
pub mod model;
pub mod platforms;
pub mod program;
pub mod reload;
pub mod roster;
pub mod secret;
pub mod serve;
pub mod setup;
pub mod store;
pub mod surroundings;
pub mod sync;
pub mod upkeep;

pub use daemon::{Daemon, Options, StartError};
pub use program::main;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
