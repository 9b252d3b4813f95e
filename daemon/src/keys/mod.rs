//! The master keys while the daemon runs: another one is made, all that is sealed is sealed anew, an old one is retired.
//!
//! A sealed value names its key, and the ring opens with each, so that nothing waits for a rotation and a crash at any
//! moment leaves values that open. What has no part here: reading keys from their sources, which `secret` does at the start.

pub mod changing;
pub mod listing;
pub mod reseal;
