//! What the daemon serves: the socket for `roster`, and HTTP for monitoring and callbacks. It translates requests and
//! delegates them.

pub mod http;
pub mod rpc;
