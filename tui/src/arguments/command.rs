//! Every verb by its name, and the function that runs it.

use clap::Subcommand;

use super::completions;
use crate::agent;
use crate::commands::{
    access, add, alerts, audience, audit, backup, budgets, changes, channels, connect, deliveries, disconnect, doctor,
    due, edit, erase, export, history, keys, list, log_level, merge, movers, pause, platforms, record, remove,
    requests, retention, revoke, rules, runs, set, show, silence, status, sync, tokens, undo,
};
use crate::output::{Ending, Failure};
use crate::session::Session;

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the daemon, its schedule, coverage, platforms and store
    Status(status::Status),
    /// Lists influencers
    List(list::List),
    /// Lists the accounts whose followers moved most, the largest move first
    Movers(movers::Movers),
    /// Shows one influencer with all connections and the newest numbers of each
    Show(show::Show),
    /// Adds an influencer
    Add(add::Add),
    /// Changes an influencer's name, tags, note or main connection
    Edit(edit::Edit),
    /// Removes an influencer with all connections and history; `roster undo` takes that back within a day
    Remove(remove::Remove),
    /// Deletes every trace of an influencer, so that no backup brings them back, and lists what that does not reach
    Erase(erase::Erase),
    /// Takes your last change of a day back: tags, notes, other edits, intervals, pauses, acknowledgements, removals
    Undo(undo::Undo),
    /// Moves everything of one influencer to another, then removes the first
    Merge(merge::Merge),
    /// Connects an account to an influencer, by its handle or by its owner's consent, and syncs it
    Connect(connect::Connect),
    /// Ends a connection; its history stays unless --delete-history
    Disconnect(disconnect::Disconnect),
    /// Pauses syncing of an influencer, a connection, a platform, or everything
    Pause(pause::Pause),
    /// Resumes what was paused
    Resume(pause::Pause),
    /// Changes a setting of a connection
    Set(set::Set),
    /// Syncs now: all that is due, one influencer or connection, or everything
    Sync(sync::Sync),
    /// Lists a connection's snapshots, or what its platform reports of days, oldest first; missing days are absent
    History(history::History),
    /// Shows who an account's audience is: genders, ages, countries
    Audience(audience::Audience),
    /// Stores a snapshot by hand, marked as such
    Record(record::Record),
    /// Lists changes that were noticed, newest first
    Changes(changes::Changes),
    /// Lists alerts, newest first, or acknowledges some
    Alerts(alerts::Alerts),
    /// Lists alert rules; makes, changes, switches and tests them
    Rules(rules::Rules),
    /// Lists silences, which keep alerts from being delivered; makes and ends them
    Silence(silence::Silence),
    /// Lists the channels on which alerts are delivered, or tests one
    Channels(channels::Channels),
    /// Lists what was delivered, waits or was given up, or has it sent again
    Deliveries(deliveries::Deliveries),
    /// Lists sync runs, newest first
    Runs(runs::Runs),
    /// Lists what was requested of platforms, newest first, of the last seven days: when, what, about which account, and how
    /// that ended
    Requests(requests::Requests),
    /// Lists what is synced next, the earliest first
    Due(due::Due),
    /// Shows what is spent of each platform's limits
    Budgets(budgets::Budgets),
    /// Shows how much rosterd logs, or changes it until it is restarted
    LogLevel(log_level::LogLevel),
    /// Shows how long what was measured is kept, counts what would be deleted, or chooses it
    Retention(retention::Retention),
    /// Makes a backup of the store while rosterd runs, or verifies one
    Backup(backup::Backup),
    /// Writes everything that is held about one person: for programs, or as a page for the person
    Export(export::Export),
    /// Lists the master keys, has another one seal, or retires one
    Keys(keys::Keys),
    /// Shows who has which role and why, yours first
    Access(access::Access),
    /// Lists who did what and when, newest first
    Audit(audit::Audit),
    /// Lists consents: what renews itself, and what needs a hand first
    Tokens(tokens::Tokens),
    /// Ends all consents, for the day of a breach
    Revoke(revoke::Revoke),
    /// Lists platforms and how each is configured and behaves, or tests one
    Platforms(platforms::Platforms),
    /// Shows alerts as desktop notifications until stopped
    Notify(agent::Notify),
    /// Checks everything that a newcomer gets wrong, here and at rosterd, and says what to do; ends with 0 when all is well,
    /// with 6 when there are warnings only, with 1 when there is a fault, with 3 when no rosterd is reached
    Doctor(doctor::Doctor),
    /// Prints a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    /// Runs one verb to its end.
    ///
    /// # Errors
    /// What kept it from being done, or from being printed.
    pub async fn run(self, session: &mut Session) -> Result<Ending, Failure> {
        match self {
            Command::Status(status) => status.run(session).await,
            Command::LogLevel(log_level) => log_level.run(session).await,
            Command::Retention(retention) => retention.run(session).await,
            Command::List(list) => list.run(session).await,
            Command::Movers(movers) => movers.run(session).await,
            Command::Show(show) => show.run(session).await,
            Command::Add(add) => add.run(session).await,
            Command::Edit(edit) => edit.run(session).await,
            Command::Remove(remove) => remove.run(session).await,
            Command::Erase(erase) => erase.run(session).await,
            Command::Undo(undo) => undo.run(session).await,
            Command::Merge(merge) => merge.run(session).await,
            Command::Connect(connect) => connect.run(session).await,
            Command::Disconnect(disconnect) => disconnect.run(session).await,
            Command::Pause(pause) => pause.run(session, true).await,
            Command::Resume(resume) => resume.run(session, false).await,
            Command::Set(set) => set.run(session).await,
            Command::Sync(sync) => sync.run(session).await,
            Command::History(history) => history.run(session).await,
            Command::Audience(audience) => audience.run(session).await,
            Command::Record(record) => record.run(session).await,
            Command::Changes(changes) => changes.run(session).await,
            Command::Alerts(alerts) => alerts.run(session).await,
            Command::Rules(rules) => rules.run(session).await,
            Command::Silence(silence) => silence.run(session).await,
            Command::Channels(channels) => channels.run(session).await,
            Command::Deliveries(deliveries) => deliveries.run(session).await,
            Command::Runs(runs) => runs.run(session).await,
            Command::Requests(requests) => requests.run(session).await,
            Command::Export(export) => export.run(session).await,
            Command::Due(due) => due.run(session).await,
            Command::Budgets(budgets) => budgets.run(session).await,
            Command::Backup(backup) => backup.run(session).await,
            Command::Keys(keys) => keys.run(session).await,
            Command::Access(access) => access.run(session).await,
            Command::Audit(audit) => audit.run(session).await,
            Command::Platforms(platforms) => platforms.run(session).await,
            Command::Revoke(revoke) => revoke.run(session).await,
            Command::Tokens(tokens) => tokens.run(session).await,
            Command::Notify(notify) => notify.run(session).await,
            Command::Doctor(doctor) => doctor.run(session).await,
            Command::Completions(completions) => completions.run(session),
        }
    }
}
