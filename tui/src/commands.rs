//! One file for each verb: what it takes, what it asks of the daemon, how its answer reads.
//!
//! Nothing is decided here that the daemon could decide: names go over as typed.

pub mod check;
pub mod log_level;
pub mod status;

pub mod list;
pub mod show;

pub mod add;
pub mod edit;
pub mod merge;
pub mod remove;

pub mod connect;
pub mod disconnect;
pub mod pause;
pub mod set;
pub mod sync;

pub mod history;
pub mod record;

pub mod alerts;
pub mod audit;
pub mod changes;
pub mod runs;

pub mod completions;
pub mod platforms;
pub mod tokens;

mod follow;
mod pages;
mod progress;
mod values;
mod when;

use crate::arguments::Command;
use crate::output::{Ending, Failure};
use crate::session::Session;

/// Runs one verb to its end.
///
/// # Errors
/// What kept it from being done, or from being printed.
pub async fn run(command: Command, session: &mut Session) -> Result<Ending, Failure> {
    match command {
        Command::Status(status) => status.run(session).await,
        Command::LogLevel(log_level) => log_level.run(session).await,
        Command::List(list) => list.run(session).await,
        Command::Show(show) => show.run(session).await,
        Command::Add(add) => add.run(session).await,
        Command::Edit(edit) => edit.run(session).await,
        Command::Remove(remove) => remove.run(session).await,
        Command::Merge(merge) => merge.run(session).await,
        Command::Connect(connect) => connect.run(session).await,
        Command::Disconnect(disconnect) => disconnect.run(session).await,
        Command::Pause(pause) => pause.run(session, true).await,
        Command::Resume(resume) => resume.run(session, false).await,
        Command::Set(set) => set.run(session).await,
        Command::Sync(sync) => sync.run(session).await,
        Command::History(history) => history.run(session).await,
        Command::Record(record) => record.run(session).await,
        Command::Changes(changes) => changes.run(session).await,
        Command::Alerts(alerts) => alerts.run(session).await,
        Command::Runs(runs) => runs.run(session).await,
        Command::Audit(audit) => audit.run(session).await,
        Command::Platforms(platforms) => platforms.run(session).await,
        Command::Tokens(tokens) => tokens.run(session).await,
        Command::Notify(notify) => notify.run(session).await,
        Command::Completions(completions) => completions.run(session),
    }
}
