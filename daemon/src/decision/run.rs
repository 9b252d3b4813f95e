//! What a run's result means: the one [`Commit`](crate::model::Commit) it becomes. Pure.
//!
//! A number a person typed goes the same way, from [`learn`] on.

mod doubt;
mod refusal;

use roster_protocol::alert::ChangeCause;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::ids::RunId;
use roster_protocol::metric::{Metric, MetricSet, Numbers, Unit};
use roster_protocol::rule::Happening;
use roster_protocol::sync::{Cause, Outcome};
use roster_protocol::time::Timestamp;

pub use self::doubt::is_doubtful;
use self::doubt::unmasked;
use super::Decision;
use super::audit::{connection_named, own};
use super::slots::{self, Why};
use super::{alerting, reported};
use crate::alerts::change::{self, Difference};
use crate::alerts::{evaluate, profile};
use crate::model::{Absence, AuditLine, Change, Connection, HandDay, Hold, Run, Trouble, TroubleKind};
use crate::platforms::{Limit, Observation, PlatformError};
use crate::roster::{Roster, standing};
use crate::schedule::back_off;

/// A run with a result.
#[derive(Clone, Debug)]
pub struct Ended {
    pub cause: Cause,
    pub started_at: Timestamp,
    pub result: Result<Observation, PlatformError>,
}

const ONE_DAY: i64 = 24 * 3600;
/// The longest wait that is believed: a day's quota on the one day that has 25 hours.
pub const LONGEST_WAIT_S: u64 = 25 * 3600;
/// How long a limit lasts when the platform does not say.
const DEFAULT_WAIT_S: i64 = 300;

/// Decides what one run of a connection becomes. It stands for the last slot that passed; those missed before it are
/// accounted for.
pub fn run_ended(decision: &mut Decision<'_>, connection: &Connection, ended: Ended) {
    let grid = decision.grid;
    // In lists the run is above what was missed before it.
    let noted_at = Timestamp(ended.started_at.0.saturating_sub(1));
    let passed = slots::passed(decision, grid, connection, Why::Found, noted_at);
    let later = passed.as_ref().map(|passed| Connection {
        slot_at: passed.last,
        next_due_at: connection.next_due_at.max(passed.last),
        ..connection.clone()
    });
    let connection = later.as_ref().unwrap_or(connection);
    let result = ended.result.and_then(|observation| is_same_account(decision.roster, connection, observation));
    let result = result.map_err(|error| refusal::of_now(decision.roster, connection, ended.started_at, error));
    let mut run = Run {
        id: decision.fresh_id(),
        connection: connection.id,
        influencer: connection.influencer,
        platform: connection.platform.clone(),
        due_at: connection.next_due_at,
        slot_at: connection.slot_at.min(connection.next_due_at),
        missed: 0,
        started_at: ended.started_at,
        duration_ms: decision.now.since(ended.started_at).max(0) as u64,
        outcome: Outcome::Ok,
        cause: ended.cause,
        is_retry: ended.cause != Cause::Person && passed.is_none() && connection.slot_at < connection.next_due_at,
        followers: None,
        error: None,
        retry_at: None,
    };
    match result {
        Ok(observation) => observed(decision, connection, observation, &mut run),
        Err(error) => failed(decision, connection, &error, &mut run),
    }
    decision.commit.sync.runs.push(run);
    decision.commit.sync.runs.extend(passed.into_iter().flat_map(|passed| passed.missed));
}

/// When a run ended as far as slots are concerned: a batch that had room took it a little before its slot, which is done.
fn done_up_to(decision: &Decision<'_>, connection: &Connection) -> Timestamp {
    let is_slot = connection.next_due_at == connection.slot_at;
    if is_slot { decision.now.max(connection.slot_at) } else { decision.now }
}

