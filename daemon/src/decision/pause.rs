//! Pausing and resuming a connection, an influencer, a platform, or everything.

use roster_protocol::audit::{PauseTarget, Who};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;

use super::Decision;
use super::audit::{audit, connection_named, influencer_named};
use super::slots::{self, PAUSED};
use super::undo;
use crate::model::{Connection, Influencer, On, Pausable, Settings, UndoableChange};
use crate::roster::Roster;
use crate::roster::resolve::{self, Named};

/// Pauses or resumes, and returns the connections that it touches. What was missed meanwhile is caught up once, and
/// accounted for.
///
/// # Errors
/// Nothing of that name.
pub fn pause(
    decision: &mut Decision<'_>,
    who: &Who,
    target: &PauseTarget,
    paused: bool,
) -> Result<Vec<ConnectionId>, RosterError> {
    let action = if paused { "pause" } else { "resume" };
    if is_paused(decision.roster, target)? != paused {
        let target = by_id(decision.roster, target)?;
        undo::remember(decision, who, UndoableChange::Paused { target, paused });
    }
    let (on, touched) = match target {
        PauseTarget::All => {
            let settings = Settings { paused, ..decision.roster.settings.clone() };
            everything(decision, settings, |_| true, "everything".into())
        }
        PauseTarget::Platform(slug) => {
            if !decision.roster.platforms.contains_key(slug) {
                return Err(resolve::unknown_platform(decision.roster, slug));
            }
            let settings = with_platform(&decision.roster.settings, slug, paused);
            everything(decision, settings, |connection| connection.platform == *slug, format!("platform {slug}").into())
        }
        PauseTarget::One(named) => one(decision, named, paused)?,
    };
    if !paused {
        catch_up(decision, &touched);
    }
    decision.log(audit(decision, who, action, on));
    Ok(touched)
}

/// Whether this itself is paused.
///
/// # Errors
/// Nothing of that name.
pub fn is_paused(roster: &Roster, target: &PauseTarget) -> Result<bool, RosterError> {
    Ok(match target {
        PauseTarget::All => roster.settings.paused,
        PauseTarget::Platform(slug) => roster.settings.paused_platforms.contains(slug),
        PauseTarget::One(named) => match resolve::either(roster, named)? {
            Named::Connection(connection) => connection.paused,
            Named::Influencer(influencer) => influencer.paused,
        },
    })
}

fn by_id(roster: &Roster, target: &PauseTarget) -> Result<Pausable, RosterError> {
    Ok(match target {
        PauseTarget::All => Pausable::All,
        PauseTarget::Platform(slug) => Pausable::Platform(slug.clone()),
        PauseTarget::One(named) => match resolve::either(roster, named)? {
            Named::Connection(connection) => Pausable::Connection(connection.id),
            Named::Influencer(influencer) => Pausable::Influencer(influencer.id),
        },
    })
}

/// Accounts for the slots that passed while these were paused.
fn catch_up(decision: &mut Decision<'_>, resumed: &[ConnectionId]) {
    let (roster, grid) = (decision.roster, decision.grid);
    let paused = resumed.iter().filter_map(|id| roster.connections.get(id)).filter(|it| roster.is_paused(it));
    for before in paused {
        let after = slots::caught_up(decision, grid, before, PAUSED);
        match decision.commit.roster.connections.iter_mut().find(|changed| changed.id == before.id) {
            Some(changed) => (changed.slot_at, changed.next_due_at) = (after.slot_at, after.next_due_at),
            None if after != *before => decision.commit.roster.connections.push(after),
            None => {}
        }
    }
}

fn everything(
    decision: &mut Decision<'_>,
    settings: Settings,
    concerns: impl Fn(&Connection) -> bool,
    on: On,
) -> (On, Vec<ConnectionId>) {
    decision.commit.roster.settings = Some(settings);
    let connected = decision.roster.connected();
    (on, connected.filter(|connection| concerns(connection)).map(|connection| connection.id).collect())
}

fn with_platform(settings: &Settings, slug: &str, paused: bool) -> Settings {
    let mut platforms = settings.paused_platforms.clone();
    platforms.retain(|other| other != slug);
    if paused {
        platforms.push(slug.to_owned());
        platforms.sort();
    }
    Settings { paused_platforms: platforms, ..settings.clone() }
}

fn one(decision: &mut Decision<'_>, named: &str, paused: bool) -> Result<(On, Vec<ConnectionId>), RosterError> {
    Ok(match resolve::either(decision.roster, named)? {
        Named::Connection(connection) => {
            decision.commit.roster.connections.push(Connection { paused, ..connection.clone() });
            (connection_named(connection), vec![connection.id])
        }
        Named::Influencer(influencer) => {
            decision.commit.roster.influencers.push(Influencer { paused, ..influencer.clone() });
            let touched = decision.roster.connections_of(influencer.id).map(|connection| connection.id).collect();
            (influencer_named(influencer), touched)
        }
    })
}
