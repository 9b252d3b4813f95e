//! `roster remove`: an influencer with all connections and history, for a day so that it can be taken back.

use roster_protocol::RosterError;

use super::{asking, show};
use crate::client::{long_call, response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster remove`
#[derive(Debug, clap::Args)]
pub struct Remove {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
    /// Says that all connections and history shall be deleted; needed where no terminal can ask
    #[arg(long)]
    yes: bool,
}

impl Remove {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        if !self.yes && !asking::is_attended() {
            return Err(RosterError::usage("this deletes the influencer with all connections and history")
                .hint("add --yes if that is meant; `roster pause` only stops syncing")
                .into());
        }
        let client = session.connect().await?;
        let mut influencer = self.influencer;
        if !self.yes {
            let found = response(client.influencer(short_call(), influencer).await)?;
            let question = format!(
                "Remove {} with all history? `roster undo` takes that back within a day.",
                asking::named(&found)
            );
            asking::ask(&question, &session.output).await?;
            influencer = found.row.id.to_string();
        }
        let influencer = response(client.remove(long_call(), influencer).await)?;
        session.output.remark("removed; `roster undo` takes that back within a day:");
        show::print(&influencer, &mut session.output)
    }
}
