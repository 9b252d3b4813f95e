//! `roster merge`: two influencers that are one.

use super::show;
use crate::client::{long_call, response};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster merge`
#[derive(Debug, clap::Args)]
pub struct Merge {
    /// Whose connections, tags and alerts move; it is removed then
    influencer: String,
    /// Who gets them and stays
    into: String,
}

impl Merge {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let influencer = response(client.merge(long_call(), self.influencer, self.into).await)?;
        show::print(&influencer, &mut session.output)
    }
}
