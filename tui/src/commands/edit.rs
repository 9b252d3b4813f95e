//! `roster edit`: name, tags, note, main connection.

use roster_protocol::{EditBase, InfluencerEdit, InfluencerRow, RosterError};

use super::values::note;
use super::{many, namesakes, show};
use crate::client::{long_call, response};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster edit`
#[derive(Debug, clap::Args)]
pub struct Edit {
    /// Id, beginning of an id, name, platform:handle, or a profile's URL
    #[arg(required_unless_present = "filter")]
    influencer: Option<String>,
    /// All who fit this filter instead, as `roster list` has it; they are shown first
    #[arg(long = "where", value_name = "QUERY", id = "filter", conflicts_with_all = ["influencer", "name", "main", "if_unchanged"])]
    filter: Option<String>,
    /// Says that all who fit are meant
    #[arg(long, requires = "filter")]
    yes: bool,
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
    /// The name or note as it was; when it is another one by now, nothing is overwritten
    #[arg(long, value_name = "BEFORE")]
    if_unchanged: Option<String>,
}

impl Edit {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let Edit { influencer, filter, yes, name, tag, untag, note, main, if_unchanged } = self;
        let based_on = match (&name, &note, if_unchanged) {
            (_, _, None) => EditBase::default(),
            (Some(_), None, before) => EditBase { name: before, note: None },
            (None, Some(_), before) => EditBase { name: None, note: before },
            _ => {
                return Err(RosterError::usage("--if-unchanged is about one value")
                    .hint("give it with --name or with --note, one at a time")
                    .into());
            }
        };
        let edit = InfluencerEdit { name, tag, untag, note, main, based_on };
        if edit == InfluencerEdit::default() {
            return Err(RosterError::usage("nothing to change")
                .hint("give --name, --tag, --untag, --note or --main")
                .into());
        }
        let client = session.connect().await?;
        if let Some(filter) = filter {
            let rows = many::chosen(&client, &filter).await?;
            many::agreed("edit", &rows, yes, &session.output).await?;
            let one =
                async |row: &InfluencerRow| response(client.edit(long_call(), row.id.to_string(), edit.clone()).await);
            return many::each(&rows, &mut session.output, one).await;
        }
        let influencer = influencer.unwrap_or_default();
        let renames = edit.name.is_some();
        let influencer = response(client.edit(long_call(), influencer, edit).await)?;
        let ended = show::print(&influencer, &mut session.output)?;
        if renames {
            namesakes::warn(&client, &influencer, &session.output).await;
        }
        Ok(ended)
    }
}
