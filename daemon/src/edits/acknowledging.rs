//! Alerts that a user has seen.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::AlertId;

use crate::app::App;
use crate::decision::acknowledge;

/// Acknowledges those that are open; the others stay as they are.
///
/// # Errors
/// When it cannot be stored.
pub async fn acknowledge(app: &App, who: Who, alerts: Vec<AlertId>) -> Result<(), RosterError> {
    app.decide(move |decision| {
        acknowledge::acknowledge(decision, &who, &alerts);
        Ok(())
    })
    .await
}
