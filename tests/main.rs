//! Whole stories over the real daemon, the real programs and the simulated platforms.

mod support;

mod adding;
mod alerting;
mod attacking;
mod canaries;
mod consenting;
mod faults;
mod keys;
mod killing;
mod listening;
mod operating;
mod rotating;
mod starting;
mod syncing;
mod tidy;
mod upgrade;
