//! Silences that users make and end.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::SilenceId;
use roster_protocol::silence::{NewSilence, Silence};

use crate::app::App;
use crate::decision::silences;

/// Makes a silence.
///
/// # Errors
/// What makes no silence; when it cannot be stored.
pub async fn add(app: &App, who: Who, new: NewSilence) -> Result<SilenceId, RosterError> {
    app.decide(move |decision| silences::add(decision, &who, &new)).await
}

/// Ends a silence before its time, and returns what it was.
///
/// # Errors
/// None of that id; when it cannot be stored.
pub async fn end(app: &App, who: Who, id: String) -> Result<Silence, RosterError> {
    app.decide(move |decision| silences::end(decision, &who, &id)).await
}
