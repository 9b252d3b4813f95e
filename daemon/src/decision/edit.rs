//! Adding influencers, and changing what is stored about them and their connections.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::folding::folded;
use roster_protocol::ids::{ConnectionId, InfluencerId};
use roster_protocol::influencer::{InfluencerEdit, NewInfluencer};
use roster_protocol::text::clean;
use roster_protocol::time::Seconds;

use super::Decision;
use super::audit::{audit, audit_change, connection_named, influencer_named};
use super::checks::{checked_name, checked_note, checked_tag, sorted_tags};
use super::connect::{self, Found};
use super::slots::{self, Why};
use super::undo;
use crate::model::{Connection, Influencer, UndoableChange, Was};
use crate::roster::resolve;
use crate::schedule::Pace;

/// The longest part of a value in an error.
const SHOWN_CHARACTERS: usize = 300;

/// What a new influencer has besides accounts, as it may be stored.
pub struct Entry {
    name: String,
    tags: Vec<String>,
    note: Option<String>,
}

impl Entry {
    /// Checks what a client sent.
    ///
    /// # Errors
    /// A value that cannot be stored.
    pub fn checked(new: &NewInfluencer) -> Result<Self, RosterError> {
        Ok(Self {
            name: checked_name(&new.name)?,
            tags: sorted_tags(new.tags.iter().map(|tag| checked_tag(tag)).collect::<Result<_, _>>()?)?,
            note: checked_note(new.note.as_deref().unwrap_or_default())?,
        })
    }
}

/// Adds an influencer with the accounts that were found.
///
/// # Errors
/// An account that another influencer has.
pub fn add(
    decision: &mut Decision<'_>,
    who: &Who,
    entry: Entry,
    accounts: Vec<Found>,
) -> Result<InfluencerId, RosterError> {
    let Entry { name, tags, note } = entry;
    let influencer =
        Influencer { id: decision.fresh_id(), name, tags, note, paused: false, main: None, added_at: decision.now };
    decision.log(audit(decision, who, "influencer.add", influencer_named(&influencer)));
    let id = influencer.id;
    for account in accounts {
        connect::put(decision, who, &influencer, account)?;
    }
    decision.commit.roster.influencers.push(influencer);
    Ok(id)
}

/// Changes name, tags, note or the choice of the main connection.
///
/// # Errors
/// No influencer of that name, or a value that cannot be stored.
pub fn edit(
    decision: &mut Decision<'_>,
    who: &Who,
    named: &str,
    edit: &InfluencerEdit,
) -> Result<InfluencerId, RosterError> {
    let before = resolve::influencer(decision.roster, named)?;
    let mut after = before.clone();
    if let Some(name) = &edit.name {
        after.name = checked_name(name)?;
        unchanged("name", edit.based_on.name.as_deref(), &before.name, &after.name)?;
    }
    if let Some(note) = &edit.note {
        after.note = checked_note(note)?;
        let texts = [&before.note, &after.note].map(|note| note.as_deref().unwrap_or_default());
        unchanged("note", edit.based_on.note.as_deref(), texts[0], texts[1])?;
    }
    let added = edit.tag.iter().map(|tag| checked_tag(tag)).collect::<Result<Vec<_>, _>>()?;
    let removed = edit.untag.iter().map(|tag| checked_tag(tag)).collect::<Result<Vec<_>, _>>()?;
    if !(added.is_empty() && removed.is_empty()) {
        let folded_removed: Vec<String> = removed.iter().map(|tag| folded(tag)).collect();
        let kept = before.tags.iter().filter(|tag| !folded_removed.contains(&folded(tag))).cloned();
        // A tag in another spelling may replace the one that is removed.
        after.tags = sorted_tags(kept.chain(added.into_iter().filter(|tag| !removed.contains(tag))).collect())?;
    }
    if let Some(main) = &edit.main {
        after.main = main_connection(decision, before, main)?;
    }
    if after != *before {
        log_edit(decision, who, before, &after);
        undo::remember(decision, who, undo::edited(before, &after));
        decision.commit.roster.influencers.push(after);
    }
    Ok(before.id)
}

