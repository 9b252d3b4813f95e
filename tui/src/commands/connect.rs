//! `roster connect`: an account of an influencer, and its first sync.

use roster_protocol::{Account, Outcome, SyncTarget};

use super::{Session, show, sync};
use crate::client::{answer, patient, soon};
use crate::output::{Ending, Failure};

/// `roster connect`
#[derive(Debug, clap::Args)]
pub struct Connect {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
    /// The platform; `roster platforms` lists them
    platform: String,
    /// The account: its handle there, or its profile's URL
    #[arg(long, value_name = "HANDLE", required = true)]
    handle: String,
    /// Does not wait for the first sync
    #[arg(long)]
    no_wait: bool,
}

impl Connect {
    pub(super) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let account = Account { platform: self.platform.to_lowercase(), handle: self.handle };
        let connection = answer(client.connect(patient(), self.influencer, account).await)?;
        if self.no_wait {
            return show::print_connection(&connection, &mut session.output);
        }
        let id = connection.id.to_string();
        let ticket = answer(client.sync(soon(), SyncTarget::One(id.clone())).await)?;
        let runs = sync::wait(&client, ticket, session.output.look.paint).await?;
        let connection = answer(client.connection(soon(), id).await)?;
        show::print_connection(&connection, &mut session.output)?;
        // The connection is there whatever came of its first sync.
        let learned = runs.iter().all(|run| matches!(run.outcome, Outcome::Ok | Outcome::Partial));
        if learned {
            return Ok(Ending::Done);
        }
        let why = runs.iter().find_map(|run| run.error.as_deref()).unwrap_or("it was put off");
        session.output.remark(&format!("connected, but the first sync told nothing yet: {why}"));
        Ok(Ending::InPart)
    }
}
