//! A number that a user knows from elsewhere.

use roster_protocol::audit::Who;
use roster_protocol::connection::{Snapshot, Source};
use roster_protocol::error::RosterError;
use roster_protocol::metric::Numbers;
use roster_protocol::time::Date;

use crate::app::{App, read_error};
use crate::decision::record;
use crate::roster::resolve;
use crate::store::SnapshotOn;

/// Stores a manual snapshot. What the API measured on that day is replaced only with `replace`.
///
/// # Errors
/// No such connection, no number, a day to come, or a day that the API measured.
pub async fn record(
    app: &App,
    who: Who,
    named: String,
    date: Date,
    numbers: Numbers,
    replace: bool,
) -> Result<Snapshot, RosterError> {
    record::check(date, &numbers, app.setup().config.sync.grid.date_of(app.clock.now()))?;
    let connection = app.look(|roster| resolve::connection(roster, &named).map(|it| it.id))?;
    let stored = app.store.read(SnapshotOn { connection, date }).await;
    let stored = stored.map_err(|error| read_error(&error))?;
    let measured = stored.filter(|stored| stored.source == Source::Api);
    if let (Some(measured), false) = (&measured, replace) {
        let followers = measured.numbers.followers.map_or("no followers".to_owned(), |n| format!("{n} followers"));
        return Err(RosterError::conflict(format!("{date} was measured already: {followers}"))
            .hint("--replace puts your number in its place, and the audit log says so"));
    }
    let measured = measured.as_ref();
    app.decide(|decision| record::record(decision, &who, connection, date, numbers, measured)).await
}
