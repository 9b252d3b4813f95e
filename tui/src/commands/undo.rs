//! `roster undo`: takes one's own last change back.

use roster_protocol::undo::{NOTHING, Undone};
use serde::Serialize;

use crate::client::{response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster undo`
#[derive(Debug, clap::Args)]
pub struct Undo {}

#[derive(Serialize)]
struct Report {
    undone: Option<Change>,
}

#[derive(Serialize)]
struct Change {
    what: String,
    influencer: Option<String>,
    connection: Option<String>,
}

impl Undo {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let undone = response(client.undo(short_call()).await)?;
        let report = || Report { undone: undone.as_ref().map(json) };
        session.output.print(report, |_| undone.as_ref().map_or(NOTHING.to_owned(), Undone::to_string) + "\n")?;
        Ok(Ending::Done)
    }
}

fn json(undone: &Undone) -> Change {
    Change {
        what: undone.what.clone(),
        influencer: undone.influencer.map(|id| id.to_string()),
        connection: undone.connection.map(|id| id.to_string()),
    }
}
