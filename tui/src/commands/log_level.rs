//! `roster log-level`: shows or changes how much rosterd logs while it runs.

use roster_protocol::text::{SENTENCE_CHARACTERS, clean};
use serde::Serialize;

use crate::client::{response, short_call};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// `roster log-level`
#[derive(Debug, clap::Args)]
pub struct LogLevel {
    /// error, warn, info, debug, trace, or a filter such as info,rosterd::sync=debug; without it the level is shown
    level: Option<String>,
}

#[derive(Serialize)]
struct Level {
    level: String,
}

impl LogLevel {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        let client = session.connect().await?;
        let changed = self.level.is_some();
        let level = response(client.log_level(short_call(), self.level).await)?;
        session
            .output
            .print(|| Level { level: level.clone() }, |_| format!("{}\n", clean(&level, SENTENCE_CHARACTERS)))?;
        if changed {
            session.output.remark("until rosterd is restarted or reloaded; [log] level in rosterd.toml stays");
        }
        Ok(Ending::Done)
    }
}
