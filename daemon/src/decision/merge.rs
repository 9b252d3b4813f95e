//! Two entries that are one person.

use roster_protocol::alert::{About, AlertState};
use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::InfluencerId;

use super::audit::{audit_change, influencer_named};
use super::checks::{NOTE_BYTES, sorted_tags};
use super::{Decision, silences};
use crate::model::{Alert, Connection, DataKey, Influencer};
use crate::roster::resolve;

/// Moves connections, tags, note and alerts of one influencer to another, then removes the first.
///
/// # Errors
/// No influencer of one of the names, or both are the same.
pub fn merge(decision: &mut Decision<'_>, who: &Who, named: &str, into: &str) -> Result<InfluencerId, RosterError> {
    let from = resolve::influencer(decision.roster, named)?;
    let into = resolve::influencer(decision.roster, into)?;
    if from.id == into.id {
        return Err(RosterError::usage(format!("{} cannot be merged into itself", into.name)));
    }
    let moved = decision.roster.all_connections_of(from.id);
    decision
        .commit
        .roster
        .connections
        .extend(moved.map(|connection| Connection { influencer: into.id, ..connection.clone() }));
    let alerts = decision.roster.alerts.values().filter(|alert| alert.about.influencer() == Some(from.id));
    let alerts = alerts.filter(|alert| alert.state != AlertState::Resolved);
    decision
        .commit
        .alerting
        .alerts
        .extend(alerts.map(|alert| Alert { about: of_influencer(&alert.about, into.id), ..alert.clone() }));
    decision.commit.roster.influencers.push(Influencer {
        tags: sorted_tags(into.tags.iter().chain(&from.tags).cloned().collect())?,
        note: both_notes(into.note.as_deref(), from.note.as_deref()),
        ..into.clone()
    });
    decision.commit.roster.removed_influencers.push(from.id);
    // What the audit log says of the one is erased with the other.
    let keys = decision.roster.data_keys.values().filter(|key| key.now == from.id);
    let keys: Vec<DataKey> = keys.map(|key| DataKey { now: into.id, ..key.clone() }).collect();
    decision.commit.roster.data_keys.extend(keys);
    silences::moved(decision, from.id, Some(into.id));
    let line = audit_change(
        decision,
        who,
        "influencer.merge",
        influencer_named(into),
        from.note.iter().fold(influencer_named(from).to_string(), |named, note| format!("{named}: {note}")),
        into.name.clone(),
    );
    decision.log(line);
    Ok(into.id)
}

/// The same of another influencer.
fn of_influencer(about: &About, influencer: InfluencerId) -> About {
    match about {
        About::Connection { connection, platform, .. } => {
            About::Connection { connection: *connection, influencer, platform: platform.clone() }
        }
        About::Influencer(_) => About::Influencer(influencer),
        About::Platform(_) | About::Daemon => about.clone(),
    }
}

fn both_notes(into: Option<&str>, from: Option<&str>) -> Option<String> {
    let notes: Vec<&str> = into.into_iter().chain(from).collect();
    let both = notes.join(" · ");
    // Two long notes do not fit into one: the kept entry's own comes first, and the audit log has the other.
    let fitting = both.floor_char_boundary(NOTE_BYTES);
    (!notes.is_empty()).then(|| both[..fitting].to_owned())
}
