//! `roster remove`: an influencer with all connections and history.

use roster_protocol::RosterError;

use super::show;
use crate::client::{long_call, response};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster remove`
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
    /// Says that all connections and history shall be deleted
    #[arg(long)]
    yes: bool,
}

impl Remove {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        if !self.yes {
            return Err(RosterError::usage("this deletes the influencer with all connections and history")
                .hint("add --yes if that is meant; `roster pause` only stops syncing")
                .into());
        }
        let client = session.connect().await?;
        let influencer = response(client.remove(long_call(), self.influencer).await)?;
        session.output.remark("removed:");
        show::print(&influencer, &mut session.output)
    }
}
