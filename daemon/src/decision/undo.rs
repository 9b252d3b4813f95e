//! Taking back what a user changed: the newest change first, and never over what another user did since.

use roster_protocol::alert::AlertState;
use roster_protocol::audit::PauseTarget;
use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::influencer::{EditBase, InfluencerEdit};
use roster_protocol::undo::Undone;

use super::{Decision, acknowledge, edit, pause, removal};
use crate::model::{Edited, Influencer, Pausable, Removable, UndoLog, Undoable, UndoableChange, Was};

/// So many changes of a user can be taken back.
const MOST: usize = 20;
/// For so long.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Keeps a change, so that its user can take it back for a day.
pub fn remember(decision: &mut Decision<'_>, who: &Who, change: UndoableChange) {
    let mut changes = lately(decision, who);
    changes.push(Undoable { at: decision.now, change });
    let too_many = changes.len().saturating_sub(MOST);
    changes.drain(..too_many);
    decision.commit.roster.undo.push(UndoLog { uid: who.uid, changes });
}

/// An edit as it can be taken back.
pub fn edited(before: &Influencer, after: &Influencer) -> UndoableChange {
    let only_in = |these: &Influencer, others: &Influencer| {
        these.tags.iter().filter(|tag| !others.tags.contains(tag)).cloned().collect()
    };
    UndoableChange::Edited(Box::new(Edited {
        influencer: before.id,
        name: Was::of(&before.name, &after.name),
        note: Was::of(&before.note, &after.note),
        main: Was::of(&before.main, &after.main),
        tagged: only_in(after, before),
        untagged: only_in(before, after),
    }))
}

/// A user's changes of the last day, oldest first.
fn lately(decision: &Decision<'_>, who: &Who) -> Vec<Undoable> {
    let log = decision.roster.undo.get(&who.uid);
    let changes = log.map(|log| log.changes.as_slice()).unwrap_or_default();
    changes.iter().filter(|change| decision.now.0.saturating_sub(change.at.0) < DAY_MS).cloned().collect()
}

/// Takes a user's newest change back. `None`: there is none of the last day. One that cannot be taken back, since it was
/// changed again or is gone, is passed over from then on; the error in it says so.
///
/// # Errors
/// None but those of a decision.
pub fn undo(decision: &mut Decision<'_>, who: &Who) -> Option<Result<Undone, RosterError>> {
    let mut changes = lately(decision, who);
    let newest = changes.pop()?;
    let result = take_back(decision, who, &newest.change);
    if result.is_err() {
        decision.commit = Default::default();
    }
    // What taking it back keeps as a change of its own gives way to what was before it.
    decision.commit.roster.undo = vec![UndoLog { uid: who.uid, changes }];
    decision.commit.audit.lines.iter_mut().for_each(|line| line.cause = "undo".to_owned());
    Some(result)
}

fn take_back(decision: &mut Decision<'_>, who: &Who, change: &UndoableChange) -> Result<Undone, RosterError> {
    match change {
        UndoableChange::Edited(edited) => unedit(decision, who, edited),
        UndoableChange::Interval { connection, interval } => {
            let named = connection.to_string();
            edit::set_interval(decision, who, &named, interval.before, Some(interval.after))?;
            let on = named_connection(decision, *connection);
            Ok(Undone { what: "the interval".to_owned(), on, influencer: None, connection: Some(*connection) })
        }
        UndoableChange::Paused { target, paused } => {
            let (target, influencer, connection) = match target {
                Pausable::All => (PauseTarget::All, None, None),
                Pausable::Platform(slug) => (PauseTarget::Platform(slug.clone()), None, None),
                Pausable::Influencer(id) => (PauseTarget::One(id.to_string()), Some(*id), None),
                Pausable::Connection(id) => (PauseTarget::One(id.to_string()), None, Some(*id)),
            };
            if pause::is_paused(decision.roster, &target)? != *paused {
                return Err(RosterError::conflict(format!(
                    "it was {} meanwhile",
                    if *paused { "resumed" } else { "paused" }
                )));
            }
            pause::pause(decision, who, &target, !paused)?;
            let what = if *paused { "the pause" } else { "the end of the pause" };
            let on = match &target {
                PauseTarget::All => Some("everything".to_owned()),
                PauseTarget::Platform(slug) => Some(format!("platform {slug}")),
                PauseTarget::One(_) => influencer
                    .and_then(|id| named_influencer(decision, id))
                    .or_else(|| named_connection(decision, connection?)),
            };
            Ok(Undone { what: what.to_owned(), on, influencer, connection })
        }
        UndoableChange::Removed(of) => removal::take_back(decision, who, *of),
        UndoableChange::Acknowledged(alerts) => {
            let user = who.user();
            let is_own = |id: &&_| {
                let alert = decision.roster.alert(**id);
                alert.is_some_and(|it| {
                    it.state == AlertState::Acknowledged && it.acknowledged_by.as_ref() == Some(&user)
                })
            };
            let alerts: Vec<_> = alerts.iter().filter(is_own).copied().collect();
            if alerts.is_empty() {
                return Err(RosterError::conflict("the alerts are over, or acknowledged by another user"));
            }
            acknowledge::reopen(decision, who, &alerts);
            let what = match alerts.len() {
                1 => "the acknowledgement of an alert".to_owned(),
                many => format!("the acknowledgement of {many} alerts"),
            };
            Ok(Undone { what, on: None, influencer: None, connection: None })
        }
    }
}

