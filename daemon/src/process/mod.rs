//! What the process is given: its clock, its environment, its config and its log. These modules know nothing of the app;
//! `daemon` starts and keeps the program, because no two folders may import each other.

pub mod clock;
pub mod config;
pub mod environment;
pub mod logs;
pub mod reading;
