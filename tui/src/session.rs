//! What a command runs with: where the daemon is looked for, and where the output goes.

use std::path::PathBuf;

use roster_protocol::{RosterClient, RosterError};

use crate::client;
use crate::output::Output;

/// What every verb works with.
pub struct Session {
    /// The socket that was given; `None`: the user's, then the system's.
    pub socket: Option<PathBuf>,
    pub output: Output,
}

impl Session {
    /// Connects to the daemon. Verbs call it after they checked what needs no daemon.
    ///
    /// # Errors
    /// As [`client::connect`].
    pub async fn connect(&self) -> Result<RosterClient, RosterError> {
        Ok(client::connect(self.socket.as_deref()).await?.0)
    }
}
