//! A number that a user knows from elsewhere.

use roster_protocol::alert::ChangeCause;
use roster_protocol::audit::Who;
use roster_protocol::connection::{ByHand, Recorded, Snapshot, Source};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::{Metric, Numbers};
use roster_protocol::time::Date;

use super::audit::{audit, connection_named};
use super::run::listed;
use super::{Decision, run};
use crate::model::{Connection, HandDay};

/// What a user records, checked.
#[derive(Clone, Debug)]
pub struct Given {
    pub numbers: Numbers,
    /// Whether later syncs of the day leave them.
    pub keep: bool,
}

/// The first day a number can be of: there were no such platforms before.
const EARLIEST: Date = Date(12_784); // 2005-01-01

/// Refuses a record without numbers, or of a day that has none.
///
/// # Errors
/// No number, or a day to come or before all platforms.
pub fn check(date: Date, numbers: &Numbers, today: Date) -> Result<(), RosterError> {
    if *numbers == Numbers::default() {
        return Err(RosterError::usage("no number is given").hint("add at least one, such as --followers 12345"));
    }
    match (EARLIEST..=today).contains(&date) {
        true => Ok(()),
        false => Err(RosterError::usage(format!("{date} is not between {EARLIEST} and today, {today}"))),
    }
}

/// The given numbers of a day that were measured, in their order.
pub fn measured(connection: &Connection, stored: Option<&Snapshot>, given: &Numbers) -> Vec<Metric> {
    let Some(stored) = stored else { return Vec::new() };
    let recorded = recorded_before(connection, stored);
    let is_measured = |metric: &Metric| {
        !recorded.contains(metric) && given.get(*metric).is_some() && stored.numbers.get(*metric).is_some()
    };
    Metric::ALL.into_iter().filter(is_measured).collect()
}

/// Which numbers of a stored day a user recorded. Of a day from before the days said so, which is not the newest, it may
/// be any.
fn recorded_before(connection: &Connection, stored: &Snapshot) -> Vec<Metric> {
    let newest = connection.by_hand_on(stored.date);
    match (newest, stored.by_hand.is_empty()) {
        ([], true) if stored.source == Source::Api => Vec::new(),
        ([], true) => Metric::ALL.into_iter().filter(|metric| stored.numbers.get(*metric).is_some()).collect(),
        ([], false) => stored.by_hand.iter().collect(),
        (newest, _) => newest.iter().map(|number| number.metric).collect(),
    }
}

/// Stores what a user recorded of a day; `stored`, what is known of it already, keeps its other numbers.
///
/// # Errors
/// The connection was removed.
pub fn record(
    decision: &mut Decision<'_>,
    who: &Who,
    connection: ConnectionId,
    date: Date,
    given: &Given,
    stored: Option<&Snapshot>,
) -> Result<Recorded, RosterError> {
    let connection = decision.roster.connections.get(&connection);
    let connection = connection.ok_or_else(|| RosterError::not_found("the connection was removed meanwhile"))?;
    let mut numbers = given.numbers.clone();
    let step = stored.filter(|_| numbers.followers.is_none()).and_then(|stored| stored.followers_step);
    stored.iter().for_each(|stored| numbers.fill(&stored.numbers));
    let metrics: Vec<Metric> = Metric::ALL.into_iter().filter(|metric| given.numbers.get(*metric).is_some()).collect();
    let before = stored.into_iter().flat_map(|stored| recorded_before(connection, stored));
    let snapshot = Snapshot {
        date,
        observed_at: decision.now.whole_seconds(),
        source: Source::Manual,
        followers_step: step,
        definition: stored.map_or(0, |stored| stored.definition),
        read_with: stored.and_then(|stored| stored.read_with),
        by_hand: before.chain(metrics.iter().copied()).collect(),
        numbers,
    };
    let mut line = audit(decision, who, "snapshot.record", connection_named(connection));
    line.old = stored.map(|stored| listed(&metrics, &stored.numbers)).filter(|old| !old.is_empty());
    let kept = if given.keep { " (kept)" } else { "" };
    line.new = Some(format!("{date}: {}{kept}", listed(&metrics, &given.numbers)));
    decision.log(line);
    let is_newest = connection.latest.as_ref().is_none_or(|latest| latest.date <= date);
    let by_hand =
        if is_newest { Some(hand_day(connection, date, &metrics, given.keep)) } else { connection.by_hand.clone() };
    run::learn(decision, Connection { by_hand, ..connection.clone() }, snapshot.clone(), ChangeCause::Manual);
    Ok(Recorded { snapshot, kept: given.keep || date < decision.grid.date_of(decision.now) })
}

/// What is by hand on a day once these metrics are recorded.
fn hand_day(connection: &Connection, date: Date, metrics: &[Metric], keep: bool) -> HandDay {
    let before = connection.by_hand_on(date).iter().filter(|number| !metrics.contains(&number.metric)).copied();
    let now = metrics.iter().map(|metric| ByHand { metric: *metric, kept: keep });
    let mut numbers: Vec<ByHand> = before.chain(now).collect();
    numbers.sort_by_key(|number| number.metric);
    HandDay { date, numbers }
}