/// Refuses a response about another account than the one that was connected.
fn is_same_account(
    roster: &Roster,
    connection: &Connection,
    observation: Observation,
) -> Result<Observation, PlatformError> {
    let gone = |what: String| Err(PlatformError::AccountGone { what });
    let other = roster.account(&connection.platform, &observation.handle, Some(&observation.platform_user_id));
    match (&connection.platform_user_id, other) {
        (Some(known), _)
            if *known != observation.platform_user_id && observation.former_user_id.as_ref() != Some(known) =>
        {
            let (platform, handle) = (&connection.platform, &connection.handle);
            gone(format!(
                "{handle} belongs to another account now: `roster set {platform}:{handle} handle {handle} --yes` goes on \
                 with it, another handle instead finds the old one"
            ))
        }
        (_, Some(other))
            if other.id != connection.id && other.platform_user_id.as_ref() == Some(&observation.platform_user_id) =>
        {
            let (one, other) = (connection.id, other.id);
            gone(format!("it is the same account as connection {other}: `roster disconnect {one}` ends this one"))
        }
        _ => Ok(observation),
    }
}

fn observed(decision: &mut Decision<'_>, connection: &Connection, mut observation: Observation, run: &mut Run) {
    let (days, audience) = (observation.days.take(), observation.audience.take());
    let read_until = reported::take(decision, connection, days, audience);
    let observation = unmasked(connection, observation);
    let absent = absent(connection, &observation, decision.now);
    let date = decision.grid.date_of(decision.now);
    let mut snapshot = Snapshot {
        date,
        observed_at: decision.now.whole_seconds(),
        source: Source::Api,
        followers_step: observation.followers_step,
        definition: observation.definition,
        read_with: Some(observation.read_with),
        by_hand: MetricSet::default(),
        numbers: observation.numbers,
    };
    let missing = observation.missing.join("; ");
    if !missing.is_empty() {
        run.outcome = Outcome::Partial;
        run.error = Some(missing.clone());
        // What could not be requested this time keeps what the same day reported before.
        let earlier = connection.latest.as_ref().filter(|latest| latest.date == date && latest.source == Source::Api);
        if let Some(earlier) = earlier {
            snapshot.numbers.fill(&earlier.numbers);
            // What a consent gave ends with it, whatever else is of that day.
            snapshot.read_with = snapshot.read_with.max(earlier.read_with);
        }
    }
    run.followers = snapshot.numbers.followers;
    let by_hand = hold_recorded(decision, connection, &mut snapshot);
    if observation.handle != connection.handle {
        decision.log(audit(decision, connection, "connection.renamed", &connection.handle, &observation.handle));
    }
    if let Some(former) = connection.platform_user_id.as_ref().filter(|id| **id != observation.platform_user_id) {
        decision.log(audit(decision, connection, "connection.moved", former, &observation.platform_user_id));
    }
    // Its consent may have ended while it ran: another run says so, before its slot.
    let has_lost_consent = decision.roster.consents.grant_of(connection.id).is_some_and(|grant| !grant.is_live());
    let pace = decision.roster.pace_of(connection);
    let slot = decision.grid.next(connection.id, pace, done_up_to(decision, connection));
    let partial = |message| Trouble {
        kind: TroubleKind::Partial,
        message,
        since: since(connection, decision),
        retry_at: None,
        moved_to: None,
    };
    let synced = Connection {
        handle: observation.handle,
        platform_user_id: Some(observation.platform_user_id),
        next_due_at: if has_lost_consent { decision.now } else { slot },
        slot_at: slot,
        last_synced_at: Some(decision.now),
        failures: 0,
        trouble: (!missing.is_empty()).then(|| partial(missing)),
        by_hand,
        absent,
        read_until,
        ..connection.clone()
    };
    let (roster, now) = (decision.roster, decision.now);
    let steps = evaluate::after_run(&roster.rules, &roster.alerts_of(connection.id), now);
    alerting::take(decision, connection, steps);
    learn(decision, synced, snapshot, ChangeCause::Sync);
}

