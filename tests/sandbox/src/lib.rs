//! Simulated platforms over real HTTP, for the demo, the tests and trying set-ups before any app is registered.
//!
//! Every provider is served at `/{host}{path}` with its own parameters, JSON, errors, headers and paging, over a
//! [`World`] of invented influencers whose numbers are pure functions of time. What goes wrong is ordered beforehand
//! ([`Fault`]); nothing fails by chance. `/_sandbox/…` is the control. What owners allow at its consent pages, and
//! the tokens that follow, live as long as the sandbox does; nothing is kept on disk.

mod server;

mod platforms;
mod serving;
mod world;

mod consent;
mod grants;

mod control;
mod hooks;
mod faults;
mod limits;
mod mangle;
mod requests;
mod spoil;

mod http_io;
mod program;

pub use faults::{Fault, FaultKind, Stage, Variant};
pub use grants::{Door, Grant, Lifetimes};
pub use hooks::{Hook, HookKind, HookOrder};
pub use platforms::Platform;
pub use program::main;
pub use requests::LoggedRequest;
pub use server::{Options, Sandbox};
pub use world::World;
pub use world::account::{Account, Numbers, Refuses, Software, State};
pub use world::audience::{AGES, Audience};
pub use world::edit::{AccountEdit, EditError};
pub use world::growth::Growth;
pub use world::persona::{AccountKey, Persona};
pub use world::posts::{Post, PostNumbers, Posting};

#[cfg(test)]
mod tests;
