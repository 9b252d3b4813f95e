//! Alerts that a user has seen, and who takes care of them.

use roster_protocol::audit::Who;
use roster_protocol::error::RosterError;
use roster_protocol::ids::AlertId;

use crate::app::App;
use crate::decision::{acknowledge, reading};

/// Acknowledges those that are open, and notes something on them and on those that are acknowledged already; the others
/// stay as they are.
///
/// # Errors
/// A note that cannot be stored; when nothing can be.
pub async fn acknowledge(app: &App, who: Who, alerts: Vec<AlertId>, note: Option<String>) -> Result<(), RosterError> {
    app.decide(move |decision| acknowledge::acknowledge(decision, &who, &alerts, note.as_deref())).await
}

/// Records that a user has read these alerts; `None`: all there are.
///
/// # Errors
/// When it cannot be stored.
pub async fn read(app: &App, who: Who, alerts: Option<Vec<AlertId>>) -> Result<(), RosterError> {
    let decide = app.decide(move |decision| {
        reading::read(decision, &who, alerts.as_deref());
        Ok(())
    });
    decide.await
}

/// Says which user takes care of an alert; `None`: no user does.
///
/// # Errors
/// What is no user's name; an alert that is resolved; when it cannot be stored.
pub async fn assign(app: &App, who: Who, alert: AlertId, user: Option<String>) -> Result<(), RosterError> {
    app.decide(move |decision| acknowledge::assign(decision, &who, alert, user.as_deref())).await
}
