//! Responses for clients from the roster in memory and the store: orders, filters, lists, status.

pub mod budgets;
pub mod connections;
pub mod deliveries;
pub mod due;
pub mod figures;
pub mod filter;
pub mod held;
pub mod lists;
pub mod movers;
pub mod retention;
pub mod rules;
pub mod orders;
pub mod overview;
pub mod quality;
pub mod survey;
