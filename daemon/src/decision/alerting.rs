//! Opens and resolves alerts.

use roster_protocol::alert::{About, AlertState};
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::metric::{Metric, Ratio};
use roster_protocol::notice;
use roster_protocol::rule::{Happening, Rule, Scope, Test};
use roster_protocol::time::Timestamp;

use super::{Decision, deliveries, grouping, silences};
use crate::alerts::change::Difference;
use crate::alerts::evaluate::{self, Opening, Steps};
use crate::alerts::explain;
use crate::alerts::measured::{Found, Measured};
use crate::alerts::path::Point;
use crate::model::{Alert, AlertsSince, Connection};
use crate::roster::Roster;
use crate::roster::baseline::mark_of;
use crate::roster::rows::{self, Seen};
use crate::roster::standing::needs_person;
use crate::schedule::lane;

/// How many accounts are looked at for what others did that day.
const PEERS_SEEN: usize = 2_000;
/// How many of them are enough.
const PEERS: usize = 200;
/// Fewer say nothing.
const FEWEST_PEERS: usize = 5;

/// Opens and resolves the alerts that follow from what a run measured; `connection` is the one before.
pub fn after_numbers(decision: &mut Decision<'_>, connection: &Connection, snapshot: &Snapshot) {
    if snapshot.source == Source::Import {
        return;
    }
    let (roster, since) = (decision.roster, since(decision));
    let is_redefined = connection.latest.as_ref().is_some_and(|latest| latest.definition != snapshot.definition);
    for metric in roster.rules.metrics().filter(|metric| !snapshot.by_hand.contains(*metric)) {
        let Some(value) = metric.of(&snapshot.numbers) else { continue };
        if !is_redefined || metric == Metric::Followers {
            follow(decision, connection, snapshot, (metric, value), since);
        }
    }
}

/// Since when moves are alerted about: from the first run with rules on. One that is later than now was taken from a
/// clock that was wrong.
fn since(decision: &mut Decision<'_>) -> Timestamp {
    let known = decision.roster.alerts_since.filter(|AlertsSince(since)| *since <= decision.now);
    let AlertsSince(since) = known.unwrap_or_else(|| *decision.commit.alerting.since.insert(AlertsSince(decision.now)));
    since
}

fn follow(
    decision: &mut Decision<'_>,
    connection: &Connection,
    snapshot: &Snapshot,
    (metric, value): (Metric, f64),
    since: Timestamp,
) {
    let (roster, now) = (decision.roster, Point { at: decision.now, value });
    let line = roster.baselines.get(&connection.id).and_then(|baseline| baseline.of(metric));
    let step = if metric == Metric::Followers { snapshot.followers_step } else { None };
    let measured = Measured {
        metric,
        now,
        step: step.map(|step| step as f64),
        points: line.map(|line| line.path.points()).unwrap_or_default(),
        since,
        marks: line.map(|line| line.marks.as_slice()).unwrap_or_default(),
    };
    let rules = roster.rules.about(metric).filter(|rule| is_about(&rule.only, roster, connection));
    let found = measured.found(rules);
    let standing: Vec<&Alert> =
        roster.alerts_of(connection.id).into_iter().filter(|alert| alert.metric == Some(metric)).collect();
    let mut steps = Steps::default();
    for alert in standing {
        let ended = over(alert, value, &found, decision);
        steps.resolve.extend(ended);
    }
    for found in &found {
        let peers = peers(roster, connection);
        steps.open.push(Opening {
            rule: found.rule.name.clone(),
            severity: found.rule.severity,
            about: Some(Difference { metric, from: Some(found.from.value), to: Some(found.to.value) }),
            explained: explain::explained(found, step, peers),
            why: explain::why(metric, found),
        });
    }
    take(decision, connection, steps);
}

/// An alert about a move or a level as it is once it is over: a move taken back, either followed by a newer one of the same
/// direction, or seen and out of its window. `None` while it is not.
fn over(alert: &Alert, value: f64, newer: &[Found<'_>], decision: &Decision<'_>) -> Option<Alert> {
    let mark = mark_of(alert)?.1;
    if !mark.is_crossing && mark.is_taken_back_by(value) {
        let metric = alert.metric?;
        let back = notice::value(metric, value);
        let why = format!("{}; taken back: {back} now", alert.why);
        return Some(Alert { why, ..evaluate::resolved(alert, decision.now) });
    }
    let is_newer = |found: &Found<'_>| {
        found.level.is_some() == mark.is_crossing && (found.to.value < found.from.value) == mark.is_fall()
    };
    if newer.iter().any(is_newer) {
        return Some(evaluate::resolved(alert, decision.now));
    }
    let window_s = alert.explained.window.map_or(24 * 3600, |window| window.seconds());
    let is_past = decision.now >= alert.opened_at.plus_seconds(window_s);
    (alert.state == AlertState::Acknowledged && is_past).then(|| evaluate::resolved(alert, decision.now))
}

