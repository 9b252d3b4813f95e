//! Whole stories over the real daemon, the real programs and the simulated platforms.

mod support;

mod adding;
mod alerting;
mod attacking;
mod faults;
mod killing;
mod listening;
mod starting;
mod syncing;
mod tidy;