/// Refuses to overwrite what another user changed since the caller saw it. That both wrote the same is no conflict.
fn unchanged(what: &str, seen: Option<&str>, now: &str, new: &str) -> Result<(), RosterError> {
    match seen {
        Some(seen) if seen.trim() != now && now != new => {
            let shown = |text: &str| match text.is_empty() {
                true => "empty".to_owned(),
                false => format!("\"{}\"", clean(text, SHOWN_CHARACTERS)),
            };
            let message =
                format!("the {what} was changed meanwhile: it is {} now, and was {}", shown(now), shown(seen));
            Err(RosterError::conflict(message).hint("nothing was overwritten; edit it again from what it is now"))
        }
        _ => Ok(()),
    }
}

fn main_connection(
    decision: &Decision<'_>,
    influencer: &Influencer,
    named: &str,
) -> Result<Option<ConnectionId>, RosterError> {
    if named == "auto" {
        return Ok(None);
    }
    let connection = resolve::connection(decision.roster, named)?;
    match connection.influencer == influencer.id {
        true => Ok(Some(connection.id)),
        false => Err(RosterError::usage(format!("{named:?} is no connection of {}", influencer.name))
            .hint("`roster show INFLUENCER` shows the connections")),
    }
}

fn log_edit(decision: &mut Decision<'_>, who: &Who, before: &Influencer, after: &Influencer) {
    let fields = [
        ("influencer.rename", before.name.clone(), after.name.clone()),
        ("influencer.tags", before.tags.join(" "), after.tags.join(" ")),
        ("influencer.note", before.note.clone().unwrap_or_default(), after.note.clone().unwrap_or_default()),
        ("influencer.main", shown(before.main), shown(after.main)),
    ];
    for (action, old, new) in fields.into_iter().filter(|(_, old, new)| old != new) {
        decision.log(audit_change(decision, who, action, influencer_named(after), old, new));
    }
}

fn shown(main: Option<ConnectionId>) -> String {
    main.map_or("auto".to_owned(), |id| id.to_string())
}

/// Gives a connection an interval of its own, or none; its next slot moves accordingly. `based_on`: the one that the caller
/// saw before, which must still be the one; `None`: it is overwritten, whatever it is.
///
/// # Errors
/// No such connection, an interval out of range, or one that was changed meanwhile.
pub fn set_interval(
    decision: &mut Decision<'_>,
    who: &Who,
    named: &str,
    interval: Option<Seconds>,
    based_on: Option<Option<Seconds>>,
) -> Result<ConnectionId, RosterError> {
    if interval.is_some_and(|interval| !(10..=366 * 24 * 3600).contains(&interval.0)) {
        return Err(RosterError::usage("an interval is between 10s and 366d"));
    }
    let before = resolve::connection(decision.roster, named)?;
    let shown = |interval: Option<Seconds>| interval.map_or("default".to_owned(), |own| format!("{} s", own.0));
    unchanged("interval", based_on.map(shown).as_deref(), &shown(before.interval), &shown(interval))?;
    // What was missed until now was missed by the interval so far.
    let grid = decision.grid;
    let before = if decision.roster.is_scheduled(before) {
        slots::caught_up(decision, grid, before, Why::Found)
    } else {
        before.clone()
    };
    let before = &before;
    let pace = Pace { own: interval, ..decision.roster.pace_of(before) };
    let next = decision.grid.next(before.id, pace, decision.now);
    // A retry or a request that is due sooner stays.
    let due = before.next_due_at.min(next);
    let after = Connection { interval, next_due_at: due, slot_at: before.slot_at.min(next), ..before.clone() };
    let line = audit_change(
        decision,
        who,
        "connection.interval",
        connection_named(before),
        shown(before.interval),
        shown(interval),
    );
    decision.log(line);
    if let Some(interval) = Was::of(&before.interval, &interval) {
        undo::remember(decision, who, UndoableChange::Interval { connection: before.id, interval });
    }
    decision.commit.roster.connections.push(after);
    Ok(before.id)
}
