//! `roster pause` and `roster resume`.

use roster_protocol::audit::PauseTarget;
use roster_protocol::service::PAGE_ROWS;

use super::{asking, show};
use crate::client::{long_call, response};
use crate::output::json;
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster pause`, `roster resume`
#[derive(Debug, clap::Args)]
pub struct Pause {
    /// An influencer, a connection, platform:PLATFORM, or all
    target: PauseTarget,
    /// Does not ask before everything is paused
    #[arg(long)]
    yes: bool,
}

impl Pause {
    pub(crate) async fn run(self, session: &mut Session, paused: bool) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        if paused && self.target == PauseTarget::All && !self.yes && asking::is_attended() {
            let all = asking::all_connections(&client).await?;
            let question = format!("Pause {all}, for everyone? What is not measured meanwhile stays unknown.");
            asking::ask(&question, &session.output).await?;
        }
        let connections = response(client.pause(long_call(), self.target, paused).await)?;
        let json = || json::ConnectionList { connections: connections.iter().map(json::Connection::from).collect() };
        session.output.print(json, |look| show::connection_table(&connections, look))?;
        let count = connections.len() as u64;
        let verb = if paused { "paused" } else { "resumed" };
        session.output.remark(&match count {
            PAGE_ROWS.. => format!("{verb}; the first {count} connections are shown"),
            _ => format!("{verb}; connections concerned: {count}"),
        });
        Ok(Ending::Done)
    }
}
