//! Warnings of consents that end soon unless their owners consent again.

use std::collections::{BTreeMap, HashMap};

use roster_protocol::alert::Severity;
use roster_protocol::ids::{ConnectionId, GrantId};
use roster_protocol::rule::Happening;
use roster_protocol::time::Timestamp;

use super::{Decision, alerting};
use crate::alerts::evaluate::{self, is_on};
use crate::model::{Connection, Grant};
use crate::roster::{Roster, standing};

/// When something is to be said next: `now` where it is overdue.
pub fn next(roster: &Roster, now: Timestamp) -> Option<Timestamp> {
    if !outdated(roster, &ending(roster, now)).is_empty() {
        return Some(now);
    }
    ends(roster).filter_map(|(_, ends_at)| evaluate::next_warning(ends_at, now)).min()
}

/// Says what is to be said by now, and takes back what is not so any more.
pub fn warn(decision: &mut Decision<'_>) {
    let ending = ending(decision.roster, decision.now);
    for id in outdated(decision.roster, &ending) {
        let Some(connection) = decision.roster.connections.get(&id) else { continue };
        let (urgency, ends_at) = ending.get(&id).copied().unzip();
        let date = ends_at.map(|ends_at| decision.grid.date_of(ends_at).to_string()).unwrap_or_default();
        let why = || format!("its consent ends on {date}: connect it again before, and its owner consents again");
        let standing = decision.roster.alerts_of(id);
        let roster = decision.roster;
        let rule = alerting::rule_on(roster, Happening::Token, connection);
        let steps = evaluate::before_the_end(&roster.rules, rule, urgency, &standing, decision.now, why);
        alerting::take(decision, connection, steps);
    }
}

/// The connections whose consents end soon, with how urgent that is, and when. One that waits for a person already says
/// so.
fn ending(roster: &Roster, now: Timestamp) -> BTreeMap<ConnectionId, (Severity, Timestamp)> {
    let soon = ends(roster)
        .filter_map(|(grant, ends_at)| Some((grant.id, (evaluate::urgency(grant.granted_at, ends_at, now)?, ends_at))));
    let soon: HashMap<GrantId, (Severity, Timestamp)> = soon.collect();
    if soon.is_empty() {
        return BTreeMap::new();
    }
    let is_read = |user: &&Connection| user.disconnected_at.is_none() && !standing::needs_person(user);
    let ending = roster.consents.uses().filter_map(|used| {
        let connection = roster.connections.get(&used.connection).filter(is_read)?;
        Some((connection.id, *soon.get(&used.grant)?))
    });
    ending.collect()
}

/// The consents that end.
fn ends(roster: &Roster) -> impl Iterator<Item = (&Grant, Timestamp)> {
    // One that is being made has no owner yet.
    let grants = roster.consents.grants.values().filter(|grant| !grant.owner_id.is_empty());
    grants.filter_map(|grant| Some((grant, roster.consents.act_before(grant)?)))
}

/// The connections whose alerts say something else than what is `ending`.
fn outdated(roster: &Roster, ending: &BTreeMap<ConnectionId, (Severity, Timestamp)>) -> Vec<ConnectionId> {
    let mut said: BTreeMap<ConnectionId, Severity> = BTreeMap::new();
    for alert in roster.alerts.values().filter(|alert| is_on(&roster.rules, alert, Happening::Token)) {
        said.extend(alert.about.connection().map(|id| (id, alert.severity)));
    }
    let urgency = |id: &ConnectionId| ending.get(id).map(|(urgency, _)| *urgency);
    let mut outdated: Vec<ConnectionId> = said.keys().chain(ending.keys()).copied().collect();
    outdated.sort();
    outdated.dedup();
    outdated.retain(|id| said.get(id).copied() != urgency(id) && roster.connections.contains_key(id));
    outdated
}