fn unedit(decision: &mut Decision<'_>, who: &Who, edited: &Edited) -> Result<Undone, RosterError> {
    let Edited { influencer, name, note, main, tagged, untagged } = edited;
    let text = |note: &Option<String>| note.clone().unwrap_or_default();
    if let (Some(main), Some(now)) = (main, decision.roster.influencers.get(influencer))
        && now.main != main.after
    {
        return Err(RosterError::conflict("another main connection was chosen meanwhile"));
    }
    let shown = |main: &Was<Option<ConnectionId>>| main.before.map_or("auto".to_owned(), |id| id.to_string());
    let back = InfluencerEdit {
        name: name.as_ref().map(|name| name.before.clone()),
        note: note.as_ref().map(|note| text(&note.before)),
        main: main.as_ref().map(shown),
        tag: untagged.clone(),
        untag: tagged.clone(),
        based_on: EditBase {
            name: name.as_ref().map(|name| name.after.clone()),
            note: note.as_ref().map(|note| text(&note.after)),
        },
    };
    edit::edit(decision, who, &influencer.to_string(), &back)?;
    let changed = [
        ("the name", name.is_some()),
        ("the note", note.is_some()),
        ("the main connection", main.is_some()),
        ("tags", !(tagged.is_empty() && untagged.is_empty())),
    ];
    let changed: Vec<&str> = changed.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect();
    let on = named_influencer(decision, *influencer);
    Ok(Undone { what: changed.join(", "), on, influencer: Some(*influencer), connection: None })
}

/// The name that an influencer had before this decision.
fn named_influencer(decision: &Decision<'_>, id: InfluencerId) -> Option<String> {
    decision.roster.influencers.get(&id).map(|influencer| influencer.name.clone())
}

fn named_connection(decision: &Decision<'_>, id: ConnectionId) -> Option<String> {
    let connection = decision.roster.connections.get(&id)?;
    Some(format!("{}:{}", connection.platform, connection.handle))
}

/// Drops what is about influencers and connections of which nothing is to be left.
pub fn forget(decision: &mut Decision<'_>, influencer: InfluencerId, connections: &[ConnectionId]) {
    let is_about = |change: &Undoable| match &change.change {
        UndoableChange::Edited(edited) => edited.influencer == influencer,
        UndoableChange::Interval { connection, .. } => connections.contains(connection),
        UndoableChange::Paused { target: Pausable::Influencer(id), .. } => *id == influencer,
        UndoableChange::Paused { target: Pausable::Connection(id), .. } => connections.contains(id),
        UndoableChange::Removed(Removable::Influencer(id)) => *id == influencer,
        UndoableChange::Removed(Removable::Connection(id)) => connections.contains(id),
        UndoableChange::Paused { .. } | UndoableChange::Acknowledged(_) => false,
    };
    // What is dropped already in this decision is not brought back.
    let mut logs = decision.roster.undo.clone();
    logs.extend(decision.commit.roster.undo.drain(..).map(|log| (log.uid, log)));
    for (uid, log) in logs {
        let kept: Vec<Undoable> = log.changes.iter().filter(|change| !is_about(change)).cloned().collect();
        if kept.len() != log.changes.len() || decision.roster.undo.get(&uid) != Some(&log) {
            decision.commit.roster.undo.push(UndoLog { uid, changes: kept });
        }
    }
}