/// The metrics that the platform reported before and does not report any more. What could not be requested this time says
/// nothing of them, unless the platform refused the metric itself.
fn absent(connection: &Connection, observation: &Observation, now: Timestamp) -> Vec<Absence> {
    let latest = connection.latest.as_ref();
    let was_measured = |metric: Metric| {
        let by_hand = latest.map(|latest| connection.by_hand_on(latest.date)).unwrap_or_default();
        latest.is_some_and(|latest| latest.numbers.get(metric).is_some())
            && !by_hand.iter().any(|it| it.metric == metric)
    };
    let is_gone = |metric: Metric| observation.missing.is_empty() || observation.refused.contains(&metric);
    let missing = Metric::ALL.into_iter().filter(|metric| observation.numbers.get(*metric).is_none());
    let absence = |metric: Metric| {
        let known = connection.absent.iter().find(|known| known.metric == metric).copied();
        known.or_else(|| (was_measured(metric) && is_gone(metric)).then_some(Absence { metric, since: now }))
    };
    missing.filter_map(absence).collect()
}

/// Puts what a user recorded of the same day into a measured snapshot: numbers that are kept, and those that were not
/// measured. A recorded number that gives way to a measured one is in the audit log. Returns which are by hand from now
/// on.
fn hold_recorded(decision: &mut Decision<'_>, connection: &Connection, snapshot: &mut Snapshot) -> Option<HandDay> {
    let day = connection.by_hand.as_ref().filter(|day| day.date == snapshot.date)?;
    let recorded = connection.latest.as_ref().filter(|latest| latest.date == snapshot.date)?;
    let (mut left, mut gave_way) = (Vec::new(), Vec::new());
    for number in &day.numbers {
        let measured = snapshot.numbers.get(number.metric);
        if number.kept || measured.is_none() {
            snapshot.numbers.set(number.metric, recorded.numbers.get(number.metric));
            left.push(*number);
        } else if measured != recorded.numbers.get(number.metric) {
            gave_way.push(number.metric);
        }
    }
    snapshot.numbers.top_age_range = snapshot.numbers.top_age_range.or(recorded.numbers.top_age_range);
    if left.iter().any(|number| number.metric == Metric::Followers) {
        snapshot.followers_step = None;
    }
    if !gave_way.is_empty() {
        let (old, new) = (listed(&gave_way, &recorded.numbers), listed(&gave_way, &snapshot.numbers));
        let date = snapshot.date;
        let line =
            audit(decision, connection, "snapshot.measured", &format!("{date}: {old}"), &format!("{date}: {new}"));
        decision.log(line);
    }
    if left.is_empty() {
        return None;
    }
    snapshot.source = Source::Manual;
    snapshot.by_hand = left.iter().map(|number| number.metric).collect();
    Some(HandDay { date: snapshot.date, numbers: left })
}

/// Some of a snapshot's numbers, as the audit log has them.
pub fn listed(metrics: &[Metric], numbers: &Numbers) -> String {
    let each = metrics.iter().filter_map(|metric| Some(format!("{metric} {}", metric.of(numbers)?)));
    each.collect::<Vec<_>>().join(", ")
}

/// Stores a snapshot with all that follows from it: changes, profile numbers, alerts, the log.
/// A snapshot of an earlier day than the newest one is history, and nothing follows from it. One of a day that is
/// still to come does not count as the newest: the clock was wrong when it was made.
pub fn learn(decision: &mut Decision<'_>, mut connection: Connection, snapshot: Snapshot, cause: ChangeCause) {
    connection.first_day = Some(connection.first_day.map_or(snapshot.date, |first| first.min(snapshot.date)));
    let today = decision.grid.date_of(decision.now);
    if connection.latest.as_ref().is_none_or(|latest| latest.date <= snapshot.date || latest.date > today) {
        let differences = change::between(connection.latest.as_ref(), &snapshot);
        let (profile, moves) = profile::follow(connection.profile.as_ref(), &snapshot, decision.significant);
        log_profile(decision, &connection, &moves, cause);
        log_changes(decision, &connection, &differences, &moves, cause);
        if cause == ChangeCause::Sync {
            alerting::after_numbers(decision, &connection, &snapshot);
        }
        connection.profile = profile;
        connection.latest = Some(snapshot.clone());
    }
    decision.commit.sync.snapshots.push((connection.id, snapshot));
    decision.commit.roster.connections.push(connection);
}

