//! A number that a user knows from elsewhere.

use roster_protocol::alert::ChangeCause;
use roster_protocol::audit::Who;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::error::RosterError;
use roster_protocol::ids::ConnectionId;
use roster_protocol::metric::{Metric, Numbers};
use roster_protocol::time::Date;

use super::audit::{audit, connection_named};
use super::{Decision, run};

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

/// Stores a manual snapshot in the place of `measured`, what the API measured on that day.
///
/// # Errors
/// The connection was removed.
pub fn record(
    decision: &mut Decision<'_>,
    who: &Who,
    connection: ConnectionId,
    date: Date,
    numbers: Numbers,
    measured: Option<&Snapshot>,
) -> Result<Snapshot, RosterError> {
    let connection = decision.roster.connections.get(&connection);
    let connection = connection.ok_or_else(|| RosterError::not_found("the connection was removed meanwhile"))?;
    let snapshot = Snapshot {
        date,
        observed_at: decision.now.whole_seconds(),
        source: Source::Manual,
        followers_step: None,
        definition: 0,
        numbers,
    };
    let mut line = audit(decision, who, "snapshot.record", connection_named(connection));
    line.old = measured.map(|measured| listed(&measured.numbers));
    line.new = Some(format!("{date}: {}", listed(&snapshot.numbers)));
    decision.log(line);
    run::learn(decision, connection.clone(), snapshot.clone(), ChangeCause::Manual);
    Ok(snapshot)
}

fn listed(numbers: &Numbers) -> String {
    let each = Metric::ALL.iter().filter_map(|metric| Some(format!("{metric} {}", metric.of(numbers)?)));
    each.collect::<Vec<_>>().join(", ")
}
