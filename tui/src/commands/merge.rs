//! `roster merge`: two influencers that are one.

use super::{asking, show};
use crate::client::{long_call, response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster merge`
#[derive(Debug, clap::Args)]
pub struct Merge {
    /// Whose connections, tags and alerts move; it is removed then
    influencer: String,
    /// Who gets them and stays
    into: String,
    /// Does not ask first
    #[arg(long)]
    yes: bool,
}

impl Merge {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let (mut from, mut into) = (self.influencer, self.into);
        if !self.yes && asking::is_attended() {
            let found = response(client.influencer(short_call(), from).await)?;
            let stays = response(client.influencer(short_call(), into).await)?;
            let (moved, kept) = (asking::named(&found), asking::named(&stays));
            asking::ask(&format!("Merge {moved} into {kept}? This cannot be taken back."), &session.output).await?;
            (from, into) = (found.row.id.to_string(), stays.row.id.to_string());
        }
        let influencer = response(client.merge(long_call(), from, into).await)?;
        show::print(&influencer, &mut session.output)
    }
}