/// Every measured step, from what was measured before: the list adds up. A step is significant when the profile number
/// followed; what the profile number was is in the audit log.
fn log_changes(
    decision: &mut Decision<'_>,
    connection: &Connection,
    differences: &[Difference],
    moves: &[Difference],
    cause: ChangeCause,
) {
    let followed = |metric: Metric| moves.iter().any(|moved| moved.metric == metric && moved.from.is_some());
    for difference in differences {
        decision.commit.sync.changes.push(Change {
            at: decision.now,
            influencer: connection.influencer,
            connection: connection.id,
            platform: connection.platform.clone(),
            metric: difference.metric,
            from: difference.from,
            to: difference.to,
            cause,
            significant: followed(difference.metric),
        });
    }
}

fn log_profile(decision: &mut Decision<'_>, connection: &Connection, moves: &[Difference], cause: ChangeCause) {
    for moved in moves {
        let value = |value: f64| match moved.metric.unit() {
            Unit::Ratio => format!("{} {:.2} %", moved.metric, value * 100.0),
            Unit::Count | Unit::Mean => format!("{} {value}", moved.metric),
        };
        let line = own(decision, "profile.update", connection_named(connection), cause.as_str());
        decision.log(AuditLine { old: moved.from.map(value), new: moved.to.map(value), ..line });
    }
}

fn failed(decision: &mut Decision<'_>, connection: &Connection, error: &PlatformError, run: &mut Run) {
    let kind = kind_of(error);
    let counts = !matches!(kind, TroubleKind::RateLimited | TroubleKind::Unconfigured);
    let failures = connection.failures + u32::from(counts);
    let mut due = due_after(decision, connection, error, failures);
    let done = done_up_to(decision, connection);
    if due.is_retry && done > decision.now {
        // A slot that was run early is tried again after its time: before, it would count as another one.
        due.at = due.at.max(done.plus_seconds(1));
    }
    run.outcome = if counts { Outcome::Failed } else { Outcome::Skipped };
    let (message, moved_to) = refusal::in_words(connection, error);
    run.error = Some(message.clone());
    run.retry_at = (kind != TroubleKind::Unconfigured).then_some(due.at);
    if let PlatformError::RateLimited { of: Limit::Lane, .. } = error {
        let lane = decision.roster.lane_of(connection);
        decision.commit.sync.holds.push(Hold { lane, until: due.hold_until, reason: error.to_string() });
    }
    let trouble = Trouble { kind, message, since: since(connection, decision), retry_at: run.retry_at, moved_to };
    let slot_at = match due.is_retry {
        // A run besides the slots, which a user requested, leaves the next one to come.
        true => connection.slot_at.min(done_up_to(decision, connection)),
        false => due.at,
    };
    let failed = Connection { next_due_at: due.at, slot_at, failures, trouble: Some(trouble), ..connection.clone() };
    // One that has never been read waits for its first consent: nothing was lost, so no alert opens.
    let is_new = kind == TroubleKind::Unauthorized && connection.last_synced_at.is_none();
    let why = (standing::needs_person(&failed) && !is_new)
        .then(|| format!("needs a person: {}", run.error.as_deref().unwrap_or_default()));
    let (roster, standing) = (decision.roster, decision.roster.alerts_of(connection.id));
    let waiting = why.and_then(|why| Some((alerting::rule_on(roster, Happening::NeedsPerson, &failed)?, why)));
    let needs_person = evaluate::once(&roster.rules, Happening::NeedsPerson, waiting, &standing);
    let stale = evaluate::once(&roster.rules, Happening::Stale, alerting::stale(decision, &failed), &standing);
    alerting::take(decision, &failed, needs_person);
    alerting::take(decision, &failed, stale);
    decision.commit.roster.connections.push(failed);
}

