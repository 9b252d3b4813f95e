//! Many accounts of one platform that move together are one alert: a purge, a fault of the platform. The first few are
//! alerts of their own; from then on there is one about the platform, which grows, and the single ones are silent.

use roster_protocol::alert::{About, AlertState, Explained};
use roster_protocol::ids::AlertId;
use roster_protocol::metric::Ratio;
use roster_protocol::notice::signed_percent;
use roster_protocol::time::Timestamp;

use super::{Decision, group_notices, silences};
use crate::alerts::evaluate::{relative, resolved};
use crate::model::Alert;

/// So many single alerts of a rule and platform open within this time before there is one about all.
const SINGLE: usize = 5;
const WITHIN_MS: i64 = 15 * 60_000;
/// A group takes members for so long after its newest one: syncs are spread over minutes.
const GROWS_MS: i64 = 60 * 60_000;
/// Of how many members the middle change is said.
const MEASURED: usize = 200;

/// Puts an alert about a move of a connection, which opens now, into the group of its rule and platform. Returns whether it
/// is in one: then it is not delivered on its own.
pub fn join(decision: &mut Decision<'_>, alert: &mut Alert) -> bool {
    let About::Connection { platform, .. } = alert.about.clone() else { return false };
    if !is_move(alert) {
        return false;
    }
    let mates = mates(decision, alert, &platform);
    let group = mates.iter().find_map(|mate| mate.group).and_then(|id| standing(decision, id));
    let (group, joining) = match group {
        Some(group) => (group, Vec::new()),
        None => {
            let single: Vec<Alert> =
                mates.into_iter().filter(|mate| is_within(mate, decision.now, WITHIN_MS)).collect();
            if single.len() < SINGLE {
                return false;
            }
            (begun(decision, alert, platform), single)
        }
    };
    alert.group = Some(group.id);
    let joined: Vec<Alert> = joining.into_iter().map(|mate| Alert { group: Some(group.id), ..mate }).collect();
    let is_new = group.members == 0;
    let members = group.members + 1 + joined.len() as u64;
    joined.iter().for_each(|mate| replace(decision, mate.clone()));
    let why = why(decision, alert, group.id, members);
    let group = Alert { members, why, ..group };
    match is_new {
        true => group_notices::opened(decision, &group, &[joined, vec![alert.clone()]].concat()),
        false => group_notices::joined(decision, &group, alert),
    }
    replace(decision, group);
    true
}

/// Whether an alert is about a move of one account.
pub fn is_move(alert: &Alert) -> bool {
    alert.explained.from_at.is_some() && alert.about.connection().is_some()
}

/// Resolves the group of an alert that is resolved now, when it was the last of its members.
pub fn leave(decision: &mut Decision<'_>, alert: &Alert) {
    let Some(id) = alert.group else { return };
    let is_resolved = |number: u64| {
        decision.commit.alerting.alerts.iter().any(|it| it.number == number && it.state == AlertState::Resolved)
    };
    let live = decision.roster.alerts.values().rev().any(|it| it.group == Some(id) && !is_resolved(it.number));
    if live {
        return;
    }
    if let Some(group) = standing(decision, id) {
        replace(decision, resolved(&group, decision.now));
    }
}

/// The alerts of the same rule and platform of the last hour, newest first.
fn mates(decision: &Decision<'_>, alert: &Alert, platform: &str) -> Vec<Alert> {
    let is_mate = |it: &&Alert| {
        matches!(&it.about, About::Connection { platform: of, .. } if of == platform)
            && it.rule == alert.rule
            && it.number != alert.number
            && it.state != AlertState::Resolved
            && !it.silenced
            && !silences::cover(decision, it)
    };
    let now = decision.now;
    let known = decision.roster.alerts.values().rev().take_while(|it| is_within(it, now, GROWS_MS));
    let pending = decision.commit.alerting.alerts.iter().rev();
    let mut mates: Vec<Alert> = pending.chain(known).filter(is_mate).take(SINGLE + 1).cloned().collect();
    mates.dedup_by_key(|it| it.number);
    mates
}

fn is_within(alert: &Alert, now: Timestamp, ms: i64) -> bool {
    now.since(alert.opened_at) <= ms
}

/// A group as it is by now; `None` once it is resolved.
fn standing(decision: &Decision<'_>, id: AlertId) -> Option<Alert> {
    let pending = decision.commit.alerting.alerts.iter().rev().find(|it| it.id == id);
    let group = pending.or_else(|| decision.roster.alert(id))?;
    (group.state != AlertState::Resolved).then(|| group.clone())
}

/// A group that begins with an alert; it has no members yet.
fn begun(decision: &mut Decision<'_>, alert: &Alert, platform: String) -> Alert {
    Alert {
        number: alert.number + 1,
        id: decision.fresh_id(),
        about: About::Platform(platform),
        from: None,
        to: None,
        explained: Explained { window: alert.explained.window, ..Explained::default() },
        members: 0,
        ..alert.clone()
    }
}

/// Puts an alert into the commit, in place of what is in it already.
fn replace(decision: &mut Decision<'_>, alert: Alert) {
    let alerts = &mut decision.commit.alerting.alerts;
    match alerts.iter_mut().find(|it| it.number == alert.number) {
        Some(known) => *known = alert,
        None => alerts.push(alert),
    }
}

/// `42 accounts moved together: followers, −2.1 % in the middle`.
fn why(decision: &Decision<'_>, newest: &Alert, group: AlertId, members: u64) -> String {
    let pending = decision.commit.alerting.alerts.iter().rev();
    let known = pending.chain(decision.roster.alerts.values().rev());
    let of_group = known.filter(|it| it.group == Some(group)).chain([newest]);
    let change = |it: &Alert| relative(it.from?, it.to?).and_then(Ratio::from_f64);
    let mut changes: Vec<Ratio> = of_group.filter_map(change).take(MEASURED).collect();
    let middle = changes.len() / 2;
    let metric = newest.metric.map_or("a number", |metric| metric.label());
    let moved = match changes.is_empty() {
        true => String::new(),
        false => format!(", {} in the middle", signed_percent(changes.select_nth_unstable(middle).1.as_f64())),
    };
    format!("{members} accounts moved together: {metric}{moved}")
}
