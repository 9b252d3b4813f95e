//! One file for each verb: its arguments, its requests to the daemon, and how the responses are printed.
//!
//! Nothing is decided here that the daemon could decide: names are sent as typed.

pub mod access;
pub mod backup;
pub mod keys;
pub mod check;
pub mod doctor;
pub mod log_level;
pub mod retention;
pub mod status;

pub mod list;
pub mod movers;
pub mod show;

pub mod add;
pub mod budgets;
pub mod due;
pub mod edit;
pub mod erase;
pub mod export;
mod many;
pub mod merge;
pub mod remove;

pub mod connect;
pub mod disconnect;
pub mod revoke;
pub mod pause;
pub mod set;
pub mod sync;

pub mod audience;
pub mod history;
pub mod record;

pub mod alerts;
pub mod channels;
pub mod deliveries;
pub mod audit;
pub mod changes;
pub mod requests;
pub mod rules;
pub mod silence;
pub mod runs;

pub mod platforms;
pub mod tokens;
pub mod undo;

mod asking;
mod follow;
mod namesakes;
mod pages;
mod progress;
mod values;
mod when;
