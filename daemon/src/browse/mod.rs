//! Answers for people out of the roster in memory: names understood, rows, orders, filters, badges.

pub mod badge;
pub mod connections;
pub mod filter;
pub mod lists;
pub mod orders;
pub mod overview;
pub mod recent;
pub mod resolve;
pub mod rows;
pub mod text;
