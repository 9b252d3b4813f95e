//! `roster edit`: name, tags, note, main connection.

use roster_protocol::{InfluencerEdit, RosterError};

use super::values::note;
use super::{namesakes, show};
use crate::client::{long_call, response};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster edit`
#[derive(Debug, clap::Args)]
pub struct Edit {
    /// Id, beginning of an id, exact name, platform:handle, or a profile's URL
    influencer: String,
    /// A new name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A tag to add; may be given several times
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// A tag to take away; may be given several times
    #[arg(long, value_name = "TAG")]
    untag: Vec<String>,
    /// A new note; an empty one removes it
    #[arg(long, value_name = "TEXT", value_parser = note)]
    note: Option<String>,
    /// The connection whose numbers represent the influencer; auto takes the largest
    #[arg(long, value_name = "CONNECTION")]
    main: Option<String>,
}

impl Edit {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let Edit { influencer, name, tag, untag, note, main } = self;
        let edit = InfluencerEdit { name, tag, untag, note, main };
        if edit == InfluencerEdit::default() {
            return Err(RosterError::usage("nothing to change")
                .hint("give --name, --tag, --untag, --note or --main")
                .into());
        }
        let client = session.connect().await?;
        let renames = edit.name.is_some();
        let influencer = response(client.edit(long_call(), influencer, edit).await)?;
        let ended = show::print(&influencer, &mut session.output)?;
        if renames {
            namesakes::warn(&client, &influencer, &session.output).await;
        }
        Ok(ended)
    }
}
