//! A number that a user knows from elsewhere.

use roster_protocol::audit::Who;
use roster_protocol::connection::{Record, Recorded};
use roster_protocol::error::RosterError;

use crate::app::{App, read_error};
use crate::decision::record::{self, Given};
use crate::decision::run::listed;
use crate::roster::resolve;
use crate::store::SnapshotOn;

/// Stores what a user recorded of a day. A number that the API measured is replaced only on request.
///
/// # Errors
/// No such connection, no number, a day to come, or a number that the API measured.
pub async fn record(app: &App, who: Who, named: String, record: Record) -> Result<Recorded, RosterError> {
    let grid = app.setup().config.sync.grid.clone();
    let now = app.clock.now();
    let date = grid.day(record.day, now);
    record::check(date, &record.numbers, grid.date_of(now))?;
    let connection = app.look(|roster| resolve::connection(roster, &named).cloned())?;
    let stored = app.store.read(SnapshotOn { connection: connection.id, date }).await;
    let stored = stored.map_err(|error| read_error(&error))?;
    let measured = record::measured(&connection, stored.as_ref(), &record.numbers);
    if let (Some(stored), false, false) = (&stored, measured.is_empty(), record.replace) {
        let measured = listed(&measured, &stored.numbers);
        return Err(RosterError::conflict(format!("{date} was measured already: {measured}"))
            .hint("--replace puts your numbers in their place; the day keeps its others, and the audit log says so"));
    }
    let given = Given { numbers: record.numbers, keep: record.keep };
    app.decide(|decision| record::record(decision, &who, connection.id, date, &given, stored.as_ref())).await
}
