//! What the process is given: its clock, its environment, its config and its log. Leaves that know nothing of the app.

pub mod clock;
pub mod config;
pub mod environment;
pub mod logs;