struct Due {
    at: Timestamp,
    hold_until: Timestamp,
    /// Whether it is another try for the same slot.
    is_retry: bool,
}

/// When a connection is due after a failure.
fn due_after(decision: &mut Decision<'_>, connection: &Connection, error: &PlatformError, failures: u32) -> Due {
    let now = decision.now;
    let grid = decision.grid;
    let pace = decision.roster.pace_of(connection);
    let grid_after = |now| grid.next(connection.id, pace, now);
    let tomorrow = || Due { at: grid_after(now.plus_seconds(ONE_DAY)), hold_until: now, is_retry: true };
    match error {
        PlatformError::Unauthorized { .. } | PlatformError::MissingScope { .. } | PlatformError::Closed { .. } => {
            tomorrow()
        }
        PlatformError::AccountGone { .. } | PlatformError::Moved { .. } if failures > 1 => tomorrow(),
        PlatformError::Unconfigured { .. } => {
            let at = grid_after(done_up_to(decision, connection));
            Due { at, hold_until: at, is_retry: false }
        }
        PlatformError::RateLimited { retry_after, .. } => {
            let reported = retry_after.map_or(DEFAULT_WAIT_S, |wait| wait.as_secs().min(LONGEST_WAIT_S) as i64);
            let hold_until = now.plus_seconds(reported.max(1));
            // The lane's connections come back within a tenth of the wait, not in one second.
            let spread = (reported as f64 / 10.0 * decision.dice.share()) as i64;
            Due { at: hold_until.plus_seconds(spread), hold_until, is_retry: true }
        }
        _ => {
            let at = now.plus_seconds(back_off(failures, decision.dice.share()).0 as i64);
            Due { at, hold_until: at, is_retry: true }
        }
    }
}

fn kind_of(error: &PlatformError) -> TroubleKind {
    match error {
        PlatformError::Unauthorized { .. } => TroubleKind::Unauthorized,
        PlatformError::MissingScope { .. } => TroubleKind::MissingScope,
        PlatformError::RateLimited { .. } => TroubleKind::RateLimited,
        PlatformError::Unavailable { .. } => TroubleKind::Unavailable,
        PlatformError::Network { .. } => TroubleKind::Network,
        PlatformError::AccountGone { .. } | PlatformError::Closed { .. } | PlatformError::Moved { .. } => {
            TroubleKind::AccountGone
        }
        PlatformError::Unconfigured { .. } => TroubleKind::Unconfigured,
        PlatformError::Unexpected { .. } => TroubleKind::Unexpected,
    }
}

/// Since when something is wrong.
fn since(connection: &Connection, decision: &Decision<'_>) -> Timestamp {
    connection.trouble.as_ref().map_or(decision.now, |trouble| trouble.since)
}

fn audit(decision: &Decision<'_>, connection: &Connection, action: &str, old: &str, new: &str) -> AuditLine {
    let line = own(decision, action, connection_named(connection), "sync");
    AuditLine { old: Some(old.to_owned()), new: Some(new.to_owned()), ..line }
}

/// A requested run that is not made, for the answer only: the platform said when to come back, or it is paused.
pub fn skipped(
    id: RunId,
    connection: &Connection,
    (why, retry_at): (String, Option<Timestamp>),
    now: Timestamp,
) -> Run {
    Run {
        id,
        connection: connection.id,
        influencer: connection.influencer,
        platform: connection.platform.clone(),
        due_at: now,
        slot_at: now,
        missed: 0,
        started_at: now,
        duration_ms: 0,
        outcome: Outcome::Skipped,
        cause: Cause::Person,
        is_retry: false,
        followers: None,
        error: Some(why),
        retry_at,
    }
}

#[cfg(test)]
mod tests;