/// Whether a rule is about a connection.
pub fn is_about(only: &Scope, roster: &Roster, connection: &Connection) -> bool {
    let influencer = || roster.influencers.get(&connection.influencer);
    let has_tag = || influencer().is_some_and(|one| one.tags.iter().any(|tag| only.tags.contains(tag)));
    let followers = connection.latest.as_ref().and_then(|latest| latest.numbers.followers);
    (only.platforms.is_empty() || only.platforms.contains(&connection.platform))
        && (only.influencers.is_empty() || only.influencers.contains(&connection.influencer))
        && (only.tags.is_empty() || has_tag())
        && only.followers_min.is_none_or(|least| followers.is_some_and(|followers| followers >= least))
        && only.followers_max.is_none_or(|most| followers.is_some_and(|followers| followers <= most))
}

/// The enabled rule about something that happens to a connection, the gravest that is about it.
pub fn rule_on<'a>(roster: &'a Roster, event: Happening, connection: &Connection) -> Option<&'a Rule> {
    roster.rules.on(event).filter(|rule| is_about(&rule.only, roster, connection)).max_by_key(|rule| rule.severity)
}

/// The same of something that happens to a platform; `None` for the daemon itself.
pub fn rule_on_platform<'a>(roster: &'a Roster, event: Happening, platform: Option<&str>) -> Option<&'a Rule> {
    let slug = platform.map(lane::platform_of);
    let is_about = |rule: &&Rule| {
        rule.only.platforms.is_empty() || slug.is_some_and(|slug| rule.only.platforms.iter().any(|it| it == slug))
    };
    roster.rules.on(event).filter(is_about).max_by_key(|rule| rule.severity)
}

/// The rule that a connection is stale by, and why: it was not synced for several intervals, through no fault but its own.
pub fn stale<'a>(decision: &Decision<'a>, connection: &Connection) -> Option<(&'a Rule, String)> {
    let (roster, now) = (decision.roster, decision.now);
    let interval = roster.pace_of(connection).interval(decision.grid.interval);
    let is_blocked = rows::standing(roster, connection, Seen { now, interval }).blocked_by.is_some();
    if is_blocked || needs_person(connection) {
        return None;
    }
    let rule = rule_on(roster, Happening::Stale, connection)?;
    let Test::Happened { intervals, .. } = rule.test else { return None };
    // One that was never read has no numbers that could be stale.
    let since = connection.last_synced_at?;
    if now.since(since) <= interval.millis().saturating_mul(i64::from(intervals)) {
        return None;
    }
    let error = connection.trouble.as_ref().map(|trouble| format!(": {}", trouble.message)).unwrap_or_default();
    Some((rule, format!("not synced for more than {intervals} intervals, since {since}{error}")))
}

/// The median change of a day of other accounts of the platform, of about the same size.
fn peers(roster: &Roster, connection: &Connection) -> Option<Ratio> {
    let followers = |one: &Connection| one.latest.as_ref().and_then(|latest| latest.numbers.followers);
    let own = followers(connection)?.max(1);
    let is_peer = |one: &&Connection| {
        let size = followers(one).unwrap_or_default();
        one.id != connection.id && one.platform == connection.platform && (own / 10..=own * 10).contains(&size)
    };
    let growth = |one: &Connection| roster.recent.get(&one.id)?.growth(1);
    let seen = roster.connections.values().take(PEERS_SEEN).filter(is_peer);
    let mut changes: Vec<Ratio> = seen.filter_map(growth).take(PEERS).collect();
    let middle = changes.len() / 2;
    (changes.len() >= FEWEST_PEERS).then(|| *changes.select_nth_unstable(middle).1)
}

/// Opens and resolves alerts of a connection.
pub fn take(decision: &mut Decision<'_>, connection: &Connection, steps: Steps) {
    let about = About::Connection {
        connection: connection.id,
        influencer: connection.influencer,
        platform: connection.platform.clone(),
    };
    take_about(decision, &about, steps);
}

/// Opens alerts about something, and resolves alerts.
pub fn take_about(decision: &mut Decision<'_>, about: &About, steps: Steps) {
    for alert in steps.resolve {
        decision.commit.alerting.alerts.push(alert.clone());
        grouping::leave(decision, &alert);
    }
    for opening in steps.open {
        let opened = decision.commit.alerting.alerts.iter().map(|alert| alert.number);
        let number = opened.max().unwrap_or_default().max(decision.roster.last_alert) + 1;
        let mut alert = evaluate::opened(opening, number, decision.fresh_id(), about.clone(), decision.now);
        alert.silenced = silences::cover(decision, &alert);
        if !alert.silenced && !grouping::join(decision, &mut alert) {
            deliveries::queue(decision, &alert);
        }
        decision.commit.alerting.alerts.push(alert);
    }
}
