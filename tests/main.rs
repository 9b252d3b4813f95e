//! Whole stories over the real daemon, the real programs and the simulated platforms.

mod support;

mod adding;
mod alerting;
mod syncing;
mod attacking;
mod faults;
mod killing;
mod listening;
mod starting;
mod tidy;
