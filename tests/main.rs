//! Whole stories over the real daemon, the real programs and the simulated platforms.

mod support;

mod adding;
mod alerting;
mod asking;
mod attacking;
mod breaking;
mod canaries;
mod checking;
mod consenting;
mod dating;
mod decaying;
mod faults;
mod filling;
mod following;
mod hiding;
mod keys;
mod killing;
mod linking;
mod listening;
mod nonsense;
mod notifying;
mod operating;
mod permitting;
mod printing;
mod requesting;
mod refusing;
mod rotating;
mod searching;
mod showing;
mod starting;
mod storming;
mod syncing;
mod terminals;
mod tidy;
mod upgrade;
