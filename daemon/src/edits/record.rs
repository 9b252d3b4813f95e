//! A number that a person knows from elsewhere.

use roster_protocol::alert::ChangeCause;
use roster_protocol::audit::Who;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::error::RosterError;
use roster_protocol::metric::{Metric, Numbers};
use roster_protocol::time::Date;

use crate::app::{App, read_error};
use crate::decision::audit::{audit, connection_named};
use crate::decision::run;
use crate::roster::resolve;
use crate::store::SnapshotOn;

/// The first day a number can be of: there were no such platforms before.
const EARLIEST: Date = Date(12_784); // 2005-01-01

/// Stores a manual snapshot. What the API measured on that day is replaced only when told so.
///
/// # Errors
/// No such connection, nothing told, a day to come, or a day that the API measured.
pub async fn record(
    app: &App,
    who: Who,
    named: String,
    date: Date,
    numbers: Numbers,
    replace: bool,
) -> Result<Snapshot, RosterError> {
    if numbers == Numbers::default() {
        return Err(RosterError::usage("no number is told").hint("add at least one, such as --followers 12345"));
    }
    let today = app.setup().config.sync.grid.date_of(app.clock.now());
    if date > today || date < EARLIEST {
        return Err(RosterError::usage(format!("{date} is not between {EARLIEST} and today, {today}")));
    }
    let connection = app.look(|roster| resolve::connection(roster, &named).cloned())?;
    let stored = app.store.read(SnapshotOn { connection: connection.id, date }).await;
    let stored = stored.map_err(|error| read_error(&error))?;
    let measured = stored.filter(|stored| stored.source == Source::Api);
    if let (Some(measured), false) = (&measured, replace) {
        let followers = measured.numbers.followers.map_or("no followers".to_owned(), |n| format!("{n} followers"));
        return Err(RosterError::conflict(format!("{date} was measured already: {followers}"))
            .hint("--replace puts your number in its place, and the audit log says so"));
    }
    app.decide(move |decision| {
        let connection = decision.roster.connections.get(&connection.id);
        let connection = connection.ok_or_else(|| RosterError::not_found("the connection was removed meanwhile"))?;
        let snapshot = Snapshot {
            date,
            observed_at: decision.now.whole_seconds(),
            source: Source::Manual,
            followers_step: None,
            definition: 0,
            numbers,
        };
        let mut line = audit(decision, &who, "snapshot.record", connection_named(connection));
        line.old = measured.as_ref().map(|measured| told(&measured.numbers));
        line.new = Some(format!("{date}: {}", told(&snapshot.numbers)));
        decision.log(line);
        run::learn(decision, connection.clone(), snapshot.clone(), ChangeCause::Manual);
        Ok(snapshot)
    })
    .await
}

fn told(numbers: &Numbers) -> String {
    let each = Metric::ALL.iter().filter_map(|metric| Some(format!("{metric} {}", metric.of(numbers)?)));
    each.collect::<Vec<_>>().join(", ")
}
