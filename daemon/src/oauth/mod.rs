//! OAuth 2.0: which providers give consents, and how consents are requested. RFC 6749, with PKCE (RFC 7636), codes for
//! devices (RFC 8628) and revocation (RFC 7009).
//!
//! A [`Provider`] is its [`Terms`], which are constants, its app, which the operator configures, and everything that it
//! does in its own way; the standard client does the rest. This module does not know whether a provider measures
//! anything, and it does not store, renew on a schedule, or decide.

mod callback;
mod client;
mod error;
mod pkce;
mod provider;
pub mod read;
mod registry;
pub mod scopes;
mod terms;
#[cfg(test)]
mod tests;
mod tokens;

pub use callback::{Callback, read_callback, redirect, redirect_problem};
pub use client::{Authorize, Exchange, device_code, exchange, post, token_request};
pub use error::{Refusal, TokenError, TokenRequest, refused};
pub use pkce::verifier;
pub use provider::Provider;
pub use registry::{Registered, Registry};
pub use terms::{Challenge, Device, Endpoint, OAuthApp, Purpose, Scope, Terms};
pub use tokens::{DeviceCode, DeviceResponse, Held, Reply, Tokens};
