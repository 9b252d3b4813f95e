//! What the daemon answers: the socket for `roster`, and HTTP for monitoring. Translates and delegates.

pub mod http;
pub mod rpc;
