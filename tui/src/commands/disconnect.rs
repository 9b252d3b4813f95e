//! `roster disconnect`: ends a connection.

use roster_protocol::RosterError;

use super::{Session, show};
use crate::client::{answer, patient};
use crate::output::{Ending, Failure};

/// `roster disconnect`
#[derive(Debug, clap::Args)]
pub struct Disconnect {
    /// Id, beginning of an id, platform:handle, or a profile's URL
    connection: String,
    /// Deletes its history too; needs --yes
    #[arg(long)]
    delete_history: bool,
    /// Says that the history shall be deleted
    #[arg(long)]
    yes: bool,
}

impl Disconnect {
    pub(super) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        if self.delete_history && !self.yes {
            return Err(RosterError::usage("this deletes every snapshot of the connection")
                .hint("add --yes if that is meant; without --delete-history the history stays")
                .into());
        }
        let client = session.connect().await?;
        let connection = answer(client.disconnect(patient(), self.connection, self.delete_history).await)?;
        session.output.remark(if self.delete_history { "disconnected, history deleted:" } else { "disconnected:" });
        show::print_connection(&connection, &mut session.output)
    }
}
